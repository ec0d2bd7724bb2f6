"""system.toml: defaults, absolute paths, and errors that name the key."""

from __future__ import annotations

import pytest
from emgmm.config import dump_config, load_config
from emgmm.errors import InputError
from fuzzing.guard import bounded

HEAD = '[system]\ntopology = "table.txt"\n'


@pytest.fixture
def write(tmp_path):
    (tmp_path / "table.txt").write_text("|molecule_name|\n")
    (tmp_path / "data.txt").write_text("")
    (tmp_path / "links.csv").write_text("")

    def _write(text):
        path = tmp_path / "system.toml"
        path.write_text(text)
        return path

    return _write


def test_defaults_and_absolute_paths(write, tmp_path):
    config = load_config(
        write(HEAD + '[em]\ngmm = "data.txt"\n[[crosslinks]]\nfile = "links.csv"\n')
    )
    assert config.system.topology == str(tmp_path / "table.txt")
    assert config.em.gmm == str(tmp_path / "data.txt")
    assert config.crosslinks[0].file == str(tmp_path / "links.csv")
    assert config.system.resolutions == (1, 10)
    assert config.em.noise_model == "lognormal" and config.em.model.dalton_per_component == 1090
    assert config.sampling.replicas == 4 and config.sampling.temperature_max == 2.5
    assert config.sampling.annealing.low_weight == 0.1


@pytest.mark.parametrize(
    ("given", "mass"),
    [
        ('map = "data.txt"', 1090),
        ('map = "data.txt"\nresolution = 20.0', 1090),
        ('map = "data.txt"\nresolution = 11.0', 770),
        ('map = "data.txt"\nresolution = 4.0', 400),
        ('gmm = "data.txt"\nresolution = 11.0', 1090),
        ('map = "data.txt"\nresolution = 11.0\nmodel = {dalton_per_component = 9.0}', 9),
    ],
)
def test_components_by_the_resolution_of_the_map(write, given, mass):
    model = load_config(write(f"{HEAD}[em]\n{given}\n")).em.model
    assert model.dalton_per_component == pytest.approx(mass, rel=1e-3)
    assert model.component_mass == model.dalton_per_component


def test_a_dumped_configuration_loads_as_itself(write):
    text = HEAD + "[sampling]\nsteps = 7\nannealing = {low_weight = 0.5, low_steps = 0}\n"
    text += '[[crosslinks]]\nfile = "links.csv"\nlength = 25\n'
    config = load_config(write(text))
    assert load_config(write(dump_config(config))) == config


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("[system\n", "line 1", "no TOML"),
        ("[system]\n", "system.topology", "no such key"),
        ('[system]\ntopology = "none.txt"\n', "system.topology", "no file none.txt"),
        (HEAD + 'pdb_dir = "none"\n', "system.pdb_dir", "no folder none"),
        (HEAD + "resolutions = [1, 1]\n", "system.resolutions", "each resolution once"),
        (HEAD + "resolutions = [0]\n", "system.resolutions[0]", "found 0"),
        (HEAD + "[Sampling]\n", "Sampling", "expected 'sampling'"),
        (HEAD + "[sampling]\nstep = 4\n", "sampling.step", "expected 'steps'"),
        (HEAD + "[sampling]\nsteps = 0\n", "sampling.steps", "found 0, expected int >= 1"),
        (HEAD + '[sampling]\nsteps = "many"\n', "sampling.steps", "found 'many', expected int"),
        (HEAD + '[sampling]\nstart = "here"\n', "sampling.start", "'random', 'asis'"),
        (HEAD + "[sampling]\nannealing = {low = 1}\n", "sampling.annealing.low", "low_weight"),
        (HEAD + "[sampling]\ntemperature_max = 0.5\n", "sampling.temperature_max", "0.5"),
        (HEAD + "[em]\n", "em", "neither of gmm and map"),
        (HEAD + '[em]\ngmm = "data.txt"\nmap = "data.txt"\n', "em", "both of gmm and map"),
        (
            HEAD + '[em]\nmap = "data.txt"\ncomponents = 4\ntarget_cc = 0.9\n',
            "em",
            "both of components and target_cc",
        ),
        (HEAD + '[em]\ngmm = "data.txt"\ncomponents = 4\n', "em.components", "map"),
        (HEAD + '[em]\ngmm = "data.txt"\nnoise_model = "none"\n', "em.noise_model", "'outliers'"),
        (
            HEAD + '[em]\ngmm = "data.txt"\nmodel = {forward = "x"}\n',
            "em.model.forward",
            "'residue'",
        ),
        (HEAD + '[[crosslinks]]\nfile = "links.csv"\nlen = 2\n', "crosslinks[0].len", "'length'"),
        (HEAD + '[[crosslinks]]\nfile = "none.csv"\n', "crosslinks[0].file", "none.csv"),
    ],
)
def test_errors_name_the_key(write, text, where, words):
    with pytest.raises(InputError) as caught:
        load_config(write(text))
    assert caught.value.where.startswith(where)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("key", ["a." * 20_000 + "a = 1", "[" + "a . " * 20_000 + "a]"])
def test_keys_without_end(tmp_path, key):
    path = tmp_path / "system.toml"
    path.write_text(f"\n{key}\n")
    with (
        bounded(path.stat().st_size),
        pytest.raises(InputError, match="line 2: found a key of fifty"),
    ):
        load_config(path)


def test_names_of_files_beyond_any_length(tmp_path):
    path = tmp_path / "system.toml"
    path.write_text(f"[system]\ntopology = '{'a' * 5000}'\n")
    with pytest.raises(InputError, match=r"system\.topology: found aaa"):
        load_config(path)


@pytest.mark.parametrize("number", ["1e308", "-1e31", "1e-31", "5e-324"])
def test_numbers_whose_cube_is_none(tmp_path, number):
    (tmp_path / "t.txt").touch()
    (tmp_path / "a.mrc").touch()
    path = tmp_path / "system.toml"
    path.write_text(f"[system]\ntopology = 't.txt'\n[em]\nmap = 'a.mrc'\nresolution = {number}\n")
    with pytest.raises(InputError, match=r"em\.resolution: found .*, expected 0, or"):
        load_config(path)

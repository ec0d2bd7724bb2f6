"""The output folder: what --force removes, and that it can be moved while its inputs change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chain_file import random_walk, write_chains
from command_line import assert_refused, emgmm
from emgmm.analysis import analyze
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.maps import write_map
from emgmm.maps.rasterize import enclosing_grid, rasterize
from emgmm.mixture import Mixture
from emgmm.report import write_report
from emgmm.runs.folder import own_files, own_settings
from emgmm.runs.inputs import changed_inputs
from emgmm.runs.run import run

SEQUENCE = "MKVLAGHWYRDEQNSTCPIFMKVLAGHWYR"
SETTINGS = """# my own comment
[system]
topology = "tables/topology.txt"
[em]
map = "m.mrc"
components = 3
threshold = 0.01
[[crosslinks]]
file = "links.csv"
[sampling]
start = "asis"
replicas = 1
steps = 40
frame_interval = 10
threads = 1
[analysis]
reference = "native.pdb"
"""
TABLE = (
    "|directories|\r\n|pdb_dir|..|\r\n|fasta_dir|../fasta|\r\n"
    "# a comment\r\n"
    "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|bead_size|rigid_body|\r\n"
    "|A|s.fasta|A|a/x.pdb|A|1,END|5|1|\r\n"
    "|B|s.fasta|A|b/x.pdb|B|1,END|5|2|\r\n"
)


def structure(path: Path, chains: dict[str, float], residues: int = 30) -> None:
    """Chains of CA atoms, each at its place along x."""
    path.parent.mkdir(parents=True, exist_ok=True)
    walk = random_walk(30)[:residues]
    write_chains(
        path, [(n, SEQUENCE[:residues], walk + np.array([x, 0, 0])) for n, x in chains.items()]
    )


@pytest.fixture
def project(tmp_path):
    """Settings and inputs: two structures of one name, a map, links."""
    folder = tmp_path / "project"
    structure(folder / "a" / "x.pdb", {"A": 0.0})
    structure(folder / "b" / "x.pdb", {"B": 30.0})
    structure(folder / "native.pdb", {"A": 0.0, "B": 30.0})
    (folder / "fasta").mkdir()
    (folder / "fasta" / "s.fasta").write_text(f">A\n{SEQUENCE}\n")
    (folder / "tables").mkdir()
    (folder / "tables" / "topology.txt").write_bytes(TABLE.encode())
    (folder / "links.csv").write_text("prot1,res1,prot2,res2\nA,3,B,5\n")
    means = np.array([[0.0, 0, 0], [30, 0, 0]])
    mixture = Mixture(means, 25.0 * np.stack([np.eye(3)] * 2), np.array([3000.0, 3000.0]))
    write_map(folder / "m.mrc", rasterize(mixture, enclosing_grid(mixture, 4.0)))
    (folder / "system.toml").write_text(SETTINGS)
    return folder


def sample(project: Path, out: Path, **options) -> dict:
    return run(project / "system.toml", out, engine="native", **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_is_enough(project, tmp_path):
    """Analysed in its place and, after all else is gone, in another one: the same."""
    out, moved = project / "out", tmp_path / "elsewhere" / "moved"
    sample(project, out)
    expected = analyze(out).report()
    assert expected["notes"] == [] and expected["changed_inputs"] == []
    shutil.copytree(out, moved)
    shutil.rmtree(project)
    found = analyze(moved, force=True).report()
    assert len(found["notes"]) == 1 and "m.mrc" in found["notes"][0]
    reference = found["reference"]
    assert Path(reference).read_bytes() == (moved / "inputs" / "native.pdb").read_bytes()
    for report in (found, expected):
        del report["notes"], report["reference"]
    assert found == expected
    assert "m.mrc" in write_report(moved).read_text()
    assert str(project) not in (moved / "inputs" / "topology.txt").read_text()


def test_copies_and_what_is_said_of_them(project, tmp_path):
    sample(project, tmp_path / "out")
    out = tmp_path / "out"
    assert sorted(p.name for p in (out / "inputs").iterdir()) == [
        *("links.csv", "native.pdb", "s.fasta", "topology.txt", "x-2.pdb", "x.pdb")
    ]
    table = (out / "inputs" / "topology.txt").read_text().splitlines()
    assert table[3] == "# a comment"
    assert table[5:] == [
        "|A|s.fasta|A|x.pdb|A|1,END|5|1|",
        "|B|s.fasta|A|x-2.pdb|B|1,END|5|2|",
    ]
    told = {k["key"]: k for k in json.loads((out / "inputs.json").read_text())["inputs"]}
    assert told["em.map"]["copy"] is None and told["em.map"]["path"] == str(project / "m.mrc")
    assert told["crosslinks[0].file"]["copy"] == "inputs/links.csv"
    config = own_settings(out)
    assert config.system.topology == str(out / "inputs" / "topology.txt")
    assert 'topology = "inputs/topology.txt"' in (out / "system.toml").read_text()
    # A run of the copies is the same run.
    again = run(out / "system.toml", tmp_path / "again", engine="native")
    assert again["best_score"] == json.loads((out / "run.json").read_text())["best_score"]


def test_packed_inputs_and_mixtures_of_the_settings(project, tmp_path):
    """Structures of which only x.pdb.gz is there, a GMM, mixtures of bodies in gmm_dir."""
    import gzip

    for path in (project / "a" / "x.pdb", project / "b" / "x.pdb"):
        path.with_name("x.pdb.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    text = SETTINGS.replace('map = "m.mrc"\ncomponents = 3\nthreshold = 0.01', 'gmm = "d.txt"')
    text = text.replace("[em]", 'gmm_dir = "mine"\n[em]')
    (project / "system.toml").write_text(text)
    means = np.array([[0.0, 0, 0], [30, 0, 0]])
    write_gmm(project / "d.txt", Mixture(means, 25.0 * np.stack([np.eye(3)] * 2), [1.0, 1.0]))
    (project / "mine").mkdir()
    (project / "mine" / "notes.txt").write_text("mine")
    out, moved = tmp_path / "out", tmp_path / "moved"
    sample(project, out)
    made = read_gmm(project / "mine" / "RigidBody_1.txt")
    np.testing.assert_array_equal(read_gmm(out / "gmm" / "RigidBody_1.txt").means, made.means)
    assert not (out / "gmm" / "notes.txt").exists()
    before = json.loads(json.dumps(analyze(out).report()["clusters"]))
    shutil.copytree(out, moved)
    shutil.rmtree(project)
    assert analyze(moved, force=True).report()["clusters"] == before


def test_changed_inputs_are_named_and_the_copies_used(project, tmp_path):
    out = tmp_path / "out"
    sample(project, out)
    before = analyze(out).report()
    (project / "b" / "x.pdb").touch()  # another time and the same content
    assert changed_inputs(out) == []
    structure(project / "b" / "x.pdb", {"B": 30.0}, residues=20)
    (project / "links.csv").write_text("prot1,res1,prot2,res2\nA,3,B,6\n")
    after = analyze(out, force=True).report()
    assert after["changed_inputs"] == [str(project / n) for n in ("links.csv", "b/x.pdb")]
    assert len(after["notes"]) == 1 and "links.csv" in after["notes"][0]
    assert after["clusters"] == before["clusters"]
    assert after["crosslinks"] == before["crosslinks"]
    result = emgmm("report", out, "--report", "-")
    assert result.returncode == 0 and result.stderr.count("emgmm: note:") == 1
    assert json.loads(result.stdout)["changed_inputs"] == after["changed_inputs"]


@pytest.mark.parametrize("name", ["inputs/x.pdb", "inputs/topology.txt", "data_gmm.txt"])
@pytest.mark.parametrize("gone", [False, True])
def test_edited_copies_are_refused(project, tmp_path, name, gone):
    out = tmp_path / "out"
    sample(project, out)
    (out / name).unlink() if gone else (out / name).write_text("other\n")
    for judge in (analyze, write_report):
        with pytest.raises(InputError, match=name):
            judge(out)


def test_broken_records_are_refused(project, tmp_path):
    out = tmp_path / "out"
    sample(project, out)
    (out / "analysis.json").write_text('{"clusters": []}')
    assert_refused(emgmm("report", out), "analysis.json")
    (out / "inputs.json").write_text('{"inputs": [{"key": 3}]}')
    assert_refused(emgmm("report", out), "inputs.json")


def test_resume_wants_the_inputs_of_the_start(project, tmp_path):
    out, moved = tmp_path / "out", tmp_path / "moved"
    sample(project, out)
    moved_project = tmp_path / "copy"
    shutil.copytree(project, moved_project)  # the same content in another place will do
    assert sample(moved_project, out, resume=True, steps=80)["frames"] == 8
    structure(project / "b" / "x.pdb", {"B": 30.0}, residues=20)
    with pytest.raises(InputError, match="another content"):
        sample(project, out, resume=True, steps=120)
    shutil.copytree(out, moved)
    shutil.rmtree(project)
    # The folder's own settings go on with its copies.
    result = run(moved / "system.toml", moved, engine="native", resume=True, steps=120)
    assert result["frames"] == 12
    assert 'topology = "inputs/topology.txt"' in (moved / "system.toml").read_text()


def test_folders_of_earlier_versions(project, tmp_path):
    """No copies: the files are read where they were, and refused where they do not fit."""
    out = project / "out"
    sample(project, out)
    config = load_config(project / "system.toml")
    from emgmm.config import dump_config

    (out / "system.toml").write_text(dump_config(config))
    (out / "inputs.json").unlink()
    shutil.rmtree(out / "inputs")
    assert analyze(out).report()["notes"] == []
    (project / "m.mrc").unlink()
    analyze(out, force=True)
    structure(project / "b" / "x.pdb", {"B": 30.0}, residues=20)
    for judge in (analyze, write_report):
        with pytest.raises(InputError, match="not those of the run"):
            judge(out, force=True)
    (project / "b" / "x.pdb").unlink()
    with pytest.raises(InputError, match=r"x\.pdb"):
        analyze(out, force=True)


@pytest.mark.parametrize("place", [".", "a", "tables", "..", "link"])
def test_a_folder_of_inputs_is_no_output(project, place):
    for name in ("gmm", "clusters"):
        (project / name).mkdir()
        (project / name / "mine.txt").write_text("mine")
    (project / "link").symlink_to("b")
    before = contents(project)
    with pytest.raises(InputError, match="the folder of the input"):
        sample(project, project / place, force=True)
    assert contents(project) == before


def test_force_removes_what_a_run_wrote_and_nothing_else(project, tmp_path):
    out = tmp_path / "out"
    sample(project, out)
    analyze(out)
    write_report(out)
    mine = [
        *("mine.txt", "gmm/mine.txt", "clusters/mine.txt", "clusters/mine.cif", "rmfs/mine.rmf3"),
        *("inputs/mine.pdb", "sub/analysis.json"),
    ]
    (out / "sub").mkdir()
    for name in mine:
        (out / name).write_text("mine")
    write_gmm(out / "gmm" / "fit.txt", Mixture(np.zeros((1, 3)), np.eye(3)[None], [1.0]))
    sample(project, out, force=True)
    found = contents(out)
    assert all(found[name] == b"mine" for name in mine)
    assert "gmm/fit.txt" in found
    assert not any(n in found for n in ("analysis.json", "report.html", "clusters/0.cif"))
    assert {str(p.relative_to(out)) for p in own_files(out)} == found.keys() - {
        *mine,
        "gmm/fit.txt",
    }
    assert analyze(out).report()["models"] == 4


@pytest.mark.parametrize("name", ["system.toml", "run.json", "gmm/RigidBody_1.txt", "rmfs/0.rmf3"])
def test_files_of_nobody_knows_whom_are_kept(project, tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    with pytest.raises(InputError, match=name):
        sample(project, out, force=True)
    assert contents(out) == {name: b"mine"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "project"]


def test_links_in_a_folder_are_not_a_runs(project, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere.json"
    sample(project, out)
    elsewhere.write_text("mine")
    (out / "run.json").unlink()
    (out / "run.json").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"run\.json"):
        sample(project, out, force=True)
    assert elsewhere.read_text() == "mine"


def test_a_link_to_a_folder_is_a_folder(project, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to("far")
    sample(project, tmp_path / "out")
    sample(project, tmp_path / "out", force=True)
    assert (tmp_path / "out").is_symlink() and (tmp_path / "far" / "run.json").is_file()


@pytest.mark.slow
def test_other_outputs_spare_inputs_and_the_folder(project, tmp_path):
    out = tmp_path / "out"
    sample(project, out)
    analyze(out)
    before = contents(tmp_path)
    links, settings = project / "links.csv", project / "system.toml"
    new = tmp_path / "new"
    for arguments in (
        ("run", settings, "-o", new, "--engine", "native", "--report", links),
        ("run", settings, "-o", out, "--engine", "native", "--report", out / "run.json"),
        ("run", settings, "-o", "-", "--engine", "native"),
        ("analyze", out, "--report", out / "system.toml"),
        ("analyze", out, "--reference", out / "clusters" / "0.cif"),
        ("report", out, "--report", out / "stat.0.out"),
    ):
        assert_refused(emgmm(*arguments, "--force"))
        assert contents(tmp_path) == before


def test_an_analysis_that_fails_keeps_the_former_one(project, tmp_path, monkeypatch):
    out = tmp_path / "out"
    sample(project, out)
    analyze(out)
    before = contents(out)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["emgmm.analysis.analyze"], "copy_frames", full)
    with pytest.raises(OSError, match="No space"):
        analyze(out, force=True)
    assert contents(out) == before


def test_settings_from_standard_input(project):
    """Their paths are relative to the folder that the program is in."""
    code = "from emgmm.cli import main; main()"
    command = [sys.executable, "-c", code, *"run - -o out --engine native --steps 40".split()]
    text = (project / "system.toml").read_text()
    result = subprocess.run(command, input=text, text=True, capture_output=True, cwd=project)
    assert result.returncode == 0, result.stderr
    assert analyze(project / "out").report()["notes"] == []


def test_names_that_are_no_text(project, tmp_path):
    """A folder and a reference named on a Latin-1 system."""
    folder = tmp_path / os.fsdecode(b"d\xf6")
    os.rename(project, folder)
    out = tmp_path / os.fsdecode(b"o\xf6")
    sample(folder, out)
    reference = folder / os.fsdecode(b"n\xf6.pdb")
    reference.write_bytes((folder / "native.pdb").read_bytes())
    told = analyze(out, reference).report()
    assert told["compared"]["complete"] and told["notes"] == []
    (folder / "links.csv").write_text("prot1,res1,prot2,res2\nA,3,B,6\n")
    assert changed_inputs(out) == [str(tmp_path / "d\\xf6" / "links.csv")]
    assert write_report(out).is_file()
    (folder / "links.csv").write_text("prot1,res1,prot2,res2\nA,3,B,5\n")
    assert sample(folder, out, resume=True, steps=80)["frames"] == 8

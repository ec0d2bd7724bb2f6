"""Commands are found by their files, and imported when they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import emgmm as package
import pytest
from click.testing import CliRunner
from command_line import COMPLEX, assert_refused, emgmm
from emgmm import cli
from emgmm.cli.program import commands
from emgmm.io.gmm import write_gmm

_TOY = '''import click

ORDER = {order}


@click.command()
@click.argument("word")
def {name}(word):
    """Says a word."""
    click.echo(word * 2)
'''


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A folder of commands beside the program's own."""
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    yield tmp_path
    for name in ("first_toy", "last_toy", "no_toy"):
        sys.modules.pop(f"emgmm.cli.{name}", None)
        vars(cli).pop(name, None)


def test_a_file_is_a_command(toys):
    (toys / "last_toy.py").write_text(_TOY.format(order=1000, name="last_toy"))
    (toys / "first_toy.py").write_text(_TOY.format(order=1, name="first_toy"))
    (toys / "no_toy.py").write_text("import click\nSHARED = 1\n")
    names = commands.list_commands(None)
    assert (names[0], names[-1]) == ("first-toy", "last-toy")
    assert "no-toy" not in names
    assert CliRunner().invoke(commands, ["last-toy", "ab"]).output == "abab\n"
    listed = CliRunner().invoke(commands, ["--help"]).output
    assert "last-toy   Says a word." in listed


def test_order_is_that_of_the_work():
    names = commands.list_commands(None)
    places = [names.index(name) for name in ("fit", "run", "analyze", "report", "info")]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["options", "program", "files", "files.fit_map", "__init__", ""])
def test_shared_files_are_no_commands(name):
    assert_refused(emgmm(name), "No such command")


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"numpy", "msgspec", "gemmi", "rich"}),
        (["--version"], {"numpy", "emgmm.cli.fit", "emgmm.cli.run"}),
        (["run", "--help"], {"numpy", "emgmm.cli.fit"}),
    ],
)
def test_no_more_is_imported_than_is_asked_for(arguments, absent):
    code = (
        "import atexit, sys; from emgmm.cli import main\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sys.modules)))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.splitlines()[-1].split())
    assert "emgmm.cli.program" in imported
    assert not imported & absent


@pytest.mark.slow
def test_score_blurs_as_python_does(native_gmm):
    data, structure = package.read_mixture(native_gmm), package.read_structure(COMPLEX)
    found = {}
    for resolution in (None, 10.0):
        options = [] if resolution is None else ["--resolution", resolution]
        told = json.loads(emgmm("score", native_gmm, COMPLEX, *options, "--report", "-").stdout)
        expected = package.score(data, structure, resolution=resolution)
        assert told["resolution"] == resolution
        assert told["score"] == pytest.approx(expected.score, rel=1e-12)
        assert told["cc"] == pytest.approx(expected.cc, rel=1e-12)
        assert told["mass"] == pytest.approx(structure.account.mass)
        found[resolution] = told["cc"]
    assert found[10.0] < found[None] - 0.01


def test_score_blurs_a_mixture_too(native_gmm, tmp_path):
    blurred = tmp_path / "blurred.txt"
    write_gmm(blurred, package.read_mixture(native_gmm).blurred(8.0))
    told = emgmm("score", blurred, native_gmm, "--resolution", 8, "--report", "-")
    assert json.loads(told.stdout)["cc"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("resolution", ["0", "-3", "nan", "inf"])
def test_resolution_that_is_none_is_refused(native_gmm, resolution):
    result = emgmm("score", native_gmm, COMPLEX, "--resolution", resolution)
    assert_refused(result, "--resolution", "must be positive")

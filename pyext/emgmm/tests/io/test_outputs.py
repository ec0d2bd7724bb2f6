"""Targets of results: links, pipes, devices, inputs, names that are no text."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from chain_file import random_walk, write_chains
from command_line import assert_refused, emgmm
from emgmm.errors import InputError
from emgmm.io.files import opened, printable, read_text, replacing, write_json
from emgmm.io.gmm import read_gmm, read_gmm_file, write_gmm
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.io.targets import refuse_clashes
from emgmm.mixture import Mixture

FIT = ("--components", 2, "--threshold", 0.3)


def mixture() -> Mixture:
    means = np.array([[0.0, 0, 0], [20, 5, 0]])
    return Mixture(means, np.array([9.0, 16.0])[:, None, None] * np.eye(3), np.array([1.0, 2.0]))


@pytest.fixture
def gmm(tmp_path):
    path = tmp_path / "in.txt"
    write_gmm(path, mixture())
    return path


@pytest.fixture
def density(tmp_path):
    """A map of two blobs."""
    z, y, x = np.mgrid[:12, :12, :20]
    values = sum(np.exp(-((x - c) ** 2 + (y - 6) ** 2 + (z - 6) ** 2) / 8) for c in (5, 14))
    path = tmp_path / "m.mrc"
    write_map(path, DensityMap(values.astype(np.float32), np.full(3, 2.0), np.zeros(3)))
    return path


def written(path, text: str, force: bool = False) -> None:
    with replacing(path, force) as draft:
        draft.write_text(text)


def drafts(folder) -> list[str]:
    return [p.name for p in folder.iterdir() if ".part" in p.name]


def piped(*arguments: object, data: bytes = b"") -> subprocess.CompletedProcess:
    """The program in a pipe of bytes."""
    code = "from emgmm.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, timeout=300)


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to("far/target.txt")
    with pytest.raises(InputError, match="exists"):
        written(link, "new")
    written(link, "new", force=True)
    assert link.is_symlink() and target.read_text() == "new"
    assert drafts(tmp_path) == drafts(tmp_path / "far") == []


def test_a_dangling_link_gets_its_file(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to("later.txt")
    written(link, "new")
    assert link.is_symlink() and (tmp_path / "later.txt").read_text() == "new"
    link.unlink()
    link.symlink_to("nowhere/later.txt")
    with pytest.raises(InputError, match="no folder"):
        written(link, "new", force=True)
    link.unlink()
    link.symlink_to("link.txt")
    with pytest.raises(InputError, match=r"link\.txt"):
        written(link, "new", force=True)
    assert os.readlink(link) == "link.txt"


def test_mode_of_a_replaced_file_and_of_a_new_one(tmp_path):
    path = tmp_path / "a.txt"
    former = os.umask(0o027)
    try:
        written(path, "old")
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    written(path, "new", force=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    path.chmod(0o444)
    with pytest.raises(InputError, match="protected"):
        written(path, "newer", force=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_fails_leaves_the_former_file_and_no_draft(tmp_path, error):
    path = tmp_path / "a.txt.gz"
    path.write_text("old")
    with pytest.raises((KeyboardInterrupt, OSError)) as caught, replacing(path, True) as draft:
        draft.write_text("half")
        raise error
    assert path.read_text() == "old" and drafts(tmp_path) == []
    if isinstance(error, OSError):
        assert caught.value.filename == str(path)


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    written(pipe, "text", force=True)
    reader.join(timeout=30)
    assert got == [b"text"] and pipe.is_fifo()


def test_pipes_without_another_end(tmp_path, monkeypatch):
    monkeypatch.setattr("emgmm.io.streams._PATIENCE", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="nobody reads"):
        written(pipe, "text", force=True)
    with pytest.raises(InputError, match="nobody writes"):
        read_text(pipe, "text")
    assert pipe.is_fifo()


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_read_from_a_pipe(tmp_path, density, packed):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = gzip.compress(density.read_bytes()) if packed else density.read_bytes()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    found = read_map(pipe)
    writer.join(timeout=30)
    np.testing.assert_array_equal(found.values, read_map(density).values)


def test_devices_and_sockets(tmp_path):
    written("/dev/null", "text")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(InputError, match="a device"), opened("/dev/zero", "text"):
        pass
    with pytest.raises(OSError, match="No space left") as caught:
        written("/dev/full", "text")
    assert caught.value.filename == "/dev/full"
    import socket

    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="a socket"):
            written(tmp_path / "s", "text", force=True)


def test_inputs_are_known_under_every_name(tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("mine")
    os.link(source, tmp_path / "hard.txt")
    (tmp_path / "soft.txt").symlink_to("a.txt")
    (tmp_path / "sub").mkdir()
    names = ("a.txt", "hard.txt", "soft.txt", "sub/../a.txt")
    for name in names:
        with pytest.raises(InputError, match="the input"):
            refuse_clashes([source], [tmp_path / name])
    with pytest.raises(InputError, match="two outputs"):
        refuse_clashes([], [tmp_path / "new.txt", tmp_path / "sub" / ".." / "new.txt"])
    with pytest.raises(InputError, match="two outputs"):
        refuse_clashes([], ["-", "/dev/stdout"])
    with pytest.raises(InputError, match="standard input twice"):
        refuse_clashes(["-", "-"], [])
    refuse_clashes([source, None], [tmp_path / "new.txt", None, "/dev/null", "/dev/null"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", "in.txt", "in.txt"),
        ("convert", "in.txt", "m.mrc", "--like", "m.mrc"),
        ("convert", "in.txt", "o.gmm", "--report", "in.txt"),
        ("convert", "in.txt", "o.gmm", "--report", "o.gmm"),
        ("fit", "m.mrc", "-o", "m.mrc", *FIT),
        ("fit", "m.mrc", "-o", "o.txt", "--raster", "m.mrc", *FIT),
        ("fit", "m.mrc", "-o", "o.txt", "--plot", "o.txt", *FIT),
        ("fit", "m.mrc", "-o", "o.txt", "--half-maps", "h.mrc", "m.mrc", "--errors", "h.mrc", *FIT),
        ("fit", "m.mrc", "-o", "levels/2.txt", "--levels", "levels", *FIT),
        ("fit", "m.mrc", "-o", "o.txt", "--levels", "levels", *FIT),
        ("score", "in.txt", "in.txt", "--report", "in.txt"),
        ("simulate", "s.pdb", "--resolution", "10", "-o", "s.pdb"),
        ("simulate", "s.pdb", "--resolution", "10", "-o", "m.mrc", "--report", "s.pdb.gz"),
    ],
)
def test_no_output_is_an_input(tmp_path, gmm, density, arguments):
    (tmp_path / "levels").mkdir()
    for name in ("h.mrc", "s.pdb", "s.pdb.gz", "levels/3.txt"):
        (tmp_path / name).write_text("mine")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert_refused(emgmm(*arguments, "--force", cwd=tmp_path))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_map_is_not_overwritten_by_its_own_mixture(tmp_path, density):
    """Its grid is read from the map that the mixture names."""
    write_gmm(tmp_path / "g.txt", mixture(), data_fn=density)
    before = density.read_bytes()
    assert_refused(emgmm("convert", tmp_path / "g.txt", density, "--force"), "the input")
    assert density.read_bytes() == before


def test_standard_input_and_output(tmp_path, gmm, density):
    made = piped("fit", "-", "-o", "-", *FIT, data=density.read_bytes())
    assert made.returncode == 0 and b"2 Gaussians" in made.stderr
    assert made.stdout.startswith(b"# Created by emgmm")
    (tmp_path / "out.txt").write_bytes(made.stdout)
    assert emgmm("fit", density, "-o", tmp_path / "file.txt", *FIT).returncode == 0
    np.testing.assert_array_equal(
        read_gmm(tmp_path / "out.txt").means, read_gmm(tmp_path / "file.txt").means
    )
    told = piped("score", "-", gmm, "--report", "/dev/stdout", data=gmm.read_bytes())
    assert json.loads(told.stdout)["cc"] == pytest.approx(1)
    packed = piped("convert", "-", "-", "--format", "map", data=gzip.compress(gmm.read_bytes()))
    (tmp_path / "out.mrc").write_bytes(packed.stdout)
    assert read_map(tmp_path / "out.mrc").values.max() > 0


@pytest.mark.parametrize("packed", [False, True])
def test_structures_from_standard_input(tmp_path, packed):
    """Told from a map by what it holds."""
    write_chains(tmp_path / "s.pdb", [("A", "MKVLAGHWYR", random_walk(10))])
    data = (tmp_path / "s.pdb").read_bytes()
    made = piped("fit", "-", "-o", "-", data=gzip.compress(data) if packed else data)
    assert made.returncode == 0 and b"10 Gaussians for 10 units" in made.stderr
    (tmp_path / "g.txt").write_bytes(made.stdout)
    told = piped("score", tmp_path / "g.txt", "-", "--report", "-", data=data)
    of_file = piped("score", tmp_path / "g.txt", tmp_path / "s.pdb", "--report", "-")
    assert told.stdout == of_file.stdout


def test_closed_standard_input_is_one_line():
    # A closed descriptor is seen when Python starts.
    shell = [
        "sh",
        "-c",
        '"$@" <&-',
        "sh",
        sys.executable,
        "-c",
        "from emgmm.cli import main; main()",
    ]
    result = subprocess.run([*shell, "score", "-", "x"], capture_output=True, text=True)
    assert_refused(result, "standard input that is closed")


def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(b"m\xf6d\n.txt")
    assert printable(name) == "m\\xf6d\\n.txt"
    write_gmm(tmp_path / "g.txt", mixture(), data_fn=tmp_path / name)
    assert read_gmm_file(tmp_path / "g.txt").comments["data_fn"] == printable(name)
    write_gmm(tmp_path / name, mixture(), "gmconvert")
    assert len(read_gmm(tmp_path / name)) == 2
    write_json(tmp_path / "a.json", {"path": name, name: tmp_path / name, "x": float("nan")})
    told = json.loads((tmp_path / "a.json").read_bytes())
    assert told["path"] == "m\\xf6d\n.txt" and told["x"] is None


def test_program_with_names_that_are_no_text(tmp_path, density):
    folder = os.path.join(os.fsencode(tmp_path), b"d\xf6")
    os.mkdir(folder)
    source, target = os.path.join(folder, b"m\xf6.mrc"), os.path.join(folder, b"g\xf6.txt")
    os.rename(density, source)
    arguments = ["fit", os.fsdecode(source), "-o", os.fsdecode(target), *FIT]
    result = emgmm(*arguments)
    assert result.returncode == 0 and "2 Gaussians" in result.stdout
    assert len(read_gmm(os.fsdecode(target))) == 2
    assert_refused(emgmm(*arguments), "exists")

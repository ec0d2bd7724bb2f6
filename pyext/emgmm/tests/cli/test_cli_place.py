"""``emgmm place``: the table, the files, and what is refused."""

from __future__ import annotations

import json

import gemmi
import numpy as np
import pytest
from command_line import COMPLEX, assert_refused, emgmm
from emgmm.io.maps import write_map
from emgmm.io.structures import read_structure
from emgmm.io.structures.write import write_mmcif
from emgmm.maps.simulate import simulate_map

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A map of chains A, D and E, and these and C as files of their own."""
    path = tmp_path_factory.mktemp("place")
    structure = read_structure(COMPLEX)
    parts = {c: structure.select(structure.chain == c) for c in "ABDE"}
    for name, part in parts.items():
        away = part.moved(np.array([0.5**0.5, 0, 0, 0.5**0.5, 40, 7, 9]))
        write_mmcif(path / f"{name}.cif", [away], name)
    held = structure.select(np.isin(structure.chain, ["A", "D", "E"]))
    write_map(path / "map.mrc", simulate_map(held, 9.0, snr=5.0, seed=1))
    return path, parts


def test_one_structure_with_files(folder):
    path, parts = folder
    told = emgmm("place", "map.mrc", "E.cif", "--resolution", 9, "-n", 3, "-o", "out",
                 "--report", "-", cwd=path)  # fmt: skip
    assert told.returncode == 0, told.stderr
    content = json.loads(told.stdout)
    (result,) = content["results"]
    assert [p["rank"] for p in result["places"]] == [1, 2, 3]
    assert result["ahead"] > 10 and result["p"] < 0.01
    best = result["places"][0]
    assert best["cc"] > 0.7 and best["inside"] > 0.9 and best["clashes"] is None
    placed = gemmi.read_structure(str(path / "out" / best["file"]))
    original = gemmi.read_structure(str(path / "E.cif"))
    assert [r.seqid for r in placed[0]["E"]] == [r.seqid for r in original[0]["E"]]
    xyz = read_structure(path / "out" / best["file"]).xyz
    assert np.linalg.norm(xyz - parts["E"].xyz, axis=1).mean() < 1.5
    script = (path / "out" / "place.cxc").read_text()
    assert 'open "../map.mrc"' in script and 'open "E_1.cif"' in script
    assert json.loads((path / "out" / "place.json").read_text())["results"] == content["results"]
    assert "ahead of the next" in told.stderr
    again = emgmm("place", "map.mrc", "E.cif", "--resolution", 9, "-o", "out", cwd=path)
    assert_refused(again, "out", "--force")


def test_which_structures_the_map_holds(folder):
    path, _ = folder
    told = emgmm("place", "map.mrc", "B.cif", "A.cif", "E.cif", "--resolution", 9, "--identify",
                 "--report", "who.json", cwd=path)  # fmt: skip
    assert told.returncode == 0, told.stderr
    results = json.loads((path / "who.json").read_text())["results"]
    assert {r["names"][0] for r in results[:2]} == {"A", "E"}
    assert all(r["p"] < 0.01 and r["q"] < 0.02 for r in results[:2])
    assert results[2]["names"] == ["B"] and results[2]["p"] > 100 * results[1]["p"]
    assert "false discovery" in told.stdout


def test_all_together(folder):
    path, parts = folder
    told = emgmm("place", "map.mrc", "D.cif", "E.cif", "A.cif", "--resolution", 9, "-n", 1,
                 "-o", "all", "--report", "-", cwd=path)  # fmt: skip
    assert told.returncode == 0, told.stderr
    (result,) = json.loads(told.stdout)["results"]
    assert result["names"] == ["D", "E", "A"] and result["p"] is None
    place = result["places"][0]
    assert place["chains"] == ["D", "E", "A"] and place["clashes"] < 30 and place["cc"] > 0.7
    placed = read_structure(path / "all" / "placed_1.cif")
    for name in "DEA":
        away = placed.xyz[placed.chain == name] - parts[name].xyz
        assert np.linalg.norm(away, axis=1).mean() < 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--resolution", -1), ("--resolution", "more than 0")),
        (("--resolution", 9, "--copies", "F=2"), ("--copies", "NAME=N with one of E")),
        (("--resolution", 9, "--copies", "E=0"), ("--copies", "from 1 to 60")),
        (("--resolution", 9, "--copies", "E=2", "--each"), ("--copies are placed together",)),
        (("--resolution", 9, "--threshold", 1e9), ("--threshold", "the greatest")),
        (("--resolution", 9, "-o", "E.cif"), ("E.cif", "a folder")),
        (("--resolution", 9, "-o", "."), ("the folder of an input",)),
    ],
)
def test_bad_input_is_one_line(folder, more, told):
    path, _ = folder
    before = sorted(p.name for p in path.iterdir())
    assert_refused(emgmm("place", "map.mrc", "E.cif", *more, cwd=path), *told)
    assert sorted(p.name for p in path.iterdir()) == before


def test_a_map_that_is_flat(folder, tmp_path):
    path, _ = folder
    from emgmm.io.maps import DensityMap

    write_map(tmp_path / "flat.mrc", DensityMap(np.ones((9, 9, 9)), np.ones(3), np.zeros(3)))
    refused = emgmm("place", "flat.mrc", path / "E.cif", "--resolution", 9, cwd=tmp_path)
    assert_refused(refused, "flat.mrc", "same density")

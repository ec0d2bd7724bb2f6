"""The names that a notebook needs: there, documented, quick to import; their examples run."""

from __future__ import annotations

import doctest
import subprocess
import sys

import emgmm
import numpy as np
import pytest
from command_line import COMPLEX, settings
from emgmm.io.gmm import write_gmm
from emgmm.io.maps import write_map

NAMES = [name for name in emgmm.__all__ if name not in ("InputError", "__version__")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the examples name."""
    path = tmp_path_factory.mktemp("face")
    (path / "complex.pdb.gz").write_bytes(COMPLEX.read_bytes())
    structure = emgmm.read_structure(COMPLEX)
    write_map(path / "map.mrc", emgmm.simulate_map(structure, 10.0))
    write_gmm(path / "map_gmm.txt", emgmm.structure_mixture(structure, components=20))
    settings(path, path / "map_gmm.txt")
    emgmm.run(path / "system.toml", path / "out", engine="native", steps=400)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_an_example_that_runs(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = doctest.DocTestFinder(recurse=False).find(getattr(emgmm, name), name, globs={})
    assert found and found[0].examples, f"{name} has no example"
    runner = doctest.DocTestRunner(verbose=False)
    told: list[str] = []
    runner.run(found[0], out=told.append)
    assert runner.failures == 0, "".join(told)


def test_importing_waits_for_nothing():
    code = "import sys, emgmm; print(any(m in sys.modules for m in ('numpy', 'gemmi', 'plotly')))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False"
    assert set(emgmm.__all__) <= set(dir(emgmm))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        emgmm.nothing  # noqa: B018


def test_the_report_of_values_is_short(folder):
    structure = emgmm.read_structure(folder / "complex.pdb.gz")
    ensemble = emgmm.open_run(folder / "out")
    for value in (
        structure,
        emgmm.read_map(folder / "map.mrc"),
        emgmm.read_mixture(folder / "map_gmm.txt"),
        ensemble,
        ensemble.system,
    ):
        assert len(repr(value)) < 100 and "array(" not in repr(value)


def test_a_run_as_arrays(folder):
    ensemble = emgmm.open_run(folder / "out")
    frames = len(ensemble.scores)
    poses, xyz = ensemble.body_poses(), ensemble.coordinates()
    bodies = len(ensemble.system.bodies)
    assert poses.shape == (frames, bodies, 7) and xyz.shape[0] == frames
    # The poses put the beads where the trajectory has them.
    last = ensemble.system.finest.positions(poses[-1])
    np.testing.assert_allclose(last[ensemble.present], xyz[-1], atol=2e-3)
    emgmm.analyze(folder / "out", force=True)
    clusters = ensemble.clusters()
    assert sum(map(len, clusters)) == frames
    assert set(np.concatenate(clusters).tolist()) <= set(ensemble.frames.tolist())


def test_score_is_the_same_for_a_structure_and_its_mixture_and_blurs(folder):
    structure = emgmm.read_structure(folder / "complex.pdb.gz")
    data = emgmm.structure_mixture(structure, components=87).blurred(10.0)
    sharp, blurred = (emgmm.score(data, structure, resolution=r) for r in (None, 10.0))
    assert blurred.cc > sharp.cc
    mixture = emgmm.structure_mixture(structure, components=87)
    assert emgmm.score(data, mixture, resolution=10.0).cc == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
def test_structures_are_placed_where_they_were(folder):
    structure = emgmm.read_structure(folder / "complex.pdb.gz")
    parts = [structure.select(structure.chain == c) for c in "DE"]
    whole = structure.select(np.isin(structure.chain, ["D", "E"]))
    data = emgmm.structure_mixture(whole, components=45)
    best, *others = emgmm.place(data, parts, resolution=None)
    assert all(best.score <= other.score for other in others)
    for part, moved in zip(parts, best.moved(parts), strict=True):
        assert np.linalg.norm(moved.xyz - part.xyz, axis=1).mean() < 2
    with pytest.raises(ValueError, match="no structure"):
        emgmm.place(data, [], resolution=None)


def test_structures_are_placed_in_a_noisy_map(folder):
    structure = emgmm.read_structure(folder / "complex.pdb.gz")
    parts = [structure.select(structure.chain == c) for c in "DE"]
    whole = structure.select(np.isin(structure.chain, ["D", "E"]))
    density = emgmm.simulate_map(whole, 10.0, snr=5.0, seed=1)
    best, *_ = emgmm.place(density, parts, 10.0)
    for part, moved in zip(parts, best.moved(parts), strict=True):
        assert np.linalg.norm(moved.xyz - part.xyz, axis=1).mean() < 3

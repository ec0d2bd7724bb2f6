"""The example of ``make example``, with a short sampling: all subunits are found."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from command_line import COMPLEX, REPOSITORY
from emgmm.io.structures import read_structure

pytestmark = pytest.mark.instruction_sets


@pytest.fixture(scope="module")
def example():
    """The script as a module."""
    sys.path.insert(0, str(REPOSITORY / "examples"))
    try:
        import run_example
    finally:
        sys.path.pop(0)
    run_example.console.quiet = True
    return run_example


def test_subunits_keep_their_shape_and_lose_their_place(example, tmp_path):
    example.take_apart(COMPLEX, tmp_path / "subunits", seed=1)
    whole = read_structure(COMPLEX)
    turns = []
    for name, chains in example.SUBUNITS.items():
        part = read_structure(tmp_path / "subunits" / f"{name}.pdb")
        native = whole.xyz[np.isin(whole.chain, list(chains))]
        assert part.xyz.shape == native.shape
        a, b = part.xyz - part.xyz.mean(axis=0), native - native.mean(axis=0)
        u, _, vt = np.linalg.svd(a.T @ b)
        turn = u @ vt
        assert np.linalg.det(turn) > 0  # no mirror image
        assert np.abs(a @ turn - b).max() < 0.01
        turns.append(turn)
    angles = [np.degrees(np.arccos(np.clip((np.trace(t) - 1) / 2, -1, 1))) for t in turns]
    assert min(angles) > 5
    assert len({round(angle, 3) for angle in angles}) == len(angles)


@pytest.mark.slow
def test_example_finds_the_subunits(example, tmp_path, monkeypatch):
    quick = (example.ENTRY / "system.toml").read_text().replace("200_000", "20_000")
    copy = example.shutil.copy

    def shortened(source, target):
        copy(source, target)
        if source.name == "system.toml":
            (target / source.name).write_text(quick)

    monkeypatch.setattr(example.shutil, "copy", shortened)
    analysis = example.reconstruct(tmp_path / "example", seed=1, threads=2)
    assert analysis["result"] == "full positive"
    assert example.show(analysis) == 5
    out = tmp_path / "example" / "out"
    assert (out / "report.html").stat().st_size > 1e6
    summary = json.loads((out / "run.json").read_text())
    assert summary["steps"] == 20_000
    # Steps that fit the map: with those of the settings 0 to 3 % are accepted, and nothing moves.
    bodies = [share for name, share in summary["acceptance"].items() if "RigidBody" in name]
    assert len(bodies) == 4 and 0.15 < min(bodies) and max(bodies) < 0.45
    assert analysis["clusters"][0]["precision"] > 0.1
    best, *others = json.loads((out / "search.json").read_text())["arrangements"]
    assert best["starts"] and best["elsewhere"] == []
    assert all(o["score"] >= best["score"] and o["elsewhere"] for o in others)

"""Swaps along each other's principal axes: the geometry, a known distribution, the switch."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm import _core
from emgmm.errors import InputError
from emgmm.moves.build import build_movers
from emgmm.moves.swaps import aligned_movers
from emgmm.poses import random_rotations, to_matrices
from emgmm.posterior import Posterior
from emgmm.sampling import run_native

from .test_sampling import Recorder, config, data, system  # noqa: F401

pytestmark = pytest.mark.instruction_sets

PAIRS = ("align body 0, body 2", "align body 0, body 5", "align body 2, body 5")


def turn(quaternion: np.ndarray) -> np.ndarray:
    return to_matrices(np.r_[quaternion, 0, 0, 0][None])[0][0]


def cloud(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points (12, 3) Å, wide in one direction and flat in another, and their masses (Da)."""
    points = rng.normal(size=(12, 3)) * (20, 8, 3) @ turn(random_rotations(rng, 1)[0])
    return points + rng.normal(size=3), rng.uniform(1, 3, 12)


def test_frame_is_principal():
    rng = np.random.default_rng(3)
    for _ in range(20):
        points, masses = cloud(rng)
        frame = turn(_core.principal_frame(points, masses))
        assert np.linalg.det(frame) == pytest.approx(1)
        own = (points - masses @ points / masses.sum()) @ frame
        moments = (masses[:, None] * own).T @ own
        np.testing.assert_allclose(moments, np.diag(np.diag(moments)), atol=1e-9 * moments.max())
        assert moments[0, 0] > moments[1, 1] > moments[2, 2]


def sampled(movers, starts, steps, force_constant=1e-9):
    """Poses (frames, bodies, 7) of every step; a bond between the bodies' origins is the score."""
    bodies = starts.shape[1]
    ends = [(np.array([b]), np.array([[5.0, -2.0, 1.0]]), np.zeros(1)) for b in (0, 1)]
    term = _core.connectivity_term(bodies, *ends[0], *ends[1], np.zeros(1), force_constant)
    sampler = _core.Sampler(
        terms=[term], weights=[1.0], annealed=[False], movers=movers, temperatures=[1.0],
        starts=starts, steps=steps, low_steps=0, high_steps=1000, low_weight=1.0, frame_interval=1,
        exchange_interval=1000, refresh_interval=100_000, burn_in=0, seed=2, threads=1,
    )  # fmt: skip
    sampler.advance(steps, 100.0)
    return np.array(sampler.take_frames()["poses"]).reshape(-1, bodies, 7)


def pair():
    """Frames of two bodies, and starts (1, 3, 7) with a bead that the second carries."""
    rng = np.random.default_rng(8)
    frames = [_core.principal_frame(*cloud(rng)) for _ in range(2)]
    starts = np.c_[random_rotations(rng, 3), rng.uniform(-20, 20, (3, 3))][None]
    return frames, starts


def test_axes_coincide():
    frames, starts = pair()
    mover = _core.aligned_swap_mover("align", np.array([0]), np.array([1, 2]), *frames)
    poses = np.concatenate([starts, sampled([mover], starts, 400)])
    rotations, places = to_matrices(poses)
    axes = np.stack([rotations[:, b] @ turn(frames[b]) for b in (0, 1)], axis=1)
    # Nothing is refused: each frame is one move from the last one.
    np.testing.assert_allclose(places[1:, :2], places[:-1, 1::-1], atol=1e-9)
    flips = np.einsum("nbji,nbjk->nbik", axes[1:], axes[:-1, ::-1])
    signs = np.diagonal(flips, axis1=2, axis2=3).round()
    np.testing.assert_allclose(flips, signs[..., None] * np.eye(3), atol=1e-6)
    assert len(np.unique(signs.reshape(-1, 6), axis=0)) == 16
    # The bead stays where it is in the frame of its body.
    own = np.einsum("nji,nj->ni", rotations[:, 1], places[:, 2] - places[:, 1])
    np.testing.assert_allclose(own, np.broadcast_to(own[0], own.shape), atol=1e-6)


def test_known_distribution():
    """Swaps alone: each of the 32 arrangements that they lead to as often as Boltzmann says."""
    frames, starts = pair()
    starts = starts[:, :2]
    mover = _core.aligned_swap_mover("align", np.array([0]), np.array([1]), *frames)
    poses = sampled([mover], starts, 100_000, force_constant=2e-3)
    rotations, places = to_matrices(poses)
    ends = np.einsum("nbij,j->nbi", rotations, [5.0, -2.0, 1.0]) + places
    energy = 0.5 * 2e-3 * ((ends[:, 0] - ends[:, 1]) ** 2).sum(axis=1)
    states, times = np.unique(np.c_[energy, places[:, 0]].round(6), axis=0, return_counts=True)
    assert len(states) == 32
    expected = np.exp(-states[:, 0])
    np.testing.assert_allclose(times / len(poses), expected / expected.sum(), atol=0.004)
    assert expected.max() > 1.5 * expected.min()


def test_switch(system, data):  # noqa: F811
    assert not any(
        m.name.startswith("align ")
        for m in build_movers(Posterior.of_run(config(), system, None))[0]
    )
    movers, weights = build_movers(
        Posterior.of_run(config(alignment_moves=0.3, global_moves=0.2), system, None)
    )
    names = [m.name for m in movers]
    assert tuple(names[14:]) == PAIRS and weights[14:] == pytest.approx([0.1] * 3)
    assert sum(weights) == pytest.approx(1) and weights[:8] == pytest.approx([0.5 / 8] * 8)
    only_one = np.zeros(6, dtype=bool)
    only_one[0] = True
    assert aligned_movers(system, only_one, 0.3) == ([], [])
    summary = run_native(Posterior.of_run(config(alignment_moves=0.3, start="asis"), system, data))
    assert set(PAIRS) < set(summary.acceptance) and summary.drift == 0


def test_default_draws_the_same_numbers(system, data):  # noqa: F811
    runs = []
    for given in ({}, {"alignment_moves": 0.0}, {"alignment_moves": 0.1}):
        runs.append(Recorder())
        run_native(
            Posterior.of_run(config(start="asis", steps=600, **given), system, data), runs[-1]
        )
    assert runs[0].totals == runs[1].totals != runs[2].totals


def test_share_is_checked(load_sampling):
    assert load_sampling("").sampling.alignment_moves == 0
    with pytest.raises(InputError, match=r"global_moves: found 1\.2 with the shares"):
        load_sampling("global_moves = 0.6\nalignment_moves = 0.6\n")
    with pytest.raises(InputError, match="alignment_moves"):
        load_sampling("alignment_moves = 1.0\n")

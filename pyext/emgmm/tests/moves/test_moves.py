"""Moves that know the data, as settings: switched, reported, resumed bit for bit."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from chain_system import Recorder, config, data, system  # noqa: F401
from emgmm import _core
from emgmm.config.settings import EmConfig, MovesConfig
from emgmm.errors import InputError
from emgmm.moves.build import build_movers
from emgmm.moves.registry import KINDS
from emgmm.poses import to_matrices
from emgmm.posterior import Posterior
from emgmm.representation.system import Spheres
from emgmm.sampling import run_native
from emgmm.sampling.minimize import minimized
from emgmm.scoring.terms import TermSpec
from emgmm.search.starts import random_starts
from emgmm.symmetry import Symmetry, operations

pytestmark = pytest.mark.instruction_sets

ALL = dict(moves=MovesConfig(swaps=0.05, turns=0.05, independence=0.2), steps=600)


def test_movers_and_shares(system, data):  # noqa: F811
    movers, weights = build_movers(Posterior.of_run(config(**ALL), system, data))
    names = [m.name for m in movers]
    assert names[8:] == [
        *(f"swap body {a}, body {b}" for a, b in ((0, 2), (0, 5), (2, 5))),
        *(f"turn body {b}" for b in (0, 2, 5)),
        "independence",
    ]
    assert weights == pytest.approx([0.7 / 8] * 8 + [0.05 / 3] * 6 + [0.2])
    assert system.turning_radii(system.bodies.movable)[1] == 0


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_each_is_reported(system, data, kind):  # noqa: F811
    settings = config(moves=MovesConfig(**{kind: 0.2}), steps=600, start="asis")
    summary = run_native(Posterior.of_run(settings, system, data))
    begins = {"swaps": "swap ", "turns": "turn ", "independence": "independence"}[kind]
    rates = [rate for name, rate in summary.acceptance.items() if name.startswith(begins)]
    assert len(rates) == (1 if kind == "independence" else 3)
    assert len(summary.acceptance) == 8 + len(rates)
    assert sum(rates) > 0 and summary.drift == 0


def test_kinds_without_bodies_leave_their_share_to_steps(system):  # noqa: F811
    bodies = replace(system.bodies, rotatable=np.zeros(len(system.bodies), dtype=bool))
    system = replace(system, bodies=bodies)
    settings = config(moves=MovesConfig(swaps=0.3, turns=0.3))
    movers, weights = build_movers(Posterior.of_run(settings, system, None))
    assert not any(m.name.startswith(("swap", "turn")) for m in movers)
    assert weights == pytest.approx([1 / len(movers)] * len(movers))


def test_density_of_proposals():
    center = np.array([[0.5, 0.5, 0.5, 0.5, 1, 2, 3]])
    density = _core.PoseDensity(center, np.array([2.0]), 1.5, 0.2, 0.1, [0.0, 0.0, 0.0, 30.0])
    at = density.log_density(np.vstack([center, -center * [1, 1, 1, 1, -1, -1, -1]]))
    assert at[0] == at[1]  # q and -q are one rotation
    peak = 0.9 / (2 * np.pi * 1.5 * 0.2) ** 3 * 8 * np.pi**2
    assert np.exp(at[0]) == pytest.approx(peak, rel=1e-4)
    far = density.log_density(np.array([[1.0, 0, 0, 0, 200, 0, 0]]))
    flat = np.log(0.1) - 1.5 * np.log(2 * np.pi * 30**2) - 0.5 * (200 / 30) ** 2
    assert far[0] == pytest.approx(flat)
    with pytest.raises(ValueError, match="broad_weight"):
        _core.PoseDensity(center, np.array([2.0]), 1.5, 0.2, 0.0, [0.0, 0.0, 0.0, 30.0])


@pytest.mark.parametrize("given", [ALL, ALL | {"adapt_steps": 300}])
def test_resumed_bit_for_bit(system, data, tmp_path, given):  # noqa: F811
    settings = config(**given)
    whole = Recorder()
    expected = run_native(Posterior.of_run(settings, system, data), whole)
    path = tmp_path / "checkpoint.bin"
    recorder = Recorder(stop_after=3)
    with pytest.raises(KeyboardInterrupt):
        run_native(
            Posterior.of_run(settings, system, data), recorder, checkpoint=path, chunk_seconds=0.0
        )
    assert len(recorder.totals) < len(whole.totals)
    one_thread = config(**given, threads=1)
    found = run_native(
        Posterior.of_run(one_thread, system, data), recorder, checkpoint=path, resume=True
    )
    assert recorder.totals == whole.totals and len(whole.totals) == 20
    assert found.acceptance == expected.acceptance
    assert found.found == expected.found and sum(found.found.values()) > 0
    poses, expected = (np.concatenate([b.poses for b in r.batches]) for r in (recorder, whole))
    np.testing.assert_array_equal(poses, expected)


def test_minimized_starts(system, data):  # noqa: F811
    settings = config(minimize=60)
    posterior = Posterior.of_run(settings, system, data)
    terms, weights = [s.term for s in posterior.terms], [s.weight for s in posterior.terms]
    starts = random_starts(system, data, settings.sampling)
    found = minimized(posterior, starts)

    def score(poses):
        return sum(w * t.evaluate(poses) for t, w in zip(terms, weights, strict=True))

    assert found.shape == starts.shape
    for before, after in zip(starts, found, strict=True):
        assert score(after) < score(before) - 1
    same = minimized(posterior, starts[[0, 0, 1]])
    np.testing.assert_array_equal(same, found[[0, 0, 1]])
    recorder = Recorder()
    run_native(Posterior.of_run(config(minimize=60, steps=60), system, data), recorder)
    assert len(recorder.totals) == 2


def test_images_of_a_minimum_are_in_place():
    # Two bonds pull a body and its image by a half turn to the axis.
    def at(body):
        return Spheres(np.array([body]), np.array([[1.0, 0.0, 0.0]]), np.array([0.1]))

    term = _core.connectivity_term(2, at(0), at(1), np.array([1.0]), 10.0)
    pose = np.array([[1.0, 0, 0, 0, 9, 2, 3], [0, 0, 0, 1, -9, -2, 3]])
    half_turn = np.array([[0.0, 0, 0, 1, 0, 0, 0]])
    nothing = np.array([[1.0, 0, 0, 0, 0, 0, 0]])
    both = np.concatenate([nothing, half_turn])
    images = Symmetry("C2", both, np.array([0]), np.array([1]), half_turn, nothing)
    value, found, evaluations = _core.minimize_terms(
        [TermSpec(term, 1.0)], pose, [2.0, -1.0], 100, images
    )
    assert value < 1e-3 < term.evaluate(pose) and evaluations <= 100
    np.testing.assert_allclose(found[1, 4:] * [-1, -1, 1], found[0, 4:], atol=1e-12)


@pytest.mark.parametrize("group", ["C4", "D2"])
def test_images_follow_all_moves(group):
    from symmetric_ring import CENTER, ring, settings

    system, data, axis, second = ring(group, tail=4)  # noqa: F811
    given = {"axis": tuple(axis), "center": tuple(CENTER)}
    if group[0] == "D":
        given["second_axis"] = tuple(second)
    config = settings(group, **given)
    sampling = msgspec.structs.replace(config.sampling, **(ALL | {"minimize": 10}))
    config = msgspec.structs.replace(config, em=EmConfig(gmm="g"), sampling=sampling)
    recorder = Recorder()
    summary = run_native(Posterior.of_run(config, system, data), recorder)
    # Images start outside the confinement, where half of all moves lead away and are refused.
    assert max(summary.acceptance.values()) > 0.05 and summary.drift == 0
    turns, shifts = to_matrices(operations(group, CENTER, axis, second))
    beads = system.finest
    for batch in recorder.batches:
        for poses in batch.poses:
            xyz = beads.positions(poses)
            for k in range(1, len(turns)):
                expected = xyz[beads.molecule == 0] @ turns[k].T + shifts[k]
                np.testing.assert_allclose(xyz[beads.molecule == k], expected, atol=1e-6)


def test_settings_are_checked(load_sampling):
    with pytest.raises(InputError, match=r"sampling\.moves\.independence: found no \[em\]"):
        load_sampling("moves.independence = 0.1\n")
    with pytest.raises(InputError, match=r"sampling\.moves: found shares of 1\.2 together"):
        load_sampling("moves = {swaps = 0.6, turns = 0.6}\n")
    with pytest.raises(InputError, match=r"sampling\.moves\.swap"):
        load_sampling("moves.swap = 0.1\n")


def test_settings_of_earlier_versions(load_sampling, tmp_path):
    """Keys that moved are taken; of moves that are gone only a share of nothing."""
    now = load_sampling("moves = {swaps = 0.1, turns = 0.1}\n")
    assert load_sampling("global_moves = 0.2\n") == now
    gone = "coarse_moves = 0.0\ncoarse_steps = 100\ncoarse_levels = [4]\nlinked_moves = 0.0\n"
    assert load_sampling(gone + "moves = {swaps = 0.1, turns = 0.1}\n") == now
    em = "independence_moves = 0.3\n[em]\ngmm = 't.txt'\n"
    assert load_sampling(em).sampling.moves == MovesConfig(independence=0.3)
    for key in ("hamiltonian", "linked", "coarse", "alignment"):
        with pytest.raises(InputError, match=rf"sampling\.{key}_moves: found .* are gone"):
            load_sampling(f"{key}_moves = 0.1\n")


def test_beads_get_out_of_the_way_first(system, data):  # noqa: F811
    """Beads inside of bodies find their places, and push these less out of theirs."""
    settings = config(minimize=300)
    posterior = Posterior.of_run(settings, system, data)
    terms = posterior.terms
    rigid = system.bodies.rotatable
    every = system.turning_radii(system.bodies.movable)
    given = system.bodies.poses
    native = _core.minimize_terms(terms, given, every, 300)[1]
    rng = np.random.default_rng(1)
    at_once, in_turn = [], []
    for inside in np.flatnonzero(rigid)[np.arange(16) % rigid.sum()]:
        clashing = native.copy()
        clashing[~rigid, 4:] = native[inside, 4:] + rng.normal(0, 3, 3)
        at_once.append(_core.minimize_terms(terms, clashing, every, 300)[1])
        in_turn.append(minimized(posterior, clashing[None])[0])

    def moved(poses):  # of the body that is pushed furthest, over all starts
        shifts = np.stack(poses)[:, rigid, 4:] - native[rigid, 4:]
        return np.linalg.norm(shifts, axis=2).max(axis=1).mean()

    # One start may end anywhere: by rounding alone, 16 come to 0.67 to 0.77.
    assert moved(in_turn) < 0.9 * moved(at_once)

"""The native run: the same however it is cut, stopped and resumed; priors of a whole system."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from chain_system import Recorder, config, data, system
from emgmm import _core
from emgmm.errors import InputError
from emgmm.moves.build import build_movers
from emgmm.moves.swaps import principal_axes
from emgmm.poses import (
    canonical,
    composed,
    inverted,
    random_rotations,
    to_matrices,
    to_poses,
    turned,
)
from emgmm.posterior import Posterior
from emgmm.sampling import benchmark, make_sampler, run_native
from emgmm.sampling.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from emgmm.sampling.sampler import burn_in, placed_starts
from emgmm.search import Placement, place
from emgmm.search.starts import random_starts
from priors_reference import connectivity_energy, excluded_volume_energy

__all__ = ["data", "system"]  # fixtures

pytestmark = pytest.mark.instruction_sets


def test_poses_round_trip():
    rng = np.random.default_rng(1)
    q = random_rotations(rng, 200)
    q[:3] = np.eye(4)[1:]  # half turns: w = 0
    rotation, translation = to_matrices(np.c_[q, rng.normal(size=(200, 3))])
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1) - np.eye(3), 0, atol=1e-14)
    again, _ = to_matrices(to_poses(rotation, translation))
    np.testing.assert_allclose(again, rotation, atol=1e-14)
    poses = np.c_[-3 * q, translation]
    np.testing.assert_allclose(canonical(poses), to_poses(rotation, translation), atol=1e-14)
    back = composed(inverted(np.c_[-q, translation]), np.c_[q, translation])
    nowhere = np.tile([1.0, 0, 0, 0, 0, 0, 0], (200, 1))
    np.testing.assert_allclose(canonical(back), nowhere, atol=1e-13)
    product, _ = to_matrices(np.c_[turned(q, q[::-1]), translation])
    np.testing.assert_allclose(product, rotation @ rotation[::-1], atol=1e-14)


def test_terms_equal_the_plain_loops(system, data):
    specs = Posterior.of_run(config(), system, data).terms
    assert [s.term.name for s in specs] == ["em", "connectivity", "excluded_volume"]
    assert [s.annealed for s in specs] == [True, False, False]
    for poses in random_starts(system, data, config().sampling):
        bonds = connectivity_energy(system, poses)
        spheres = excluded_volume_energy(system, poses)
        assert specs[1].term.evaluate(poses) == pytest.approx(bonds, rel=1e-12)
        assert specs[2].term.evaluate(poses) == pytest.approx(spheres, rel=1e-12)
        assert specs[2].term.reset(poses) == pytest.approx(spheres, rel=1e-12)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_gradients_are_slopes(system, data, index):
    term = Posterior.of_run(config(), system, data).terms[index].term
    rng = np.random.default_rng(2)
    poses = random_starts(system, data, config(box=30.0).sampling)[0]
    _, by_translation, by_rotation = term.gradient(poses)
    step = 1e-5
    for turn in (False, True):
        direction = rng.normal(size=(len(poses), 3))

        def score(s, turn=turn, direction=direction):
            moved = poses.copy()
            if turn:
                half = s * direction / 2
                q = np.c_[np.sqrt(1 - (half**2).sum(1)), half]
                moved[:, :4] = turned(q, moved[:, :4])
            else:
                moved[:, 4:] += s * direction
            return term.evaluate(moved)

        slope = (score(step) - score(-step)) / (2 * step)
        found = np.vdot(by_rotation if turn else by_translation, direction)
        scale = np.abs(by_translation).max()
        assert found == pytest.approx(slope, rel=1e-6, abs=1e-6 * scale)


def test_random_starts(system, data):
    sampling = config(box=200.0).sampling
    starts = random_starts(system, data, sampling)
    assert starts.shape == (3, 6, 7)
    np.testing.assert_array_equal(starts, random_starts(system, data, sampling))
    assert np.abs(starts[0] - starts[1]).max() > 1
    beads = system.particles[10]
    input_xyz = beads.positions(system.bodies.poses)
    for poses in starts:
        xyz = beads.positions(poses)
        ridden = np.flatnonzero(np.isin(beads.body, [0, 1]))  # a body and what it carries
        for i, j in ((ridden[0], ridden[-1]), (ridden[3], ridden[-1])):
            distance = np.linalg.norm(xyz[i] - xyz[j])
            assert distance == pytest.approx(np.linalg.norm(input_xyz[i] - input_xyz[j]))
        free = np.flatnonzero(beads.body == 3)[0]  # as near to the bead before it as a bond
        gap = np.linalg.norm(xyz[free] - xyz[free - 1]) - beads.radius[[free, free - 1]].sum()
        assert -1e-9 < gap < 3.6 + 1e-9


def test_movers(system):
    movers, weights = build_movers(Posterior.of_run(config(), system, None))
    names = [m.name for m in movers]
    assert weights == pytest.approx([1 / 8] * 8)
    assert names == [f"body {b}" for b in range(6)] + ["super rigid body 1", "whole system"]


def test_axes_of_turns(system):
    axes = principal_axes(system, 0)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_run_reports_and_finds_the_map_again(system, data):
    recorder = Recorder()
    summary = run_native(Posterior.of_run(config(start="asis"), system, data), recorder)
    frames = recorder.batches[0]
    assert summary.frames == len(recorder.totals) == 100
    assert summary.steps == 3000 and summary.moves == 3 * 3400
    assert summary.best_score == min(recorder.totals)
    assert set(summary.acceptance) == {
        m.name for m in build_movers(Posterior.of_run(config(), system, None))[0]
    }
    assert all(0 < rate < 1 for rate in summary.acceptance.values())
    assert summary.found.keys() == summary.acceptance.keys()
    assert len(summary.exchange) == 2 and summary.drift == 0
    assert summary.temperatures == pytest.approx([1, 2.5**0.5, 2.5])
    assert frames.terms == ("em", "connectivity", "excluded_volume")
    specs = Posterior.of_run(config(), system, data).terms
    for spec, score in zip(specs, frames.scores[-1], strict=True):
        assert spec.term.evaluate(frames.poses[-1]) == pytest.approx(score, rel=1e-9)
    assert frames.totals[-1] == pytest.approx(frames.scores[-1].sum())


def test_stopped_and_resumed_is_the_same_run(system, data, tmp_path):
    whole = Recorder()
    run_native(Posterior.of_run(config(), system, data), whole)
    path = tmp_path / "checkpoint.bin"
    recorder = Recorder(stop_after=3)
    handler = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background
    with pytest.raises(KeyboardInterrupt):
        run_native(
            Posterior.of_run(config(), system, data), recorder, checkpoint=path, chunk_seconds=0.0
        )  # as short as can be
    assert signal.getsignal(signal.SIGINT) is handler
    stored = read_checkpoint(path)
    assert 3 <= stored.offsets["frames"] == len(recorder.totals) < len(whole.totals)
    summary = run_native(
        Posterior.of_run(config(threads=1), system, data), recorder, checkpoint=path, resume=True
    )
    assert recorder.totals == whole.totals
    assert summary.frames == len(whole.totals)
    assert summary.best_score == min(whole.totals)
    # Once finished, resuming does nothing; more steps go on.
    again = run_native(
        Posterior.of_run(config(), system, data), recorder, checkpoint=path, resume=True
    )
    assert again.frames == len(recorder.totals) == 100
    more = run_native(
        Posterior.of_run(config(steps=3600), system, data), recorder, checkpoint=path, resume=True
    )
    assert more.frames == len(recorder.totals) == 120


def test_only_arrangements_near_the_best_start_replicas(system, data, monkeypatch):
    native = system.bodies.poses
    scores, shift = (7.0, 8.5, 12.0), np.array([0.0, 0, 0, 0, 1, 1, 1])
    found = [Placement(s, 1, native + s * shift) for s in scores]
    monkeypatch.setattr(place, "place_system", lambda *args, **options: found)
    starts, search = placed_starts(
        Posterior.of_run(config(start="placed", replicas=5), system, data)
    )
    assert [s["starts"] for s in search] == [True, True, False]
    assert [s["score"] for s in search] == list(scores)
    assert (starts == np.stack([found[k].poses for k in (0, 1, 0, 1, 0)])).all()


def test_burn_in_follows_a_search():
    placed = config(start="placed").sampling
    assert burn_in(placed, 12, has_data=True) == 12_000
    assert burn_in(placed, 1200, has_data=True) == 100_000
    assert burn_in(placed, 12, has_data=False) == 0
    assert burn_in(config(start="asis").sampling, 12, has_data=True) == 0
    assert burn_in(config(start="placed", adapt_steps=7).sampling, 12, has_data=True) == 7


def test_burn_in_adapts_and_freezes(system, data, tmp_path):
    path = tmp_path / "checkpoint.bin"
    settings = config(adapt_steps=20_000, steps=20_000, max_translation=1.0, start="asis")
    recorder = Recorder()
    summary = run_native(Posterior.of_run(settings, system, data), recorder, checkpoint=path)
    assert summary.steps == 20_000 and summary.frames == 20_000 // 30
    temperatures = summary.temperatures
    assert temperatures[0] == 1 and temperatures[2] == 2.5 and 1 < temperatures[1] < 2.5
    assert temperatures[1] != pytest.approx(2.5**0.5, rel=1e-3)
    bodies = [summary.acceptance[f"body {b}"] for b in range(6)]
    assert np.mean(bodies) == pytest.approx(0.3, abs=0.15)
    again = run_native(
        Posterior.of_run(settings, system, data), recorder, checkpoint=path, resume=True
    )
    assert again.temperatures == temperatures and again.acceptance == summary.acceptance
    with pytest.raises(InputError, match="burn-in of 20000 steps"):
        run_native(Posterior.of_run(config(), system, data), checkpoint=path, resume=True)


def test_single_precision_is_close(system, data):
    poses = system.bodies.poses
    single, double = (
        Posterior.of_run(config(precision=p), system, data).terms[0].term
        for p in ("single", "double")
    )
    assert single.reset(poses + 0.0) == pytest.approx(double.reset(poses), abs=1e-3)


def test_another_run_is_refused(system, data, tmp_path):
    path = tmp_path / "checkpoint.bin"
    run_native(Posterior.of_run(config(steps=100), system, data), checkpoint=path)
    with pytest.raises(InputError, match=r"checkpoint\.bin: found .*seed 5.*expected"):
        run_native(Posterior.of_run(config(seed=6), system, data), checkpoint=path, resume=True)
    with pytest.raises(InputError, match="other temperatures"):
        run_native(Posterior.of_run(config(replicas=4), system, data), checkpoint=path, resume=True)


def test_checkpoint_files(tmp_path):
    path = tmp_path / "c.bin"
    with pytest.raises(InputError, match="no such file"):
        read_checkpoint(path)
    checkpoint = Checkpoint(b"\x00\n1" * 50, {"stat.0.out": 12}, {"best_score": float("inf")})
    write_checkpoint(path, checkpoint)
    assert read_checkpoint(path) == checkpoint
    assert [p.name for p in tmp_path.iterdir()] == ["c.bin"]
    whole = path.read_bytes()
    for broken in (whole[:-1], whole[:30], whole[:-1] + b"x"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="a whole checkpoint"):
            read_checkpoint(path)
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match="another kind of file"):
        read_checkpoint(path)


def test_bad_setups_are_refused(system, data):
    with pytest.raises(TypeError, match="incompatible"):
        Posterior.of_run(config(), system, data).terms[0].term.evaluate(np.zeros((6, 6)))
    with pytest.raises(ValueError, match="one pose a body"):
        Posterior.of_run(config(), system, data).terms[0].term.evaluate(np.zeros((5, 7)))
    with pytest.raises(ValueError, match="max_translation"):
        _core.rigid_mover("m", np.array([0]), -1.0, 0.0)
    with pytest.raises(ValueError, match="twice"):
        _core.rigid_mover("m", np.array([1, 1]), 1.0, 0.0)
    sampler, *_ = make_sampler(Posterior.of_run(config(), system, data))
    sampler.advance(100, 10)
    with pytest.raises(ValueError, match="frames"):
        sampler.advance(100, 10)
        sampler.save()


def test_benchmark_counts_what_it_says():
    result = benchmark(2, components=3, data_components=20, moved_together=2, seconds=0.05)
    assert result.threads == 2 and result.moves_per_second > 100
    assert result.pairs_per_second == pytest.approx(result.moves_per_second * 2 * 3 * 20)

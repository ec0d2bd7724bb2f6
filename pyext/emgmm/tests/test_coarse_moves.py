"""Moves from coarse to fine: what they sample, switched, reported, resumed, with images."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm import _core
from emgmm.config.settings import EmConfig
from emgmm.errors import InputError
from emgmm.imp.run import imp_lacks
from emgmm.mixture import Mixture
from emgmm.moves.build import build_movers
from emgmm.moves.coarse import coarse_term
from emgmm.posterior import Posterior
from emgmm.sampling import run_native
from emgmm.scoring.mixture_score import ScoreOptions, make_score

from .test_sampling import Recorder, config, data, system  # noqa: F401

pytestmark = pytest.mark.instruction_sets


def clumps(seed=0):
    """Two clumps of Gaussians, (mixture of 12, one body of one Gaussian that may be in either)."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(12, 3)) * 4 + np.repeat([[-9.0, 0, 0], [9, 0, 0]], [5, 7], axis=0)
    data = Mixture(means, np.eye(3) * np.full((12, 1, 1), 20.0), np.full(12, 1.0))  # noqa: F811
    return data, Mixture(np.zeros((1, 3)), np.eye(3)[None] * 40.0, [12.0])


def term_of(data, body, name="em"):  # noqa: F811
    return _core.density_term(
        make_score(data, ScoreOptions(sigma_min=0.3)),
        1,
        np.zeros(len(body), dtype=np.int64),
        body.means,
        body.covariances,
        body.weights,
        name,
    )


@pytest.mark.parametrize("levels", [1, 2])
def test_density_term_is_sampled(levels):
    fine, body = clumps()
    terms = [term_of(fine, body)]
    for n in (4, 2)[:levels]:
        terms.append(
            term_of(
                Mixture(*_core.coarser(fine.means, fine.covariances, fine.weights, 12 / n)),
                body,
                "c",
            )
        )
    ball = [0.0, 0.0, 0.0, 16.0]
    movers = [_core.rigid_mover("s", np.array([0]), step, 0.0, 0) for step in (12.0, 3.0)]
    inner, mover = movers, None
    for term, weight in zip(reversed(terms[1:]), (2.0, 3.0)[-levels:], strict=True):
        inner = movers if mover is None else [*movers, mover]
        mover = _core.coarse_mover(
            "coarse", inner, [], term, term=0, steps=8, heat=1.1, weight=weight, confinement=ball
        )
    start = np.array([[[1.0, 0, 0, 0, -9, 0, 0]]])
    sampler = _core.Sampler(
        terms=terms[:1], weights=[1.0], annealed=[False], movers=[mover], temperatures=[1.0],
        starts=start, steps=240_000, low_steps=0, high_steps=1000, low_weight=1.0,
        frame_interval=8, exchange_interval=1000, refresh_interval=100_000, burn_in=0, seed=2,
        threads=1, confinement=ball,
    )  # fmt: skip
    sampler.advance(240_000, 100.0)
    tried, accepted = sampler.counts()
    assert 0.1 < accepted[0, 0] / tried[0, 0] < 0.95
    found = np.array(sampler.take_frames()["poses"]).reshape(-1, 7)[:, 4:]
    axis = np.arange(-16, 16.1, 1.0)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[np.linalg.norm(grid, axis=1) <= 16]
    poses = np.c_[np.ones(len(grid)), np.zeros((len(grid), 3)), grid]
    weight = np.exp(-np.array([terms[0].evaluate(p[None]) for p in poses]))
    weight /= weight.sum()
    for of in (lambda x: x[:, 0], lambda x: (x[:, 0] > 0.5) * 1.0, lambda x: (x**2).sum(axis=1)):
        expected, spread = weight @ of(grid), np.sqrt(weight @ of(grid) ** 2)
        # Of other seeds the standard deviation is 0.007 of the spread.
        assert of(found).mean() == pytest.approx(expected, abs=0.03 * spread)


def test_coarse_term_keeps_the_mass(system, data):  # noqa: F811
    em = EmConfig(gmm="g")
    same = coarse_term(system, data, em, 1)
    poses = np.c_[np.ones(6), np.zeros((6, 3)), system.bodies.translation]
    fine = _core.density_term(
        make_score(data, ScoreOptions()),
        6,
        system.gaussians.body.astype(np.int64),
        system.gaussians.mixture.means,
        system.gaussians.mixture.covariances,
        system.gaussians.mixture.weights,
    )
    assert same.evaluate(poses) == pytest.approx(fine.evaluate(poses), rel=1e-12)
    assert coarse_term(system, data, em, 4).evaluate(poses) != pytest.approx(fine.evaluate(poses))
    mixture = Mixture(*_core.coarser(data.means, data.covariances, data.weights, len(data) / 5))
    assert len(mixture) == 5 and mixture.mass == pytest.approx(data.mass)
    np.testing.assert_allclose(mixture.center, data.center, atol=1e-9)


@pytest.mark.parametrize("levels", [(4,), (2, 8)])
def test_share_and_report(system, data, levels):  # noqa: F811
    chains = dict(coarse_moves=0.1, coarse_steps=5, coarse_levels=levels)
    settings = config(**chains, start="asis", steps=900)
    movers, weights = build_movers(Posterior.of_run(settings, system, data))
    assert movers[-1].name == "coarse" and weights[-1] == 0.1 and sum(weights) == pytest.approx(1)
    summary = run_native(Posterior.of_run(settings, system, data))
    assert 0 < summary.acceptance["coarse"] < 1 and summary.drift == 0
    assert (
        "coarse"
        not in run_native(Posterior.of_run(config(start="asis", steps=60), system, data)).acceptance
    )


def test_settings_are_checked(load_sampling):
    with pytest.raises(InputError, match=r"sampling\.coarse_moves: found no \[em\]"):
        load_sampling("coarse_moves = 0.1\n")
    with pytest.raises(InputError, match="coarse_steps"):
        load_sampling("coarse_steps = 0\n")
    with pytest.raises(InputError, match=r"global_moves: found 1\.2 with the shares"):
        load_sampling("coarse_moves = 0.6\nlinked_moves = 0.6\n")
    with pytest.raises(InputError, match="linked_moves"):
        load_sampling("linked_moves = -0.1\n")
    with pytest.raises(InputError, match=r"coarse_levels: found \[4, 4\], expected ascending"):
        load_sampling("coarse_levels = [4, 4]\n")
    with pytest.raises(InputError, match="coarse_levels"):
        load_sampling("coarse_levels = [1]\n")
    with pytest.raises(InputError, match="coarse_levels"):
        load_sampling("coarse_levels = []\n")
    assert imp_lacks(config(coarse_moves=0.1, replicas=1)) is None

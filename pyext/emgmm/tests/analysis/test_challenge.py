"""The best model against what could be instead, and what a search leaves of its arrangements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from emgmm.analysis.challenge import challenged
from emgmm.analysis.fit import fit_of
from emgmm.config.settings import Config, EmConfig, SamplingConfig, SystemConfig
from emgmm.poses import composed, inverted, to_matrices, to_poses
from emgmm.posterior import Posterior
from emgmm.sampling.alternatives import (
    Found,
    arrangements,
    differences,
    from_input,
    places,
    to_input,
)
from toy_system import random_poses, toy_system


@pytest.fixture(scope="module")
def problem():
    """Two bodies in the map of themselves, and where they are in it."""
    system = toy_system(("A", "B"), residues=60, tail=0)
    truth = random_poses(system, np.random.default_rng(3), spread=18.0)
    data = system.gaussians.placed(truth)
    config = Config(
        system=SystemConfig(topology="none"),
        em=EmConfig(gmm="none"),
        sampling=SamplingConfig(replicas=2, threads=1),
    )
    return Posterior.of_run(config, system, data), truth


def turned_over(posterior, poses, body):
    """A body turned by 180 degrees about its longest axis, where it is."""
    means = posterior.system.gaussians.of_body(body).means
    axis = np.linalg.eigh(np.cov(means.T))[1][:, -1]
    turn = to_poses(2 * np.outer(axis, axis) - np.eye(3), np.zeros(3))
    changed = poses.copy()
    changed[body] = composed(poses[body], turn)
    return changed


def test_nothing_beats_the_truth(problem):
    posterior, truth = problem
    best, changes = challenged(posterior, truth)
    assert best.farthest == 0 and best.cc == pytest.approx(1, abs=0.01)
    assert [c.score for c in changes] == sorted(c.score for c in changes)
    others = [c for c in changes if c.farthest >= 10]
    assert len(others) > 5 and min(c.score for c in others) > best.score + 3
    told = {c.how for c in changes}
    assert {"A turned over", "A and B exchanged", "B elsewhere"} <= told
    assert challenged(posterior, truth, only_minimize=True)[1] == []


def test_a_wrong_model_is_found_out(problem):
    posterior, truth = problem
    best, changes = challenged(posterior, turned_over(posterior, truth, 0))
    at = places(posterior.system, truth[None])[0]
    wrong = differences(posterior.system, places(posterior.system, best.poses[None]), at)
    found = differences(posterior.system, places(posterior.system, changes[0].poses[None]), at)
    assert changes[0].score < best.score - 3
    assert found.max() < 2 < wrong.max()


def test_copies_that_change_places_are_the_same():
    system = toy_system(("A", "A"), tail=0)
    poses = random_poses(system, np.random.default_rng(1))
    models = places(system, np.stack([poses, poses[::-1]]))
    assert differences(system, models, models[0]).max() < 1e-5


def test_what_a_search_found_is_told_in_terms_of_the_run(problem):
    posterior, truth = problem
    other = turned_over(posterior, truth, 1)
    found = [Found(1.0, truth, 2), Found(9.0, other, 1, ("B",))]
    best, second = arrangements(posterior, found, np.stack([truth, other]), 1)
    assert (best["score"], best["searches"], best["starts"]) == (1.0, 2, True)
    assert (second["elsewhere"], second["starts"]) == (["B"], False)
    assert best["run_score"] == sum(best["terms"].values()) < second["run_score"]
    assert "em" in best["terms"] and best["cc"] == pytest.approx(1, abs=1e-6)
    moves = np.array(second["poses"])
    np.testing.assert_allclose(to_input(posterior.system, moves), other, atol=1e-9)
    # Applied to the input structure: the residues where the arrangement has them.
    system = posterior.system
    rotation, translation = to_matrices(moves)
    given = system.finest.positions(system.bodies.poses)
    body = system.finest.body
    moved = np.einsum("nij,nj->ni", rotation[body], given) + translation[body]
    np.testing.assert_allclose(moved, places(system, other[None])[0], atol=1e-6)


def test_searches_that_end_alike_are_counted(problem):
    posterior, truth = problem
    other = turned_over(posterior, truth, 0)
    near = truth + np.r_[np.zeros(4), 1.0, 0, 0]
    minima = np.stack([truth, near, other])
    found = [
        Found(float(i), p, search=s) for i, (p, s) in enumerate(zip(minima, (0, 1, 1), strict=True))
    ]
    assert [a["searches"] for a in arrangements(posterior, found, minima, 1)] == [2, 2, 1]


def test_poses_and_what_undoes_them():
    system = toy_system(("A", "B"), tail=0)
    poses = random_poses(system, np.random.default_rng(5))
    nothing = composed(poses, inverted(poses))
    np.testing.assert_allclose(np.abs(nothing[:, 0]), 1)
    np.testing.assert_allclose(nothing[:, 4:], 0, atol=1e-9)
    np.testing.assert_allclose(from_input(system, system.bodies.poses)[:, 4:], 0, atol=1e-9)


def test_what_fit_is_possible(problem):
    posterior, truth = problem
    right = fit_of(posterior, truth)
    wrong = fit_of(posterior, turned_over(posterior, truth, 0))
    assert right.found.cc == pytest.approx(1, abs=1e-6) and right.lack < 1 < wrong.lack
    assert 0.8 < right.possible.cc < 1 and wrong.possible.cc > wrong.found.cc
    assert right.odd[1] < 1.5 < wrong.odd[1] and wrong.odd[0] == "A"
    empty = replace(posterior, data=None)
    assert fit_of(empty, truth) is None

"""Replica exchange between arrangements: a wrong one is mended, on any number of threads."""

import numpy as np
import pytest
from emgmm import _core
from emgmm.arrangements import SAME_PLACE, ArrangementScore
from emgmm.mixture import Mixture
from emgmm.placement_tempering import minimized_anew, tempered
from emgmm.poses import random_rotations, to_matrices, turned
from emgmm.scoring import make_score

BODIES, COMPONENTS = 3, 8


@pytest.fixture(scope="module")
def complex_of_three():
    """Three bodies of different extents, their native poses, and the density they make."""
    rng = np.random.default_rng(4)
    means = [rng.normal(0, 7 + 2 * b, (COMPONENTS, 3)) for b in range(BODIES)]
    native = np.concatenate(
        [random_rotations(rng, BODIES), [[0, 0, 0], [38, 4, -3], [15, 34, 6]]], axis=1
    )
    rotation, translation = to_matrices(native)
    covariances = np.tile(25 * np.eye(3), (COMPONENTS, 1, 1))
    weights = np.full(COMPONENTS, 1000.0)
    placed = [m @ r.T + t for m, r, t in zip(means, rotation, translation, strict=True)]
    data = Mixture.concatenated(
        # Half an ångström off, so that the best score is not -infinity.
        [Mixture(p + rng.normal(0, 0.5, p.shape), covariances, weights) for p in placed]
    )
    term = _core.density_term(
        make_score(data),
        BODIES,
        np.repeat(np.arange(BODIES), COMPONENTS),
        np.concatenate(means),
        np.tile(covariances, (BODIES, 1, 1)),
        np.tile(weights, BODIES),
    )
    radii = np.array([np.sqrt((m**2).sum(axis=1).mean()) for m in means])
    return term, native, radii


def found(complex_, starts, threads):
    term, native, radii = complex_
    best, frames = tempered(
        ArrangementScore([term], [1.0], radii),
        starts,
        [np.eye(3)] * BODIES,
        [*native[:, 4:].mean(axis=0), 80.0],
        lambda poses: [],
        seed=2,
        threads=threads,
        solutions=3,
        rounds=1,
    )
    score = ArrangementScore([term], [1.0], radii)
    return score.distinct(minimized_anew(score, [best, frames]), 3)


def minimum(complex_, poses):
    term, _, radii = complex_
    return ArrangementScore([term], [1.0], radii).minimized(poses).score


def test_scattered_bodies_find_their_places(complex_of_three):
    _, native, radii = complex_of_three
    rng = np.random.default_rng(1)
    wrong = native.copy()
    wrong[:, 4:] += rng.normal(0, 8, (BODIES, 3))
    wrong[:, :4] = turned(random_rotations(rng, BODIES), native[:, :4])
    stuck = minimum(complex_of_three, wrong)
    best, *others = found(complex_of_three, [wrong], 0)
    expected = minimum(complex_of_three, native)
    assert stuck > expected + 10
    assert best.score == pytest.approx(expected, abs=0.5)
    assert np.linalg.norm(best.poses[:, 4:] - native[:, 4:], axis=1).max() < 2
    assert all(best.score <= other.score for other in others)
    for other in others:
        away = np.linalg.norm(other.poses[:, 4:] - best.poses[:, 4:], axis=1)
        angles = 2 * np.arccos(
            np.minimum(1, np.abs((other.poses[:, :4] * best.poses[:, :4]).sum(axis=1)))
        )
        assert np.maximum(away, angles * radii).max() > SAME_PLACE


def test_the_answer_does_not_depend_on_threads(complex_of_three):
    _, native, _ = complex_of_three
    one, two = (found(complex_of_three, [native], threads) for threads in (1, 2))
    assert [a.score for a in one] == [b.score for b in two]
    assert all(np.array_equal(a.poses, b.poses) for a, b in zip(one, two, strict=True))


def test_a_good_start_is_not_lost(complex_of_three):
    _, native, _ = complex_of_three
    expected = minimum(complex_of_three, native)
    assert found(complex_of_three, [native], 1)[0].score <= expected + 1e-6

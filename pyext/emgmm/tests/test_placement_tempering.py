"""Replica exchange between arrangements: a wrong one is mended, on any number of threads."""

import numpy as np
import pytest
from emgmm.placement.arrangements import SAME_PLACE
from emgmm.placement.tempering import minimized_anew, tempered
from emgmm.poses import random_rotations, turned

from .toy_complex import toy_complex

pytestmark = pytest.mark.instruction_sets

BODIES = 3


@pytest.fixture(scope="module")
def complex_of_three():
    """Three bodies of different extents, and their native poses."""
    rng = np.random.default_rng(4)
    means = [rng.normal(0, 7 + 2 * b, (8, 3)) for b in range(BODIES)]
    return toy_complex(rng, means, [[0, 0, 0], [38, 4, -3], [15, 34, 6]])


def found(complex_, starts, threads, seed=2):
    score, native = complex_
    best, frames = tempered(
        score,
        starts,
        [np.eye(3)] * BODIES,
        [*native[:, 4:].mean(axis=0), 80.0],
        lambda poses: [],
        seed=seed,
        threads=threads,
        solutions=3,
        rounds=1,
    )
    return score.distinct(minimized_anew(score, [best, frames], 100), 3)


def test_scattered_bodies_find_their_places(complex_of_three):
    """Where minimising does not help, one round finds the native places from most starts; which
    ones is a matter of rounding, so that the first of many is looked at."""
    score, native = complex_of_three
    expected = score.minimized(native).score
    rng = np.random.default_rng(1)
    for seed in range(12):
        wrong = native.copy()
        wrong[:, 4:] += rng.normal(0, 8, (BODIES, 3))
        wrong[:, :4] = turned(random_rotations(rng, BODIES), native[:, :4])
        if score.minimized(wrong).score < expected + 10:
            continue
        best, *others = found(complex_of_three, [wrong], 0, seed)
        assert all(best.score <= other.score for other in others)
        assert all(score.apart(best.poses, other.poses).max() > SAME_PLACE for other in others)
        if best.score < expected + 0.5:
            break
    assert best.score == pytest.approx(expected, abs=0.5)
    assert np.linalg.norm(best.poses[:, 4:] - native[:, 4:], axis=1).max() < 2


def test_the_answer_does_not_depend_on_threads(complex_of_three):
    _, native = complex_of_three
    one, two = (found(complex_of_three, [native], threads) for threads in (1, 2))
    assert [a.score for a in one] == [b.score for b in two]
    assert all(np.array_equal(a.poses, b.poses) for a, b in zip(one, two, strict=True))


def test_a_good_start_is_not_lost(complex_of_three):
    score, native = complex_of_three
    expected = score.minimized(native).score
    assert found(complex_of_three, [native], 1)[0].score <= expected + 1e-6

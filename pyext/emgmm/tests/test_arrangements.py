"""Arrangements compared, and parts of several put together."""

import numpy as np
import pytest
from emgmm.placement import arrangements
from emgmm.placement.arrangements import SAME_PLACE, Arrangement, recombined
from emgmm.poses import turned

from .toy_complex import toy_complex

pytestmark = pytest.mark.instruction_sets

HALF_TURN = np.array([[0.0, 1.0, 0.0, 0.0]])


@pytest.fixture(scope="module")
def complex_of_four():
    """What judges arrangements of four bodies, and their native poses."""
    rng = np.random.default_rng(4)
    means = [rng.normal(0, 8, (8, 3)) * [1.6, 1.0, 0.7] for _ in range(4)]
    return toy_complex(rng, means, [[0, 0, 0], [45, 4, -3], [15, 44, 6], [18, 8, 43]])


def with_half_turns(score, native, bodies):
    poses = native.copy()
    poses[bodies, :4] = turned(HALF_TURN, native[bodies, :4])
    return score.minimized(poses)


def test_what_each_has_right_comes_together(complex_of_four):
    score, native = complex_of_four
    right = score.minimized(native)
    parents = [with_half_turns(score, native, bodies) for bodies in ([0, 1], [2, 3], [0, 2])]
    assert min(p.score for p in parents) > right.score + 5
    best, *others = recombined(score, parents, 3)
    assert best.score == pytest.approx(right.score, abs=0.01)
    assert score.apart(best.poses, right.poses).max() < 0.5
    assert len(others) == 2
    assert all(score.apart(best.poses, other.poses).max() > SAME_PLACE for other in others)


def test_bodies_whose_places_are_taken_go_along(complex_of_four, monkeypatch):
    score, native = complex_of_four
    right = score.minimized(native)
    swapped = native.copy()
    swapped[[0, 1], 4:] = native[[1, 0], 4:]
    parents = [score.minimized(swapped), with_half_turns(score, native, [2, 3])]
    monkeypatch.setattr(arrangements, "GENERATIONS", 1)  # only both at once can do it
    best = recombined(score, parents, 1)
    assert len(best) == 1
    assert best[0].score == pytest.approx(right.score, abs=0.01)


def test_one_alone_stays(complex_of_four):
    score, native = complex_of_four
    only = with_half_turns(score, native, [1])
    assert recombined(score, [only], 6) == [only]


def test_how_far_apart(complex_of_four):
    score, native = complex_of_four
    other = native.copy()
    other[0, 4:] += [3.0, 0.0, 4.0]
    other[1, :4] = turned(HALF_TURN, native[1:2, :4])[0]
    expected = [5.0, np.pi * score.radii[1], 0.0, 0.0]
    assert score.apart(native, other) == pytest.approx(expected, abs=1e-6)


def test_the_best_of_those_alike_is_kept(complex_of_four):
    score, native = complex_of_four
    near = native.copy()
    near[0, 4] += 1.0
    far = native.copy()
    far[0, 4] += 2 * SAME_PLACE
    kept = score.distinct(
        [Arrangement(3.0, native), Arrangement(1.0, far), Arrangement(2.0, near)], 5
    )
    assert [a.score for a in kept] == [1.0, 2.0]
    assert len(score.distinct(kept, 1)) == 1


def test_copies_that_changed_places_are_one_arrangement(complex_of_four):
    score, native = complex_of_four
    swapped = native[[1, 0, 2, 3]]
    both = [Arrangement(2.0, native), Arrangement(2.01, swapped)]
    assert len(score.distinct(both, 5)) == 2
    copies = score._replace(kinds=[0, 0, 1, 2])
    assert len(copies.distinct(both, 5)) == 1
    # One that the score tells apart (a chain goes on in the wrong copy), and one that turned.
    assert len(copies.distinct([both[0], Arrangement(5.0, swapped)], 5)) == 2
    swapped[1, :4] = turned(HALF_TURN, swapped[1:2, :4])[0]
    assert len(copies.distinct([both[0], Arrangement(2.01, swapped)], 5)) == 2


def test_copies_in_each_others_places_are_alike_whatever_they_score(complex_of_four):
    score, native = complex_of_four
    swapped = native.copy()
    swapped[[0, 1]] = native[[1, 0]]
    a, b = Arrangement(0.0, native), Arrangement(7.0, swapped)
    alike = score._replace(kinds=[0, 0, 1, 2])
    assert alike.are_alike(a, b) and not alike.is_same(a, b)
    assert not score.are_alike(a, b)


def test_threads_change_nothing(complex_of_four):
    score, native = complex_of_four
    rng = np.random.default_rng(2)
    starts = [native + np.c_[np.zeros((4, 4)), rng.normal(0, 5, (4, 3))] for _ in range(7)]
    alone = [score.minimized(poses, 30) for poses in starts]
    for threads in (1, 3, 0):
        together = score._replace(threads=threads).all_minimized(iter(starts), 30)
        assert [a.score for a in together] == [a.score for a in alone]
        assert all(np.array_equal(a.poses, b.poses) for a, b in zip(together, alone, strict=True))

"""Some bodies of an arrangement placed anew: choices against all there are, and what they mend."""

from itertools import product

import numpy as np
import pytest
from emgmm import _core
from emgmm.mixture import Mixture
from emgmm.placement.anew import placed_anew
from emgmm.placement.arrangements import Arrangement, ArrangementScore
from emgmm.placement.densities import Densities
from emgmm.poses import random_rotations, to_matrices, turned
from emgmm.scoring import ScoreOptions
from emgmm.terms.build import density_term

pytestmark = pytest.mark.instruction_sets

CENTERS = np.array([[0, 0, 0], [40, 5, -4], [14, 38, 6], [-12, 16, 34], [30, -28, 20]])
BODIES = len(CENTERS)


@pytest.fixture(scope="module")
def complex_of_five():
    """Densities, an excluded volume and native poses of five bodies of different extents."""
    rng = np.random.default_rng(7)
    bodies, spheres = [], []
    for b in range(BODIES):
        means = rng.normal(0, 6 + b, (8, 3))
        means -= means.mean(axis=0)
        spheres.append(means)
        bodies.append(Mixture(means, np.stack([25 * np.eye(3)] * 8), np.full(8, 500.0)))
    native = np.zeros((BODIES, 7))
    native[:, :4] = random_rotations(rng, BODIES)
    native[:, 4:] = CENTERS
    rotation, translation = to_matrices(native)
    data = Mixture.concatenated(
        [m.transformed(r, t) for m, r, t in zip(bodies, rotation, translation, strict=True)]
    )
    volume = _core.excluded_volume_term(
        BODIES, np.repeat(np.arange(BODIES), 8), np.concatenate(spheres), np.full(8 * BODIES, 4), 1
    )
    return Densities(data, bodies, ScoreOptions()), volume, native


def arrangement_score(densities, volume, share=1.0):
    radii = np.full(BODIES, 12.0)
    return ArrangementScore([densities.term(), volume], [1.0, share], radii, list(range(BODIES)))


def near(rng, pose, n):
    """(n, 7) poses some 12 Å and 50 degrees about one, the last but one of them that pose."""
    poses = np.tile(pose, (n, 1))
    poses[:, 4:] += rng.normal(0, 12, (n, 3))
    poses[:, :4] = turned(random_rotations(rng, n), poses[:, :4])
    poses[-2] = pose
    return poses


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_choices_are_the_best_of_all(complex_of_five, share):
    densities, volume, native = complex_of_five
    rng = np.random.default_rng(3)
    placed = [1, 2, 4]
    candidates = [near(rng, native[b], 7) for b in placed]
    chosen = _core.placement_choices(
        densities.score(),
        densities.arrays(),
        native,
        placed,
        candidates,
        [volume],
        [share],
        most_energy=1e9,
        seed=1,
    )

    def score(poses):
        rotation, translation = to_matrices(poses)
        model = Mixture.concatenated(
            [
                m.transformed(r, t)
                for m, r, t in zip(densities.bodies, rotation, translation, strict=True)
            ]
        )
        em = densities.score().evaluate(model.means, model.covariances, model.weights)
        return em + share * volume.evaluate(poses)

    def with_choice(choice):
        poses = native.copy()
        poses[placed] = [own[i] for own, i in zip(candidates, choice, strict=True)]
        return poses

    every = sorted(score(with_choice(choice)) for choice in product(range(7), repeat=3))
    found = [score(poses) for poses in chosen]
    assert len(found) == 24
    assert found[:5] == pytest.approx(every[:5], abs=1e-3)
    assert found == sorted(found)


@pytest.mark.parametrize("noise", ["lognormal", "outliers"])
def test_placed_bodies_are_minimised_where_the_others_are(complex_of_five, noise):
    densities, volume, native = complex_of_five
    if noise == "outliers":
        densities = densities.robust()
    assert densities.options.noise_model == noise
    rng = np.random.default_rng(7)
    placed = [1, 3]
    starts = [native.copy() for _ in range(5)]
    for start in starts:
        start[placed, 4:] += rng.normal(0, 6, (2, 3))
    options = {"terms": [volume], "weights": [0.3], "placed": placed}
    em = densities.score(), densities.arrays()

    def full(poses):
        return densities.term().evaluate(poses) + 0.3 * volume.evaluate(poses)

    unmoved = _core.minimized_choices(*em, starts, evaluations=1, **options)
    scores = [full(start) for start in starts]
    assert [s for s, _ in unmoved] == sorted(s for s, _ in unmoved)
    # Scores leave out what the others have among themselves, which is the same in all.
    apart = np.array([s for s, _ in unmoved]) - np.sort(scores)
    assert apart == pytest.approx(np.full(5, apart[0]), abs=2e-3)
    minimized = _core.minimized_choices(*em, starts, evaluations=60, **options)
    others = [0, 2, 4]
    for value, poses in minimized:
        assert np.array_equal(poses[others], native[others])
        assert value - apart[0] == pytest.approx(full(poses), abs=2e-3)
    # By slopes: nothing better is near.
    best = minimized[0][1]
    for b in placed:
        for shift in np.vstack([np.eye(3), -np.eye(3)]):
            near = best.copy()
            near[b, 4:] += 0.3 * shift
            assert full(near) > full(best) - 0.02
    two = _core.minimized_choices(*em, starts, evaluations=60, threads=2, **options)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(minimized, two, strict=True))


def test_bodies_to_minimise_that_are_not_there_are_refused(complex_of_five):
    densities, volume, native = complex_of_five
    with pytest.raises(ValueError, match="must be below 5, got 5"):
        _core.minimized_choices(
            densities.score(), densities.arrays(), [native], [5], [volume], [1.0], 5
        )


def test_arrangements_that_differ_elsewhere_are_refused(complex_of_five):
    densities, volume, native = complex_of_five
    moved = native.copy()
    moved[2, 4] += 0.1
    with pytest.raises(ValueError, match="body 2 is not placed and must be at one pose"):
        _core.minimized_choices(
            densities.score(), densities.arrays(), [native, moved], [1, 3], [volume], [1.0], 5
        )


def test_missed_is_what_the_score_rises_without_the_body(complex_of_five):
    densities, _, native = complex_of_five
    score, arrays = densities.score(), densities.arrays()
    missed = _core.missed_of_bodies(score, arrays, native)
    term = density_term(score, densities.bodies)
    for b, body in enumerate(densities.bodies):
        others = [c for c in range(len(arrays)) if c != b]
        without = density_term(score, [densities.bodies[c] for c in others])
        rise = without.evaluate(native[others]) - term.evaluate(native)
        assert missed[b] == pytest.approx(rise / body.mass, rel=1e-9)
    assert (missed > 0).all()
    with pytest.raises(ValueError, match="poses"):
        _core.missed_of_bodies(score, arrays, native[:4])


def test_the_answer_does_not_depend_on_threads(complex_of_five):
    densities, volume, native = complex_of_five
    rng = np.random.default_rng(5)
    candidates = [near(rng, native[b], 30) for b in (0, 3)]
    one, two = (
        _core.placement_choices(
            densities.score(), densities.arrays(), native, [0, 3], candidates, [volume], [0.1],
            seed=2, threads=threads,
        )
        for threads in (1, 2)
    )  # fmt: skip
    assert len(one) > 1
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_body_without_candidates_has_no_choice(complex_of_five):
    densities, _, native = complex_of_five
    candidates = [native[:1], np.zeros((0, 7))]
    assert (
        _core.placement_choices(
            densities.score(), densities.arrays(), native, [0, 1], candidates, [], []
        )
        == []
    )


def test_bodies_in_each_others_places_are_mended(complex_of_five):
    densities, volume, native = complex_of_five
    score = arrangement_score(densities, volume)
    wrong = native.copy()
    wrong[[1, 2, 3], 4:] = native[[2, 3, 1], 4:]
    wrong[1:4, :4] = turned(random_rotations(np.random.default_rng(1), 3), native[1:4, :4])
    start = score.minimized(wrong)
    expected = score.minimized(native).score
    assert start.score > expected + 10
    soft = arrangement_score(densities, volume, 0.1)
    best, *others = placed_anew(
        score, soft, densities, ([volume], [0.1]), [start], seed=1, threads=0, patience=12
    )
    assert best.score == pytest.approx(expected, abs=0.5)
    assert np.linalg.norm(best.poses[:, 4:] - native[:, 4:], axis=1).max() < 2
    assert all(best.score <= other.score for other in others)


def test_nothing_better_is_found_than_the_best(complex_of_five):
    densities, volume, native = complex_of_five
    score = arrangement_score(densities, volume)
    start = score.minimized(native)
    best, *_ = placed_anew(
        score, score, densities, ([volume], [0.1]), [Arrangement(*start)], seed=1, threads=0,
        patience=3,
    )  # fmt: skip
    assert best.score <= start.score


@pytest.mark.parametrize(
    ("placed", "message"),
    [([1, 0], "ascending and below 5, got 0"), ([0, 5], "got 5"), ([0], r"\(1\), got 2")],
)
def test_bodies_that_are_not_there_are_refused(complex_of_five, placed, message):
    densities, _, native = complex_of_five
    with pytest.raises(ValueError, match=message):
        _core.placement_choices(
            densities.score(), densities.arrays(), native, placed, [native[:1]] * 2, [], []
        )


def test_a_term_without_a_weight_is_refused(complex_of_five):
    densities, volume, native = complex_of_five
    with pytest.raises(ValueError, match=r"one weight a term is needed \(1\), got 0"):
        _core.placement_choices(
            densities.score(), densities.arrays(), native, [0], [native[:1]], [volume], []
        )

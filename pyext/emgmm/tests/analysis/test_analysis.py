"""Deviations, copies, clusters, accuracy and convergence on arrays."""

from itertools import permutations

import numpy as np
import pytest
from emgmm.analysis.accuracy import accuracy
from emgmm.analysis.clustering import cluster, distances, entropy
from emgmm.analysis.convergence import convergence, cramers_v, is_late, ks_two_samples
from emgmm.analysis.copies import CopiesOfModels, least_assignment, least_assignments, match
from emgmm.analysis.deviations import rmsd, rmsd80, share_within, squared_deviations
from emgmm.analysis.subunits import subunit_precision
from emgmm.poses import rotation_angle, superpose
from toy_system import random_rotations


def test_rmsd80_drops_the_worst_fifth():
    squared = np.arange(10.0) ** 2
    generator = np.random.default_rng(0)
    shuffled = np.array([generator.permutation(squared) for _ in range(3)])
    np.testing.assert_allclose(rmsd80(shuffled), np.sqrt(np.mean(np.arange(8.0) ** 2)))
    np.testing.assert_allclose(rmsd(shuffled), np.sqrt(np.mean(squared)))
    np.testing.assert_allclose(share_within(shuffled * 4, 10.0), 0.6)  # 0, 2, ..., 10 of 0..18


def test_superpose_finds_the_rotation_and_no_mirror():
    generator = np.random.default_rng(1)
    points = generator.normal(size=(30, 3)) * 10
    turns = random_rotations(generator, 5)
    shifts = generator.normal(size=(5, 3)) * 20
    moved = points @ turns.transpose(0, 2, 1) + shifts[:, None]
    rotation, translation = superpose(points, moved)
    np.testing.assert_allclose(rotation, turns, atol=1e-10)
    np.testing.assert_allclose(translation, shifts, atol=1e-9)
    mirrored, _ = superpose(points, points * [-1, 1, 1])
    assert np.linalg.det(mirrored) == pytest.approx(1.0)


@pytest.mark.parametrize("degrees", [0.0, 1e-5, 30.0, 179.999, 180.0])
def test_rotation_angle(degrees):
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    assert rotation_angle(turn) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_least_assignment_equals_trying_all(size):
    generator = np.random.default_rng(size)
    for _ in range(20):
        cost = generator.normal(size=(size, size))
        least = min(sum(cost[range(size), p]) for p in permutations(range(size)))
        found = least_assignment(cost)
        assert sorted(found) == list(range(size))
        assert cost[range(size), found].sum() == pytest.approx(least)
    costs = generator.normal(size=(30, size, size))
    found = least_assignments(costs)
    np.testing.assert_array_equal(found, [least_assignment(cost) for cost in costs])


def test_costs_of_copies_with_unknown_residues():
    generator = np.random.default_rng(8)
    models, center = generator.normal(size=(4, 9, 3)), generator.normal(size=(9, 3)) + 300
    group = np.array([[0, 1, 2, 3], [4, 5, 6, 8]])
    center[5] = np.nan
    expected = np.zeros((4, 2, 2))
    for a, b in np.ndindex(2, 2):
        squared = ((models[:, group[b]] - center[group[a]]) ** 2).sum(axis=2)
        expected[:, a, b] = np.nansum(squared, axis=1)
    np.testing.assert_allclose(CopiesOfModels(models, group).costs(center), expected)


@pytest.mark.parametrize("copies", [3, 8])
def test_copies_are_renamed_back(copies):
    """Models that are the centre with renamed copies, by both ways of assigning."""
    generator = np.random.default_rng(2)
    residues = 12
    center = generator.normal(size=(copies * residues + 5, 3)) * 30
    group = np.arange(copies * residues).reshape(copies, residues)
    models, wanted = [], []
    for _ in range(6):
        shuffle = generator.permutation(copies)
        model = center.copy()
        model[group] = center[group[shuffle]]
        models.append(model + generator.normal(size=model.shape) * 0.1)
    order = match(np.array(models), center, [group])
    renamed = np.take_along_axis(np.array(models), order[:, :, None], axis=1)
    assert rmsd(squared_deviations(renamed, center)).max() < 0.3
    wanted = distances(np.array(models), center, [group])
    np.testing.assert_allclose(wanted, rmsd80(squared_deviations(renamed, center)))
    assert distances(np.array(models), center).max() > 5


def test_greedy_clusters_in_order_of_score():
    line = np.zeros((40, 3))
    # Shifts of whole models, best score first: 0 takes 4 and 4.9; 5.1 is next and takes 8.
    shifts = [0.0, 4.0, 5.1, 4.9, 8.0, 50.0]
    models = np.array([line + np.array([x, 0, 0]) for x in shifts])
    clusters = cluster(models, 5.0)
    assert [c.members.tolist() for c in clusters] == [[0, 1, 3], [2, 4], [5]]
    assert [c.center for c in clusters] == [0, 2, 5]
    np.testing.assert_allclose([c.precision for c in clusters], [4.45, 2.9, 0.0])


@pytest.mark.parametrize("with_copies", [False, True])
def test_clusters_equal_those_of_all_distances(with_copies):
    """The early rejection of far pairs changes nothing, at any distance from the cutoff."""
    generator = np.random.default_rng(9)
    center = generator.normal(size=(90, 3)) * 20
    copies = [np.arange(90).reshape(3, 30)] if with_copies else []
    models = center + generator.normal(size=(80, 3, 1, 3)).repeat(30, 2).reshape(80, 90, 3) * 4
    models = (models + generator.normal(size=models.shape)).astype(np.float32)
    left, expected = list(range(80)), []
    while left:
        near = distances(models[left], models[left[0]], copies) < 5.0
        expected.append([m for m, n in zip(left, near, strict=True) if n])
        left = [m for m, n in zip(left, near, strict=True) if not n]
    found = cluster(models, 5.0, copies)
    assert [c.members.tolist() for c in found] == expected
    assert 1 < len(found) < 80


def test_one_model_and_no_model():
    assert [c.members.tolist() for c in cluster(np.zeros((1, 4, 3)))] == [[0]]
    assert cluster(np.zeros((0, 4, 3))) == []


def test_entropy():
    assert entropy([7]) == 0.0
    assert entropy([1, 1, 1, 1]) == pytest.approx(np.log(4))
    assert entropy([3, 0, 1]) == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))


def _complex(generator):
    subunit = np.repeat([0, 1, 2], 50)
    reference = generator.normal(size=(150, 3)) * 8 + np.array([0.0, 40, 80])[subunit, None]
    reference[100:] = reference[50:100] + np.array([0, 0, 60.0])  # 1 and 2 are copies
    return subunit, reference, [np.arange(50, 150).reshape(2, 50)]


def test_accuracy_of_a_displaced_and_turned_subunit():
    generator = np.random.default_rng(3)
    subunit, reference, copies = _complex(generator)
    a = np.radians(25.0)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    model = reference.copy()
    center = reference[:50].mean(axis=0)
    model[:50] = (reference[:50] - center) @ turn.T + center + [3.0, 4.0, 0.0]
    model[50:] = model[np.r_[100:150, 50:100]]  # copies exchanged
    found = accuracy(model, reference, subunit, ["A", "B", "B.1"], copies)
    first = found.subunits[0]
    assert first.position_error == pytest.approx(5.0)
    assert first.angle_error == pytest.approx(25.0)
    assert [s.rmsd for s in found.subunits[1:]] == [0.0, 0.0]
    assert found.rmsd80 <= found.rmsd and found.residues == 150
    assert found.result == "full positive"


def test_results():
    generator = np.random.default_rng(4)
    subunit, reference, _ = _complex(generator)
    names = ["A", "B", "C"]
    model = reference.copy()
    model[:25] += [30.0, 0, 0]  # half of one subunit: total fine, subunit not
    assert accuracy(model, reference, subunit, names).result == "partial"
    assert accuracy(reference + 30.0, reference, subunit, names).result == "negative"
    assert accuracy(reference + 30.0, reference, subunit, names).p10 == 0.0


def test_residues_that_the_reference_lacks_are_left_out():
    generator = np.random.default_rng(5)
    subunit, reference, copies = _complex(generator)
    model = reference.copy()
    reference[10:20] = np.nan
    model[10:20] += 1000.0
    found = accuracy(model, reference, subunit, ["A", "B", "C"], copies)
    assert found.rmsd == 0.0 and found.residues == 140
    reference[:] = np.nan
    with pytest.raises(ValueError, match="none of the residues"):
        accuracy(model, reference, subunit, ["A", "B", "C"], copies)


def test_ks_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(6)
    for shift in (0.0, 0.1, 0.5):
        a, b = generator.normal(size=400), generator.normal(size=300) + shift
        statistic, significance = ks_two_samples(a, b)
        expected = stats.ks_2samp(a, b)
        assert statistic == pytest.approx(expected.statistic)
        assert significance == pytest.approx(expected.pvalue, rel=0.1, abs=1e-4)


def test_convergence_of_halves():
    generator = np.random.default_rng(7)
    scores = generator.normal(size=1000)
    frames = np.arange(0, 1000, 10)
    even = [np.arange(0, 100, 2), np.arange(1, 100, 2)]
    same = convergence(scores, frames, even)
    assert same.populations == [(25, 25), (25, 25)]
    assert same.cramers_v == 0.0 and same.scores_agree and same.verdict == "halves agree"
    assert same.different_scores == (500, 500)
    drift = convergence(
        scores - np.arange(1000) * 0.01, frames, [np.arange(50), np.arange(50, 100)]
    )
    assert drift.populations == [(50, 0), (0, 50)]
    assert drift.cramers_v == pytest.approx(1.0) and not drift.scores_agree
    assert drift.verdict == "scores and clusters of the halves differ"


def test_convergence_is_not_claimed_of_nothing():
    all_frames = [np.arange(2)]
    two = convergence(np.array([5.0, 1.0]), np.arange(2), all_frames)
    assert two.score_ks_significance > 0.05 and not two.scores_agree  # as p alone would have it
    assert two.verdict == "too few different models to tell"
    still = convergence(np.full(1000, 3.0), np.arange(1000), [np.arange(1000)])
    assert still.score_ks_statistic == 0.0
    assert still.verdict == "too few different models to tell"
    # The best models are all in one half: their clusters cannot be compared.
    scores = np.random.default_rng(8).normal(size=1000)
    late = convergence(scores, np.arange(500, 600), [np.arange(60), np.arange(60, 100)])
    assert late.cramers_v == 0.0 and late.verdict == "clusters of the halves differ"


def test_cramers_v_against_scipy():
    contingency = pytest.importorskip("scipy.stats.contingency")
    table = np.array([[30, 10], [5, 25], [12, 9]])
    assert cramers_v(table) == pytest.approx(contingency.association(table, method="cramer"))


def test_a_subunit_that_wanders_is_seen_within_its_cluster():
    generator = np.random.default_rng(9)
    center = generator.normal(0, 20, (100, 3))
    subunit = np.repeat([0, 1, 2], [80, 12, 8])
    models = center + generator.normal(0, 0.5, (200, 100, 3))
    shifts = np.where(np.arange(200)[:, None] < 100, [0.0, 0, 0], [0.0, 30, 40])
    models[:, subunit == 2] += shifts[:, None]
    found = cluster(models)
    assert len(found) == 1 and found[0].precision < 2  # a tenth of the complex does not matter
    late = is_late(np.arange(200), 200)
    first, second, third = subunit_precision(models, found[0], late, subunit, ["A", "B", "C"])
    assert [first.name, second.name, third.name] == ["A", "B", "C"]
    assert first.precision < 2 and first.halves_apart < 1 and first.is_held
    assert second.is_held and second.halves_agree
    squared = ((models[1:, subunit == 2] - models[0, subunit == 2]) ** 2).sum(axis=-1)
    by_hand = [np.sqrt(np.sort(own)[:7].mean()) for own in squared]  # 80 % of 8, rounded up
    assert third.precision == pytest.approx(np.mean(by_hand), rel=1e-6)
    assert third.halves_apart == pytest.approx(50, abs=0.5)
    assert not third.is_held and not third.halves_agree
    # All members in one half: nothing to compare.
    only = subunit_precision(models, found[0], np.zeros(200, bool), subunit, ["A", "B", "C"])
    assert only[2].halves_apart is None and only[2].halves_agree


def test_copies_that_change_places_are_held():
    generator = np.random.default_rng(10)
    one, other = generator.normal(0, 5, (10, 3)), generator.normal(40, 5, (10, 3))
    models = np.array([np.vstack([one, other] if i % 3 else [other, one]) for i in range(30)])
    groups = [np.arange(20).reshape(2, 10)]
    subunit = np.repeat([0, 1], 10)
    late = is_late(np.arange(30), 30)
    (found,) = cluster(models, copies=groups)
    names = ["A.0", "A.1"]
    assert all(
        s.precision == 0 and s.halves_apart < 1e-9
        for s in subunit_precision(models, found, late, subunit, names, groups)
    )
    assert not all(s.is_held for s in subunit_precision(models, found, late, subunit, names))


def test_a_moved_subunit_is_part_of_the_verdict():
    scores = np.random.default_rng(11).normal(size=1000)
    frames = np.arange(0, 1000, 10)
    halves = convergence(scores, frames, [np.arange(100)], ("C",))
    assert halves.scores_agree and halves.clusters_agree and not halves.subunits_agree
    assert halves.verdict == "places of subunits of the halves differ"
    drift = convergence(scores - np.arange(1000) * 0.01, frames, [np.arange(100)], ("C",))
    assert drift.verdict == "scores and places of subunits of the halves differ"

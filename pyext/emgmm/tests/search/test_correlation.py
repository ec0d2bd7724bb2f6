"""Structures placed by local correlation, and how sure the first place is."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import COMPLEX
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import MOLECULE, simulate
from emgmm.poses import random_rotations
from emgmm.search import correlation
from emgmm.search.answers import chance, clashes, false_discovery, lead, local_correlation
from emgmm.search.correlation import LocalCorrelation, place_by_correlation
from scipy.stats import false_discovery_control, kstest


@pytest.fixture(scope="module")
def structure():
    return read_structure(COMPLEX)


@pytest.fixture(scope="module")
def subunit(structure):
    """One of the five, away from its place."""
    own = structure.select(structure.chain == "E")
    return own.moved(np.r_[random_rotations(np.random.default_rng(1), 1)[0], 50.0, -20.0, 90.0])


@pytest.fixture(scope="module")
def density(structure):
    return simulate(structure, 10.0, snr=5.0, seed=2)


@pytest.fixture(scope="module")
def found(density, subunit):
    return place_by_correlation(density.density, subunit, 10.0, density.threshold, threads=2)


def test_a_subunit_is_found_in_the_map_of_the_whole(structure, subunit, found):
    truth = structure.xyz[structure.chain == "E"]
    away = np.linalg.norm(subunit.moved(found[0].pose).xyz - truth, axis=1)
    assert away.mean() < 1.5
    assert [p.score for p in found] == sorted(p.score for p in found)
    first = lead([p.score for p in found])
    assert first.ahead > 5 and first.deviations > 4 and first.alike == 1
    assert chance([p.band for p in found]) < 0.01


def test_the_answer_does_not_depend_on_threads(density, subunit, monkeypatch):
    monkeypatch.setattr(correlation, "ROTATIONS", 100)
    monkeypatch.setattr(correlation, "_REFINED", 5)
    one, two = (
        place_by_correlation(density.density, subunit, 10.0, density.threshold, threads=n)
        for n in (1, 2)
    )
    assert [p.score for p in one] == [p.score for p in two]
    np.testing.assert_array_equal([p.pose for p in one], [p.pose for p in two])


def test_local_correlation_is_that_of_the_voxels(structure, density):
    """In place and without a pose to interpolate, the formula of the text books."""
    part = structure.select(structure.chain == "D")
    shape = simulate(part, 10.0, grid=density.density).density
    center = part.xyz.mean(axis=0)
    score = LocalCorrelation(density.density, shape, shape, center, 10**6, 0.0)
    inside = shape.values > MOLECULE * shape.values.max()
    expected = np.corrcoef(shape.values[inside], density.density.values[inside])[0, 1]
    assert score(np.r_[1.0, 0, 0, 0, center][None])[0] == pytest.approx(expected, abs=1e-5)
    assert local_correlation(density.density, [part], 10.0) == pytest.approx(expected, abs=1e-5)


def test_slope_is_that_of_finite_differences(structure):
    """Up to the interpolation between voxels, which are small here."""
    part = structure.select(structure.chain == "E")
    fine = simulate(part, 12.0, voxel=1.0).density
    center = part.xyz.mean(axis=0)
    score = LocalCorrelation(fine, fine, fine, center, 2000, 0.0)
    pose, step = np.r_[1.0, 0, 0, 0, center + np.array([3, -2, 4])], 0.05
    expected = []
    for k in range(6):
        values = []
        for way in (step, -step):
            other = pose.copy()
            if k < 3:
                angle = way / 20
                other[0], other[1 + k] = np.cos(angle / 2), np.sin(angle / 2)
            else:
                other[1 + k] += way
            values.append(score(other[None])[0])
        expected.append((values[0] - values[1]) / (2 * step / 20 if k < 3 else 2 * step))
    cc, slope = score.with_slope(pose[None])
    assert cc[0] == score(pose[None])[0]
    np.testing.assert_allclose(slope[0], expected, rtol=0.05, atol=0.03 * np.abs(expected).max())


def test_nothing_above_the_contour(density, subunit):
    with pytest.raises(ValueError, match="nothing above"):
        place_by_correlation(density.density, subunit, 10.0, 1e9)


def test_chance_is_uniform_where_nothing_belongs():
    """The best of many values with exponential tails, whatever their number and scale."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(400):
        z = np.sort(rng.exponential(rng.uniform(0.02, 0.1), 4000) + 0.1)[::-1][:60]
        p.append(chance(np.tanh(z)))
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.05)


def test_chance_with_copies_and_with_few_answers():
    rng = np.random.default_rng(4)
    z = np.sort(rng.exponential(0.05, 4000))[::-1][:60]
    copies = np.r_[np.full(7, z[0] + 0.6), z[:53]]
    assert chance(np.tanh(copies)) < 0.005 < chance(np.tanh(z))
    assert chance(np.tanh(z[:8])) is None
    assert chance(np.full(20, 0.5)) is None


def test_false_discovery_is_that_of_a_library():
    p = np.random.default_rng(5).uniform(size=30) ** 2
    np.testing.assert_allclose(false_discovery(p), false_discovery_control(p), rtol=1e-12)


def test_copies_are_told_from_a_single_place():
    assert lead([-123, -118, -116, -112, -108, -107, -106, -20, -9, -8]).alike == 7
    assert lead([-30, -9, -8, -7.5, -7.2]).alike == 1
    assert lead([-9, -8.5, -7.5, -7.2, -7.1]).alike == 1
    assert lead([-9.0]) == (None, None, 1, None)


def test_clashes_are_residues_that_meet(structure):
    a, b = (structure.select(structure.chain == c) for c in "DE")
    assert clashes([a, b]) == 0
    n = len(a.central_atoms())
    assert clashes([a, a]) == 2 * n
    assert clashes([a, a.moved(np.array([1.0, 0, 0, 0, 500.0, 0, 0]))]) == 0

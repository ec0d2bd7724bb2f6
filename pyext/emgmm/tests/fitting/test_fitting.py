"""Mixtures of maps: against a slow reference, recovery, exact numbers, bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from emgmm import _core
from emgmm.fitting import (
    default_components,
    estimate_threshold,
    fit_map,
    measure,
    voxel_grid,
)
from emgmm.io.maps import DensityMap
from emgmm.maps.rasterize import rasterize
from emgmm.mixture import SIGMA_PER_RESOLUTION, Mixture

pytestmark = pytest.mark.instruction_sets


def random_mixture(n: int, seed: int = 0, spacing: float = 14.0) -> Mixture:
    """Anisotropic components, standard deviations 2.5 to 5 Å, on a jittered lattice."""
    random = np.random.default_rng(seed)
    side = int(np.ceil(n ** (1 / 3)))
    lattice = np.array(list(itertools.product(range(side), repeat=3)))[:n] * spacing
    means = lattice + random.uniform(-1.5, 1.5, (n, 3)) + [5.0, -40.0, 100.0]
    axes = np.linalg.qr(random.normal(size=(n, 3, 3)))[0]
    variances = random.uniform(2.5, 5, (n, 3)) ** 2
    covariances = np.einsum("nij,nj,nkj->nik", axes, variances, axes)
    return Mixture(means, covariances, random.uniform(500, 1500, n))


def sampled(mixture: Mixture, voxel=2.0, margin: float = 20.0) -> DensityMap:
    """The mixture's density at voxel centres."""
    voxel = np.broadcast_to(np.asarray(voxel, dtype=float), 3)
    low = mixture.means.min(axis=0) - margin
    shape = np.ceil((mixture.means.max(axis=0) + margin - low) / voxel).astype(int)
    return rasterize(mixture, DensityMap(np.zeros(shape[::-1], np.float32), voxel, low))


def positions(density: DensityMap) -> np.ndarray:
    z, y, x = np.indices(density.values.shape)
    return np.stack([x, y, z], axis=-1) * density.voxel + density.origin


def density_reference(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """(components, voxels), no cutoff, double precision."""
    d = x[None] - mixture.means[:, None]
    q = np.einsum("kni,kij,knj->kn", d, np.linalg.inv(mixture.covariances), d)
    scale = mixture.weights / np.sqrt(np.linalg.det(2 * np.pi * mixture.covariances))
    return scale[:, None] * np.exp(-0.5 * q)


def matched(found: Mixture, true: Mixture) -> np.ndarray:
    distance = ((found.means[None] - true.means[:, None]) ** 2).sum(axis=2)
    order = distance.argmin(axis=1)
    assert sorted(order) == list(range(len(true)))
    return order


@pytest.mark.parametrize("voxel", [1.5, 3.0, 6.0])
def test_known_mixture_is_recovered(voxel):
    true = random_mixture(8, seed=3, spacing=22.0)
    round_ = Mixture(true.means, np.broadcast_to(9.0 * np.eye(3), (8, 3, 3)), true.weights)
    density = sampled(round_, voxel)  # voxels of 0.5, 1 and 2 standard deviations
    result = fit_map(density, components=8, threshold=1e-4 * float(density.values.max()))
    order = matched(result.mixture, round_)
    assert np.abs(result.mixture.means[order] - round_.means).max() < 0.1 * voxel
    np.testing.assert_allclose(result.mixture.covariances[order], round_.covariances, atol=0.02 * 9)
    np.testing.assert_allclose(result.mixture.weights[order], round_.weights, rtol=0.02)
    assert result.cc > 0.9999


def test_known_anisotropic_mixture_is_recovered_on_voxels_that_are_not_cubes():
    true = random_mixture(12, seed=5, spacing=20.0)
    density = sampled(true, (1.8, 2.2, 2.7))
    result = fit_map(density, components=12, threshold=1e-3 * float(density.values.max()))
    order = matched(result.mixture, true)
    assert np.abs(result.mixture.means[order] - true.means).max() < 0.18
    scale = np.trace(true.covariances, axis1=1, axis2=2)[:, None, None] / 3
    assert (np.abs(result.mixture.covariances[order] - true.covariances) < 0.02 * scale).all()


def test_measure_is_the_plain_correlation():
    true, model = random_mixture(5, seed=1), random_mixture(5, seed=2)
    density = sampled(true, (2.0, 2.5, 3.0))
    threshold = 0.05 * float(density.values.max())
    level = measure(density, model, threshold)
    w = density.values.astype(float).ravel()
    t = density_reference(model, positions(density).reshape(-1, 3)).sum(axis=0)
    inside = w > threshold
    masked = np.where(inside, w, 0)
    assert level.components == 5
    expected = w[inside] @ t[inside] / np.sqrt((w[inside] ** 2).sum() * (t[inside] ** 2).sum())
    assert level.cc == pytest.approx(expected, abs=2e-6)
    assert level.cc_mean == pytest.approx(np.corrcoef(w[inside], t[inside])[0, 1], abs=2e-6)
    expected = masked @ t / np.sqrt((masked**2).sum() * (t**2).sum())
    assert level.cc_box == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(threads):
    density = sampled(random_mixture(27, seed=4))
    threshold = 0.05 * float(density.values.max())
    one = fit_map(density, components=40, threshold=threshold, threads=1)
    many = fit_map(density, components=40, threshold=threshold, threads=threads)
    assert (one.mixture.means == many.mixture.means).all()
    assert (one.mixture.covariances == many.mixture.covariances).all()
    assert (one.mixture.weights == many.mixture.weights).all()
    assert [v.cc for v in one.levels] == [v.cc for v in many.levels]


@pytest.mark.parametrize("components", [1, 2, 3, 7, 50, 129])
def test_exactly_as_many_components_as_asked_for(components):
    density = sampled(random_mixture(27, seed=4))
    threshold = 0.05 * float(density.values.max())
    result = fit_map(density, components=components, threshold=threshold)
    assert len(result.mixture) == components == result.levels[-1].components
    assert [v.components for v in result.levels] == sorted({v.components for v in result.levels})
    assert measure(density, result.mixture, threshold).cc == pytest.approx(result.cc, abs=1e-6)
    assert result.voxels == int((density.values > threshold).sum())


def test_target_is_reached_with_few_components():
    density = sampled(random_mixture(27, seed=6, spacing=18.0))
    threshold = 0.05 * float(density.values.max())
    result = fit_map(density, target_cc=0.99, threshold=threshold)
    assert result.cc >= 0.99
    # 27 are exact; just below it a fit with one less than the answer misses.
    assert len(result.mixture) <= 27
    fewer = fit_map(density, components=len(result.mixture) - 2, threshold=threshold)
    assert fewer.cc < 0.99


def test_floor_is_honoured():
    density = sampled(random_mixture(8, seed=4), 3.0)
    result = fit_map(density, components=60, threshold=1e-3, variance_floor=4.0)
    assert np.linalg.eigvalsh(result.mixture.covariances).min() >= 4.0 * (1 - 1e-9)
    # As many components as voxels: no singular covariance, no weight that is not positive.
    tiny = DensityMap(np.random.default_rng(0).uniform(1, 2, (3, 4, 5)), 2.0, 0.0)
    crowded = fit_map(tiny, components=60, threshold=0.5)
    assert len(crowded.mixture) == 60
    assert np.linalg.eigvalsh(crowded.mixture.covariances).min() >= 4 / 12 * (1 - 1e-9)


def test_no_component_is_narrower_than_the_resolution():
    density = sampled(random_mixture(8, seed=4), 3.0)
    free = fit_map(density, components=60, threshold=1e-3)
    held = fit_map(density, components=60, threshold=1e-3, resolution=12.0)
    least = (SIGMA_PER_RESOLUTION * 12.0) ** 2
    assert np.linalg.eigvalsh(free.mixture.covariances).min() < 0.9 * least
    assert np.linalg.eigvalsh(held.mixture.covariances).min() >= least * (1 - 1e-9)
    assert held.cc > free.cc - 1e-3
    with pytest.raises(ValueError, match="resolution must be positive, got -3"):
        fit_map(density, components=2, threshold=1e-3, resolution=-3)


def test_progress_tells_the_share_of_the_work():
    density = sampled(random_mixture(27, seed=4))
    seen = []
    for options in ({"components": 60}, {"target_cc": 0.99}):
        seen.clear()
        fit_map(density, threshold=0.1, progress=lambda *now: seen.append(now), **options)
        shares = [share for _, _, share in seen if share is not None]
        assert len(shares) > 0.7 * len(seen)
        assert shares[0] < 0.1 and 0.8 < shares[-1] <= 1
        # In the middle of the calls about half is done.
        assert 0.2 < shares[len(shares) // 2] < 0.8


def test_box_is_placed_by_its_origin():
    density = sampled(random_mixture(8, seed=4))
    threshold = 0.05 * float(density.values.max())
    here = fit_map(density, components=12, threshold=threshold)
    shift = np.array([100.0, -20.0, 7.0])
    moved = DensityMap(density.values, density.voxel, density.origin + shift)
    there = fit_map(moved, components=12, threshold=threshold)
    np.testing.assert_allclose(there.mixture.means, here.mixture.means + shift, atol=1e-3)


def test_integer_maps_are_read_as_they_are():
    density = sampled(random_mixture(8, seed=4))
    scaled = np.round(density.values / density.values.max() * 100)
    results = [
        fit_map(
            DensityMap(scaled.astype(t), density.voxel, density.origin), components=9, threshold=5
        )
        for t in (np.float32, np.int16, np.int8)
    ]
    for other in results[1:]:
        assert (other.mixture.means == results[0].mixture.means).all()


def test_progress_can_end_a_fit():
    density = sampled(random_mixture(8, seed=4))
    seen = []

    def stop(components, level, share):
        seen.append(components)
        if components >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_map(density, components=64, threshold=0.1, progress=stop)
    assert seen[0] == 1 and seen[-1] == 4


def test_threshold_is_estimated_with_a_warning():
    random = np.random.default_rng(1)
    true = sampled(random_mixture(27, seed=4))
    noise = random.normal(0, 0.03 * true.values.max(), true.values.shape)
    density = DensityMap((true.values + noise).astype(np.float32), true.voxel, true.origin)
    with pytest.warns(UserWarning, match="no threshold given"):
        result = fit_map(density, components=8)
    assert result.threshold_estimated
    # Above the noise, below the molecule.
    assert 0.09 < result.threshold / true.values.max() < 0.5
    assert estimate_threshold(density) == result.threshold


def test_default_number():
    assert default_components(1331 * 100) == 100
    assert default_components(1331 * 100, resolution=20) == 100
    assert default_components(1331 * 100, resolution=5.5) == 800


def test_bad_input():
    density = sampled(random_mixture(3, seed=4))
    highest = float(density.values.max())
    with pytest.raises(ValueError, match=r"no voxel is above the threshold .*maximum"):
        fit_map(density, components=3, threshold=2 * highest)
    with pytest.raises(ValueError, match="voxels above the threshold"):
        fit_map(density, components=10**6, threshold=0.5 * highest)
    with pytest.raises(ValueError, match="not both"):
        fit_map(density, components=3, target_cc=0.9, threshold=0.1)
    with pytest.raises(ValueError, match="target_cc"):
        fit_map(density, target_cc=1.5, threshold=0.1)
    with pytest.raises(ValueError, match="at least 1"):
        fit_map(density, components=0, threshold=0.1)
    values = density.values.copy()
    values[3, 4, 5] = np.nan
    with pytest.raises(ValueError, match=r"x 5, y 4, z 3 is not finite"):
        voxel_grid(DensityMap(values, density.voxel, density.origin), 0.1)
    with pytest.raises(ValueError, match="same density"):
        estimate_threshold(DensityMap(np.ones((4, 4, 4)), 2.0, 0.0))


def test_one_voxel_and_constant_maps():
    one = fit_map(DensityMap(np.full((1, 1, 1), 3.0), 2.0, [1, 2, 3]), components=1, threshold=1)
    np.testing.assert_allclose(one.mixture.means, [[1, 2, 3]], atol=1e-4)
    flat = fit_map(DensityMap(np.ones((8, 8, 8)), 2.0, 0.0), components=4, threshold=0.5)
    assert flat.cc > 0.9 and flat.levels[-1].cc_mean <= 1


def test_instruction_sets_agree():
    density = sampled(random_mixture(8, seed=4))
    grid = voxel_grid(density, 0.05 * float(density.values.max()))
    model = random_mixture(8, seed=7)
    best = _core.instruction_set() if hasattr(_core, "instruction_set") else None
    if best is None or not hasattr(_core, "set_instruction_set"):
        pytest.skip("the extension does not let the instruction set be chosen")
    results = []
    for name in _core.available_instruction_sets():
        _core.set_instruction_set(name)
        results.append(_core.measure(grid, model)["cc"])
    _core.set_instruction_set(best)
    assert max(results) - min(results) < 1e-6

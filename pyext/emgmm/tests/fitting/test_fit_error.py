"""Errors of components: misfit, noise from half maps, the number that the data bear."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import COMPLEX
from emgmm import _core
from emgmm.errors import InputError
from emgmm.fitting import fit_map, voxel_grid
from emgmm.fitting.fit_error import (
    FreeLevel,
    component_errors,
    components_from_halves,
    free_correlation,
    write_component_errors,
)
from emgmm.io.maps import DensityMap
from emgmm.io.structures import read_structure
from emgmm.maps.rasterize import rasterize
from emgmm.maps.simulate import band_limited_noise, simulate
from emgmm.mixture import SIGMA_PER_RESOLUTION, Mixture

pytestmark = pytest.mark.instruction_sets


@pytest.fixture(scope="module")
def clean() -> tuple[Mixture, DensityMap]:
    random = np.random.default_rng(2)
    means = random.uniform(25, 75, (12, 3))
    covariances = np.array([np.diag(random.uniform(9, 36, 3)) for _ in range(12)])
    mixture = Mixture(means, covariances, random.uniform(500, 1500, 12))
    grid = DensityMap(np.zeros((50, 50, 50), np.float32), 2.0, 0.0)
    return mixture, rasterize(mixture, grid)


def halves(density: DensityMap, sigma: float, blur: float, seed: int) -> list[DensityMap]:
    random = np.random.default_rng(seed)
    fields = [band_limited_noise(random, density, blur) for _ in range(2)]
    scale = np.float32(np.sqrt(2) * sigma)
    return [DensityMap(density.values + scale * f, density.voxel, density.origin) for f in fields]


def mean_of(a: DensityMap, b: DensityMap) -> DensityMap:
    return DensityMap(0.5 * (a.values + b.values), a.voxel, a.origin)


def test_misfit_is_the_log_ratio_of_overlaps(clean):
    mixture, density = clean
    threshold = 0.05 * float(density.values.max())
    assert np.abs(component_errors(density, mixture, threshold).misfit).max() < 1e-4
    wrong = Mixture(
        mixture.means + np.random.default_rng(1).normal(0, 1.5, mixture.means.shape),
        mixture.covariances,
        mixture.weights,
    )
    errors = component_errors(density, wrong, threshold)
    inside = density.values > threshold
    z, y, x = np.nonzero(inside)
    at = 2.0 * np.stack([x, y, z], axis=1)
    model = rasterize(wrong, density).values[inside].astype(float)
    for k in (0, 5):
        d = at - wrong.means[k]
        p = np.exp(-0.5 * np.einsum("ni,ij,nj->n", d, np.linalg.inv(wrong.covariances[k]), d))
        expected = np.log((p @ density.values[inside]) / (p @ model))
        assert errors.misfit[k] == pytest.approx(expected, abs=1e-5)
    assert errors.sigma_min == pytest.approx(np.sqrt(np.mean(errors.misfit**2)))


@pytest.mark.slow
@pytest.mark.parametrize("blur", [1.2, 4.0])
def test_noise_is_that_of_many_realisations_within_a_fifth(clean, blur):
    mixture, density = clean
    threshold = 0.05 * float(density.values.max())
    sigma = 0.05 * float(density.values.max())
    a, b = halves(density, sigma, blur, 0)
    errors = component_errors(mean_of(a, b), mixture, threshold, half_maps=(a, b))
    # Overlap of each component with the noise alone, many times over.
    unit = np.stack(
        [
            rasterize(Mixture(m[None], c[None], [1.0]), density).values.ravel()
            for m, c in zip(mixture.means, mixture.covariances, strict=True)
        ]
    ) * np.prod(density.voxel)
    random = np.random.default_rng(7)
    draws = [unit @ (sigma * band_limited_noise(random, density, blur)).ravel() for _ in range(150)]
    inside = (density.values > threshold).ravel()
    overlap = unit[:, inside] @ rasterize(mixture, density).values.ravel()[inside]
    true = np.std(draws, axis=0) / overlap
    ratio = errors.noise / true
    assert np.exp(np.mean(np.log(ratio))) == pytest.approx(1, abs=0.1)
    assert np.abs(ratio - 1).max() < 0.2


@pytest.mark.parametrize(("resolution", "snr"), [(6.0, 1.0), (9.0, 2.0)])
def test_noise_of_simulated_half_maps_is_right_within_a_fifth(resolution, snr):
    made = simulate(read_structure(COMPLEX), resolution, snr=snr, seed=1)
    threshold = 2 * made.threshold
    mixture = fit_map(made.density, components=90, threshold=threshold).mixture
    errors = component_errors(made.density, mixture, threshold, half_maps=made.half_maps)
    # White noise under a Gaussian of variance s2, seen by normalised Gaussians.
    s2 = (SIGMA_PER_RESOLUTION * resolution) ** 2
    spread = 2 * np.pi * (2 * mixture.covariances + 2 * s2 * np.eye(3))
    noise = made.noise * (4 * np.pi * s2) ** 0.75 * np.linalg.det(spread) ** -0.25
    overlaps = _core.component_overlaps(voxel_grid(made.density, threshold), mixture)
    ratio = errors.noise * overlaps[:, 1] / noise
    assert np.abs(ratio - 1).max() < 0.2


def test_half_maps_without_a_difference_have_no_noise(clean):
    mixture, density = clean
    errors = component_errors(density, mixture, 0.1, half_maps=(density, density))
    assert (errors.noise == 0).all()


def test_free_correlation_falls_behind_once_noise_is_fitted(clean):
    _, density = clean
    a, b = halves(density, 0.05 * float(density.values.max()), 2.0, 3)
    levels = free_correlation((a, b), 0.2 * float(density.values.max()), max_components=256)
    assert [v.components for v in levels] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    work, free = (np.array([getattr(v, f) for v in levels]) for f in ("cc_work", "cc_free"))
    assert work[-1] > free[-1] + 0.1  # 256 components know the noise of A
    assert free.argmax() < len(levels) - 1
    assert components_from_halves(levels) in (8, 16, 32)


def test_number_is_the_least_near_the_best():
    levels = [FreeLevel(k, 0, f) for k, f in ((1, 0.5), (2, 0.8), (4, 0.9), (8, 0.9005), (16, 0.7))]
    assert components_from_halves(levels) == 4


def test_errors_are_written_beside_the_mixture(clean, tmp_path):
    mixture, density = clean
    threshold = 0.05 * float(density.values.max())
    fitted = fit_map(density, components=5, threshold=threshold)
    a, b = halves(density, 0.01, 2.0, 0)
    errors = component_errors(density, fitted.mixture, threshold, half_maps=(a, b))
    path = tmp_path / "fit.error.csv"
    write_component_errors(path, errors)
    table = np.genfromtxt(path, delimiter=",", names=True)
    np.testing.assert_allclose(table["misfit"], errors.misfit, rtol=1e-5)
    np.testing.assert_allclose(table["noise"], errors.noise, rtol=1e-5)
    np.testing.assert_allclose(table["total"], np.hypot(errors.misfit, errors.noise), rtol=1e-5)
    with pytest.raises(InputError, match="exists"):
        write_component_errors(path, errors)
    write_component_errors(path, component_errors(density, mixture, threshold), force=True)
    assert "nan" not in path.read_text()


def test_half_maps_of_another_frame_are_refused(clean):
    mixture, density = clean
    shifted = DensityMap(density.values, density.voxel, density.origin + 3)
    with pytest.raises(ValueError, match="origin"):
        component_errors(density, mixture, 0.1, half_maps=(density, shifted))
    smaller = DensityMap(density.values[:-1], density.voxel, density.origin)
    with pytest.raises(ValueError, match="50 x 50 x 49 voxels"):
        component_errors(density, mixture, 0.1, half_maps=(smaller, density))

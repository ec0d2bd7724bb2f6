"""How many Gaussians a map bears."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.config.settings import EmConfig, ModelConfig
from emgmm.fitting.detail import (
    correlation_to_reach,
    fit_detail,
    most_components,
    noise_outside,
)
from emgmm.io.maps import DensityMap
from emgmm.maps.rasterize import rasterize
from emgmm.mixture import Mixture
from emgmm.runs.data import _fitted

BLOBS = 24


def density(noise: float = 0.0) -> DensityMap:
    """Blobs of 3 Å, 2 Å voxels, white noise in parts of the largest density."""
    random = np.random.default_rng(1)
    means = random.uniform(20, 44, (BLOBS, 3))
    blobs = Mixture(means, np.tile(9.0 * np.eye(3), (BLOBS, 1, 1)), np.ones(BLOBS))
    grid = DensityMap(np.zeros((32, 32, 32), np.float32), np.full(3, 2.0), np.zeros(3))
    values = rasterize(blobs, grid).values
    values = values / values.max() + noise * random.standard_normal(values.shape)
    return DensityMap(values.astype(np.float32), grid.voxel, grid.origin)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_noise_is_that_outside(noise):
    assert noise_outside(density(noise), 0.2) == pytest.approx(noise, rel=0.1, abs=1e-3)


def test_what_is_left_is_noise_and_a_tenth():
    clean = density()
    inside = clean.values[clean.values > 0.2].astype(np.float64)
    target = correlation_to_reach(clean, 0.2, noise=0.05, unexplained=0.1)
    left = 0.05**2 + 0.1 * (inside.var() - 0.05**2)
    assert target == pytest.approx(np.sqrt(1 - left / np.mean(inside**2)), rel=1e-9)


def test_noise_lowers_the_number():
    numbers = [
        len(fit_detail(density(noise), threshold=0.2, least=2, most=200, threads=1).fitted.mixture)
        for noise in (0.0, 0.2)
    ]
    assert numbers[1] < numbers[0] <= 2 * BLOBS


def test_the_least_that_reaches_the_correlation():
    found = fit_detail(density(), threshold=0.2, least=2, most=200, threads=1)
    fewer = round(len(found.fitted.mixture) / np.sqrt(2))
    worse = fit_detail(density(), threshold=0.2, least=2, most=fewer, threads=1)
    assert worse.fitted.cc < found.target_cc <= found.fitted.cc
    assert len(worse.fitted.mixture) == fewer


def test_bounds():
    clean = density()
    voxels = np.count_nonzero(clean.values > 0.2)
    assert most_components(clean, 0.2) == round(voxels / 8)
    assert most_components(clean, 0.2, 10.0) == round(8 * voxels / 100)
    few = fit_detail(clean, threshold=0.2, least=5, most=3, threads=1)
    assert len(few.fitted.mixture) >= 5


@pytest.mark.parametrize("components", [None, "paper", "map"])
def test_a_run_asks_by_a_word(components):
    mass = 30_000.0
    em = EmConfig(
        map="m.mrc",
        components=components,
        threshold=0.2,
        model=ModelConfig(dalton_per_component=10_000.0),
    )
    number = len(_fitted(density(), em, mass, 1).mixture)
    assert number == 3 if components == "paper" else number > 6

"""Mixtures of weighted points."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.fitting import fit_points

pytestmark = pytest.mark.instruction_sets


def cloud(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Three well separated blobs of 400, 300 and 300 points."""
    random = np.random.default_rng(seed)
    points = [
        random.normal([100, 0, 0], [1, 2, 3], (400, 3)),
        random.normal([100, 30, 0], 1, (300, 3)),
        random.normal([130, 0, -20], 2, (300, 3)),
    ]
    return np.concatenate(points), random.uniform(0.5, 2, 1000)


def test_one_component_has_the_moments_of_the_points():
    x, w = cloud()
    mixture = fit_points(x, w, 1, point_variance=4.0)
    mean = w @ x / w.sum()
    covariance = (w[:, None] * (x - mean)).T @ (x - mean) / w.sum() + 4 * np.eye(3)
    np.testing.assert_allclose(mixture.means[0], mean, rtol=1e-12)
    np.testing.assert_allclose(mixture.covariances[0], covariance, rtol=1e-10, atol=1e-10)
    assert mixture.mass == pytest.approx(w.sum(), rel=1e-12)


def test_separated_blobs_are_found():
    x, w = cloud()
    mixture = fit_points(x, w, 3, seed=2, variance_floor=0.1)
    for rows in (slice(0, 400), slice(400, 700), slice(700, 1000)):
        mean = w[rows] @ x[rows] / w[rows].sum()
        k = int(np.argmin(((mixture.means - mean) ** 2).sum(axis=1)))
        d = x[rows] - mean
        np.testing.assert_allclose(mixture.means[k], mean, atol=1e-6)
        np.testing.assert_allclose(
            mixture.covariances[k], (w[rows, None] * d).T @ d / w[rows].sum(), atol=1e-4
        )
        assert mixture.weights[k] == pytest.approx(w[rows].sum(), rel=1e-6)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(threads):
    x, w = cloud()
    one, many = (fit_points(x, w, 12, seed=5, threads=t) for t in (1, threads))
    for a, b in ((one.means, many.means), (one.covariances, many.covariances)):
        assert (a == b).all()
    assert (one.weights == many.weights).all()


def log_likelihood(x, w, mixture):
    d = x[:, None] - mixture.means
    q = np.einsum("nki,kij,nkj->nk", d, np.linalg.inv(mixture.covariances), d)
    p = mixture.weights / np.sqrt(np.linalg.det(2 * np.pi * mixture.covariances)) * np.exp(-q / 2)
    return w @ np.log(p.sum(axis=1) / mixture.mass) / w.sum()


@pytest.mark.slow
def test_as_likely_as_scikit_learn():
    mixture_module = pytest.importorskip("sklearn.mixture")
    x, _ = cloud()
    w = np.ones(len(x))
    ours = fit_points(x, w, 8, variance_floor=1e-3)
    theirs = mixture_module.GaussianMixture(8, random_state=0, tol=1e-6, max_iter=2000).fit(x)
    assert log_likelihood(x, w, ours) > theirs.score(x) - 0.02


def test_floor_and_coinciding_points():
    x = np.zeros((5, 3))
    mixture = fit_points(x, np.ones(5), 3, variance_floor=2.5)
    assert np.linalg.eigvalsh(mixture.covariances).min() >= 2.5 * (1 - 1e-12)
    flat = np.random.default_rng(0).normal(size=(50, 3)) * [3, 3, 0]
    least = np.linalg.eigvalsh(fit_points(flat, np.ones(50), 4, variance_floor=0.7).covariances)
    assert least.min() >= 0.7 * (1 - 1e-12)


def test_bad_input():
    x, w = cloud()
    with pytest.raises(ValueError, match="1000 points"):
        fit_points(x, w, 1001)
    with pytest.raises(ValueError, match="weight of point 3"):
        fit_points(x, np.where(np.arange(1000) == 3, -1, w), 2)
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="position of point 7"):
        fit_points(x, w, 2)
    with pytest.raises(ValueError, match="variance_floor"):
        fit_points(x[:5], w[:5], 2, variance_floor=0)

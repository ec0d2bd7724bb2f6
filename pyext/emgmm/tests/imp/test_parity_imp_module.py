"""The restraint in IMP and the pip package: one score, and files that go both ways."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.mixture import Mixture
from emgmm.scoring.mixture_score import ScoreOptions, score_mixture

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
module = pytest.importorskip("IMP.emgmm", reason="needs IMP.emgmm, which cannot be imported")


def mixture(rng: np.random.Generator, n: int, spread: float) -> Mixture:
    roots = rng.normal(size=(n, 3, 3)) * 3
    covariances = roots @ roots.transpose(0, 2, 1) + 4 * np.eye(3)
    return Mixture(rng.normal(scale=spread, size=(n, 3)), covariances, rng.uniform(500, 1500, n))


def particles(model, gaussians: Mixture):
    from IMP.emgmm.gmm import create_gaussian

    rows = zip(gaussians.means, gaussians.covariances, gaussians.weights, strict=True)
    return [create_gaussian(model, weight, mean, cov) for mean, cov, weight in rows]


@pytest.mark.parametrize(
    "options",
    [
        ScoreOptions(),
        ScoreOptions(sigma_min=0.3),
        ScoreOptions(scale="profiled"),
        ScoreOptions(noise_model="lognormal_local", sigma_min=0.2),
        ScoreOptions(noise_model="lognormal_local", sigma_min=0.2, background=0.1),
        ScoreOptions(noise_model="gaussian", sigma_min=0.2),
        ScoreOptions(noise_model="gaussian", component_sigma=tuple(np.linspace(1, 9, 31))),
        ScoreOptions(noise_model="outliers", component_sigma=tuple(np.linspace(1, 9, 31))),
        ScoreOptions(noise_model="gaussian_local", component_sigma=tuple(np.linspace(1, 9, 31))),
        ScoreOptions(floor=1e-10),
        ScoreOptions(background=0.1),
    ],
    ids=lambda o: f"{o.noise_model}-{o.scale}-{o.sigma_min}-{o.floor}-{o.background}",
)
@pytest.mark.parametrize("distance", [0.0, 30.0, 800.0])
def test_score(options, distance):
    """Equal to 1e-12, near and so far away that the overlaps underflow."""
    if distance == 800.0 and not options.noise_model.startswith("lognormal"):
        pytest.skip("differences of overlaps are constant out there")
    rng = np.random.default_rng(7)
    data = mixture(rng, 31, 25)
    model = mixture(rng, 57, 25)
    model = model.shifted([distance, 0, 0])
    m = IMP.Model()
    restraint = module.GaussianMixtureRestraint(
        m,
        particles(m, model),
        particles(m, data),
        options.noise_model,
        options.sigma_min,
        list(options.component_sigma),
        options.scale == "profiled",
        options.floor,
        options.background,
    )
    expected = score_mixture(data, model, options)
    assert restraint.evaluate(False) == pytest.approx(expected.score, rel=1e-12)
    assert restraint.evaluate(True) == pytest.approx(expected.score, rel=1e-12)
    assert restraint.get_sigma_estimate() == pytest.approx(expected.sigma, rel=1e-11)
    np.testing.assert_allclose(
        restraint.get_component_sigmas(), expected.component_sigma, rtol=1e-10
    )
    assert restraint.get_cross_correlation() == pytest.approx(expected.cc, rel=1e-11, abs=1e-300)


def test_single_precision():
    """Twice as fast, off by far less than a kT."""
    rng = np.random.default_rng(3)
    data, model = mixture(rng, 31, 25), mixture(rng, 57, 25)
    m = IMP.Model()
    ps = particles(m, model), particles(m, data)
    single = module.GaussianMixtureRestraint(m, *ps, "lognormal", 0.1, [], False, 0.0, 0.0, True)
    exact = score_mixture(data, model, ScoreOptions(sigma_min=0.1)).score
    assert single.evaluate(False) == pytest.approx(exact, abs=1e-3)
    assert single.evaluate(False) != exact
    assert single.evaluate(True) == pytest.approx(exact, rel=1e-12)


def test_files(tmp_path):
    """A GMM file written by one is read by the other without loss."""
    from IMP.emgmm.gmm import read_gaussians, write_gaussians

    data = mixture(np.random.default_rng(1), 12, 20)
    write_gmm(tmp_path / "a.txt", data)
    m = IMP.Model()
    ps = read_gaussians(m, str(tmp_path / "a.txt"))
    write_gaussians(ps, str(tmp_path / "b.txt"), data_fn=str(tmp_path / "map.mrc"))
    back = read_gmm(tmp_path / "b.txt")
    np.testing.assert_allclose(back.means, data.means, rtol=1e-12)
    np.testing.assert_allclose(back.covariances, data.covariances, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(back.weights, data.weights, rtol=1e-12)
    assert "# data_fn: map.mrc" in (tmp_path / "b.txt").read_text()

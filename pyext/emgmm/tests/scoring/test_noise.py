"""Noise models from Python: the formulas, the background, what sigma is estimated to be."""

import math

import numpy as np
import pytest
from emgmm import _core
from emgmm.mixture import Mixture
from emgmm.noise_models import NOISE_MODELS
from emgmm.scoring.mixture_score import (
    SIGMA_MIN,
    ScoreOptions,
    make_score,
    score_mixture,
)
from emgmm.scoring.terms import density_term

RATIOS = [0.3, -0.02, 0.0, -1.7, -40.0, 2.5]
OVERLAPS = [2.0, 0.1, 5.0, 1.0, 0.3, 0.7]


def cloud(n, seed):
    rng = np.random.default_rng(seed)
    means = rng.normal(scale=15.0, size=(n, 3))
    return Mixture(means, np.tile(np.eye(3) * 20.0, (n, 1, 1)), rng.uniform(0.5, 2, n))


def formula(model, ratios, overlaps, sigma, background=0.0):
    """Scores of doc/method.md in plain Python; sigma relative to ov_DD where differences count."""
    total = 0.0
    seen = [math.log((math.exp(x) + background) / (1 + background)) for x in ratios]
    if model == "lognormal":
        return 0.5 * len(seen) * math.log(sum(x * x for x in seen))
    for x, ratio, overlap in zip(seen, ratios, overlaps, strict=True):
        s, delta = sigma * overlap, overlap * (math.exp(ratio) - 1)
        if model == "lognormal_local":
            limit = math.sqrt(2 / math.pi) / sigma
            total -= math.log(math.erf(abs(x) / math.sqrt(2) / sigma) / abs(x) if x else limit)
        elif model == "gaussian_local":
            limit = math.sqrt(2 / math.pi) / s / 2
            total -= math.log(math.erf(delta / math.sqrt(2) / s) / (2 * delta) if delta else limit)
        elif model == "gaussian":
            total += 0.5 * (delta / s) ** 2
        else:
            total += math.log1p(0.5 * (delta / s) ** 2)
    return total


OF_RATIOS = [m for m in NOISE_MODELS if m != "correlated"]  # which needs the data mixture


@pytest.mark.parametrize("background", [0.0, 0.1])
@pytest.mark.parametrize("model", OF_RATIOS)
def test_score_and_slope(model, background):
    if background and not model.startswith("lognormal"):
        with pytest.raises(ValueError, match=f"background.*not {model}"):
            _core.noise_score(RATIOS, OVERLAPS, model, 0.2, background=background)
        return
    sigma = 0.0 if model == "lognormal" else 0.2

    def score(ratios):
        return _core.noise_score(ratios, OVERLAPS, model, sigma, background=background)

    value, slopes = score(RATIOS)
    assert value == pytest.approx(formula(model, RATIOS, OVERLAPS, sigma, background), rel=1e-12)
    for k in range(len(RATIOS)):
        up, down = list(RATIOS), list(RATIOS)
        up[k] += 1e-5
        down[k] -= 1e-5
        slope = (score(up)[0] - score(down)[0]) / 2e-5
        assert slopes[k] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_background_bounds_the_price_of_what_is_missing():
    """However far the model is from a component, it costs log[b / (1 + b)] and pulls at nothing."""
    b = 0.1
    ratios = [-1e4, -1e3, 0.0]
    _, slopes = _core.noise_score(ratios, [1.0] * 3, "lognormal_local", 0.1, background=b)
    value = [
        _core.noise_score([r, 0.0, 0.0], [1.0] * 3, "lognormal_local", 0.1, background=b)[0]
        for r in (-50.0, -1e4)
    ]
    assert value[0] == pytest.approx(value[1], rel=1e-12)
    assert slopes.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("model", NOISE_MODELS)
def test_finite_at_a_perfect_fit_by_default(model):
    data = cloud(20, 1)
    result = score_mixture(data, data, ScoreOptions(model))
    assert np.isfinite(result.score)
    assert result.sigma == SIGMA_MIN
    core = make_score(data, ScoreOptions(model))
    _, by_means, by_covariances = core.gradient(data)
    assert np.abs(by_means).max() < 1e-6 and np.abs(by_covariances).max() < 1e-6


def test_sigma_of_each_component():
    data, model = cloud(20, 1), cloud(25, 2).scaled_to(cloud(20, 1).mass)
    ratios = score_mixture(data, model).log_ratios
    by_model = {
        m: score_mixture(data, model, ScoreOptions(m)).component_sigma for m in NOISE_MODELS
    }
    for m in ("lognormal", "lognormal_local"):
        np.testing.assert_allclose(by_model[m], np.maximum(SIGMA_MIN, np.abs(ratios)), rtol=1e-12)
    unit = by_model["gaussian"] / SIGMA_MIN  # ov_DD
    delta = unit * np.expm1(ratios)
    np.testing.assert_allclose(
        by_model["gaussian_local"], np.maximum(SIGMA_MIN * unit, np.abs(delta)), rtol=1e-9
    )
    np.testing.assert_allclose(
        by_model["outliers"], np.hypot(SIGMA_MIN * unit, delta / np.sqrt(2)), rtol=1e-9
    )
    seen = np.log((np.exp(ratios) + 0.1) / 1.1)
    result = score_mixture(data, model, ScoreOptions("lognormal_local", background=0.1))
    np.testing.assert_allclose(
        result.component_sigma, np.maximum(SIGMA_MIN, np.abs(seen)), rtol=1e-9
    )
    assert result.sigma == pytest.approx(np.sqrt(np.mean(seen**2)), rel=1e-12)


def test_correlated_noise_is_that_of_white_noise_under_the_components():
    """Few components: none is left out, and the score is that of generalised least squares."""
    wide, model = cloud(12, 1), cloud(15, 2)
    data = Mixture(0.2 * wide.means, wide.covariances, wide.weights)
    s = data.covariances[:, None] + data.covariances[None]
    d = data.means[:, None] - data.means[None]
    gram = np.exp(-0.5 * np.einsum("klx,klxy,kly->kl", d, np.linalg.inv(s), d))
    gram *= np.outer(data.weights, data.weights) / np.sqrt(np.linalg.det(2 * np.pi * s))
    own = gram.sum(axis=1)
    inverse = np.linalg.inv(gram + 1e-3 * np.diag(np.diag(gram)))
    result = score_mixture(data, model, ScoreOptions("correlated", sigma_min=0.0))
    seen = own * np.exp(result.log_ratios)
    dd, dm, mm = (a @ inverse @ b for a, b in [(own, own), (own, seen), (seen, seen)])
    left = 1 - dm**2 / (dd * mm)
    assert result.score == pytest.approx(6 * np.log(12 * left), rel=1e-9)
    assert result.sigma == pytest.approx(np.sqrt(left), rel=1e-9)


def test_correlated_noise_does_not_ask_for_the_scale():
    data, model = cloud(20, 1), cloud(25, 2)
    scores = [
        score_mixture(data, model.scaled_to(mass), ScoreOptions("correlated")).score
        for mass in (1.0, 50.0)
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-12)


def test_what_no_model_explains_costs_its_share_of_the_density():
    """A second cloud apart in the map: eq. 13 would have the model swell into it."""
    near, far = cloud(30, 4), cloud(30, 5)
    apart = far.shifted([120.0, 0.0, 0.0])
    data = Mixture.concatenated([near, apart])
    between = near.shifted([30.0, 0.0, 0.0])

    def gain(model):
        return (
            score_mixture(data, between, ScoreOptions(model)).score
            - score_mixture(data, near, ScoreOptions(model)).score
        )

    assert gain("lognormal") < 0 < gain("correlated")


def test_a_missing_subunit_does_not_move_the_others():
    """Two separate halves of a map, the model of one: with a background it stays where it is."""
    rng = np.random.default_rng(3)
    half = cloud(30, 4)
    other = half.shifted([45.0, 0.0, 0.0])
    data = Mixture.concatenated([half, other])
    m = Mixture(
        half.means + rng.normal(scale=1.0, size=half.means.shape), half.covariances, half.weights
    )

    def moved(options):
        term = density_term(make_score(data, options), [m])
        start = np.array([[1.0, 0, 0, 0, 0, 0, 0]])
        return np.linalg.norm(term.minimize(start, [25.0])[1][0, 4:])

    assert moved(ScoreOptions("lognormal_local", background=0.1)) < 1.0
    assert moved(ScoreOptions()) > 10.0


def test_bad_background_is_refused():
    data = cloud(5, 1)
    with pytest.raises(ValueError, match=r"background.*from 0 to below 1.*-0.1"):
        make_score(data, ScoreOptions(background=-0.1))
    with pytest.raises(ValueError, match="background needs a fixed scale"):
        make_score(data, ScoreOptions(background=0.1, scale="profiled"))
    with pytest.raises(ValueError, match="outliers needs component_sigma or a positive sigma_min"):
        make_score(data, ScoreOptions("outliers", sigma_min=0))

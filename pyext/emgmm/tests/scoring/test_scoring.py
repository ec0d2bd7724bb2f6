"""The score seen from Python: against numpy, slopes, and what is refused."""

import numpy as np
import pytest
from emgmm import _core
from emgmm.mixture import Mixture
from emgmm.scoring.mixture_score import ScoreOptions, make_score, score_mixture


def random_mixture(rng, n, spread=20.0):
    root = rng.normal(size=(n, 3, 3)) * 3
    return Mixture(
        rng.normal(scale=spread, size=(n, 3)),
        root @ root.transpose(0, 2, 1) + 4 * np.eye(3),
        rng.uniform(0.5, 2.0, n),
    )


def log_overlaps(a: Mixture, b: Mixture) -> np.ndarray:
    """(len(a), len(b)) log of eq. 10, by numpy's own linear algebra."""
    s = a.covariances[:, None] + b.covariances[None]
    d = a.means[:, None] - b.means[None]
    form = np.einsum("ijx,ijx->ij", d, np.linalg.solve(s, d[..., None])[..., 0])
    return (
        np.log(a.weights[:, None] * b.weights[None])
        - 1.5 * np.log(2 * np.pi)
        - 0.5 * np.linalg.slogdet(s)[1]
        - 0.5 * form
    )


def reference_log_ratios(model, data):
    return np.logaddexp.reduce(log_overlaps(model, data)) - np.logaddexp.reduce(
        log_overlaps(data, data)
    )


@pytest.mark.parametrize("instruction_set", _core.available_instruction_sets())
def test_score_equals_equation_13(instruction_set):
    rng = np.random.default_rng(1)
    data, model = random_mixture(rng, 37), random_mixture(rng, 21)
    before = _core.instruction_set()
    _core.set_instruction_set(instruction_set)
    try:
        result = score_mixture(data, model, ScoreOptions(sigma_min=0))
    finally:
        _core.set_instruction_set(before)
    ratios = reference_log_ratios(model, data)
    np.testing.assert_allclose(result.log_ratios, ratios, rtol=0, atol=1e-11)
    assert result.score == pytest.approx(0.5 * 37 * np.log(np.sum(ratios**2)), rel=1e-12)
    assert result.sigma == pytest.approx(np.sqrt(np.mean(ratios**2)), rel=1e-10)
    totals = [np.exp(log_overlaps(*p)).sum() for p in ((model, data), (model, model), (data, data))]
    assert result.cc == pytest.approx(totals[0] / np.sqrt(totals[1] * totals[2]), rel=1e-12)


def test_profiled_scale_forgets_the_mass():
    rng = np.random.default_rng(2)
    data, model = random_mixture(rng, 12), random_mixture(rng, 15)
    options = ScoreOptions(scale="profiled")
    assert score_mixture(data.scaled_to(1000), model, options).score == pytest.approx(
        score_mixture(data, model, options).score, rel=1e-12
    )


def test_gradient_is_the_slope():
    rng = np.random.default_rng(3)
    data, model = random_mixture(rng, 25), random_mixture(rng, 9)
    score = make_score(data)
    value, by_means, by_covariances = score.gradient(model)
    assert value == score.evaluate(model)
    direction = rng.normal(size=(9, 3))
    stretch = rng.normal(size=(9, 3, 3))
    stretch = stretch + stretch.transpose(0, 2, 1)
    step = 1e-4

    def at(s):
        moved, stretched = model.means + s * direction, model.covariances + s * stretch
        return score.evaluate(Mixture(moved, stretched, model.weights))

    expected = np.vdot(by_means, direction) + np.vdot(by_covariances, stretch)
    assert (at(step) - at(-step)) / (2 * step) == pytest.approx(expected, rel=1e-6)


def test_bad_options_are_refused_by_name():
    data = random_mixture(np.random.default_rng(4), 5)
    with pytest.raises(ValueError, match=r"sigma_min.*-1"):
        make_score(data, ScoreOptions(sigma_min=-1))
    with pytest.raises(ValueError, match=r"noise model.*'poisson'"):
        make_score(data, ScoreOptions(noise_model="poisson"))
    with pytest.raises(ValueError, match="component_sigma must have 5 values, got 2"):
        make_score(data, ScoreOptions(noise_model="outliers", component_sigma=(1.0, 1.0)))
    with pytest.raises(ValueError, match="weight of component 1 is 0"):
        Mixture(np.zeros((2, 3)), np.stack([np.eye(3)] * 2), np.array([1.0, 0.0]))

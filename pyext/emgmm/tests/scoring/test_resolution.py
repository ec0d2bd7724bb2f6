"""The resolution at which a model explains the data best."""

import json
import math

import numpy as np
import pytest
from command_line import COMPLEX, emgmm
from emgmm.forward.structure import chain_mixture
from emgmm.io.gmm import write_gmm
from emgmm.io.structures import read_structure
from emgmm.mixture import Mixture
from emgmm.scoring.mixture_score import ScoreOptions, score_mixture
from emgmm.scoring.resolution import fitted_resolution


def cloud(seed: int, n: int = 40) -> Mixture:
    random = np.random.default_rng(seed)
    covariances = np.eye(3) * random.uniform(4, 9, n)[:, None, None]
    return Mixture(random.normal(scale=12, size=(n, 3)), covariances, random.uniform(1, 2, n))


@pytest.mark.parametrize("noise_model", ["lognormal", "correlated", "outliers"])
@pytest.mark.parametrize("resolution", [5.0, 9.0, 15.0])
def test_the_right_one_is_found(noise_model, resolution):
    model = cloud(1)
    found = fitted_resolution(model.blurred(resolution), model, ScoreOptions(noise_model))
    assert found.value == pytest.approx(resolution, rel=2e-3)
    assert 0 < found.error < resolution


def test_the_error_is_that_of_the_curvature_of_the_score():
    data, model = cloud(1).blurred(10.0), cloud(1)
    shifted = Mixture(model.means + 0.5, model.covariances, model.weights)
    found = fitted_resolution(data, shifted)

    def rise(factor):
        return score_mixture(data, shifted.blurred(found.value * factor)).score - found.score

    assert 0 <= rise(1.01) and 0 <= rise(0.99)
    one_sd = (
        (rise(math.exp(0.02)) + rise(math.exp(-0.02))) / 2 / (0.02 * found.value / found.error) ** 2
    )
    assert one_sd == pytest.approx(0.5, rel=1e-3)


def test_sharper_than_the_model_has_no_error():
    model = cloud(1)
    sharp = Mixture(model.means, 0.5 * model.covariances, model.weights)
    found = fitted_resolution(sharp, model)
    assert found.value == pytest.approx(1.0) and found.error == math.inf


def test_the_command_tells(tmp_path):
    model = chain_mixture(read_structure(COMPLEX), 1090.0)
    write_gmm(tmp_path / "data.txt", model.blurred(12.0))
    out = emgmm("score", tmp_path / "data.txt", COMPLEX, "--fit-resolution", "--report", "-")
    told = json.loads(out.stdout)
    assert told["resolution"] == pytest.approx(12.0, rel=1e-2)
    assert told["resolution_error"] > 0

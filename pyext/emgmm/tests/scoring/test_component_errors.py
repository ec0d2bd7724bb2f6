"""Errors of the data GMM on their way into the score: file, options, command line, run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from command_line import COMPLEX, assert_refused, emgmm, settings
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.fitting.fit_error import ComponentErrors, read_component_errors, write_component_errors
from emgmm.io.gmm import read_gmm
from emgmm.mixture import Mixture
from emgmm.scoring.mixture_score import (
    ScoreOptions,
    make_score,
    score_mixture,
    self_overlaps,
    with_sigma,
)
from emgmm.scoring.terms import score_options

DIFFERENCES = ("gaussian", "gaussian_local", "outliers")


def random_mixture(seed: int, n: int = 9) -> Mixture:
    random = np.random.default_rng(seed)
    covariances = np.eye(3) * random.uniform(9, 25, n)[:, None, None]
    return Mixture(random.normal(scale=15, size=(n, 3)), covariances, random.uniform(1, 9, n))


def test_self_overlaps_are_those_of_equation_10():
    data = random_mixture(1)
    s = data.covariances[:, None] + data.covariances[None]
    d = data.means[:, None] - data.means[None]
    q = np.einsum("ijx,ijxy,ijy->ij", d, np.linalg.inv(s), d)
    overlaps = np.outer(data.weights, data.weights) * np.exp(-0.5 * q)
    overlaps /= np.sqrt(np.linalg.det(2 * np.pi * s))
    np.testing.assert_allclose(self_overlaps(data), overlaps.sum(axis=0), rtol=1e-9)


@pytest.mark.parametrize(
    "noise_model", ["lognormal", "lognormal_local", "correlated", *DIFFERENCES]
)
def test_equal_errors_are_one_sigma(noise_model):
    data, model = random_mixture(1), random_mixture(2)
    options = ScoreOptions(noise_model, sigma_min=0.3, component_error=(0.4,) * 9)
    plain = ScoreOptions(noise_model, sigma_min=0.5)
    score = score_mixture(data, model, options).score
    assert score == pytest.approx(score_mixture(data, model, plain).score, rel=1e-9)


def test_each_component_has_its_own():
    data = random_mixture(1)
    errors = np.linspace(0.1, 0.9, 9)
    options = ScoreOptions("lognormal_local", sigma_min=0.2, component_error=tuple(errors))
    local = with_sigma(data, options)
    np.testing.assert_allclose(local.component_sigma, np.hypot(errors, 0.2))
    outliers = with_sigma(data, replace(options, noise_model="outliers"))
    expected = np.hypot(errors, 0.2) * self_overlaps(data)
    np.testing.assert_allclose(outliers.component_sigma, expected)
    one = with_sigma(data, replace(options, noise_model="lognormal"))
    assert one.sigma_min == pytest.approx(np.sqrt(0.04 + np.mean(errors**2)))
    assert one.component_sigma == ()


def test_options_that_make_no_sense():
    data = random_mixture(1)
    for errors in ((0.1,) * 8, (0.1,) * 8 + (-1.0,), (0.1,) * 8 + (np.nan,)):
        with pytest.raises(ValueError, match="component_error must be 9 values"):
            make_score(data, ScoreOptions(component_error=errors))
    both = ScoreOptions("outliers", component_sigma=(1.0,) * 9, component_error=(1.0,) * 9)
    with pytest.raises(ValueError, match="not both"):
        make_score(data, both)


def test_file_reads_back(tmp_path):
    path = tmp_path / "errors.csv"
    errors = ComponentErrors(np.array([0.1, -0.2, 0.0]), np.array([0.05, 0.1, 0.3]))
    write_component_errors(path, errors)
    np.testing.assert_allclose(read_component_errors(path, 3), errors.total, rtol=1e-5)
    write_component_errors(path, ComponentErrors(errors.misfit), force=True)
    np.testing.assert_allclose(read_component_errors(path), [0.1, 0.2, 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no header"),
        ("a,b\n1,2\n", "the columns a, b"),
        ("num,misfit,noise,total\n", "0 errors"),
        ("num,misfit,noise,total\n0,0.1,,0.1\n", "1 errors.*expected 2"),
        ("num,misfit,noise,total\n0,0.1,,0.1\n1,0.1,0.2\n", "line 3"),
        ("num,misfit,noise,total\n0,0.1,,0.1\n1,0.1,,x\n", "line 3: found total x"),
        ("num,misfit,noise,total\n0,0.1,,nan\n1,0.1,,1\n", "line 2: found total nan"),
        ("num,misfit,noise,total\n0,0.1,,-1\n1,0.1,,1\n", "line 2: found total -1"),
        ("num,total\n1,0.1\n0,0.2\n", "line 2: found num 1, expected 0"),  # sorted by total
        ("num,total,total\n0,1,2\n1,1,2\n", "2 columns 'total'"),
    ],
)
def test_faulty_files_are_refused(tmp_path, text, words):
    path = tmp_path / "errors.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_component_errors(path, 2)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_score_and_run_take_the_file(native_gmm, tmp_path):
    data = read_gmm(native_gmm)
    path = tmp_path / "errors.csv"
    write_component_errors(path, ComponentErrors(np.full(len(data), 0.75)))

    def told(*more) -> dict:
        arguments = ("score", native_gmm, COMPLEX, *more, "--report", "-")
        return json.loads(emgmm(*arguments).stdout)

    with_file = told("--sigma-min", 1.0, "--errors", path)
    assert with_file["sigma"] == pytest.approx(1.25)
    assert with_file["score"] == pytest.approx(told("--sigma-min", 1.25)["score"], rel=1e-9)

    system = settings(tmp_path, native_gmm)
    system.write_text(system.read_text().replace("[em]\n", f'[em]\nerrors = "{path}"\n'))
    options = with_sigma(data, score_options(load_config(system)))
    assert options.sigma_min == pytest.approx(np.hypot(0.75, load_config(system).em.sigma_min))
    assert emgmm("run", system, "-o", tmp_path / "out", "--engine", "native").returncode == 0

    write_component_errors(path, ComponentErrors(np.full(3, 0.75)), force=True)
    assert_refused(emgmm("score", native_gmm, COMPLEX, "--errors", path), "3 errors", "errors.csv")
    again = emgmm("run", system, "-o", tmp_path / "out2", "--engine", "native")
    assert_refused(again, "3 errors", "errors.csv")


def test_errors_of_a_map_that_is_still_to_be_fitted(tmp_path):
    for name in ("table.txt", "errors.csv", "map.mrc"):
        (tmp_path / name).write_text("")
    path = tmp_path / "system.toml"
    em = '[em]\nmap = "map.mrc"\ncomponents = 3\nerrors = "errors.csv"\n'
    path.write_text('[system]\ntopology = "table.txt"\n' + em)
    with pytest.raises(InputError, match=r"em\.errors"):
        load_config(path)

"""The command line: exit statuses, one line for bad input, nothing overwritten."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from command_line import COMPLEX, TOPOLOGY, assert_refused, emgmm, settings
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.mixture import Mixture
from emgmm.noise_models import NOISE_MODELS
from emgmm.scoring.mixture_score import self_overlaps


def test_help_is_quick():
    start = time.perf_counter()
    result = emgmm("--help")
    assert result.returncode == 0
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine; other tests run beside it
    for command in "simulate fit score run analyze report convert bench info".split():
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("fit",),
        ("fit", "map.mrc", "-o", "gmm.txt"),
        ("score", "gmm.txt", "model.pdb", "--noise-model", "white"),
        ("run", "nosuch.toml", "-o", "out"),
        ("run", "nosuch.toml", "-o", "out", "--replicas", "0"),
        ("report", "nosuch"),
        ("analyze", "nosuch"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(arguments, tmp_path):
    assert_refused(emgmm(*arguments, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_info():
    result = emgmm("info", "--report", "-")
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert {"version", "instruction_set", "threads", "imp", "mpi"} <= told.keys()


def test_bench_has_its_keys():
    told = json.loads(emgmm("bench", "--threads", 1, "--seconds", 0.1, "--report", "-").stdout)
    assert told["moves_per_second"] > 100
    assert told["pairs_per_second"] == pytest.approx(told["moves_per_second"] * 40 * 262)
    assert told["threads"] == 1
    assert told["instruction_set"]


def test_score_of_the_native_complex(native_gmm):
    told = json.loads(emgmm("score", native_gmm, COMPLEX, "--report", "-").stdout)
    assert told["cc"] == pytest.approx(1, abs=1e-6)
    assert told["noise_model"] == "lognormal"
    assert max(abs(c["log_ratio"]) for c in told["components"]) < 1e-3


@pytest.mark.parametrize("background", [0.0, 0.1])
@pytest.mark.parametrize("noise_model", NOISE_MODELS)
def test_score_reports_sigma_of_each_component(native_gmm, tmp_path, noise_model, background):
    """A model whose chains weigh more and less than their places in the data: sigma maximises
    each component's likelihood (of "outliers" the Gaussian that pulls as hard), at least the
    least sigma."""
    data = read_gmm(native_gmm)
    off = np.where(np.arange(len(data)) < len(data) // 3, 0.3, 1.4)
    model = Mixture(data.means, data.covariances, data.weights * off)
    write_gmm(tmp_path / "model.txt", model)
    least = 0.2
    arguments = ["score", native_gmm, tmp_path / "model.txt", "--noise-model", noise_model]
    arguments += ["--sigma-min", least, "--background", background, "--report", "-"]
    result = emgmm(*arguments)
    if background and not noise_model.startswith("lognormal"):
        assert_refused(result, "background", noise_model)
        return
    told = json.loads(result.stdout)
    assert [c["sigma"] for c in told["components"]] == told["component_sigma"]
    ratios = np.array([c["log_ratio"] for c in told["components"]])
    if noise_model.startswith("lognormal"):
        seen = np.log((np.exp(ratios) + background) / (1 + background))
        expected = np.maximum(least, np.abs(seen))
        assert told["sigma"] == pytest.approx(np.sqrt(np.mean(seen**2)), rel=1e-9)
    else:
        overlaps = self_overlaps(data.scaled_to(model.mass))
        difference = overlaps * np.expm1(ratios)
        expected = {
            "gaussian": least * overlaps,
            "gaussian_local": np.maximum(least * overlaps, np.abs(difference)),
            "correlated": np.maximum(least * overlaps, np.abs(difference)),
            "outliers": np.hypot(least * overlaps, difference / np.sqrt(2)),
        }[noise_model]
    np.testing.assert_allclose(told["component_sigma"], expected, rtol=1e-9)
    assert len(set(expected)) > 10


def test_report_file_is_not_overwritten(native_gmm, tmp_path):
    report = tmp_path / "report.json"
    report.write_text("mine")
    assert_refused(
        emgmm("score", native_gmm, COMPLEX, "--report", report), "report.json", "--force"
    )
    assert report.read_text() == "mine"
    assert emgmm("score", native_gmm, COMPLEX, "--report", report, "--force").returncode == 0
    assert "score" in json.loads(report.read_text())


@pytest.mark.slow
def test_run_writes_what_is_promised(native_gmm, tmp_path):
    out = tmp_path / "out"
    result = emgmm(
        "run", settings(tmp_path, native_gmm), "-o", out, "--engine", "native", "--report", "-"
    )
    assert result.returncode == 0, result.stderr
    # The words for people: standard output has the JSON.
    line, verdict, *reasons = result.stderr.splitlines()
    assert "200 frames" in line and verdict.startswith("verdict: ")
    assert reasons and all(reason.startswith("  - ") for reason in reasons)
    told = json.loads(result.stdout)
    keys = "engine steps steps_per_second replicas acceptance found exchange best_score"
    keys += " frames seconds"
    assert set(keys.split()) <= told.keys()
    assert told["frames"] == 200
    for (
        name
    ) in "system.toml data_gmm.txt gmm run.json stat.0.out stat_replica.0.out rmfs/0.rmf3".split():
        assert (out / name).exists(), name
    stat = (out / "stat.0.out").read_text()
    assert "GaussianEMRestraint_em_CCC" in stat
    assert stat.count("\n") == 201

    # In use: refused, and untouched.
    before = (out / "rmfs" / "0.rmf3").read_bytes()
    again = emgmm("run", settings(tmp_path, native_gmm), "-o", out, "--engine", "native")
    assert_refused(again, "in use", "--resume", "--force")
    assert (out / "rmfs" / "0.rmf3").read_bytes() == before


@pytest.mark.slow
def test_run_refuses_other_settings_on_resume(native_gmm, tmp_path):
    out = tmp_path / "out"
    path = settings(tmp_path, native_gmm)
    assert emgmm("run", path, "-o", out, "--engine", "native").returncode == 0
    changed = emgmm("run", path, "-o", out, "--engine", "native", "--resume", "--seed", 4)
    assert_refused(changed, "sampling.seed", "3", "4")


def test_bad_topology_leaves_nothing(native_gmm, tmp_path):
    broken = tmp_path / "topology.txt"
    broken.write_text(TOPOLOGY.read_text().replace("|TAX|sequences", "|TAX|none"))
    path = settings(tmp_path, native_gmm)
    path.write_text(path.read_text().replace(str(TOPOLOGY), str(broken)))
    result = emgmm("run", path, "-o", tmp_path / "out", "--engine", "native")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["system.toml", "topology.txt"]


def test_imp_engine_without_imp_is_told(native_gmm, tmp_path):
    pytest.importorskip("emgmm")
    from emgmm.imp.find import find_imp

    if find_imp().macros:
        pytest.skip("IMP.emgmm is here")
    out = tmp_path / "out"
    assert_refused(
        emgmm("run", settings(tmp_path, native_gmm), "-o", out, "--engine", "imp"), "IMP"
    )
    assert not out.exists()

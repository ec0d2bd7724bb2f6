"""The command line: exit statuses, one line for bad input, nothing overwritten."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
COMPLEX = REPOSITORY / "examples" / "1bd2" / "complex.pdb.gz"
TOPOLOGY = REPOSITORY / "examples" / "1bd2" / "topology.txt"


def emgmm(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """The program as a user runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from emgmm.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
    )


def assert_refused(result: subprocess.CompletedProcess, *told: str) -> None:
    assert result.returncode == 2, result
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for text in told:
        assert text in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def gmm(tmp_path_factory) -> Path:
    """Data GMM of the native complex."""
    from emgmm.cli_fit import model_mixture
    from emgmm.io.gmm import write_gmm

    path = tmp_path_factory.mktemp("data") / "native.txt"
    write_gmm(path, model_mixture(str(COMPLEX)))
    return path


def settings(folder: Path, gmm: Path, extra: str = "") -> Path:
    """Settings of a short run of the complex from random starts."""
    subunits = gmm.parent / "subunits"
    subunits.mkdir(exist_ok=True)
    for name in ("mhc", "b2m", "tcra", "tcrb"):
        shutil.copy(COMPLEX, subunits / f"{name}.pdb.gz")
    path = folder / "system.toml"
    path.write_text(
        f'[system]\ntopology = "{TOPOLOGY}"\npdb_dir = "{subunits}"\n[em]\ngmm = "{gmm}"\n'
        "[sampling]\nstart = 'random'\nreplicas = 2\nsteps = 4000\nframe_interval = 20\n"
        "seed = 3\nthreads = 2\n"
        "annealing.low_steps = 100\nannealing.high_steps = 1000\n" + extra
    )
    return path


def test_help_is_quick():
    start = time.perf_counter()
    result = emgmm("--help")
    assert result.returncode == 0
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine; other tests run beside it
    for command in "simulate fit score run analyze convert bench info".split():
        assert f"\n  {command} " in result.stdout


def test_help_imports_no_numpy():
    code = "import sys; from emgmm import cli; print('numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("fit",),
        ("fit", "map.mrc", "-o", "gmm.txt"),
        ("score", "gmm.txt", "model.pdb", "--noise-model", "white"),
        ("run", "nosuch.toml", "-o", "out"),
        ("run", "nosuch.toml", "-o", "out", "--replicas", "0"),
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


def test_score_of_the_native_complex(gmm):
    told = json.loads(emgmm("score", gmm, COMPLEX, "--report", "-").stdout)
    assert told["cc"] == pytest.approx(1, abs=1e-6)
    assert told["noise_model"] == "lognormal"
    assert max(abs(c["log_ratio"]) for c in told["components"]) < 1e-3


def test_report_file_is_not_overwritten(gmm, tmp_path):
    report = tmp_path / "report.json"
    report.write_text("mine")
    assert_refused(emgmm("score", gmm, COMPLEX, "--report", report), "report.json", "--force")
    assert report.read_text() == "mine"
    assert emgmm("score", gmm, COMPLEX, "--report", report, "--force").returncode == 0
    assert "score" in json.loads(report.read_text())


def test_run_writes_what_is_promised(gmm, tmp_path):
    out = tmp_path / "out"
    result = emgmm("run", settings(tmp_path, gmm), "-o", out, "--engine", "native", "--report", "-")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") == 1  # the line for people: standard output has the JSON
    told = json.loads(result.stdout)
    keys = "engine steps steps_per_second replicas acceptance exchange best_score frames seconds"
    assert set(keys.split()) <= told.keys()
    assert told["frames"] == 200
    for (
        name
    ) in "system.toml data_gmm.txt gmm run.json stat.0.out stat_replica.0.out rmfs/0.rmf3".split():
        assert (out / name).exists(), name
    stat = (out / "stat.0.out").read_text()
    assert "GaussianEMRestraint_EM_CCC" in stat
    assert stat.count("\n") == 201

    # In use: refused, and untouched.
    before = (out / "rmfs" / "0.rmf3").read_bytes()
    again = emgmm("run", settings(tmp_path, gmm), "-o", out, "--engine", "native")
    assert_refused(again, "in use", "--resume", "--force")
    assert (out / "rmfs" / "0.rmf3").read_bytes() == before


def test_run_refuses_other_settings_on_resume(gmm, tmp_path):
    out = tmp_path / "out"
    path = settings(tmp_path, gmm)
    assert emgmm("run", path, "-o", out, "--engine", "native").returncode == 0
    changed = emgmm("run", path, "-o", out, "--engine", "native", "--resume", "--seed", 4)
    assert_refused(changed, "sampling.seed", "3", "4")


def test_bad_topology_leaves_nothing(gmm, tmp_path):
    broken = tmp_path / "topology.txt"
    broken.write_text(TOPOLOGY.read_text().replace("|TAX|sequences", "|TAX|none"))
    path = settings(tmp_path, gmm)
    path.write_text(path.read_text().replace(str(TOPOLOGY), str(broken)))
    result = emgmm("run", path, "-o", tmp_path / "out", "--engine", "native")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["system.toml", "topology.txt"]


def test_imp_engine_without_imp_is_told(gmm, tmp_path):
    pytest.importorskip("emgmm")
    from emgmm.imp_engine import find_imp

    if find_imp().macros:
        pytest.skip("IMP.emgmm is here")
    out = tmp_path / "out"
    assert_refused(emgmm("run", settings(tmp_path, gmm), "-o", out, "--engine", "imp"), "IMP")
    assert not out.exists()

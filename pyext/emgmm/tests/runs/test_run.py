"""A run that is killed at any moment goes on bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import emgmm, settings
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.io.rmf import read_rmf
from emgmm.runs.folder import locked
from emgmm.runs.run import run

FILES = ("stat.0.out", "stat_replica.0.out", "data_gmm.txt")


def start(path: Path, out: Path, *more: str) -> subprocess.Popen:
    code = "from emgmm.cli import main; main()"
    arguments = ["run", str(path), "-o", str(out), "--engine", "native", *more]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def wait_for_frames(out: Path, size: int = 3000) -> None:
    stat = out / "stat.0.out"
    deadline = time.monotonic() + 60
    while not (stat.is_file() and stat.stat().st_size > size):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(native_gmm, tmp_path_factory):
    """A run that nothing disturbed, and its settings."""
    folder = tmp_path_factory.mktemp("whole")
    path = settings(folder, native_gmm)
    path.write_text(path.read_text().replace("steps = 4000", "steps = 24000"))
    assert emgmm("run", path, "-o", folder / "out", "--engine", "native").returncode == 0
    return path, folder / "out"


def assert_same(out: Path, expected: Path) -> None:
    for name in FILES:
        assert (out / name).read_bytes() == (expected / name).read_bytes(), name
    # The trajectory's blocks end where the run happened to flush; the frames are the same.
    one, other = (read_rmf(folder / "rmfs" / "0.rmf3") for folder in (out, expected))
    assert one.frames == other.frames
    np.testing.assert_array_equal(one.coordinates(), other.coordinates())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_run_goes_on_bit_for_bit(whole, tmp_path, number):
    path, expected = whole
    out = tmp_path / "out"
    process = start(path, out)
    wait_for_frames(out)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the run was over before the signal")
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert told.count("\n") == 1
        assert "--resume" in told
    result = emgmm("run", path, "-o", out, "--engine", "native", "--resume", "--threads", 1)
    assert result.returncode == 0, result.stderr
    assert_same(out, expected)


@pytest.mark.slow
def test_longer_run_goes_on(whole, tmp_path, native_gmm):
    path, expected = whole
    out = tmp_path / "out"
    assert start(path, out, "--steps", "12000").wait() == 0
    result = emgmm("run", path, "-o", out, "--engine", "native", "--resume", "--steps", 24000)
    assert result.returncode == 0, result.stderr
    assert_same(out, expected)


def test_two_runs_do_not_share_a_folder(tmp_path):
    out = tmp_path / "out"
    with locked(out), pytest.raises(InputError, match="another run"), locked(out):
        pass
    assert os.listdir(tmp_path) == []


def test_settings_object_and_stages(native_gmm, tmp_path):
    told = []
    config = load_config(settings(tmp_path, native_gmm))
    result = run(config, tmp_path / "out", engine="native", steps=500, stage=told.append)
    assert result["steps"] == 500
    assert any("sampling" in t for t in told)

"""A run on several processes makes the same frames and the same checkpoint as on one.

As a script it is the run: ``mpirun -n 2 python test_sampling_mpi.py FOLDER``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import settings


def run(folder: Path) -> None:
    """Frames of rank 0, and what the run reports."""
    from chain_system import chain_system, config
    from emgmm.posterior import Posterior
    from emgmm.sampling import Callbacks, run_native
    from emgmm.sampling.processes import world

    system = chain_system()
    data = system.gaussians.placed(system.bodies.poses)
    frames = []
    summary = run_native(
        Posterior.of_run(config(replicas=5, adapt_steps=500, threads=1), system, data),
        Callbacks(frames=frames.append),
        checkpoint=folder / "checkpoint.bin",
        chunk_seconds=0.005,
    )
    if world().is_root:
        np.savez(
            folder / "frames.npz",
            totals=np.concatenate([f.totals for f in frames]),
            steps=np.concatenate([f.steps for f in frames]),
            replicas=np.concatenate([f.replicas for f in frames]),
            acceptance=list(summary.acceptance.values()),
            found=list(summary.found.values()),
            exchange=summary.exchange,
            temperatures=summary.temperatures,
        )


@pytest.fixture(scope="module")
def mpirun() -> list[str]:
    """The launcher with its options; the number of processes comes next."""
    pytest.importorskip("mpi4py", reason="needs the extra emgmm[mpi]")
    launcher = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if launcher is None:
        pytest.skip("needs mpirun, from the extra emgmm[mpi]")
    return [launcher, "--allow-run-as-root", "--oversubscribe", "-n"]


def completed(command: list[str]) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_processes_make_the_same_run(tmp_path, mpirun):
    results = []
    for size in (1, 2, 3):
        folder = tmp_path / str(size)
        folder.mkdir()
        command = [sys.executable, __file__, str(folder)]
        done = completed([*mpirun, str(size), *command] if size > 1 else command)
        assert done.returncode == 0, done.stderr
        state = (folder / "checkpoint.bin").read_bytes().split(b"\n", 2)[2]
        results.append((state, dict(np.load(folder / "frames.npz"))))
    state, frames = results[0]
    assert len(frames["totals"]) == 100 and (np.diff(frames["steps"]) == 30).all()
    for other_state, other in results[1:]:
        for name, values in frames.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)
        assert other_state == state


@pytest.mark.slow
def test_the_command_runs_on_several_processes(tmp_path, mpirun, native_gmm):
    path = settings(tmp_path, native_gmm)
    command = [sys.executable, "-c", "from emgmm.cli import main; main()", "run", str(path), "-o"]
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert completed([*command, one, "--engine", "native"]).returncode == 0
    done = completed([*mpirun, "2", *command, two])
    assert done.returncode == 0, done.stderr
    for name in ("stat.0.out", "stat_replica.0.out", "data_gmm.txt"):
        assert Path(two, name).read_bytes() == Path(one, name).read_bytes(), name
    # Bad input ends every process, told once.
    done = completed([*mpirun, "2", *command, two])
    assert done.returncode == 2 and done.stderr.count("a folder in use") == 1, done.stderr


if __name__ == "__main__":
    run(Path(sys.argv[1]))

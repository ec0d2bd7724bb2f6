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


def run(folder: Path) -> None:
    """Frames of rank 0, and what the run reports."""
    from emgmm.processes import world
    from emgmm.sampling import Callbacks, run_native
    from test_sampling import chain_system, config

    system = chain_system()
    data = system.gaussians.placed(system.bodies.rotation, system.bodies.translation)
    frames = []
    summary = run_native(
        system,
        data,
        config(replicas=5, adapt_steps=500, threads=1),
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
            exchange=summary.exchange,
            temperatures=summary.temperatures,
        )


def test_processes_make_the_same_run(tmp_path):
    pytest.importorskip("mpi4py", reason="needs the extra emgmm[mpi]")
    launcher = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if launcher is None:
        pytest.skip("needs mpirun, from the extra emgmm[mpi]")
    results = []
    for size in (1, 2, 3):
        folder = tmp_path / str(size)
        folder.mkdir()
        command = [sys.executable, __file__, str(folder)]
        if size > 1:
            command = [
                launcher,
                "--allow-run-as-root",
                "--oversubscribe",
                "-n",
                str(size),
                *command,
            ]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        state = (folder / "checkpoint.bin").read_bytes().split(b"\n", 2)[2]
        results.append((state, dict(np.load(folder / "frames.npz"))))
    state, frames = results[0]
    assert len(frames["totals"]) == 100 and (np.diff(frames["steps"]) == 30).all()
    for other_state, other in results[1:]:
        for name, values in frames.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)
        assert other_state == state


if __name__ == "__main__":
    run(Path(sys.argv[1]))

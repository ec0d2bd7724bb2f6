"""A run that is killed at any moment and resumed ends in the same bytes as an undisturbed one.

As a script it is the run that gets killed: ``test_sampling_killed.py FOLDER STEPS``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

KILLS = int(os.environ.get("EMGMM_TEST_KILLS", "3"))


def run(folder: Path, steps: int) -> None:
    """Frames go to a file; what lies beyond the checkpoint's offset is cut off on resuming."""
    from chain_system import chain_system, config
    from emgmm.posterior import Posterior
    from emgmm.sampling import Callbacks, run_native
    from emgmm.sampling.checkpoint import read_checkpoint

    system = chain_system()
    data = system.gaussians.placed(system.bodies.poses)
    checkpoint, output = folder / "checkpoint.bin", folder / "frames.bin"
    resume = checkpoint.exists()
    size = read_checkpoint(checkpoint).offsets["frames.bin"] if resume else 0
    with open(output, "ab") as file:
        os.truncate(output, size)

        def write(frames) -> None:
            rows = frames.poses.reshape(len(frames), -1)
            file.write(np.c_[frames.steps, frames.totals, rows].tobytes())

        def offsets() -> dict[str, int]:
            file.flush()
            os.fsync(file.fileno())
            return {"frames.bin": os.fstat(file.fileno()).st_size}

        run_native(
            Posterior.of_run(config(steps=steps), system, data),
            Callbacks(frames=write, offsets=offsets),
            checkpoint=checkpoint,
            resume=resume,
            chunk_seconds=0.01,
            checkpoint_seconds=0.02,
        )
    (folder / "finished").touch()


def start(folder: Path, steps: int) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, __file__, str(folder), str(steps)], env=environment)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_at_random_moments(tmp_path):
    steps = 60_000
    whole = tmp_path / "whole"
    whole.mkdir()
    began = time.monotonic()
    assert start(whole, steps).wait() == 0
    duration = time.monotonic() - began
    killed = tmp_path / "killed"
    killed.mkdir()
    rng = random.Random(2)
    for _ in range(KILLS):
        process = start(killed, steps)
        time.sleep(rng.uniform(0.2, 1.1) * duration)
        process.kill()
        process.wait()
        if (killed / "finished").exists():
            # Once more from the start, so that every kill meets a run that is under way.
            assert (killed / "frames.bin").read_bytes() == (whole / "frames.bin").read_bytes()
            for path in killed.iterdir():
                path.unlink()
    assert start(killed, steps).wait() == 0
    assert (killed / "frames.bin").stat().st_size > 0
    assert (killed / "frames.bin").read_bytes() == (whole / "frames.bin").read_bytes()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))

"""The program as tests start it, and a short run of the example for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
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

"""PLUMED's EMMI on the frames of a trajectory: its score of each and its own timers.

Shared by benchmark/native/emmi.py; not a benchmark itself. EMMI's list of pairs needs a PLUMED
built with MPI (``CXX=mpicxx``, ``--enable-modules=reset:+isdb``): the serial build aborts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
from emgmm.io.gmm import write_gmm
from emgmm.mixture import Mixture

KT = 0.0083144621 * 300  # kJ/mol, PLUMED's constant
KEPT, REBUILT = 1_000_000, 1  # strides of its list

_INPUT = """\
DEBUG DETAILED_TIMERS
MOLINFO STRUCTURE=atoms.pdb
emmi: EMMI NOPBC ATOMS=1-{atoms} GMM_FILE=data.dat TEMP=300 RESOLUTION={resolution} SIGMA_MIN=0.01 \
NOISETYPE=GAUSS SIGMA0={sigma} DSIGMA=0 MC_STRIDE=1 WRITE_STRIDE=1000000 \
NL_CUTOFF={cutoff} NL_STRIDE={stride}
BIASVALUE ARG=emmi.scoreb
PRINT ARG=emmi.scoreb FILE=scores.dat FMT=%.9f
"""


class Run(NamedTuple):
    scores: np.ndarray  # (frames,) kT, the constant (N_D + 1) log sigma included
    forces: np.ndarray  # (frames, n, 3) kT/Å, derivatives of the score
    milliseconds: float  # an evaluation, without the one that makes a kept list


def find() -> str | None:
    """The executable: $PLUMED, or `plumed` on the path."""
    return shutil.which(os.environ.get("PLUMED", "plumed"))


def write_system(folder: Path, elements: np.ndarray, trajectory: np.ndarray, data: Mixture) -> None:
    """What its runs read: atoms (by element), trajectory (frames, n, 3) Å and data GMM."""
    write_gmm(folder / "data.dat", data, "plumed", force=True)
    with open(folder / "atoms.pdb", "w", encoding="ascii") as file:
        for i, (element, (x, y, z)) in enumerate(zip(elements, trajectory[0], strict=True), 1):
            file.write(
                f"ATOM  {i:5d}  {element:<3} ALA A{i % 10000:4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00\n"
            )
        file.write("END\n")
    with open(folder / "frames.xyz", "w", encoding="ascii") as file:
        for frame in trajectory:
            file.write(f"{len(frame)}\n1000 1000 1000\n")
            for element, (x, y, z) in zip(elements, frame, strict=True):
                file.write(f"{element} {x:.9f} {y:.9f} {z:.9f}\n")


def run(
    plumed: str, folder: Path, atoms: int, resolution: float, sigma: float, cutoff: float,
    stride: int,
) -> Run:  # fmt: skip
    """Noise model GAUSS, `sigma` in units of the median of ov_DD; resolution in Å."""
    text = _INPUT.format(
        atoms=atoms, resolution=resolution / 10, sigma=sigma, cutoff=cutoff, stride=stride
    )
    (folder / "plumed.dat").write_text(text, encoding="ascii")
    for old in (*folder.glob("scores.dat"), *folder.glob("MISTATUS*")):
        old.unlink()
    arguments = (
        "driver --plumed plumed.dat --ixyz frames.xyz --length-units A "
        "--dump-forces forces.xyz --dump-forces-fmt %.9f"
    )
    done = subprocess.run(
        [plumed, *arguments.split()],
        cwd=folder,
        env={**os.environ, "PLUMED_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"plumed driver failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    timer = re.search(r"@?emmi +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)", done.stdout)
    if not timer:
        raise RuntimeError(f"no timer of EMMI in PLUMED's output:\n{done.stdout[-2000:]}")
    cycles, total, mean, _, longest = (float(value) for value in timer.groups())
    seconds = (total - longest) / (cycles - 1) if stride == KEPT else mean
    lines = (folder / "forces.xyz").read_text(encoding="ascii").splitlines()
    rows = [line.split()[1:] for line in lines if line.startswith("X ")]
    forces = -np.array(rows, dtype=float).reshape(-1, atoms, 3) / KT
    return Run(np.loadtxt(folder / "scores.dat")[:, 1] / KT, forces, 1e3 * seconds)

"""Score and derivatives of an atomic model: all pairs, with a cutoff, and PLUMED's EMMI.

    PLUMED=/path/to/plumed python benchmark/native/emmi.py [--threads 1]

The first heavy atoms of the GroEL subunits (1OEL), EMMI's forward model at 3 Å, against a mixture
of that density with two atoms a component; noise model GAUSS. Frames of a trajectory with steps as
in molecular dynamics (0.01 Å a coordinate), the first a fraction of an angstrom from where the map
has the atoms. Times are medians of one evaluation of the score and its derivatives by every atom:
with the list of pairs kept while the atoms move, and with the list made anew in each (here between
frames half an angstrom apart; EMMI on the same frames with a stride of 1, by PLUMED's own timers).
Errors are the largest over some frames against the dense sum in double precision.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import plumed_emmi
from complexes import SHARED
from emgmm import _core
from emgmm.fitting import fit_points
from emgmm.forward.atoms import atom_gaussians
from emgmm.io.structures import read_structure
from emgmm.mixture import Mixture
from emgmm.scoring.mixture_score import ScoreOptions, make_score

SIZES = ((2000, 1000), (8000, 4000))
CUTOFFS = (2.5e-2, 1.8e-2, 1e-2, 3e-3, 1.8e-3, 1e-3, 1e-4, 1e-6)
EMMI_CUTOFFS = (1e-2, 1e-3)
RESOLUTION, SIGMA = 3.0, 0.2  # Å; of the median of ov_DD
FRAMES = 60
CHECKED = (0, FRAMES // 2, FRAMES - 1)  # frames whose errors are looked at


class System(NamedTuple):
    elements: np.ndarray
    data: Mixture
    trajectory: np.ndarray  # (frames, n, 3) Å
    covariances: np.ndarray
    weights: np.ndarray
    options: ScoreOptions

    def model(self, frame: np.ndarray) -> Mixture:
        """The atoms at (n, 3) Å."""
        return Mixture(frame, self.covariances, self.weights)


def system(n_atoms: int, n_data: int, threads: int) -> System:
    structure = read_structure(SHARED / "complexes" / "1oel_7mer.pdb.gz")
    atoms = atom_gaussians(structure, RESOLUTION)
    heavy = structure.select((structure.element != "H") & (structure.element != "D"))
    covariances, weights = atoms.covariances[:n_atoms], atoms.weights[:n_atoms]
    data = fit_points(
        heavy.xyz[:n_atoms], weights, n_data, seed=1, point_variance=covariances[:, 0, 0]
    )
    rng = np.random.default_rng(1)
    steps = rng.normal(0, 0.01, (FRAMES, n_atoms, 3))
    steps[0] = rng.normal(0, 0.3, (n_atoms, 3))
    trajectory = atoms.means[:n_atoms] + np.cumsum(steps, axis=0)
    sigma = SIGMA * float(np.median(data_overlaps(data)))
    options = ScoreOptions("gaussian", component_sigma=(sigma,) * n_data, threads=threads)
    return System(heavy.element[:n_atoms], data, trajectory, covariances, weights, options)


def data_overlaps(data: Mixture) -> np.ndarray:
    """ov_DD,k (Da²/Å³), from the overlaps and log ratios of a model that is one wide Gaussian."""
    center, wide = data.means.mean(axis=0), 1e4 * np.eye(3)
    sums = data.covariances + wide
    d = data.means - center
    form = np.einsum("ki,ki->k", d, np.linalg.solve(sums, d[:, :, None])[:, :, 0])
    overlaps = data.weights * np.exp(-0.5 * form) / np.sqrt(np.linalg.det(2 * np.pi * sums))
    log_ratios = make_score(data).log_ratios(Mixture(center[None], wide[None], np.ones(1)))
    return overlaps / np.exp(log_ratios)


class Error(NamedTuple):
    """Largest over the frames that are checked."""

    score: float  # kT
    force: float  # of the largest force


def error(found: list[tuple], exact: list[tuple]) -> Error:
    """Of scores and forces, one pair a frame."""
    return Error(
        max(abs(f[0] - e[0]) for f, e in zip(found, exact, strict=True)),
        max(
            np.abs(f[1] - e[1]).max() / np.abs(e[1]).max()
            for f, e in zip(found, exact, strict=True)
        ),
    )


def milliseconds(score: _core.MixtureScore, system: System, trajectory: np.ndarray) -> float:
    """Median of one evaluation a frame, without the first (which makes what is kept)."""
    times = score.seconds_a_gradient([system.model(frame) for frame in trajectory])
    return 1e3 * float(np.median(times[1:]))


def evaluated(score: _core.MixtureScore, system: System) -> list[tuple]:
    """(score, forces) of the frames that are checked, all frames looked at one after the other."""
    found = []
    for number, frame in enumerate(system.trajectory):
        value, forces, _ = score.gradient(system.model(frame))
        if number in CHECKED:
            found.append((value, forces))
    return found


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def measure(n_atoms: int, n_data: int, threads: int, plumed: str | None) -> None:
    s = system(n_atoms, n_data, threads)
    dense = make_score(s.data, s.options)
    exact = [dense.gradient(s.model(s.trajectory[i]))[:2] for i in CHECKED]
    seconds = np.median(dense.seconds_a_gradient([s.model(s.trajectory[0])] * 5))
    row(n_atoms, n_data, "emgmm", "none", "", f"{1e3 * seconds:.2f}", f"{exact[0][0]:.3f}", 0, 0, 0)
    away = s.trajectory + np.where(np.arange(FRAMES) % 2, 0.25, -0.25)[:, None, None] * [1, 0, 0]
    for cutoff in CUTOFFS:
        score = make_score(s.data, replace(s.options, cutoff=cutoff))
        found = evaluated(score, s)
        off = error(found, exact)
        row(
            n_atoms, n_data, "emgmm", cutoff,
            f"{milliseconds(score, s, s.trajectory):.3f}", f"{milliseconds(score, s, away):.3f}",
            f"{found[0][0]:.3f}", f"{off.score:.3f}", f"{off.force:.0e}",
            f"{score.left_out(s.model(s.trajectory[0])):.1f}",
        )  # fmt: skip
    if not plumed:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plumed_emmi.write_system(folder, s.elements, s.trajectory, s.data)
        run = partial(plumed_emmi.run, plumed, folder, n_atoms, RESOLUTION, SIGMA)
        # Its constant is of sigma in its units; the sum over all pairs has it too.
        all_pairs = run(1e-9, plumed_emmi.KEPT)
        constant = all_pairs.scores[0] - exact[0][0]
        for cutoff in EMMI_CUTOFFS:
            kept, rebuilt = run(cutoff, plumed_emmi.KEPT), run(cutoff, plumed_emmi.REBUILT)
            found = [(kept.scores[i] - constant, kept.forces[i]) for i in CHECKED]
            off = error(found, exact)
            row(
                n_atoms, n_data, "PLUMED EMMI", cutoff,
                f"{kept.milliseconds:.3f}", f"{rebuilt.milliseconds:.2f}",
                f"{found[0][0]:.3f}", f"{off.score:.3f}", f"{off.force:.0e}", "",
            )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    plumed = plumed_emmi.find()
    if not plumed:
        print("no PLUMED: neither $PLUMED nor `plumed` on the path is an executable\n")
    print(f"{_core.instruction_set()}, {threads} thread(s)\n")
    row("atoms", "N_D", "program", "cutoff", "list kept ms", "made anew ms", "score kT",
        "score error kT", "force error", "bound kT")  # fmt: skip
    row(*10 * ["---"])
    for n_atoms, n_data in SIZES:
        measure(n_atoms, n_data, threads, plumed)


if __name__ == "__main__":
    main()

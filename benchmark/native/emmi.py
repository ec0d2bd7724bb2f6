"""Score and derivatives of an atomic model: all pairs, and with a cutoff.

    python benchmark/native/emmi.py [--threads 1]

The first heavy atoms of the GroEL subunits (1OEL), EMMI's forward model, against a mixture of two
atoms a component. Times are medians of one evaluation of the score and its derivatives by every
atom, the list of pairs made anew in each; errors are those of the dense sum in double precision,
beside the bound that the cutoff itself reports.
"""

from __future__ import annotations

import argparse

import numpy as np
from complexes import SHARED
from emgmm import _core
from emgmm.fitting import fit_points
from emgmm.forward.atoms import atom_gaussians
from emgmm.io.structures import read_structure
from emgmm.scoring import ScoreOptions, make_score

SIZES = ((2000, 1000), (8000, 4000))
CUTOFFS = (1e-2, 1e-3, 1e-4, 1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    structure = read_structure(SHARED / "complexes" / "1oel_7mer.pdb.gz")
    atoms = atom_gaussians(structure, resolution=3.0)
    xyz = structure.xyz[(structure.element != "H") & (structure.element != "D")]
    print(f"{_core.instruction_set()}, {threads} thread(s)\n")
    print("| atoms | N_D | cutoff | ms | score kT | error kT | bound kT | force error | pull |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    rng = np.random.default_rng(1)
    for n_atoms, n_data in SIZES:
        data = fit_points(xyz[:n_atoms], atoms.weights[:n_atoms], n_data, seed=1)
        # As after some refinement: atoms a fraction of an angstrom from where the map has them.
        means = atoms.means[:n_atoms] + rng.normal(0, 0.3, (n_atoms, 3))
        model = means, atoms.covariances[:n_atoms], atoms.weights[:n_atoms]
        exact = make_score(data, ScoreOptions(threads=threads))
        value, forces, _ = exact.gradient(*model)
        scale = np.abs(forces).max()
        for cutoff in (0.0, *CUTOFFS):
            score = make_score(data, ScoreOptions(cutoff=cutoff, threads=threads))
            seconds = np.median(score.seconds_a_gradient(*model, 5 if cutoff == 0 else 60))
            near, near_forces, _ = score.gradient(*model)
            print(
                f"| {n_atoms} | {n_data} | {cutoff or 'none'} | {1e3 * seconds:.3f} | {near:.3f} | "
                f"{abs(near - value):.3f} | {score.left_out(*model):.3f} | "
                f"{np.abs(near_forces - forces).max() / scale:.0e} | {scale:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Every term of the score, by emgmm's native engine and by IMP, on RNA polymerase II: one table.

    imp_parity.py [FOLDER]

Twelve subunits, the map EMD-1883 as 50 Gaussians, two sets of cross-links; where the fitted
structure puts the subunits, and twice with every body and bead displaced at random. FOLDER holds
the project's shared data (default: EMGMM_SHARED_DATA, or ../shared/data beside the checkout).
Needs IMP and the pip package in one Python; exits with 1 where a term differs by more than 1e-6.
"""

import contextlib
import gzip
import io
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from unittest import mock

TOLERANCE = 1e-6  # relative

# Rpb4's numbers jump in the published table: 102 of its residues are not those of the sequence.
SETTINGS = """[system]
topology = "topology.txt"
check_residues = false
[em]
gmm = "{gmm}"
[[crosslinks]]
file = "{links}/polii_juri.csv"
label = "juri"
[[crosslinks]]
file = "{links}/polii_xlinks.csv"
label = "xlinks"
length = 30.0
protein1 = "pep1.accession"
residue1 = "pep1.xlinked_aa"
protein2 = "pep2.accession"
residue2 = "pep2.xlinked_aa"
"""


def prepare(shared, folder):
    """The run's files under the names that the published topology table uses."""
    source = shared / "crosslinks" / "rnapolii"
    # PMI slices the sequence with a negative index where a range starts before residue 1 and then
    # leaves most of Rpb4 without representation; emgmm starts at 1. With 4,END both do the same.
    table = [
        line.replace("|1,END        |-3 ", "|4,END        |-3 ") if "|Rpb4 " in line else line
        for line in (source / "topology.txt").read_text().splitlines()
    ]
    (folder / "topology.txt").write_text("\n".join(table) + "\n")
    shutil.copy(source / "1WCM_new.fasta.txt", folder / "1WCM.fasta")
    structure = gzip.decompress((source / "1WCM_map_fitted.pdb.gz").read_bytes())
    (folder / "1WCM_map_fitted.pdb").write_bytes(structure)
    gmm = shared / "gmm" / "rnapolii_emd1883" / "emd_1883.map.mrc.gmm.50.txt"
    (folder / "system.toml").write_text(SETTINGS.format(gmm=gmm, links=source))
    return gmm


def displaced(system, seed):
    """(bodies, 7) poses: everything that moves turned and shifted by some angstroms."""
    import numpy as np
    from emgmm.poses import to_matrices, to_poses
    from emgmm.search.starts import carry_along, input_poses

    rng = np.random.default_rng(seed)
    poses = input_poses(system)
    for b in np.flatnonzero(system.bodies.movable):
        rotation, translation = to_matrices(poses[b])
        shift = translation + rng.normal(0, 6, 3)
        if system.bodies.rotatable[b]:
            half = rng.normal(0, 0.1, 3)
            turn = to_matrices(np.r_[1, half, 0, 0, 0] / np.sqrt(1 + half @ half))[0]
            pose = to_poses((turn @ rotation)[None], shift[None])[0]
            carry_along(system, poses, b, pose[:4], pose[4:])
        else:
            poses[b, 4:] = shift
    return poses


def native_terms(native, terms, poses):
    """Name -> kT; cross-links with the priors of their unknowns."""
    import numpy as np
    from emgmm.scoring.terms import connectivity_term

    found = {}
    for spec in terms:
        if spec.term.name == "connectivity":
            bonds = native.connectivity
            for index, molecule in enumerate(native.molecules):
                mine = bonds.molecule == index
                if mine.any():
                    part = replace(
                        native,
                        connectivity=replace(
                            bonds,
                            **{
                                name: np.asarray(getattr(bonds, name))[mine]
                                for name in ("first", "second", "threshold", "molecule")
                            },
                        ),
                    )
                    term = connectivity_term(part)
                    found[f"connectivity {molecule.name}"] = term.evaluate(poses)
            found["connectivity, all"] = spec.term.evaluate(poses)
        else:
            found[spec.term.name.replace("_", " ", 1)] = spec.term.evaluate(poses)
    return found


def imp_terms(system):
    """The same from IMP.pmi's restraints and IMP.emgmm's."""
    import IMP.core

    found, bonds = {}, 0.0
    for r in system.restraints:
        kind = type(r).__name__
        if kind == "ConnectivityRestraint":
            score = r.evaluate()
            if r.get_particle_pairs():
                found[f"connectivity {r.label}"] = score
            bonds += score
        elif kind == "ExcludedVolumeSphere":
            # PMI's own evaluate() leaves the list of close pairs as it is.
            function = IMP.core.RestraintsScoringFunction([r.get_restraint()])
            found["excluded volume"] = function.evaluate(False)
        elif kind == "GaussianEMRestraint":
            found["em"] = r.evaluate()
        else:
            parts = [part.evaluate(False) for part in (r.rs, r.rspsi, r.rssig)]
            found[f"crosslinks {r.label}"] = sum(parts)
    found["connectivity, all"] = bonds
    return found


def compare(shared, folder):
    """Prints the table; returns the largest relative difference."""
    import emgmm.representation.inputs as inputs
    import IMP
    import numpy as np
    from emgmm.config import load_config
    from emgmm.imp.system import build_imp_system, set_poses
    from emgmm.io.gmm import read_gmm
    from emgmm.io.structures import read_structure
    from emgmm.posterior import Posterior
    from emgmm.search.starts import input_poses

    IMP.set_log_level(IMP.SILENT)
    gmm = prepare(shared, folder)
    out = folder / "out"
    (out / "restart").mkdir(parents=True)
    shutil.copy(gmm, out / "data_gmm.txt")
    config = load_config(folder / "system.toml")

    def as_imp_reads(path):
        """Coordinates in single precision."""
        atoms = read_structure(path)
        return replace(atoms, xyz=atoms.xyz.astype(np.float32).astype(np.float64))

    with (
        mock.patch.object(inputs, "read_structure", as_imp_reads),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        system, native = build_imp_system(config, out)
    terms = Posterior.of_run(config, native, read_gmm(gmm)).terms
    print(
        f"{len(native.bodies)} bodies, {len(native.gaussians.mixture.weights)} model and "
        f"{len(system.em.target_ps)} data Gaussians, {len(native.connectivity)} bonds"
    )
    print("| pose | term | emgmm, kT | IMP, kT | relative difference |")
    print("| --- | --- | --- | --- | --- |")
    worst = 0.0
    poses_of = {"fitted": input_poses(native)}
    poses_of |= {f"displaced {seed}": displaced(native, seed) for seed in (1, 2)}
    bodies = system.dof.get_rigid_bodies()
    frames = [body.get_reference_frame() for body in bodies]
    for name, poses in poses_of.items():
        for body, frame in zip(bodies, frames, strict=True):
            body.set_reference_frame(frame)
        set_poses(system, native, poses)
        ours, theirs = native_terms(native, terms, poses), imp_terms(system)
        if set(ours) != set(theirs):
            raise SystemExit(f"terms differ: {sorted(set(ours) ^ set(theirs))}")
        for term, value in ours.items():
            difference = abs(value - theirs[term]) / max(abs(value), abs(theirs[term]), 1e-3)
            worst = max(worst, difference)
            print(f"| {name} | {term} | {value:.6f} | {theirs[term]:.6f} | {difference:.1e} |")
    return worst


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    shared = Path(arguments[0] if arguments else os.environ.get("EMGMM_SHARED_DATA", beside))
    try:
        import emgmm._core  # noqa: F401
    except ImportError:
        print("not run: the pip package emgmm is not in this Python")
        return 0
    if not (shared / "crosslinks" / "rnapolii").is_dir():
        print(f"not run: no shared data in {shared}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        worst = compare(shared, Path(folder))
    print(f"largest relative difference {worst:.1e}, allowed {TOLERANCE:.0e}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())

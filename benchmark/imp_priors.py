"""Monte Carlo steps a second with connectivity and excluded volume, six rigid bodies: the native
engine, IMP.emgmm in IMP, and IMP.bayesianem in IMP with the two restraints of PMI.

    imp_priors.py [FOLDER] [--seconds 9]

Six subunits of GroEL (PDB 1OEL, 524 residues each, a component for ten residues) start where the
crystal has them, in a map of 262 components that is made from them; one body moves a step, on one
thread. Excluded volume is that of beads of ten residues. FOLDER holds the project's shared data
(default: EMGMM_SHARED_DATA, or ../shared/data beside the checkout).
"""

import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHAINS, COMPONENTS, ROUNDS = "A,B,C,D,E,F", 262, 3
SETTINGS = """[system]
topology = "topology.txt"
[em]
gmm = "data_gmm.txt"
[excluded_volume]
resolution = 10
[sampling]
start = "asis"
replicas = 1
threads = 1
seed = 1
steps = {steps}
frame_interval = {steps}
exchange_interval = 100
max_translation = 2.0
max_rotation = 0.05
precision = "{precision}"
"""


def prepare(shared, folder):
    """Structure, topology table and data GMM."""
    sys.path.insert(0, str(HERE / "native"))
    from complexes import prepare_complex
    from emgmm.fitting import fit_points
    from emgmm.io.gmm import write_gmm
    from emgmm.io.structures import read_structure

    prepare_complex(shared / "complexes" / "1oel_7mer.pdb.gz", folder, CHAINS)
    # PMI builds copies of a molecule from clones; here they are molecules of their own.
    names = CHAINS.split(",")
    table = (folder / "topology.txt").read_text().splitlines()
    rows = [
        "|".join(["", f"P{name}", *row.split("|")[2:4], f"P{name}", *row.split("|")[5:]])
        for name, row in zip(names, table[1:], strict=True)
    ]
    (folder / "topology.txt").write_text("\n".join([table[0], *rows]) + "\n")
    sequence = (folder / "sequences.fasta").read_text().splitlines()[1]
    (folder / "sequences.fasta").write_text("".join(f">P{name}\n{sequence}\n" for name in names))
    atoms = read_structure(folder / "complex.pdb")
    write_gmm(folder / "data_gmm.txt", fit_points(atoms.xyz, atoms.mass, COMPONENTS, seed=5))


def run_native(folder, precision, steps):
    """Steps a second of `emgmm run`."""
    from emgmm.runs.run import run

    settings = folder / f"{precision}.toml"
    settings.write_text(SETTINGS.format(precision=precision, steps=steps))
    result = run(settings, folder / f"{precision}-{steps}", engine="native", force=True)
    return result["steps_per_second"]


def build(folder, name):
    """An IMP system with one of the two EM restraints, and the two of PMI."""
    from emgmm.config import load_config
    from emgmm.imp.system import write_table
    from emgmm.io.topology import read_topology
    from IMP.emgmm.macros import build_system

    config = load_config(folder / "double.toml").system
    (folder / "imp").mkdir(exist_ok=True)
    table = folder / "imp" / "topology.txt"
    rows = read_topology(config.topology, config.pdb_dir, config.fasta_dir)
    write_table(table, rows, 10, folder / "imp")
    gmm = str(folder / "data_gmm.txt")
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system = build_system(
            str(table),
            em_gmm=gmm if name == "emgmm" else None,
            pdb_dir="",
            fasta_dir="",
            gmm_dir=str(folder / "imp"),
            excluded_volume_resolution=10,
            max_translation=2.0,
            max_rotation=0.05,
        )
        em = system.em
        if name == "bayesianem":
            import IMP.atom
            import IMP.bayesianem.restraint

            densities = IMP.atom.Selection(
                system.hierarchy, representation_type=IMP.atom.DENSITIES
            ).get_selected_particles()
            em = IMP.bayesianem.restraint.GaussianEMRestraintWrapper(
                densities, target_fn=gmm, scale_target_to_mass=True, slope=0.0
            )
            em.add_to_model()
    return system, em


def run_in_imp(system, seconds, score_moved):
    """Steps a second of IMP's Monte Carlo on everything in the model."""
    import IMP.pmi.tools
    from imp_bayesianem import run_monte_carlo

    scoring = IMP.pmi.tools.get_restraint_set(system.model)
    bodies = system.dof.get_rigid_bodies()
    return run_monte_carlo(system.model, scoring, bodies, seconds, score_moved)


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    seconds = 9.0
    if "--seconds" in sys.argv:
        seconds = float(arguments.pop())
    if "--run_quick_test" in sys.argv:
        seconds = 0.5
    beside = HERE.parents[1] / "shared" / "data"
    shared = Path(arguments[0] if arguments else os.environ.get("EMGMM_SHARED_DATA", beside))
    try:
        import emgmm._core  # noqa: F401
    except ImportError:
        return print("not run: the pip package emgmm is not in this Python")
    if not (shared / "complexes").is_dir():
        return print(f"not run: no shared data in {shared}")
    try:
        import IMP.bayesianem
    except ImportError:
        return print("not run: no IMP.bayesianem to compare with")
    import IMP
    import IMP.atom

    IMP.set_log_level(IMP.SILENT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(shared, folder)
        rates = {f"native engine, {p}": run_native(folder, p, 2000) for p in ("double", "single")}
        steps = {name: int(rate * seconds / ROUNDS) for name, rate in rates.items()}
        ours, em = build(folder, "emgmm")
        theirs, _ = build(folder, "bayesianem")
        bare, _ = build(folder, "neither")
        found = {}
        # Every case has its turn in each round, since the machine's speed drifts.
        for _ in range(ROUNDS):
            for name, n in steps.items():
                found.setdefault(name, []).append(run_native(folder, name.split()[-1], n))
            for label, system, moved in (
                ("IMP.emgmm and PMI's restraints", ours, True),
                ("IMP.bayesianem and PMI's restraints", theirs, False),
                ("IMP.bayesianem and PMI's restraints, moved scoring", theirs, True),
                ("PMI's restraints alone, moved scoring", bare, True),
            ):
                rate = run_in_imp(system, seconds / ROUNDS, moved)
                found.setdefault(label, []).append(rate)
        result = {
            "bodies, model and data components": [
                len(ours.dof.get_rigid_bodies()),
                len(em.model_ps),
                len(em.target_ps),
            ],
            "steps a second": {label: statistics.median(r) for label, r in found.items()},
        }
    rates = result["steps a second"]
    best = max(rate for label, rate in rates.items() if label.startswith("IMP.bayesianem"))
    result["beside IMP.bayesianem at its faster"] = {
        label: rate / best for label, rate in rates.items() if "bayesianem" not in label
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""Which moves bring subunits into a map in IMP: the example's complex from random poses, one table.

    imp_moves.py [--share 0.5] [--steps 10000] [--seeds 5] [--only independence]

The four subunits of PDB 1BD2 at random in the mixture of the whole, EM, connectivity and excluded
volume, one process, kT = 1; a share of the moves are of the kind named. Independence moves
also with acceptance in two stages, as any other sampler than IMP.emgmm.HastingsMonteCarlo needs it.
Needs IMP and the pip package in one Python.
"""

import argparse
import contextlib
import io
import shutil
import statistics
import sys
import tempfile
import warnings
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "1bd2"
IN_PLACE = 10.0  # Å, between the centers of a subunit and of its place in the crystal
SETTINGS = """[system]
topology = "topology.txt"
[em]
gmm = "out/data_gmm.txt"
[sampling]
precision = "single"
"""


def build(folder):
    """The system at its place in the crystal."""
    from emgmm.config import load_config
    from emgmm.forward.structure import chain_mixture
    from emgmm.imp.system import build_imp_system
    from emgmm.io.gmm import write_gmm
    from emgmm.io.structures import read_structure

    for name in ("topology.txt", "sequences.fasta"):
        shutil.copy(EXAMPLE / name, folder / name)
    for name in ("mhc", "b2m", "tcra", "tcrb"):
        shutil.copy(EXAMPLE / "complex.pdb.gz", folder / f"{name}.pdb.gz")
    (folder / "system.toml").write_text(SETTINGS)
    (folder / "out" / "gmm").mkdir(parents=True)
    data = chain_mixture(read_structure(EXAMPLE / "complex.pdb.gz"))
    write_gmm(folder / "out" / "data_gmm.txt", data)
    return build_imp_system(load_config(folder / "system.toml"), folder / "out")[0]


@contextlib.contextmanager
def two_stages(on):
    """sample() with movers that keep detailed balance without the sampler's help."""
    import IMP.emgmm.sampling

    theirs = IMP.emgmm.sampling.create_other_movers

    def create(*arguments):
        kinds = theirs(*arguments)
        for mover in [mover for movers, _ in kinds for mover in movers]:
            if isinstance(mover, IMP.emgmm.BodyPlaceMover):
                mover.set_returns_ratio(False)
        return kinds

    IMP.emgmm.sampling.create_other_movers = create if on else theirs
    try:
        yield
    finally:
        IMP.emgmm.sampling.create_other_movers = theirs


def try_moves(system, places, folder, steps, seed, moves):
    """(acceptance of the moves, EM score and subunits in place at the end)."""
    import IMP.algebra
    from IMP.emgmm.macros import sample

    interval = steps // 10
    result = sample(
        system,
        str(folder / "run"),
        steps=steps,
        frame_interval=interval,
        exchange_interval=interval,
        seed=seed,
        progress=None,
        moves=moves,
    )
    shutil.rmtree(folder / "run")
    kinds = ("turn ", "swap ", "independence")
    accepted = [share for name, share in result["acceptance"].items() if name.startswith(kinds)]
    found = sum(
        IMP.algebra.get_distance(body.get_coordinates(), place) < IN_PLACE
        for body, place in zip(system.dof.get_rigid_bodies(), places, strict=True)
    )
    return statistics.mean(accepted or [0]), system.em.evaluate(), found


MOVES = (
    # name, kinds that share it, acceptance in two stages
    ("steps alone", (), False),
    ("turns and swaps", ("turns", "swaps"), False),
    ("independence", ("independence",), False),
    ("independence, two stages", ("independence",), True),
)


def compare(folder, share, steps, seeds, only):
    """Prints the table."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system = build(folder)
    places = [body.get_coordinates() for body in system.dof.get_rigid_bodies()]
    print(
        f"EM score in the crystal {system.em.evaluate():.1f} kT; share {share:g} of {steps} steps"
    )
    print("| moves | accepted | EM score at the end, kT | subunits in place |")
    print("| --- | --- | --- | --- |")
    for name, kinds, staged in MOVES:
        if only is not None and only not in kinds:
            continue
        parts = share / max(len(kinds), 1)
        with two_stages(staged):
            runs = [
                try_moves(system, places, folder, steps, seed, dict.fromkeys(kinds, parts))
                for seed in range(1, seeds + 1)
            ]
        accepted, scores, found = zip(*runs, strict=True)
        told = f"{100 * statistics.mean(accepted):.2f} %" if kinds else ""
        scores = ", ".join(f"{score:.0f}" for score in scores)
        found = ", ".join(map(str, found))
        print(f"| {name} | {told} | {scores} | {found} of {len(places)} |", flush=True)


def run_in_folder(compare, *arguments):
    """Calls it with a folder of its own and these, where the pip package is there."""
    try:
        import emgmm._core  # noqa: F401
    except ImportError:
        return print("not run: the pip package emgmm is not in this Python")
    with tempfile.TemporaryDirectory() as folder:
        return compare(Path(folder), *arguments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=["turns", "swaps", "independence"])
    parser.add_argument("--run_quick_test", action="store_true")
    arguments, _ = parser.parse_known_args()
    if arguments.run_quick_test:
        arguments.steps, arguments.seeds = 200, 1
    return run_in_folder(compare, arguments.share, arguments.steps, arguments.seeds, arguments.only)


if __name__ == "__main__":
    sys.exit(main())

"""Is the verdict honest? Runs meant to succeed and to fail, and what each is called.

    python benchmark/native/verdicts.py [--runs 90] [--workers 2] [--steps 20000]
        [--entries 1clv,1dfj] [--folder KEEP [--kept]]

Small complexes in simulated maps of 6 to 20 Å. Of every nine runs five are as they should be, and
four are not: a subunit of another complex, the map of another complex, too few steps from random
starts, half of the subunits missing in the map. A run is right where every subunit of the model at
the centre of the first cluster is within 10 Å (rmsd(80)) of where the map was made from; one with
a subunit that the map does not hold cannot be. Limits are looked for with every second round of
nine (even) and tested with the others (odd). Runs that the kept folder holds are judged anew, not
run anew. With --entries those of other complexes are passed over, with --kept those that the folder
does not hold.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gemmi
import numpy as np
from complexes import SHARED, prepare_complex, settings
from emgmm.analysis.analyze import analyze
from emgmm.io.maps import write_map
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import simulate
from emgmm.poses import random_rotations, to_matrices
from emgmm.runs.run import run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "1bd2" / "complex.pdb.gz"
NAMES = "1clv 1dfj 1kxp 1z5s 2hle 3sfd".split()
ENTRIES = {"1bd2": EXAMPLE} | {n: SHARED / "complexes" / f"{n}.pdb.gz" for n in NAMES}
KINDS = (
    *["as it is"] * 2,
    "wrong subunit",
    "as it is",
    "wrong map",
    "as it is",
    "few steps",
    "as it is",
    "missing half",
)
RESOLUTIONS, SNRS = (6, 8, 10, 12, 15, 20), (2, 5, 10)
REPLICAS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=90)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--entries", default=",".join(ENTRIES))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kept", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        entries = arguments.entries.split(",")
        numbers = [i for i in range(arguments.runs) if case_of(i)[0]["entry"] in entries]
        if arguments.kept:
            numbers = [i for i in numbers if (folder / str(i) / "out" / "run.json").is_file()]
        with ProcessPoolExecutor(arguments.workers) as pool:
            jobs = [pool.submit(judged, folder / str(i), i, arguments.steps) for i in numbers]
            results = []
            for job in jobs:
                results.append(job.result())
                print(_line(results[-1]), flush=True)
    for title, rest in (("even", (0,)), ("odd", (1,)), ("all", (0, 1))):
        _table(title, [r for r in results if r["number"] // len(KINDS) % 2 in rest])


def judged(folder: Path, number: int, steps: int) -> dict:
    """One case, run where the folder does not hold it, and analysed."""
    case = sampled(folder, number, steps)
    found = analyze(folder / "out", folder / "reference.pdb", force=True).report()
    possible = case["kind"] in ("as it is", "few steps")
    return case | {
        "rmsd80": found["clusters"][0]["rmsd80"],
        "right": possible and found["result"] == "full positive",
        "verdict": found["verdict"],
    }


def case_of(number: int) -> tuple[dict, str, np.random.Generator]:
    """What a case is, the other complex that it may take from, and its random numbers."""
    rng = np.random.default_rng(number)
    entry, other = rng.choice(list(ENTRIES), 2, replace=False)
    case = {
        "number": number,
        "kind": KINDS[number % len(KINDS)],
        "entry": str(entry),
        "resolution": int(rng.choice(RESOLUTIONS)),
        "snr": int(rng.choice(SNRS)),
    }
    return case, str(other), rng


def sampled(folder: Path, number: int, steps: int) -> dict:
    """What a case is, when its run is there."""
    case, other, rng = case_of(number)
    if (folder / "out" / "run.json").is_file():
        return case
    _make(folder, case, other, rng)
    em = f'map = "map.mrc"\nresolution = {case["resolution"]}'
    few = case["kind"] == "few steps"
    sampling = f"seed = {number}\nsteps = {500 if few else steps}\nthreads = 1\n"
    sampling += f"replicas = {REPLICAS}\n" + ('start = "random"\n' if few else "")
    run(settings(folder, em, sampling), folder / "out", engine="native", force=True)
    return case


def _make(folder: Path, case: dict, other: str, rng: np.random.Generator) -> None:
    """Inputs of a case; reference.pdb is where the map has its subunits."""
    kind = case["kind"]
    prepare_complex(ENTRIES[case["entry"]], folder)
    whole = read_structure(folder / "complex.pdb")
    (folder / "complex.pdb").rename(folder / "reference.pdb")
    in_map = whole
    if kind == "wrong map":
        prepare_complex(ENTRIES[other], folder / "other")
        in_map = read_structure(folder / "other" / "complex.pdb")
    chains = sorted(set(whole.chain.tolist()), key=lambda c: -(whole.chain == c).sum())
    if kind == "missing half":
        in_map = whole.select(np.isin(whole.chain, chains[: max(1, len(chains) // 2)]))
    if kind == "wrong subunit":
        _exchange(folder, chains[-1 if len(chains) < 3 else 1], other, whole)
    model = gemmi.read_structure(
        str(folder / ("exchanged.pdb" if kind == "wrong subunit" else "reference.pdb"))
    )
    prepared = prepare_complex_again(model, folder)
    _turn(prepared, folder, rng)
    made = simulate(in_map, case["resolution"], snr=case["snr"], seed=case["number"], threads=1)
    write_map(folder / "map.mrc", made.density, force=True)


def _exchange(folder: Path, chain: str, other: str, whole) -> None:
    """exchanged.pdb: the complex with a chain of another complex, of like size, for one of its."""
    prepare_complex(ENTRIES[other], folder / "other")
    theirs = gemmi.read_structure(str(folder / "other" / "complex.pdb"))
    ours = gemmi.read_structure(str(folder / "reference.pdb"))
    size = len(ours[0][chain])
    like = min(theirs[0], key=lambda c: abs(len(c) - size)).clone()
    like.name = chain
    position = [c.name for c in ours[0]].index(chain)
    ours[0].remove_chain(chain)
    ours[0].add_chain(like, position)
    ours.write_pdb(str(folder / "exchanged.pdb"))


def prepare_complex_again(model: gemmi.Structure, folder: Path) -> Path:
    """Sequences and topology table of a structure, in the folder; complex.pdb."""
    source = folder / "source.pdb"
    model.write_pdb(str(source))
    prepare_complex(source, folder)
    return folder / "complex.pdb"


def _turn(path: Path, folder: Path, rng: np.random.Generator) -> None:
    """Each rigid body anywhere, in any orientation: nothing is left of where it was."""
    structure = gemmi.read_structure(str(path))
    rows = [r.split("|") for r in (folder / "topology.txt").read_text().splitlines()[1:]]
    chains: dict[str, list[str]] = {}
    for row in rows:
        chains.setdefault(row[11], []).append(row[6])
    for own in chains.values():
        rotation, _ = to_matrices(np.r_[random_rotations(rng, 1)[0], 0, 0, 0])
        move = gemmi.Transform()
        move.mat.fromlist(rotation.tolist())
        move.vec.fromlist(rng.normal(0, 30, 3).tolist())
        for name in own:
            for residue in structure[0][name]:
                for atom in residue:
                    atom.pos = gemmi.Position(move.apply(atom.pos))
    structure.write_pdb(str(path))


def _line(result: dict) -> str:
    verdict = result["verdict"]
    return (
        f"{result['number']:3d} {result['kind']:13s} {result['entry']} {result['resolution']:2d} A "
        f"snr {result['snr']:2d}  {'right' if result['right'] else 'wrong':5s} "
        f"{result['rmsd80']:5.1f} A  {verdict['answer']}: {verdict['reasons'][0]}"
    )


def _table(title: str, results: list[dict]) -> None:
    count = Counter((r["right"], r["verdict"]["answer"] == "found") for r in results)
    print(f"\n{title} runs ({len(results)})")
    print("| | called found | called otherwise |\n| --- | --- | --- |")
    for right in (True, False):
        name = "right" if right else "wrong"
        print(f"| {name} | {count[right, True]} | {count[right, False]} |")
    called = count[True, True] + count[False, True]
    correct = count[True, True] + count[True, False]
    print(
        f"of those called found {count[True, True]} of {called} are right; "
        f"of those that are right {count[True, True]} of {correct} are called found"
    )


if __name__ == "__main__":
    main()

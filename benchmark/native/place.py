"""Single subunits into the map of their complex: rank of the right place, error, CPU time.

    python benchmark/native/place.py [ENTRY:CHAINS ...] [--resolutions 8 10 15] [--snr 5]
        [--threads 1] [--strangers] [--powerfit PROGRAM]

The map is simulated from the whole entry; the subunit starts turned and shifted. The right place is
that of any chain with as many atoms, within 5 Å rmsd. With --strangers each subunit is also placed
in the maps of the other entries, which do not hold it: how often p is below 0.1, 0.01. With
--powerfit each is placed by PowerFit (pip install powerfit-em) too, one process, its Rust backend
and its defaults, from the same files right after; rank and error of its ten models.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import gemmi
import numpy as np
from complexes import SHARED
from emgmm.io.maps import write_map
from emgmm.io.structures import Structure, read_structure
from emgmm.io.structures.write import write_mmcif
from emgmm.maps.simulate import SimulatedMap, simulate
from emgmm.poses import random_rotations, to_matrices
from emgmm.search.answers import chance, lead
from emgmm.search.correlation import Place, place_by_correlation

FILES = {
    "1oel": SHARED / "complexes" / "1oel_7mer.pdb.gz",
    "1wcm": SHARED / "crosslinks" / "rnapolii" / "1WCM.pdb.gz",
    "3sfd": SHARED / "complexes" / "3sfd.pdb.gz",
    "1kxp": SHARED / "complexes" / "1kxp.pdb.gz",
}
DEFAULT = ["1oel:A", "1wcm:ABCEH", "3sfd:AB", "1kxp:AD"]
RIGHT = 5.0  # Å


def away(structure: Structure, seed: int) -> Structure:
    """The structure turned and shifted at random."""
    random = np.random.default_rng(seed)
    turn = random_rotations(random, 1)[0]
    return structure.moved(np.r_[turn, random.uniform(-100, 100, 3)])


def errors(found: list[Place], given: Structure, truths: list[np.ndarray]) -> np.ndarray:
    """(n,) Å, rmsd of each place to the nearest right one."""
    rotation, shift = to_matrices(np.array([p.pose for p in found]))
    return np.array(
        [
            min(np.sqrt(((given.xyz @ r.T + s - x) ** 2).sum(axis=1).mean()) for x in truths)
            for r, s in zip(rotation, shift, strict=True)
        ]
    )


def one(
    part: Structure, made: SimulatedMap, resolution: float, threads: int
) -> tuple[list[Place], Structure, float]:
    """Places, the subunit as it was given, and CPU seconds."""
    given = away(part, 1)
    began = time.process_time()
    found = place_by_correlation(made.density, given, resolution, made.threshold, threads=threads)
    return found, given, time.process_time() - began


def by_powerfit(
    program: str, made: SimulatedMap, given: Structure, resolution: float, truths: list[np.ndarray]
) -> str:
    """Rank, error and CPU seconds of PowerFit, as cells of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_map(folder / "map.mrc", made.density)
        write_mmcif(folder / "part.cif", [given], "part")
        gemmi.read_structure(str(folder / "part.cif")).write_pdb(str(folder / "part.pdb"))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = used.ru_utime + used.ru_stime
        command = [program, "map.mrc", f"{resolution:g}", "part.pdb", "-n", "10", "-p", "1"]
        command += ["--cpu-backend", "rust", "-d", "out"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        off = []
        for rank in range(1, 11):
            (model,) = list((folder / "out").glob(f"fit_{rank}.*")) or [None]
            if model is None:
                break
            xyz = read_structure(model).xyz
            off.append(min(np.sqrt(((xyz - x) ** 2).sum(axis=1).mean()) for x in truths))
        good = [i for i, error in enumerate(off) if error < RIGHT]
        rank, error = (good[0] + 1, off[good[0]]) if good else ("-", min(off))
        return f" {rank} | {error:.1f} | {used.ru_utime + used.ru_stime - began:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="*", default=DEFAULT, metavar="ENTRY:CHAINS")
    parser.add_argument("--resolutions", type=float, nargs="+", default=[8.0, 10.0, 15.0])
    parser.add_argument("--snr", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--strangers", action="store_true")
    parser.add_argument("--powerfit", metavar="PROGRAM")
    arguments = parser.parse_args()
    chosen = dict(entry.split(":") for entry in arguments.entry)
    whole = {name: read_structure(FILES[name]) for name in chosen}
    parts = {
        (name, chain): whole[name].select(whole[name].chain == chain)
        for name, chains in chosen.items()
        for chain in chains
    }
    head = "| entry | chain | kDa | Å | rank | error Å | kT ahead | deviations | p | CPU s |"
    if arguments.powerfit:
        head += " PowerFit: rank | error Å | CPU s |"
    print(head + "\n" + "| --- " * (head.count("|") - 1) + "|")
    right, all_p = 0, []
    for resolution in arguments.resolutions:
        maps = {
            name: simulate(s, resolution, snr=arguments.snr, seed=1) for name, s in whole.items()
        }
        for (name, chain), part in parts.items():
            found, given, seconds = one(part, maps[name], resolution, arguments.threads)
            chains = [whole[name].xyz[whole[name].chain == c] for c in whole[name].chains()]
            truths = [xyz for xyz in chains if len(xyz) == len(part)]
            off = errors(found, given, truths)
            good = np.flatnonzero(off < RIGHT)
            rank = int(good[0]) + 1 if len(good) else None
            right += rank == 1
            first = lead([p.score for p in found])
            deviations = "-" if first.deviations is None else f"{first.deviations:.1f}"
            p = chance([p.band for p in found])
            print(
                f"| {name} | {chain} | {part.atom_mass().sum() / 1000:.0f} | {resolution:g} | "
                f"{rank or '-'} | {off[good[0]] if len(good) else off.min():.1f} | "
                f"{first.gap:.1f} | {deviations} | {'-' if p is None else f'{p:.1g}'} | "
                f"{seconds:.1f} |",
                end="" if arguments.powerfit else "\n",
                flush=True,
            )
            if arguments.powerfit:
                more = by_powerfit(arguments.powerfit, maps[name], given, resolution, truths)
                print(more, flush=True)
            if arguments.strangers:
                for other in maps:
                    if other != name:
                        strange, *_ = one(part, maps[other], resolution, arguments.threads)
                        all_p.append(chance([p.band for p in strange]))
    print(f"\nright place first: {right} of {len(parts) * len(arguments.resolutions)}")
    if all_p:
        known = np.array([p for p in all_p if p is not None])
        print(
            f"strangers: {len(known)}; p below 0.1 in {(known < 0.1).sum()}, below 0.01 in "
            f"{(known < 0.01).sum()}"
        )


if __name__ == "__main__":
    main()

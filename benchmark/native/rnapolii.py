"""RNA polymerase II in its 20.9 A map (EMD-1883), real data: 12 subunits from nothing.

    python benchmark/native/rnapolii.py [--seeds 1] [--first 1] [--links] [--components 200]
        [--steps 20000] [--threads 0] [--without Rpb4,Rpb7] [--surplus]
        [--em noise_model='"outliers"' --em map_mass=440000]

Prints, for each seed, how many subunits have their centroid within 10 A of the fitted 1WCM, the EM
score (kT) of the best model and of the fitted structure, both after minimising it, the score with
all terms likewise, and whether the two halves of the run agree. --without leaves subunits out of
the model, --surplus adds one that is not in the map (ribonuclease A, chain E of 1DFJ): how far the
others are off then.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import gemmi
from assembly import refined_scores, refined_totals
from complexes import SHARED, settings
from emgmm.analysis.analyze import analyze
from emgmm.runs.run import run

DATA = SHARED / "crosslinks" / "rnapolii"


def prepare(folder: Path, without: tuple[str, ...] = (), surplus: bool = False) -> Path:
    """Structure, sequences and topology under the names that the table uses, less some subunits."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1WCM.fasta").write_text((DATA / "1WCM_new.fasta.txt").read_text())
    structure = folder / "1WCM_map_fitted.pdb"
    structure.write_bytes(gzip.decompress((DATA / "1WCM_map_fitted.pdb.gz").read_bytes()))
    rows = (DATA / "topology.txt").read_text().splitlines()
    kept = [row for row in rows if not any(f"|{name} " in row for name in without)]
    if surplus:
        kept.append(_surplus(folder, rows[1]))
    (folder / "topology.txt").write_text("\n".join(kept) + "\n")
    return structure


def _surplus(folder: Path, row: str) -> str:
    """Files of a protein that the map does not hold; its row of the table, made from one."""
    source = gemmi.read_structure(str(SHARED / "complexes" / "1dfj.pdb.gz"))
    source.setup_entities()
    source.remove_ligands_and_waters()
    chain = source[0]["E"]
    for i, residue in enumerate(chain):
        residue.seqid = gemmi.SeqId(i + 1, " ")
    sequence = gemmi.one_letter_code([residue.name for residue in chain]).upper()
    for other in [c.name for c in source[0] if c.name != "E"]:
        source[0].remove_chain(other)
    source.write_pdb(str(folder / "surplus.pdb"))
    with (folder / "1WCM.fasta").open("a") as fasta:
        fasta.write(f"\n>Surplus\n{sequence}\n")
    columns = row.split("|")
    changed = {1: "Surplus", 4: "Surplus", 5: "surplus.pdb", 6: "E", 7: "1,END", 11: "16", 12: "13"}
    return "|".join(changed.get(i, column.strip()) for i, column in enumerate(columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--components", type=int, default=200)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=0, help="0: all")
    parser.add_argument("--first", type=int, default=1, help="seed")
    parser.add_argument("--without", default="", help="names of subunits, with commas")
    parser.add_argument("--surplus", action="store_true")
    parser.add_argument("--em", action="append", default=[], metavar="KEY=VALUE", help="of [em]")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="emgmm-rnapolii-"))
    without = tuple(filter(None, arguments.without.split(",")))
    reference = prepare(folder, without, arguments.surplus)
    em = f'map = "{SHARED / "maps" / "emd_1883_rnapolii.mrc.gz"}"\n'
    em += f"components = {arguments.components}\nresolution = 20.9"
    em += "".join(f"\n{setting}" for setting in arguments.em)
    links = ""
    if arguments.links:
        file = folder / "links.csv"
        rows = (DATA / "polii_juri.csv").read_text().splitlines()
        file.write_text("\n".join(r for r in rows if not any(n in r for n in without)) + "\n")
        links = '[[crosslinks]]\nfile = "links.csv"\n'
    print(
        "| seed | subunits within 10 A | median position A | CC | EM score best / fitted | "
        "all terms best / fitted | halves | s |"
    )
    print("| --- " * 8 + "|")
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        sampling = f"seed = {seed}\nsteps = {arguments.steps}\nreplicas = 4\n"
        sampling += f"threads = {arguments.threads}\n"
        path = settings(folder, em, sampling, links)
        began = time.monotonic()
        run(path, folder / f"out{seed}", engine="native", force=True)
        seconds = time.monotonic() - began
        report = analyze(folder / f"out{seed}", reference, force=True).report()
        best = report["clusters"][0]
        units = best["subunits"]
        errors = [u["position_error"] for u in units if u["position_error"] is not None]
        scores = refined_scores(folder / f"out{seed}", reference, report["best_frame"])
        found, fitted = refined_totals(folder / f"out{seed}", reference, report["best_frame"])
        halves = report["convergence"]
        print(
            f"| {seed} | {sum(e < 10 for e in errors)} of {len(errors)} | "
            f"{statistics.median(errors):.1f} | {best['cc']:.3f} | "
            f"{scores[0]:.1f} / {scores[1]:.1f} | {found['total']:.1f} / {fitted['total']:.1f} | "
            f"{halves['verdict']} (D = {halves['score_ks_statistic']:.2f}, "
            f"V = {halves['cramers_v']:.2f}) | {seconds:.0f} |",
            flush=True,
        )
        for what, values in (("best", found), ("fitted", fitted)):
            print(f"    {what}: " + ", ".join(f"{n} {v:.1f}" for n, v in values.items()))
        for u in units:
            if u["position_error"] is not None:
                print(f"    {u['name']}: {u['position_error']:.1f} A, {u['angle_error']:.0f} deg")
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

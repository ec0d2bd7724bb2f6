"""RNA polymerase II in its 20.9 A map (EMD-1883), real data: 12 subunits from nothing.

    python benchmark/native/rnapolii.py [--seeds 1] [--links] [--components 100] [--steps 50000]

Prints, for each seed, how many subunits have their centroid within 10 A of the fitted 1WCM.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import tempfile
import time
from pathlib import Path

from complexes import SHARED, settings
from emgmm.analysis.analyze import analyze
from emgmm.run import run

DATA = SHARED / "crosslinks" / "rnapolii"


def prepare(folder: Path) -> Path:
    """Structure, sequences and topology under the names that the table uses. Subunits without
    density in the published table get it here: bodies are found by their density."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1WCM.fasta").write_text((DATA / "1WCM_new.fasta.txt").read_text())
    structure = folder / "1WCM_map_fitted.pdb"
    structure.write_bytes(gzip.decompress((DATA / "1WCM_map_fitted.pdb.gz").read_bytes()))
    shutil.copy(DATA / "topology.txt", folder / "topology.txt")
    return structure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--components", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--threshold", type=float, default=None)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="emgmm-rnapolii-"))
    reference = prepare(folder)
    em = f'map = "{SHARED / "maps" / "emd_1883_rnapolii.mrc.gz"}"\n'
    em += f"components = {arguments.components}"
    if arguments.threshold is not None:
        em += f"\nthreshold = {arguments.threshold}"
    links = ""
    if arguments.links:
        links = f'[[crosslinks]]\nfile = "{DATA / "polii_juri.csv"}"\n'
    print("| seed | subunits within 10 A | mean position A | mean angle deg | CC | s |")
    print("|---|---|---|---|---|---|")
    for seed in range(1, arguments.seeds + 1):
        sampling = f"seed = {seed}\nsteps = {arguments.steps}\nreplicas = 4"
        path = settings(folder, em, sampling, links)
        began = time.monotonic()
        run(path, folder / f"out{seed}", engine="native", force=True)
        seconds = time.monotonic() - began
        best = analyze(folder / f"out{seed}", reference, force=True).report()["clusters"][0]
        units = best["subunits"]
        near = sum(u["position_error"] < 10 for u in units)
        print(
            f"| {seed} | {near} of {len(units)} | "
            f"{sum(u['position_error'] for u in units) / len(units):.1f} | "
            f"{sum(u['angle_error'] for u in units) / len(units):.0f} | {best['cc']:.3f} | "
            f"{seconds:.0f} |",
            flush=True,
        )
        for u in units:
            print(f"    {u['name']}: {u['position_error']:.1f} A, {u['angle_error']:.0f} deg")
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

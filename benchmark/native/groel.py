"""GroEL in its 11.5 A map (EMD-1080), real data: the 14-mer from nothing, D7 found in the map.

    python benchmark/native/groel.py [--group D7] [--seeds 1] [--components 300] [--steps 5000]
        [--engine native] [--replicas 4]

Prints, for each seed, how many subunits have their centroid within 10 A of the fitted 1OEL.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from complexes import SHARED, prepare_complex, settings
from emgmm.analysis.analyze import analyze
from emgmm.runs.run import run

MAP = SHARED / "maps" / "emd_1080_groel.mrc.gz"
FITTED = SHARED / "maps" / "emd_1080_1oel_14mer_fitted.pdb.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", default="D7")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--components", type=int, default=300)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--engine", default="native", choices=["native", "imp"])
    arguments = parser.parse_args()
    print("| group | seed | within 10 A | rmsd(80) A | p(10) | position A | angle deg | CC | s |")
    print("| --- " * 9 + "|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare_complex(FITTED, folder)
        em = f'map = "{MAP}"\ncomponents = {arguments.components}'
        for seed in range(1, arguments.seeds + 1):
            sampling = (
                f"seed = {seed}\nsteps = {arguments.steps}\nthreads = {arguments.threads}\n"
                f"replicas = {arguments.replicas}"
            )
            path = settings(folder, em, sampling, f'\n[symmetry]\ngroup = "{arguments.group}"\n')
            began = time.monotonic()
            run(path, folder / f"out{seed}", engine=arguments.engine)
            seconds = time.monotonic() - began
            report = analyze(folder / f"out{seed}", folder / "complex.pdb").report()
            best = report["clusters"][0]
            units = best["subunits"]
            near = sum(u["position_error"] < 10 for u in units)
            print(
                f"| {arguments.group} | {seed} | {near} of {len(units)} | {best['rmsd80']:.1f} | "
                f"{best['p10']:.3f} | {sum(u['position_error'] for u in units) / len(units):.1f} | "
                f"{sum(u['angle_error'] for u in units) / len(units):.0f} | {best['cc']:.3f} | "
                f"{seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

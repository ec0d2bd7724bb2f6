"""The example of ``make example`` with several seeds: new noise, new orientations, new search.

    python benchmark/native/example_seeds.py [--seeds 5] [--threads 2]

Prints one row a seed: rmsd(80) of each subunit against the crystal structure, how many are in place
(below 10 Å), p(10), CC, precision, whether the halves of the run agree, and the time of all steps.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


def main() -> None:
    from run_example import PLACED, console, reconstruct

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    console.quiet = True
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(1, options.seeds + 1):
            found = reconstruct(Path(scratch) / str(seed), seed, options.threads)
            best, halves = found["clusters"][0], found["convergence"]
            units = best["subunits"]
            if not rows:
                names = " | ".join(u["name"] for u in units)
                print(f"| seed | {names} | in place | p(10) | CC | precision, Å | D, V | s |")
                print("| --- " * (len(units) + 7) + "|")
            near = sum(u["rmsd80"] < PLACED for u in units)
            rows.append(near == len(units))
            print(
                f"| {seed} | "
                + " | ".join(f"{u['rmsd80']:.1f}" for u in units)
                + f" | {near} of {len(units)} | {best['p10']:.2f} | {best['cc']:.3f} "
                f"| {best['precision']:.1f} | {halves['score_ks_statistic']:.2f}, "
                f"{halves['cramers_v']:.2f} | {found['seconds']:.0f} |",
                flush=True,
            )
    print(f"all subunits in place: {sum(rows)} of {len(rows)} seeds")


if __name__ == "__main__":
    main()

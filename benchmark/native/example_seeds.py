"""The example of ``make example`` with several seeds: new noise, new orientations, new search.

    python benchmark/native/example_seeds.py [--seeds 5] [--first 1] [--threads 2] [--adapt-steps 0]

Prints one row a seed: rmsd(80) of each subunit against the crystal structure, how many are in place
(below 10 Å), p(10), CC, precision, share of the moves of rigid bodies that was accepted, whether
the halves of the run agree, and the time of all steps. --adapt-steps is that of the settings, in
place of the default burn-in.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


def main() -> None:
    import run_example

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--adapt-steps", type=int)
    options = parser.parse_args()
    run_example.console.quiet = True
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        if options.adapt_steps is not None:
            run_example.ENTRY = _edited(run_example.ENTRY, Path(scratch), options.adapt_steps)
        for seed in range(options.first, options.first + options.seeds):
            folder = Path(scratch) / str(seed)
            found = run_example.reconstruct(folder, seed, options.threads)
            best, halves = found["clusters"][0], found["convergence"]
            units = best["subunits"]
            if not rows:
                names = " | ".join(u["name"] for u in units)
                print(
                    f"| seed | {names} | in place | p(10) | CC | precision, Å | accepted | D, V "
                    "| s |"
                )
                print("| --- " * (len(units) + 8) + "|")
            near = sum(u["rmsd80"] < run_example.PLACED for u in units)
            rows.append(near == len(units))
            print(
                f"| {seed} | "
                + " | ".join(f"{u['rmsd80']:.1f}" for u in units)
                + f" | {near} of {len(units)} | {best['p10']:.2f} | {best['cc']:.3f} "
                f"| {best['precision']:.2f} | {100 * _accepted(folder):.1f} % "
                f"| {halves['score_ks_statistic']:.2f}, {halves['cramers_v']:.2f} "
                f"| {found['seconds']:.0f} |",
                flush=True,
            )
    print(f"all subunits in place: {sum(rows)} of {len(rows)} seeds")


def _edited(entry: Path, scratch: Path, adapt_steps: int) -> Path:
    """A copy of the example's files with that burn-in."""
    copy = Path(shutil.copytree(entry, scratch / "entry"))
    settings = copy / "system.toml"
    head = "[sampling]\n"
    settings.write_text(settings.read_text().replace(head, f"{head}adapt_steps = {adapt_steps}\n"))
    return copy


def _accepted(folder: Path) -> float:
    shares = json.loads((folder / "out" / "run.json").read_text())["acceptance"]
    return statistics.mean(share for name, share in shares.items() if "RigidBody" in name)


if __name__ == "__main__":
    main()

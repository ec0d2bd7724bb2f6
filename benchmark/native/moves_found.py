"""Which moves find a complex from random poses: 1z5s and 3sfd, density alone, no global search.

    python benchmark/native/moves_found.py [ENTRY ...] [--seeds 5] [--steps 100000] [--replicas 4]
        [--threads 1] [--adapt 0] [--start random] [--set KEY=VALUE]
        [--arms steps,minimum,swaps,places,both] [--links 5]

The data GMM is that of the native structure (mass / 1.09 kDa components). Every run starts from
other random poses (start = "random") and makes the same number of steps of each replica; a share of
them is of the moves that a row names. Columns as in assembly.py; score: EM, kT, of the best model
after minimising it, mean over the seeds, and how many come within 1 kT of the native one. CPU time
is with the analysis and the minimising. With --links so many true cross-links a pair of touching
subunits are given, other ones each seed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from assembly import Seed, one_seed, source
from complexes import native_mixture, prepare_complex, settings, write_links

ARMS = {
    "steps": ("steps of bodies", {}),
    "minimum": ("steps of bodies, starts minimised", {"minimize": 200}),
    "swaps": ("+ swaps, turns (10 %)", {"moves": "{swaps = 0.05, turns = 0.05}"}),
    "places": ("+ independence (10 %)", {"moves": "{independence = 0.1}"}),
    "both": (
        "+ swaps, turns, independence (10 % each)",
        {"moves": "{swaps = 0.05, turns = 0.05, independence = 0.1}"},
    ),
}
KINDS = ("swap", "turn", "independence")


def acceptance(summaries: list[dict]) -> str:
    """Mean rates of each kind of mover, %."""
    rates: dict[str, list[float]] = {}
    for summary in summaries:
        for name, rate in summary["acceptance"].items():
            kind = name.split(" ")[0]
            kind = kind if kind in KINDS else "steps"
            rates.setdefault(kind, []).append(100 * rate)
    return ", ".join(f"{kind} {np.mean(values):.2g} %" for kind, values in rates.items())


def row(name: str, arm: str, seeds: list[Seed], summaries: list[dict]) -> str:
    full = sum(s.result == "full positive" for s in seeds)
    near = sum(s.score < s.native + 1 for s in seeds)
    return (
        f"| {name} | {ARMS[arm][0]} | {full} of {len(seeds)} | "
        f"{np.mean([s.rmsd80 for s in seeds]):.1f} | {np.mean([s.p10 for s in seeds]):.3f} | "
        f"{np.mean([s.score for s in seeds]):.1f} / {seeds[0].native:.1f}, {near} | "
        f"{acceptance(summaries)} | {np.mean([s['cpu'] for s in summaries]):.0f} |"
    )


HEAD = (
    "| entry | moves | full positive | rmsd(80) Å | p(10) | score best / native, within 1 kT | "
    "accepted | CPU s a run |\n" + "| --- " * 8 + "|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="*", default=["1z5s", "3sfd"], metavar="ENTRY")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--adapt", type=int, default=0)
    parser.add_argument("--start", default="random", choices=["random", "placed", "asis"])
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--links", type=int, default=0, help="a pair of touching subunits")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    arms = arguments.arms.split(",")
    if unknown := set(arms) - set(ARMS):
        parser.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(ARMS)}")
    print(HEAD, flush=True)
    for name in arguments.entry:
        folder = Path(tempfile.mkdtemp(prefix=f"emgmm-{name}-"))
        prepare_complex(source(name, Path("."))[0], folder)
        native_mixture(folder)
        for arm in arms:
            seeds, summaries = [], []
            for seed in range(1, arguments.seeds + 1):
                keys = {
                    "start": f'"{arguments.start}"',
                    "steps": arguments.steps,
                    "replicas": arguments.replicas,
                    "threads": arguments.threads,
                    "adapt_steps": arguments.adapt,
                    **ARMS[arm][1],
                }
                keys |= dict(pair.split("=", 1) for pair in arguments.set)
                lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
                extra = ""
                if arguments.links:
                    write_links(folder, arguments.links, 0.0, seed)
                    extra = '\n[[crosslinks]]\nfile = "links.csv"\n'
                path = settings(folder, 'gmm = "data_gmm.txt"', lines + "\n", extra)
                began = time.process_time()
                seen, summary = one_seed(folder, path, seed)
                summary["cpu"] = time.process_time() - began
                shutil.rmtree(folder / f"out{seed}")
                seeds.append(seen)
                summaries.append(summary)
            print(row(name, arm, seeds, summaries), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

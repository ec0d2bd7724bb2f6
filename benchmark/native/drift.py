"""Does the kept score stay the score? Many moves, then a recomputation from scratch.

    python benchmark/native/drift.py [--moves 100_000_000] [--double]

Six bodies of 40 components, N_D = 262, one body a move; no refresh in between.
"""

from __future__ import annotations

import argparse
import time

from emgmm.sampling.benchmark import benchmark_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=100_000_000)
    parser.add_argument("--double", action="store_true")
    arguments = parser.parse_args()
    system = benchmark_system(single_precision=not arguments.double)
    began = time.monotonic()
    system.sampler.advance(arguments.moves, 1e9)
    seconds = time.monotonic() - began
    kept = system.sampler.scores(0)[0]
    scratch = system.term.reset(system.sampler.poses(0))
    print("| precision | moves | kept score kT | from scratch kT | relative difference | s |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {'double' if arguments.double else 'single'} | {system.sampler.done:,} | {kept:.9f} | "
        f"{scratch:.9f} | {abs(kept - scratch) / abs(scratch):.1e} | {seconds:.0f} |"
    )


if __name__ == "__main__":
    main()

"""Moves per second of six bodies of 40 components, N_D = 262, EM score only, one thread.

    python benchmark/native/moves.py [--seconds 3] [--threads 1]

A row for each instruction set that the processor has, precision and number of bodies that a move
displaces; the score error is the largest difference to double precision over some poses. IMP's
restraints on the same system: benchmark/imp_bayesianem.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from emgmm.sampling import benchmark

SETS = ("baseline", "avx2", "avx512")


def one(seconds: float, threads: int) -> None:
    for single in (True, False):
        for together in (1, 6):
            result = benchmark(
                threads, moved_together=together, single_precision=single, seconds=seconds
            )
            print(
                f"| {result.instruction_set} | {'single' if single else 'double'} | {together} | "
                f"{result.moves_per_second:,.0f} | {result.pairs_per_second / 1e9:.2f} | "
                f"{result.score_error:.0e} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.seconds, arguments.threads)
        return
    print(
        "| instruction set | precision | bodies a move | moves/s | 10⁹ pairs/s | score error kT |"
    )
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name in SETS:
        # The set is chosen when the core is loaded.
        options = ["--one", "--seconds", str(arguments.seconds)]
        subprocess.run(
            [sys.executable, __file__, *options, "--threads", str(arguments.threads)],
            env=os.environ | {"EMGMM_INSTRUCTION_SET": name},
            check=True,
        )


if __name__ == "__main__":
    main()

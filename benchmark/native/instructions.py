"""Instructions of one Monte Carlo move, counted by valgrind: times drift, counts do not.

    python benchmark/native/instructions.py [--moves 2000]

Six bodies of 40 components, N_D = 262, one body a move. Two runs that differ in the number of moves
only are subtracted, so start and imports do not count. valgrind knows AVX2, not AVX-512.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = ("baseline", "avx2")


def instructions(moves: int, single: bool, instruction_set: str) -> int:
    """Of a whole process that makes this many moves."""
    code = (
        "from emgmm.sampling_benchmark import benchmark_system as make\n"
        f"make(single_precision={single}).sampler.advance({moves}, 1e9)"
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        options = ["--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={out}"]
        result = subprocess.run(
            ["valgrind", *options, sys.executable, "-c", code],
            env={"EMGMM_INSTRUCTION_SET": instruction_set, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return int(re.search(r"I\s+refs:\s+([\d,]+)", result.stderr).group(1).replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=2000)
    moves = parser.parse_args().moves
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    print("| instruction set | precision | instructions a move | a pair |")
    print("| --- | --- | --- | --- |", flush=True)
    for name in SETS:
        for single in (True, False):
            few, many = (instructions(n * moves, single, name) for n in (1, 3))
            a_move = (many - few) / (2 * moves)
            print(
                f"| {name} | {'single' if single else 'double'} | {a_move:,.0f} | "
                f"{a_move / (40 * 262):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

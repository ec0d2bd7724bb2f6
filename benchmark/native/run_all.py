"""What `make bench` runs: each benchmark in turn, its output kept in build/bench/NAME.md.

    python benchmark/native/run_all.py [NAME ...] [--list] [--long]

Without names: those of minutes; --long also those of half an hour and more. Each file begins with
the command, the commit, the machine and the date; what holds is taken from such files into
benchmark/RESULTS.md and benchmark/results/. Benchmarks that need IMP or the shared data say so
in one line where these are missing.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from complexes import SHARED
from emgmm import _core

REPOSITORY = Path(__file__).resolve().parents[2]
IN_IMP = REPOSITORY / "build" / "imp" / "setup_environment.sh"


class Benchmark(NamedTuple):
    name: str
    command: str
    minutes: float  # on two cores
    shared_data: bool = True
    imp: bool = False


BENCHMARKS = (
    Benchmark("moves", "benchmark/native/moves.py", 2, shared_data=False),
    Benchmark("cost", "benchmark/native/cost.py", 1, shared_data=False),
    Benchmark("emmi", "benchmark/native/emmi.py", 1),
    Benchmark("instructions", "benchmark/native/instructions.py", 10, shared_data=False),
    Benchmark("drift", "benchmark/native/drift.py", 15, shared_data=False),
    Benchmark("protocol", "benchmark/native/protocol.py", 6),
    Benchmark("imp", "benchmark/imp_bayesianem.py", 1, shared_data=False, imp=True),
    Benchmark("fit_speed", "benchmark/native/fit_speed.py", 1),
    Benchmark("fit_quality", "benchmark/native/fit_quality.py", 5),
    Benchmark("fit_noise", "benchmark/native/fit_noise.py", 2),
    Benchmark("fit_scaling", "benchmark/native/fit_scaling.py", 3, shared_data=False),
    Benchmark("assembly", "benchmark/native/assembly.py", 30),
    Benchmark("place", "benchmark/native/place.py --strangers", 6),
    Benchmark("moves_found", "benchmark/native/moves_found.py", 12),
    Benchmark("example_seeds", "benchmark/native/example_seeds.py", 2, shared_data=False),
    Benchmark("noise_models", "benchmark/native/noise_models.py", 5),
    Benchmark("verdicts", "benchmark/native/verdicts.py", 30),
    Benchmark("rnapolii", "benchmark/native/rnapolii.py", 30),
    Benchmark("fit_peer", "benchmark/native/fit_speed.py --sklearn --points 1000000", 30),
)


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {models[0] if models else platform.processor()}"


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "no commit"


def missing(benchmark: Benchmark) -> str | None:
    if benchmark.shared_data and not SHARED.is_dir():
        return "the shared data are not beside the repository (EMGMM_SHARED_DATA)"
    if benchmark.imp and not IN_IMP.exists():
        return "IMP.emgmm is not built (make test builds it where IMP is found)"
    return None


def run(benchmark: Benchmark, folder: Path) -> bool:
    reason = missing(benchmark)
    if reason:
        print(f"{benchmark.name}: not run, {reason}", flush=True)
        return True
    header = (
        f"Command `python {benchmark.command}`, commit {commit()}, {machine()}, "
        f"{_core.instruction_set()}, {datetime.date.today()}, load before "
        f"{os.getloadavg()[0]:.1f}.\n\n"
    )
    print(f"## {benchmark.name}\n\n{header}", end="", flush=True)
    # IMP's Python has the module; ours has all else.
    command = [str(IN_IMP)] if benchmark.imp else []
    with (folder / f"{benchmark.name}.md").open("w") as out:
        out.write(header)
        process = subprocess.Popen(
            [*command, sys.executable, *benchmark.command.split()],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for line in process.stdout:
            print(line, end="", flush=True)
            out.write(line)
    print(flush=True)
    return process.wait() == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="names, commands and minutes")
    parser.add_argument("--long", action="store_true", help="also those of half an hour")
    arguments = parser.parse_args()
    known = {b.name: b for b in BENCHMARKS}
    for name in arguments.names:
        if name not in known:
            parser.error(f"{name} is not a benchmark, expected one of {', '.join(known)}")
    chosen = [known[n] for n in arguments.names] or [
        b for b in BENCHMARKS if arguments.long or b.minutes < 10
    ]
    if arguments.list:
        for b in chosen:
            print(f"{b.name:14} {b.minutes:3.0f} min   python {b.command}")
        return
    folder = REPOSITORY / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    failed = [b.name for b in chosen if not run(b, folder)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""Damaged files by the million: does every reader give a right answer or one line?

    python tools/fuzz.py --seconds 3600 --inputs 1000000
    python tools/fuzz.py --format RMF3 --seconds 60
    python tools/fuzz.py --format RMF3 --repeat 1234        # one file again, with its traceback

Goes on until both the time and the number of files are reached; formats share the time. Files are
read in a child within bounds of time and memory; one that hangs or dies is stopped and counted as
wrong. What was wrong is told with the number that repeats it, and kept in the folder of --keep.
Exit status 1 if anything was wrong.
"""

from __future__ import annotations

import os

# Before numpy: threads of its linear algebra would count as memory of the reader.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MALLOC_ARENA_MAX", "1")

import argparse
import mmap
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pyext/emgmm/tests/support"))

from fuzzing.guard import bounded, outcome, unpacked_size
from fuzzing.readers import FORMATS, random_for

OUTCOMES = ("accepted", "refused", "wrong")
SECONDS_A_TURN = 2  # of a format, before the next one has its turn
SECONDS_STILL = 60  # a child that finishes no file for so long hangs beyond its own alarm
TOLD = 20  # wrong files of a format that are told one by one


class Child:
    """A process that reads damaged files of one format, and what it has got to."""

    def __init__(self, format: str, seed: int, first: int, wrong: int, scratch: Path, keep: Path):
        # Number of files finished, and how each kind of them ended.
        self._shared = mmap.mmap(-1, 8 * (1 + len(OUTCOMES)))
        self.counts = np.frombuffer(self._shared, dtype=np.int64)
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                self._read(format, seed, first, wrong, scratch, keep)
                code = 0
            finally:
                sys.stdout.flush()
                os._exit(code)

    def _read(self, name: str, seed: int, first: int, wrong: int, scratch: Path, keep: Path):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        format = FORMATS[name]
        files = format.specimens(scratch)
        end = time.monotonic() + SECONDS_A_TURN
        for number in range(first, sys.maxsize):
            data = format.damaged(files, random_for(seed, name, number))
            kind, said = outcome(format.check, scratch / format.file, data)
            if kind == "wrong":
                tell(name, number, said, data, keep, wrong + int(self.counts[3]))
            self.counts[1 + OUTCOMES.index(kind)] += 1
            self.counts[0] += 1
            if time.monotonic() > end:
                return

    def wait(self) -> str | None:
        """None when its turn is over, else how it died."""
        done, still_since = -1, time.monotonic()
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                if os.WIFSIGNALED(status):
                    return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
                return f"exit status {os.WEXITSTATUS(status)}" if status else None
            if self.counts[0] != done:
                done, still_since = int(self.counts[0]), time.monotonic()
            elif time.monotonic() - still_since > SECONDS_STILL:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return f"a hang of {SECONDS_STILL} s"
            time.sleep(0.05)


def tell(name: str, number: int, said: str, data: bytes, keep: Path, before: int) -> None:
    if before < TOLD:
        keep.mkdir(parents=True, exist_ok=True)
        file = keep / f"{name.replace(' ', '-')}.{number}"
        file.write_bytes(data)
        print(f"wrong: --format '{name}' --repeat {number}: {said} ({file})", flush=True)


def fuzz(names: list[str], seed: int, seconds: float, inputs: int, keep: Path) -> dict:
    """Counts of outcomes by format."""
    totals = {name: dict.fromkeys(OUTCOMES, 0) for name in names}
    nexts = dict.fromkeys(names, 0)
    start = told = time.monotonic()
    scratch = Path(
        tempfile.mkdtemp(prefix="fuzz", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    )
    try:
        while time.monotonic() - start < seconds or sum(nexts.values()) < inputs:
            for name in names:
                child = Child(name, seed, nexts[name], totals[name]["wrong"], scratch, keep)
                death = child.wait()
                for kind, count in zip(OUTCOMES, child.counts[1:], strict=True):
                    totals[name][kind] += int(count)
                nexts[name] += int(child.counts[0])
                if death:
                    number = nexts[name]
                    format = FORMATS[name]
                    data = format.damaged(format.specimens(scratch), random_for(seed, name, number))
                    tell(name, number, death, data, keep, totals[name]["wrong"])
                    totals[name]["wrong"] += 1
                    nexts[name] += 1
            if time.monotonic() - told > 300:
                told = time.monotonic()
                print(table(totals, told - start), flush=True)
    finally:
        shutil.rmtree(scratch)
    print(table(totals, time.monotonic() - start), flush=True)
    return totals


def table(totals: dict, seconds: float) -> str:
    rows = [(name, sum(t.values()), *t.values()) for name, t in totals.items()]
    rows.append(("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    lines = [f"{'format':14}{'inputs':>10}" + "".join(f"{k:>10}" for k in OUTCOMES)]
    lines += [f"{name:14}" + "".join(f"{n:10d}" for n in counts) for name, *counts in rows]
    return "\n".join([*lines, f"{seconds:.0f} s"])


def repeat(name: str, seed: int, number: int) -> None:
    """Read one file again; what goes wrong comes with its traceback."""
    format = FORMATS[name]
    with tempfile.TemporaryDirectory() as scratch:
        data = format.damaged(format.specimens(Path(scratch)), random_for(seed, name, number))
        path = Path(scratch) / format.file
        path.write_bytes(data)
        print(data if len(data) < 20_000 else data[:20_000])
        with bounded(unpacked_size(data)):
            format.check(path, data)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=0, help="files at least")
    parser.add_argument("--format", choices=list(FORMATS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, metavar="NUMBER")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-wrong")
    options = parser.parse_args()
    names = options.format or list(FORMATS)
    if options.repeat is not None:
        repeat(names[0], options.seed, options.repeat)
        return 0
    totals = fuzz(names, options.seed, options.seconds, options.inputs, options.keep)
    return int(any(t["wrong"] for t in totals.values()))


if __name__ == "__main__":
    sys.exit(main())

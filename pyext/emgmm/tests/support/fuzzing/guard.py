"""One reader on one file, within bounds of time and memory."""

from __future__ import annotations

import gzip
import io
import resource
import signal
import warnings
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from emgmm import InputError

SECONDS = 10  # on these few kilobytes; more is a hang
# The bound on memory: so many bytes, and so many for each byte of the (unpacked) file.
BYTES, BYTES_A_BYTE = 64 << 20, 200
LONGEST_MESSAGE = 1500  # characters


class Hang(BaseException):
    """More than `SECONDS`; no `Exception`, so that no reader takes it for one of its own."""


def outcome(check: Callable[[Path, bytes], None], path: Path, data: bytes) -> tuple[str, str]:
    """("accepted" | "refused" | "wrong", what was said) of one file."""
    path.write_bytes(data)
    try:
        with bounded(unpacked_size(data)), warnings.catch_warnings():
            warnings.simplefilter("error")
            check(path, data)
        return "accepted", ""
    except InputError as error:
        fault = message_fault(str(error))
        return ("wrong", f"{fault}: {str(error)[:300]!r}") if fault else ("refused", str(error))
    except (Exception, Hang) as error:
        # Not kept: its frames hold all that was read.
        place = _place(error)
        return "wrong", f"{type(error).__name__} at {place}: {str(error)[:300]}"


def message_fault(text: str) -> str | None:
    """Fault of a message that should be one readable line."""
    if len(text.splitlines()) != 1:
        return "a message of several lines"
    if not text.isprintable():
        return "a message with control characters"
    if len(text) > LONGEST_MESSAGE:
        return f"a message of {len(text)} characters"
    return None


def unpacked_size(data: bytes) -> int:
    if data[:2] != b"\x1f\x8b":
        return len(data)
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while block := file.read(1 << 16):
                size += len(block)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass
    return max(size, len(data))


@contextmanager
def bounded(size: int, seconds: int = SECONDS):
    """Within the block: no more memory than a file of ``size`` bytes may take, no more time."""

    def hang(*_):
        raise Hang(f"more than {seconds} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES + BYTES_A_BYTE * size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(error: BaseException) -> str:
    """File and line of the innermost frame of ours."""
    place, trace = "?", error.__traceback__
    while trace is not None:
        name = Path(trace.tb_frame.f_code.co_filename)
        if "emgmm" in name.parts and "site-packages" not in name.parts:
            place = f"{name.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place

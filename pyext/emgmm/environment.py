"""Parts of this installation: versions, instruction sets, IMP."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from . import __version__, _core
from .imp.find import find_imp, find_mpi


def installation() -> dict:
    """Versions, instruction set, threads, and what was found of IMP and MPI."""
    imp = find_imp()
    libraries = ("numpy", "gemmi", "mrcfile", "fastavro", "msgspec", "plotly", "ihm")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "instruction_set": _core.instruction_set(),
        "threads": cores(),
        "imp": imp.version,
        "imp_problem": imp.problem,
        "imp_mpi": imp.mpi,
        "mpi": find_mpi(),
        "libraries": {name: version(name) for name in libraries},
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

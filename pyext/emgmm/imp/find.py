"""IMP and MPI as this Python has them."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class ImpFound:
    """Versions and parts of IMP that can be imported.

    Attributes
    ----------
    version
        Of IMP, None where it is not.
    pmi, emgmm, macros, mpi
        Whether IMP.pmi, IMP.emgmm, IMP.emgmm.macros and IMP.mpi can be imported.
    problem
        Why runs cannot use IMP, None if they can.
    """

    version: str | None
    pmi: bool
    emgmm: bool
    macros: bool
    mpi: bool
    problem: str | None


def find_imp() -> ImpFound:
    """Looks for IMP among the modules of this Python; imports no more than it has to."""
    if importlib.util.find_spec("IMP") is None:
        return ImpFound(None, False, False, False, False, "no IMP can be imported by this Python")
    try:
        version = importlib.import_module("IMP").get_module_version()
    except Exception as error:
        problem = f"importing IMP fails ({_one_line(error)})"
        return ImpFound(None, False, False, False, False, problem)
    there = {name: _has(f"IMP.{name}") for name in ("pmi", "emgmm", "emgmm.macros", "mpi")}
    missing = [f"IMP.{name}" for name in ("pmi", "emgmm", "emgmm.macros") if not there[name]]
    problem = f"IMP {version} has no {' and no '.join(missing)}" if missing else None
    return ImpFound(
        version, there["pmi"], there["emgmm"], there["emgmm.macros"], there["mpi"], problem
    )


def find_mpi() -> dict:
    """The launcher and the Python binding of MPI, None where missing."""
    has_binding = importlib.util.find_spec("mpi4py") is not None
    return {"mpirun": shutil.which("mpirun"), "mpi4py": _version("mpi4py") if has_binding else None}


def _has(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

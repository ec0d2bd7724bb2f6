"""One run on several processes or machines: ``mpirun -n 4 emgmm run ...`` (extra ``[mpi]``)."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import numpy as np

from ..errors import InputError

# Set by the launchers of Open MPI, MPICH and Intel MPI.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")


class Processes:
    """This process among those of a run; without a launcher there is just one.

    Attributes
    ----------
    rank, size
        Number of this process, from 0, and how many there are. Rank 0 writes all output.
    """

    def __init__(self, communicator: Any = None) -> None:
        self._communicator = communicator
        self.rank: int = communicator.Get_rank() if communicator else 0
        self.size: int = communicator.Get_size() if communicator else 1

    @property
    def is_root(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def mine(self, n: int) -> list[bool]:
        """Bools, one a replica of ``n``: whether this process runs it (every size-th)."""
        return [r % self.size == self.rank for r in range(n)]

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Element by element over all processes, the same in each."""
        total = np.empty_like(values)
        self._communicator.Allreduce(values, total)
        return total

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in the root; elsewhere nothing."""
        if self._communicator is None:
            return [value]
        return self._communicator.gather(value, root=0) or []

    def broadcast(self, value: Any) -> Any:
        """The root's value, in every process."""
        return value if self._communicator is None else self._communicator.bcast(value, root=0)

    def any(self, flag: bool) -> bool:
        """Whether it is true in any process."""
        return flag if self._communicator is None else any(self._communicator.allgather(flag))

    def abort(self, error: BaseException) -> NoReturn:
        """Ends all processes, which would otherwise wait for this one for ever."""
        print(f"emgmm: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        self._communicator.Abort(1)
        raise error


def world() -> Processes:
    """The processes that a launcher started together.

    Raises
    ------
    InputError
        Started by a launcher, but mpi4py is not installed.
    """
    if not any(int(os.environ.get(name, "1")) > 1 for name in _SIZES):
        return Processes()
    try:
        from mpi4py import MPI
    except ImportError:
        raise InputError("mpirun", "no mpi4py", "the extra emgmm[mpi] to be installed") from None
    return Processes(MPI.COMM_WORLD)

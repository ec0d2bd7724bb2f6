"""Records that go in and out of a run of the native sampler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import _core
from ..search.place import SearchProgress


class Frames(NamedTuple):
    """Recorded states of the replica at the lowest temperature, oldest first."""

    steps: np.ndarray  # (n,) steps at full EM weight of each replica
    replicas: np.ndarray  # (n,) which replica held the lowest temperature
    temperature: float  # the lowest one, kT
    totals: np.ndarray  # (n,) weighted sum of the terms, kT
    terms: tuple[str, ...]  # names of the terms
    scores: np.ndarray  # (n, terms) each term, unweighted, kT
    poses: np.ndarray  # (n, bodies, 7)
    parameter_names: tuple[str, ...]  # of the unknowns of the terms
    parameters: np.ndarray  # (n, parameters)

    def __len__(self) -> int:
        return len(self.steps)


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # steps of each replica, low-weight ones included
    total: int
    seconds: float  # over all sittings
    frames: int
    best_score: float  # of all frames, kT; infinity before the first
    acceptance: float  # share of accepted moves, all replicas
    exchange: float  # share of accepted exchanges; nan for one replica


class RunSummary(NamedTuple):
    """Summary of a run (keys of ``run.json``)."""

    steps: int  # at full EM weight, each replica
    moves: int  # of all replicas, low weight included
    seconds: float  # over all sittings
    steps_per_second: float  # moves of all replicas per second of this sitting
    replicas: int
    temperatures: list[float]  # as a burn-in left them
    acceptance: dict[str, float]  # by mover, all levels
    acceptance_by_level: list[dict[str, float]]
    found: dict[str, int]  # by mover: moves to a new best score at the lowest temperature
    exchange: list[float]  # by pair of neighbouring levels
    best_score: float | None  # None for a run without frames
    frames: int
    drift: float  # largest relative difference of a kept score to one from scratch


@dataclass
class Callbacks:
    """Functions that take what a run makes.

    Attributes
    ----------
    frames
        Gets every batch of new frames, in order.
    progress
        Called a few times a second.
    offsets
        Called before each checkpoint: brings what was written to the disk and returns the length in
        bytes of every output file.
    searched
        Called once after a global search with what it found (`arrangements` of search.json).
    searching
        Told how far a global search is.
    """

    frames: Callable[[Frames], None] = lambda frames: None
    progress: Callable[[Progress], None] = lambda progress: None
    offsets: Callable[[], dict[str, int]] = dict
    searched: Callable[[list[dict]], None] = lambda found: None
    searching: Callable[[SearchProgress], None] = lambda progress: None


class NamedSampler(NamedTuple):
    """The core's sampler, and what its columns are called."""

    sampler: _core.Sampler
    terms: tuple[str, ...]
    movers: tuple[str, ...]
    parameters: tuple[str, ...]
    search: list[dict] | None = None  # what a search for the starts found

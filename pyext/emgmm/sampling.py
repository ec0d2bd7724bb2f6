"""The native sampler: replica-exchange Monte Carlo in the core, driven in short pieces."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _core
from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .config import Config
from .errors import InputError
from .mixture import Mixture
from .poses import to_matrices
from .representation.system import System
from .sampler_setup import (
    build_movers,
    build_terms,
    input_poses,
    parameter_movers,
    random_starts,
    score_options,
    temperature_ladder,
)
from .sampling_benchmark import BenchmarkResult, benchmark

__all__ = [
    "BenchmarkResult",
    "Callbacks",
    "Frames",
    "Progress",
    "RunSummary",
    "benchmark",
    "make_sampler",
    "run_native",
]


class Frames(NamedTuple):
    """Recorded states of the replica at the lowest temperature, oldest first."""

    steps: np.ndarray  # (n,) steps at full EM weight of each replica
    replicas: np.ndarray  # (n,) which replica held the lowest temperature
    temperature: float  # the lowest one, kT
    totals: np.ndarray  # (n,) weighted sum of the terms, kT
    terms: tuple[str, ...]  # names of the terms
    scores: np.ndarray  # (n, terms) each term, unweighted, kT
    rotations: np.ndarray  # (n, bodies, 3, 3)
    translations: np.ndarray  # (n, bodies, 3) Å
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
    """What a run reports (keys of ``run.json``)."""

    steps: int  # at full EM weight, each replica
    moves: int  # of all replicas, low weight included
    seconds: float  # over all sittings
    steps_per_second: float  # moves of all replicas per second of this sitting
    replicas: int
    temperatures: list[float]  # as a burn-in left them
    acceptance: dict[str, float]  # by mover, all levels
    acceptance_by_level: list[dict[str, float]]
    exchange: list[float]  # by pair of neighbouring levels
    best_score: float
    frames: int
    drift: float  # largest relative difference of a kept score to one from scratch


@dataclass
class Callbacks:
    """Where a run puts what it makes.

    Attributes
    ----------
    frames
        Gets every batch of new frames, in order.
    progress
        Called a few times a second.
    offsets
        Called before each checkpoint: brings what was written to the disk and returns the length in
        bytes of every output file.
    """

    frames: Callable[[Frames], None] = lambda frames: None
    progress: Callable[[Progress], None] = lambda progress: None
    offsets: Callable[[], dict[str, int]] = dict


class _StopRequest:
    """Ctrl-C or SIGTERM asks the loop to stop at the next whole state; a second one breaks in."""

    def __init__(self) -> None:
        self.requested = False
        self._former: dict[int, object] = {}

    def __enter__(self) -> _StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former = {}

    def _handle(self, number, frame) -> None:
        self.requested = True
        self._restore()


class NamedSampler(NamedTuple):
    """The core's sampler, and what its columns are called."""

    sampler: _core.Sampler
    terms: tuple[str, ...]
    movers: tuple[str, ...]
    parameters: tuple[str, ...]


def placed_starts(system: System, data: Mixture, config: Config) -> np.ndarray:
    """(replicas, bodies, 7) best arrangements of a global search, in turn one a replica."""
    from .placement import place_system

    if config.em.scale_to_mass:
        data = data.scaled_to(system.mass)
    sampling = config.sampling
    found = place_system(
        system, data, score_options(config), seed=sampling.seed, threads=sampling.threads
    )
    return np.stack([found[r % len(found)].poses for r in range(sampling.replicas)])


def make_sampler(
    system: System, data: Mixture | None, config: Config, resume: bool = False
) -> NamedSampler:
    """The core's sampler for a system, its data and its settings.

    A run that will be resumed gets its poses from the checkpoint, so no start is searched for.

    Raises
    ------
    InputError
        In a file of cross-links.
    ValueError
        Nothing to score, or nothing that moves.
    """
    sampling = config.sampling
    specs = build_terms(system, data, config)
    movers = build_movers(system, sampling)
    if not movers:
        raise ValueError("nothing to sample: no body of the topology can move")
    movers += parameter_movers(specs)
    if sampling.start == "placed" and data is not None and not resume:
        starts = placed_starts(system, data, config)
    elif sampling.start == "random":
        starts = random_starts(system, data, sampling)
    else:
        starts = np.repeat(input_poses(system)[None], sampling.replicas, axis=0)
    sampler = _core.Sampler(
        terms=[s.term for s in specs],
        weights=[s.weight for s in specs],
        annealed=[s.annealed for s in specs],
        movers=movers,
        temperatures=temperature_ladder(
            sampling.replicas, sampling.temperature_min, sampling.temperature_max
        ).tolist(),
        starts=np.ascontiguousarray(starts),
        steps=sampling.steps,
        low_steps=sampling.low_steps,
        high_steps=sampling.annealing.high_steps,
        low_weight=sampling.annealing.low_weight,
        frame_interval=sampling.frame_interval,
        exchange_interval=sampling.exchange_interval,
        refresh_interval=100_000,
        burn_in=sampling.adapt_steps,
        seed=sampling.seed,
        threads=sampling.threads,
    )
    return NamedSampler(
        sampler,
        tuple(s.term.name for s in specs),
        tuple(m.name for m in movers),
        tuple(p.name for s in specs for p in s.parameters),
    )


def run_native(
    system: System,
    data: Mixture | None,
    config: Config,
    callbacks: Callbacks | None = None,
    *,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    chunk_seconds: float = 0.25,
    checkpoint_seconds: float = 30.0,
) -> RunSummary:
    """Sample the poses of a system (design, section 4).

    The result depends on the settings and the seed alone: not on the number of threads, the length
    of the pieces, or interruptions.

    Parameters
    ----------
    data
        Data GMM, None for a run without density.
    checkpoint
        File of the state, replaced every ``checkpoint_seconds``, on Ctrl-C and at the end.
    resume
        Go on from that file. The caller has cut its outputs to the offsets in it before
        (`read_checkpoint`).

    Raises
    ------
    InputError
        ``resume`` with a file that is no checkpoint, or one of another run.
    ValueError
        Nothing to score, or nothing that moves.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, when frames and checkpoint are written.
    """
    callbacks = callbacks or Callbacks()
    named = make_sampler(system, data, config, resume)
    run = _Run(named, config, callbacks, Path(checkpoint) if checkpoint else None)
    if resume:
        run.restore()
    with _StopRequest() as stop:
        run.loop(stop, chunk_seconds, checkpoint_seconds)
    if stop.requested and not named.sampler.finished:
        raise KeyboardInterrupt
    return run.summary()


class _Run:
    """One sitting."""

    def __init__(self, named: NamedSampler, config, callbacks, checkpoint) -> None:
        self.named = named
        self.sampler = named.sampler
        self.config = config
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.frames = 0
        self.best_score = float("inf")
        self.former_seconds = 0.0
        self.done_before = 0
        self.started = time.monotonic()

    def restore(self) -> None:
        stored = read_checkpoint(self.checkpoint)
        try:
            self.sampler.restore(stored.state)
        except ValueError as error:
            raise InputError(self.checkpoint, str(error), "the state of this run") from None
        self.frames = int(stored.totals["frames"])
        self.best_score = stored.totals["best_score"]
        self.former_seconds = stored.totals["seconds"]
        self.done_before = self.sampler.done

    @property
    def sitting(self) -> float:
        return time.monotonic() - self.started

    def loop(self, stop: _StopRequest, chunk_seconds: float, checkpoint_seconds: float) -> None:
        stored_at = time.monotonic()
        while not self.sampler.finished and not stop.requested:
            self.sampler.advance(self.sampler.total, chunk_seconds)
            self.hand_over()
            self.callbacks.progress(self.progress())
            if time.monotonic() - stored_at > checkpoint_seconds:
                self.store()
                stored_at = time.monotonic()
        self.store()

    def hand_over(self) -> None:
        raw = self.sampler.take_frames()
        if len(raw["steps"]) == 0:
            return
        rotations, translations = to_matrices(raw["poses"])
        self.frames += len(raw["steps"])
        self.best_score = min(self.best_score, float(raw["totals"].min()))
        self.callbacks.frames(
            Frames(
                raw["steps"].astype(np.int64),
                raw["replicas"].astype(np.int64),
                self.config.sampling.temperature_min,
                raw["totals"],
                self.named.terms,
                raw["scores"],
                rotations,
                translations,
                self.named.parameters,
                raw["parameters"],
            )
        )

    def store(self) -> None:
        if self.checkpoint is None:
            return
        totals = {
            "seconds": self.former_seconds + self.sitting,
            "frames": self.frames,
            "best_score": self.best_score,
        }
        state = self.sampler.save()
        write_checkpoint(self.checkpoint, Checkpoint(state, self.callbacks.offsets(), totals))

    def progress(self) -> Progress:
        tried, accepted = (int(a.sum()) for a in self.sampler.counts())
        swaps_tried, swaps = (int(a.sum()) for a in self.sampler.exchanges())
        return Progress(
            self.sampler.done,
            self.sampler.total,
            self.former_seconds + self.sitting,
            self.frames,
            self.best_score,
            accepted / tried if tried else float("nan"),
            swaps / swaps_tried if swaps_tried else float("nan"),
        )

    def summary(self) -> RunSummary:
        tried, accepted = self.sampler.counts()
        swaps_tried, swaps = self.sampler.exchanges()
        sampling = self.config.sampling
        sitting = self.sitting
        return RunSummary(
            steps=self.sampler.high_done,
            moves=int(tried.sum()),
            seconds=self.former_seconds + sitting,
            steps_per_second=(self.sampler.done - self.done_before)
            * sampling.replicas
            / max(sitting, 1e-9),
            replicas=sampling.replicas,
            temperatures=self.sampler.temperatures,
            acceptance=_rates(self.named.movers, tried.sum(axis=0), accepted.sum(axis=0)),
            acceptance_by_level=[
                _rates(self.named.movers, t, a) for t, a in zip(tried, accepted, strict=True)
            ],
            exchange=[
                float(a / t) if t else 0.0 for t, a in zip(swaps_tried[0], swaps[0], strict=True)
            ],
            best_score=self.best_score,
            frames=self.frames,
            drift=self.sampler.drift,
        )


def _rates(names: tuple[str, ...], tried: np.ndarray, accepted: np.ndarray) -> dict[str, float]:
    return {
        name: float(a / t) if t else 0.0 for name, t, a in zip(names, tried, accepted, strict=True)
    }

"""One sitting of a run: short pieces of sampling, with frames, progress and checkpoints between."""

from __future__ import annotations

import math
import signal
import threading
import time
from pathlib import Path

import numpy as np

from ..config.settings import Config
from ..errors import InputError
from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .processes import Processes
from .records import Callbacks, Frames, NamedSampler, Progress, RunSummary


class StopRequest:
    """Ctrl-C or SIGTERM asks the loop to stop at the next whole state; a second one breaks in."""

    def __init__(self) -> None:
        self.requested = False
        self._former: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
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


class Run:
    """One sitting."""

    def __init__(
        self,
        named: NamedSampler,
        config: Config,
        callbacks: Callbacks,
        checkpoint: Path | None,
        processes: Processes,
    ) -> None:
        self.named = named
        self.sampler = named.sampler
        self.config = config
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.processes = processes
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
        try:
            frames, best, seconds = (stored.totals[k] for k in ("frames", "best_score", "seconds"))
        except KeyError as error:
            raise InputError(self.checkpoint, f"no {error}", "the sums of this run") from None
        # Written so that NaN fails too.
        if not (0 <= frames < math.inf and 0 <= seconds < math.inf and best <= math.inf):
            found = f"{frames} frames in {seconds} s, best score {best}"
            raise InputError(self.checkpoint, found, "the sums of this run")
        self.frames, self.best_score, self.former_seconds = int(frames), best, seconds
        self.done_before = self.sampler.done

    @property
    def sitting(self) -> float:
        return time.monotonic() - self.started

    def loop(self, stop: StopRequest, chunk_seconds: float, checkpoint_seconds: float) -> None:
        # A search for starts is not to be made twice.
        if self.sampler.done == 0:
            self.store()
        stored_at = time.monotonic()
        while not self.sampler.finished and not self.processes.any(stop.requested):
            self.advance(chunk_seconds)
            self.hand_over()
            self.sampler.merge_counts()
            if self.processes.is_root:
                self.callbacks.progress(self.progress())
            if self.processes.any(time.monotonic() - stored_at > checkpoint_seconds):
                self.store()
                stored_at = time.monotonic()
        self.store()

    def advance(self, seconds: float) -> None:
        if self.processes.size == 1:
            self.sampler.advance(self.sampler.total, seconds)
            return
        # All processes take the same number of steps: about as many as the root can do in time.
        rate = (self.sampler.done - self.done_before) / max(self.sitting, 1e-3)
        steps = self.processes.broadcast(max(100, int(rate * seconds)))
        self.sampler.advance(steps, float("inf"))

    def hand_over(self) -> None:
        parts = self.processes.gather(self.sampler.take_frames())
        raw = _merged(parts) if parts else {"steps": ()}
        if len(raw["steps"]) == 0:
            return
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
                raw["poses"],
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
        self.sampler.merge_counts()
        states = [self.sampler.save_replica(r) for r in range(self.config.sampling.replicas)]
        gathered = self.processes.gather(states)
        if not self.processes.is_root:
            return
        state = self.sampler.save([max(s, key=len) for s in zip(*gathered, strict=True)])
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
            found=dict(zip(self.named.movers, self.sampler.found, strict=True)),
            exchange=[
                float(a / t) if t else 0.0 for t, a in zip(swaps_tried[0], swaps[0], strict=True)
            ],
            best_score=self.best_score if self.frames else None,
            frames=self.frames,
            drift=self.sampler.drift,
        )


def _merged(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Frames of several processes in order of their steps."""
    if len(parts) == 1:
        return parts[0]
    parts = [p for p in parts if len(p["steps"])] or parts[:1]
    merged = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
    order = np.argsort(merged["steps"])
    return {key: values[order] for key, values in merged.items()}


def _rates(names: tuple[str, ...], tried: np.ndarray, accepted: np.ndarray) -> dict[str, float]:
    return {
        name: float(a / t) if t else 0.0 for name, t, a in zip(names, tried, accepted, strict=True)
    }

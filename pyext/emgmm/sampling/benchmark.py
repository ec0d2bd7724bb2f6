"""How fast this machine samples: the benchmark system behind ``emgmm bench``."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import numpy as np

from .. import _core
from ..mixture import Mixture
from ..poses import random_rotations
from ..scoring.mixture_score import ScoreOptions, make_score
from ..scoring.terms import TermSpec


class BenchmarkResult(NamedTuple):
    """Speeds that `benchmark` measures."""

    moves_per_second: float  # of all threads
    pairs_per_second: float  # overlaps of a model component with a data component
    instruction_set: str
    threads: int
    bodies: int
    components: int  # of a body
    data_components: int
    moved_together: int  # bodies a move
    single_precision: bool
    score_error: float  # largest difference to double precision over some poses, kT


def _blob(rng: np.random.Generator, n: int, radius: float) -> Mixture:
    """Components of a protein-like density: a ball of anisotropic Gaussians."""
    directions = rng.standard_normal((n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    means = directions * radius * rng.random((n, 1)) ** (1 / 3)
    axes = np.linalg.qr(rng.standard_normal((n, 3, 3)))[0]
    covariances = (axes * rng.uniform(12, 60, (n, 1, 3))) @ axes.transpose(0, 2, 1)
    return Mixture(means, covariances, np.full(n, 1090.0))


def _halves(means: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Indices in an order in which neighbours in space are neighbours in the list, as the
    components of a fitted map are (each sixteen share a block of the score)."""
    if len(indices) <= 16:
        return indices
    points = means[indices]
    axis = np.argmax(np.ptp(points, axis=0))
    order = indices[np.argsort(points[:, axis], kind="stable")]
    middle = (len(order) // 2 + 15) // 16 * 16
    return np.concatenate([_halves(means, order[:middle]), _halves(means, order[middle:])])


class BenchmarkSystem(NamedTuple):
    """Rigid bodies in a density, ready to sample."""

    sampler: _core.Sampler
    term: _core.Term
    exact: _core.Term  # the same in double precision
    start: np.ndarray  # (bodies, 7) poses

    def score_error(self, replicas: int) -> float:
        """Largest difference of the score to double precision at the start and where the replicas
        are, kT."""
        states = [self.sampler.poses(r) for r in range(replicas)] + [self.start]
        return max(abs(self.term.reset(p) - self.exact.reset(p)) for p in states)


def benchmark_system(
    replicas: int = 1,
    *,
    bodies: int = 6,
    components: int = 40,
    data_components: int = 262,
    moved_together: int = 1,
    single_precision: bool = True,
    threads: int = 0,
) -> BenchmarkSystem:
    """Balls of anisotropic Gaussians spread over the ball of the data, one temperature.

    Data and model have the density of a protein (1.09 kDa a component), whatever their number: a
    system of twice the components fills twice the volume.
    """
    rng = np.random.default_rng(1)
    radius = 55.0 * (data_components / 262) ** (1 / 3)
    data = _blob(rng, data_components, radius)
    order = _halves(data.means, np.arange(data_components))
    data = data[order].scaled_to(bodies * components * 1090.0)
    parts = [_blob(rng, components, 22.0) for _ in range(bodies)]
    term, exact = (
        _core.density_term(
            make_score(data, ScoreOptions(sigma_min=0.01, single_precision=single)), parts
        )
        for single in (single_precision, False)
    )
    places = [part.mean(axis=0) for part in np.array_split(data.means, bodies)]
    poses = np.concatenate([random_rotations(rng, bodies), places], axis=1)
    movers = []
    for b in range(bodies):
        group = (b + np.arange(moved_together)) % bodies
        movers.append(_core.rigid_mover(f"body {b}", group.astype(np.int64), 2.0, 0.04, b))
    setup = _core.SamplerSetup()
    setup.terms, setup.movers = [TermSpec(term, 1.0)], movers
    setup.temperatures = [1.0] * replicas
    setup.starts = np.repeat(poses[None], replicas, axis=0)
    setup.seed, setup.threads = 1, threads or replicas
    never = 2**40
    setup.schedule.steps = setup.schedule.high_steps = never
    setup.schedule.frame_interval = setup.schedule.refresh_interval = never
    setup.schedule.exchange_interval = 2000
    return BenchmarkSystem(_core.Sampler(setup), term, exact, poses)


def benchmark(
    threads: int = 1,
    *,
    bodies: int = 6,
    components: int = 40,
    data_components: int = 262,
    moved_together: int = 1,
    single_precision: bool = True,
    seconds: float = 3.0,
) -> BenchmarkResult:
    """Moves per second of rigid bodies in a density, EM score only (eq. 13).

    The default is the benchmark system of the project: six rigid bodies of 40 components, a data
    mixture of 262, one body a move. One replica runs on each thread, without exchanges.

    Parameters
    ----------
    threads
        0 for all cores.
    moved_together
        Bodies that each move displaces.
    seconds
        Time to measure; as much again as a tenth of it warms up.
    """
    threads = threads or os.cpu_count() or 1
    system = benchmark_system(
        threads,
        bodies=bodies,
        components=components,
        data_components=data_components,
        moved_together=moved_together,
        single_precision=single_precision,
    )
    sampler = system.sampler
    sampler.advance(2**40, seconds / 10)
    start = time.perf_counter()
    moves = threads * sampler.advance(2**40, seconds)
    rate = moves / (time.perf_counter() - start)
    error = system.score_error(threads)
    pairs = rate * moved_together * components * data_components
    return BenchmarkResult(
        rate,
        pairs,
        _core.instruction_set(),
        threads,
        bodies,
        components,
        data_components,
        moved_together,
        single_precision,
        error,
    )

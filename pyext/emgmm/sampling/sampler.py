"""The native sampler: replica-exchange Monte Carlo in the core, driven in short pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config.settings import SamplingConfig
from ..moves.build import build_movers, parameter_movers
from ..posterior import Posterior
from ..representation.system import System
from ..search.place import SearchProgress
from ..search.starts import confinement, input_poses, random_starts, with_beads_placed
from ..search.symmetric import symmetric_placements, symmetric_search
from .alternatives import EVALUATIONS, Found, arrangements
from .loop import Run, StopRequest
from .minimize import minimized
from .processes import Processes, world
from .records import Callbacks, NamedSampler, RunSummary

BURN_IN_A_MOVER = 1000  # fifty adaptations, each after some twenty tries of every mover
START_WITHIN = 2.0  # kT
LONGEST_BURN_IN = 100_000  # of many movers each is adapted a few times only


def temperature_ladder(replicas: int, lowest: float, highest: float) -> np.ndarray:
    """(replicas,) temperatures in geometric progression, lowest first."""
    if replicas == 1:
        return np.array([lowest])
    return np.geomspace(lowest, highest, replicas)


class Starts(NamedTuple):
    """Poses in which the replicas start, and what a search found (None without one)."""

    poses: np.ndarray  # (replicas, bodies, 7)
    search: list[dict] | None = None  # `arrangements` of search.json


def placed_starts(
    posterior: Posterior, searching: Callable[[SearchProgress], None] | None = None
) -> Starts:
    """The best arrangements of a global search, in turn one a replica, minimised where the settings
    say so.

    Only those that matter beside the best (`START_WITHIN`): where no move leads from one to
    another, exchange weighs them by differences of 1/T, and a replica that started 3 kT higher
    would be the coldest a third of the time instead of a twentieth.

    Symmetric ones are ranked by the run's own score of their minima: their search knows neither
    excluded volume nor sequence.
    """
    sampling, symmetry = posterior.config.sampling, posterior.symmetry
    found = searched(posterior, searching)
    poses = np.stack([f.poses for f in found])
    if symmetry is not None:
        poses = symmetry.symmetric(poses)
    minima = minimized(posterior, poses, sampling.minimize or EVALUATIONS)
    ranks = np.array([f.score for f in found])
    if symmetry is not None:
        ranks = np.array([sum(posterior.weighted_terms(m).values()) for m in minima])
        order = np.argsort(ranks, kind="stable")
        found, poses, minima = [found[i] for i in order], poses[order], minima[order]
        ranks = ranks[order]
    near = int((ranks <= ranks[0] + START_WITHIN).sum())
    told = arrangements(posterior, found, minima, min(near, sampling.replicas))
    begin = minima if sampling.minimize else poses
    return Starts(np.stack([begin[r % near] for r in range(sampling.replicas)]), told)


def searched(
    posterior: Posterior, searching: Callable[[SearchProgress], None] | None = None
) -> list[Found]:
    """Arrangements that a global search in the map finds, best first."""
    from ..search.place import place_system

    system, symmetry, options = posterior.system, posterior.symmetry, posterior.options
    data = posterior.search_data()
    sampling = posterior.config.sampling
    if symmetry is not None:
        # Two of them, for one cannot say whether another would end where it did.
        both = [
            symmetric_search(system, data, options, symmetry, seed, sampling.threads)
            for seed in (sampling.seed, sampling.seed + 1)
        ]
        if both[0] is not None:
            known = system.bodies.rotatable
            found = [
                Found(score, with_beads_placed(system, poses, known, sampling.seed), search=i)
                for i, own in enumerate(both)
                for score, poses in own
            ]
            return sorted(found, key=lambda f: f.score)
    placements = place_system(
        system,
        data,
        options,
        config=posterior.config,
        links=posterior.links,
        search=search_options(posterior),
        progress=searching,
    )
    if symmetry is not None:
        poses = [p.poses for p in placements if p.score <= placements[0].score + START_WITHIN]
        found = symmetric_placements(system, data, options, symmetry, poses)
        return [Found(score, poses) for score, poses in found]
    return [Found(p.score, p.poses, p.found, _molecules(system, p.elsewhere)) for p in placements]


def search_options(posterior: Posterior) -> _core.SearchOptions:
    """How hard the settings have the global search look."""
    sampling, options = posterior.config.sampling, _core.SearchOptions()
    options.seed, options.threads = sampling.seed, sampling.threads
    options.searches = sampling.searches
    # One good place of one copy is enough for a symmetric start.
    options.confirmations = 2 if posterior.symmetry is None else 1
    return options


def _molecules(system: System, bodies: Sequence[int]) -> tuple[str, ...]:
    """Names of the molecules that bodies hold, as `analysis.json` has them."""
    names = system.subunits()
    held = np.unique(system.finest.molecule[np.isin(system.finest.body, bodies)])
    return tuple(names[m] for m in held)


def burn_in(sampling: SamplingConfig, movers: int, has_data: bool) -> int:
    """Steps before the first frame, in which the movers' steps are adapted.

    What a search found is minimised, and steps that find an arrangement are too long to sample it:
    with those of the settings 2 % were accepted in a map at 8 Å, and the ensemble stood still.
    """
    if sampling.adapt_steps is not None:
        return sampling.adapt_steps
    if sampling.start != "placed" or not has_data:
        return 0
    return min(BURN_IN_A_MOVER * movers, LONGEST_BURN_IN)


def starts_of(
    posterior: Posterior,
    processes: Processes | None = None,
    resume: bool = False,
    searching: Callable[[SearchProgress], None] | None = None,
) -> Starts:
    """Starts of the replicas as the settings have them, with the symmetry kept.

    Parameters
    ----------
    processes
        One of several searches for all.
    resume
        Poses come from a checkpoint: nothing is searched for.
    searching
        Told how far a global search is.
    """
    system, sampling, symmetry = posterior.system, posterior.config.sampling, posterior.symmetry
    processes = processes or Processes()
    if sampling.start == "placed" and posterior.data is not None and not resume:
        return processes.broadcast(
            placed_starts(posterior, searching) if processes.is_root else None
        )
    if sampling.start == "random":
        poses = random_starts(system, posterior.data, sampling)
    else:
        poses = np.repeat(input_poses(system)[None], sampling.replicas, axis=0)
    if symmetry is not None:
        poses = symmetry.symmetric(poses)
    if sampling.minimize and not resume:
        poses = minimized(posterior, poses)
    return Starts(poses)


def make_sampler(
    posterior: Posterior,
    resume: bool = False,
    processes: Processes | None = None,
    searching: Callable[[SearchProgress], None] | None = None,
) -> NamedSampler:
    """The core's sampler of a run's problem.

    A run that will be resumed gets its poses from the checkpoint, so no start is searched for. Of
    several processes each gets its share of the replicas.

    Raises
    ------
    InputError
        In a file of cross-links.
    ValueError
        Nothing to score, or nothing that moves.
    """
    system, data, sampling = posterior.system, posterior.data, posterior.config.sampling
    specs = posterior.terms
    movers, mover_weights = build_movers(posterior)
    if not movers:
        raise ValueError("nothing to sample: no body of the topology can move")
    unknowns = parameter_movers(specs)
    # All alike unless some are to be rarer: the average mover has weight 1.
    mover_weights = [len(movers) * w for w in mover_weights] + [1.0] * len(unknowns)
    movers += unknowns
    processes = processes or Processes()
    several = processes.size > 1
    starts, search = starts_of(posterior, processes, resume, searching)
    threads = sampling.threads
    if several and threads == 0:
        threads = max(1, (os.cpu_count() or 1) // processes.size)
    setup = _core.SamplerSetup()
    setup.terms, setup.movers = specs, movers
    setup.mover_weights = mover_weights if sampling.moves.share else []
    setup.confinement = confinement(system, data, sampling)
    setup.temperatures = temperature_ladder(
        sampling.replicas, sampling.temperature_min, sampling.temperature_max
    ).tolist()
    setup.starts = np.ascontiguousarray(starts)
    setup.schedule = _schedule(sampling, burn_in(sampling, len(movers), data is not None))
    setup.seed, setup.threads = sampling.seed, threads
    if several:
        setup.is_mine, setup.sum = processes.mine(sampling.replicas), processes.sum
    return NamedSampler(
        _core.Sampler(setup),
        tuple(s.term.name for s in specs),
        tuple(m.name for m in movers),
        tuple(p.name for s in specs for p in s.parameters),
        search,
    )


def _schedule(sampling: SamplingConfig, burn_in: int) -> _core.Schedule:
    schedule = _core.Schedule()
    schedule.steps, schedule.burn_in = sampling.steps, burn_in
    schedule.low_steps = sampling.low_steps
    schedule.high_steps = sampling.annealing.high_steps
    schedule.low_weight = sampling.annealing.low_weight
    schedule.frame_interval = sampling.frame_interval
    schedule.exchange_interval = sampling.exchange_interval
    schedule.refresh_interval = 100_000
    return schedule


def run_native(
    posterior: Posterior,
    callbacks: Callbacks | None = None,
    *,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    chunk_seconds: float = 0.25,
    checkpoint_seconds: float = 30.0,
) -> RunSummary:
    """Sample the poses of a system.

    The result depends on the settings and the seed alone: not on the number of threads or
    processes, the length of the pieces, or interruptions. Under ``mpirun`` every process calls this
    function; the callbacks of rank 0 alone are used, and only its summary is complete.

    Parameters
    ----------
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
    processes = world()
    callbacks = callbacks or Callbacks()
    named = make_sampler(posterior, resume, processes, callbacks.searching)
    path = Path(checkpoint) if checkpoint else None
    if named.search is not None and processes.is_root:
        callbacks.searched(named.search)
    run = Run(named, posterior.config, callbacks, path, processes)
    if resume:
        run.restore()
    with StopRequest() as stop:
        try:
            run.loop(stop, chunk_seconds, checkpoint_seconds)
        except Exception as error:
            if processes.size > 1:
                processes.abort(error)
            raise
    if not named.sampler.finished:
        raise KeyboardInterrupt
    return run.summary()

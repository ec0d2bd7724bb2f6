"""A late step of the global search: replica exchange between hot and cold arrangements.

The search puts the largest bodies right, since their shapes stand out of the density; the small
ones then have to find their places together, guided by density and cross-links alike. No single
move of a wrong arrangement lowers its score, so the moves are those of Monte Carlo at temperatures
at which bodies still wander, exchanged with colder ones (Geyer 1991).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .. import _core
from .arrangements import Arrangement, ArrangementScore

LEVELS, HOTTEST = 16, 15.0  # temperatures in geometric progression from 1 kT
KEPT = 4  # of what is best till then, starts of a round
# Different cold frames of a stage that are minimised at the end: they lie kT above their minima, so
# that the best need not be among the first few. Between rounds only so many as there are solutions:
# more would be alike but for turns of small bodies.
MINIMIZED = 100
STEPS_A_BODY = 25_000  # of each replica, a round
MAX_TRANSLATION, MAX_ROTATION = 6.0, 0.15  # Å, rad; of one move
GLOBAL_SHARE = 0.1  # swaps, turns about own axes, and suggested places, each to one local move
FRAMES = 200
GAIN = 0.1  # kT: less is no better arrangement


class Tempered(NamedTuple):
    """What replica exchange found, best first, all different, and the cold frames of its rounds."""

    found: list[Arrangement]
    frames: list[Arrangement]


def tempered(
    score: ArrangementScore,
    starts: list[np.ndarray],
    axes: list[np.ndarray],
    confinement: list[float],
    suggest: Callable[[np.ndarray], list[_core.Mover]],
    *,
    seed: int,
    threads: int,
    solutions: int,
    rounds: int = 3,
) -> Tempered:
    """Best arrangements that replica exchange finds from some.

    Parameters
    ----------
    starts
        (bodies, 7) each; the replicas take them in turn.
    axes
        (3, 3) principal axes of each body, rows, in its local frame.
    confinement
        Centre and radius of the ball in which bodies stay, Å; may be empty.
    suggest
        Movers for an arrangement, the best one when a round begins: bodies to what others leave
        of the data. May be none.
    solutions
        At most so many.
    rounds
        At most, 0 to minimise alone; each starts from the best of all before, and one that finds
        nothing better is the last.
    """
    frames: list[Arrangement] = []
    found = score.all_minimized(starts)
    for turn in range(rounds):
        best = score.distinct(found, KEPT)
        seen = _one_round(
            score,
            [a.poses for a in best],
            _movers(axes, suggest(best[0].poses)),
            confinement,
            seed + turn,
            threads,
        )
        cold = [Arrangement(*frame) for frame in zip(seen["totals"], seen["poses"], strict=True)]
        reached = score.all_minimized(a.poses for a in score.distinct(cold, solutions))
        found += reached
        frames += cold
        if min(a.score for a in reached) > best[0].score - GAIN:
            break
    return Tempered(score.distinct(found, solutions), frames)


def minimized_anew(
    score: ArrangementScore, lists: list[list[Arrangement]], most: int
) -> list[Arrangement]:
    """What the best of each list, at most so many, whose scores may be of other terms, become with
    this score."""
    return score.all_minimized(
        arrangement.poses for of_one in lists for arrangement in score.distinct(of_one, most)
    )


def _one_round(
    score: ArrangementScore,
    starts: list[np.ndarray],
    movers: tuple[list[_core.Mover], list[float]],
    confinement: list[float],
    seed: int,
    threads: int,
) -> dict[str, np.ndarray]:
    """Frames of the coldest level."""
    steps = STEPS_A_BODY * len(starts[0])
    sampler = _core.Sampler(
        terms=score.terms,
        weights=score.weights,
        annealed=[False] * len(score.terms),
        movers=movers[0],
        temperatures=np.geomspace(1.0, HOTTEST, LEVELS).tolist(),
        starts=np.ascontiguousarray([starts[r % len(starts)] for r in range(LEVELS)]),
        steps=steps,
        low_steps=0,
        high_steps=steps,
        low_weight=1.0,
        frame_interval=max(1, steps // FRAMES),
        exchange_interval=100,
        refresh_interval=100_000,
        burn_in=0,
        seed=seed,
        threads=threads,
        mover_weights=movers[1],
        confinement=confinement,
    )
    while not sampler.finished:  # in pieces, so that Ctrl-C is heard
        sampler.advance(steps, 0.25)
    return sampler.take_frames()


def _movers(
    axes: list[np.ndarray], suggested: list[_core.Mover]
) -> tuple[list[_core.Mover], list[float]]:
    n = len(axes)
    alone = [np.array([b]) for b in range(n)]
    local = [
        _core.rigid_mover(f"body {b}", alone[b], MAX_TRANSLATION, MAX_ROTATION, b) for b in range(n)
    ]
    turns = [_core.turn_mover(f"turn {b}", alone[b], axes[b]) for b in range(n)]
    swaps = [
        _core.swap_mover(f"swap {b} {c}", alone[b], alone[c]) for b, c in combinations(range(n), 2)
    ]
    kinds = [local, turns, swaps, suggested]
    shares = [1.0, GLOBAL_SHARE, GLOBAL_SHARE, GLOBAL_SHARE]
    return [mover for kind in kinds for mover in kind], [
        share * n / len(kind) for kind, share in zip(kinds, shares, strict=True) for _ in kind
    ]

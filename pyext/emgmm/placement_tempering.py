"""The last step of the global search: replica exchange between hot and cold arrangements.

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

from . import _core
from .data_moves import NO_IMAGES

LEVELS, HOTTEST = 16, 15.0  # temperatures in geometric progression from 1 kT
KEPT = 4  # of what is best till then, starts of a round
# Different cold frames that are minimised at the end: they lie kT above their minima, and where two
# small bodies have to turn together (1WCM at 15 Å) the best is not among the first few. Between
# rounds only so many as there are solutions: more would be alike but for such turns.
MINIMIZED = 100
STEPS_A_BODY = 25_000  # of each replica, a round
MAX_TRANSLATION, MAX_ROTATION = 6.0, 0.15  # Å, rad; of one move
GLOBAL_SHARE = 0.1  # swaps, turns about own axes, and suggested places, each to one local move
FRAMES = 200
GAIN = 0.1  # kT: less is no better arrangement
# Å that some body is off or, at its radius, turned: arrangements less apart are one.
SAME_PLACE = 5.0


class Arrangement(NamedTuple):
    """Poses (bodies, 7) of the bodies alone, and their score in kT."""

    score: float
    poses: np.ndarray


class Tempered(NamedTuple):
    """What replica exchange found, best first, all different, and the cold frames of its rounds."""

    found: list[Arrangement]
    frames: list[Arrangement]


def tempered(
    terms: list[_core.Term],
    weights: list[float],
    starts: list[np.ndarray],
    radii: np.ndarray,
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
    terms, weights
        Of the score; the terms keep state, and are used by nothing else meanwhile.
    starts
        (bodies, 7) each; the replicas take them in turn.
    radii
        (bodies,) Å, of gyration.
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
    found = [_minimized(terms, weights, poses, radii) for poses in starts]
    for turn in range(rounds):
        best = _distinct(found, radii, KEPT)
        seen = _one_round(
            terms,
            weights,
            [a.poses for a in best],
            _movers(axes, suggest(best[0].poses)),
            confinement,
            seed + turn,
            threads,
        )
        cold = [Arrangement(*frame) for frame in zip(seen["totals"], seen["poses"], strict=True)]
        reached = _all_minimized(terms, weights, _distinct(cold, radii, solutions), radii)
        found += reached
        frames += cold
        if min(map(_score, reached)) > best[0].score - GAIN:
            break
    return Tempered(_distinct(found, radii, solutions), frames)


def with_frames(
    terms: list[_core.Term],
    weights: list[float],
    found: list[Arrangement],
    frames: list[list[Arrangement]],
    radii: np.ndarray,
    solutions: int,
) -> list[Arrangement]:
    """What was found, and what the best frames of each list become when they are minimised: best
    first, all different, at most so many. The lists' scores may be of other terms than these."""
    found = found + [
        arrangement
        for of_one in frames
        for arrangement in _all_minimized(
            terms, weights, _distinct(of_one, radii, MINIMIZED), radii
        )
    ]
    return _distinct(found, radii, solutions)


def _score(arrangement: Arrangement) -> float:
    return arrangement.score


def _minimized(
    terms: list[_core.Term], weights: list[float], poses: np.ndarray, radii: np.ndarray
) -> Arrangement:
    found = _core.minimize_terms(terms, weights, poses, radii.tolist(), 400, *NO_IMAGES)
    return Arrangement(*found[:2])


def _all_minimized(
    terms: list[_core.Term],
    weights: list[float],
    arrangements: list[Arrangement],
    radii: np.ndarray,
) -> list[Arrangement]:
    return [_minimized(terms, weights, a.poses, radii) for a in arrangements]


def _one_round(
    terms: list[_core.Term],
    weights: list[float],
    starts: list[np.ndarray],
    movers: tuple[list[_core.Mover], list[float]],
    confinement: list[float],
    seed: int,
    threads: int,
) -> dict[str, np.ndarray]:
    """Frames of the coldest level."""
    steps = STEPS_A_BODY * len(starts[0])
    sampler = _core.Sampler(
        terms=terms,
        weights=weights,
        annealed=[False] * len(terms),
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


def _distinct(arrangements: list[Arrangement], radii: np.ndarray, most: int) -> list[Arrangement]:
    """The best of each that differ, at most so many, best first."""
    kept: list[Arrangement] = []
    for one in sorted(arrangements, key=_score):
        if len(kept) < most and all(_apart(one.poses, k.poses, radii) > SAME_PLACE for k in kept):
            kept.append(one)
    return kept


def _apart(a: np.ndarray, b: np.ndarray, radii: np.ndarray) -> float:
    """Å that the body farthest off moves or, at its radius, turns."""
    angles = 2 * np.arccos(np.minimum(1.0, np.abs((a[:, :4] * b[:, :4]).sum(axis=1))))
    away = np.linalg.norm(a[:, 4:] - b[:, 4:], axis=1)
    return float(np.maximum(away, angles * radii).max())

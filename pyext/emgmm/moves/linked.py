"""Joint moves of linked bodies: which rigid bodies data or sequence tie together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from .. import _core
from ..representation.system import Particles, System
from ..scoring.crosslinks import CrossLinks


def linked_pairs(system: System, crosslinks: Sequence[CrossLinks] = ()) -> list[tuple[int, int]]:
    """Pairs of rigid bodies that share a cross-link or a bond of the sequence, the lower first.

    Of an ambiguous link any reading counts. A residue of a flexible bead stands for the body that
    carries it, or else for the nearest one in its molecule's sequence; a chain of flexible beads
    between two bodies is a bond.
    """
    pairs = {(min(a, b), max(a, b)) for a, b, _ in _chains(system)}
    for links in crosslinks:
        owner = _owners(system, system.particles[links.resolution])
        first, second = owner[links.first], owner[links.second]
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            if a >= 0 and b >= 0 and a != b:
                pairs.add((min(a, b), max(a, b)))
    return sorted(pairs)


def linked_groups(
    system: System, crosslinks: Sequence[CrossLinks] = (), free: np.ndarray | None = None
) -> list[list[int]]:
    """Groups of rigid bodies to be moved as one: each linked pair, then each larger set of bodies
    that hang together by links.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved (None: all movable ones); others join no group.

    Returns
    -------
    list of list of int
        Rigid bodies, ascending; `with_companions` adds the beads that go along.
    """
    free = system.bodies.movable if free is None else free
    pairs = [pair for pair in linked_pairs(system, crosslinks) if free[list(pair)].all()]
    sets: list[set[int]] = []
    for pair in pairs:
        apart = [s for s in sets if s.isdisjoint(pair)]
        sets = [*apart, set(pair).union(*(s for s in sets if s not in apart))]
    return [list(pair) for pair in pairs] + sorted(sorted(s) for s in sets if len(s) > 2)


def with_companions(system: System, group: Sequence[int]) -> np.ndarray:
    """(n,) int64, ascending: rigid bodies, the beads that they carry, and the flexible beads of
    chains between two of them."""
    companions = set(group)
    companions.update(np.flatnonzero(np.isin(system.bodies.carrier, group)).tolist())
    for a, b, beads in _chains(system):
        if a in companions and b in companions:
            companions.update(beads)
    movable = [b for b in sorted(companions) if system.bodies.movable[b]]
    return np.array(movable, dtype=np.int64)


def linked_movers(
    system: System,
    groups: Sequence[Sequence[int]],
    known: set[tuple[int, ...]],
    max_translation: float,
    max_rotation: float,
) -> list[_core.Mover]:
    """One mover for each group that turns it about its centre; none for what `known` movers move.

    Parameters
    ----------
    known
        Bodies of other joint movers, ascending; those of the new ones are added.
    max_translation, max_rotation
        Å and radians, the largest step.
    """
    movers = []
    names = system.bodies.names
    for rigid in groups:
        group = with_companions(system, rigid)
        if tuple(group) in known:
            continue
        known.add(tuple(group))
        name = "linked " + ", ".join(names[b] for b in rigid)
        movers.append(_core.rigid_mover(name, group, max_translation, max_rotation))
    return movers


def _owners(system: System, beads: Particles) -> np.ndarray:
    """(n,) the rigid body that each particle stands for, -1 where its molecule has none."""
    bodies = system.bodies
    owner = np.where(bodies.rotatable[beads.body], beads.body, bodies.carrier[beads.body])
    solid = bodies.rotatable[beads.body]
    middle = (beads.first + beads.last) / 2
    for i in np.flatnonzero(owner < 0):
        same = np.flatnonzero(solid & (beads.molecule == beads.molecule[i]))
        if len(same):
            owner[i] = beads.body[same[np.abs(middle[same] - middle[i]).argmin()]]
    return owner


def _chains(system: System) -> Iterator[tuple[int, int, list[int]]]:
    """Two rigid bodies that follow each other in a sequence, and the bodies of the flexible beads
    between them."""
    bonds = system.connectivity
    if not len(bonds.first):
        return
    body = system.particles[bonds.resolution].body
    ends = list(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))
    cuts = [k + 1 for k, (one, next_) in enumerate(pairwise(ends)) if one[1] != next_[0]]
    for begin, end in pairwise([0, *cuts, len(ends)]):
        beads = [ends[begin][0], *(second for _, second in ends[begin:end])]
        between: list[int] = []
        last = -1
        for b in body[beads].tolist():
            if not system.bodies.rotatable[b]:
                between.append(b)
                continue
            if last not in (-1, b):
                yield last, b, between
            last, between = b, []

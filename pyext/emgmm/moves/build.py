"""The movers of a run, as the core's sampler takes them, and how often each is tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..errors import InputError
from ..scoring.terms import TermSpec
from ..search.starts import confinement
from .coarse import coarse_mover
from .independence import independence_mover
from .linked import linked_groups, linked_movers
from .minimize import hamiltonian_mover
from .swaps import aligned_movers, global_movers

if TYPE_CHECKING:
    from ..posterior import Posterior


def build_movers(posterior: Posterior) -> tuple[list[_core.Mover], list[float]]:
    """One mover for each rigid body (with the beads it carries), bead and super rigid body, and one
    for the whole system, with the largest steps of the settings.

    With ``global_moves`` also movers that swap and turn rigid bodies, with ``alignment_moves`` ones
    that swap them and align their principal axes, with ``linked_moves`` ones of linked bodies as
    one, with ``independence_moves`` (which need the data) one that places them anew, with
    ``hamiltonian_moves`` one of all together, and with ``coarse_moves`` (which need the data, too)
    one of chains on few components. With a symmetry only the bodies that are no images move freely,
    and the images follow them.

    Returns
    -------
    movers, weights
        Weights are shares of the moves, and sum to 1.

    Raises
    ------
    InputError
        ``linked_moves`` where nothing links two bodies; in a file of cross-links.
    """
    system, data, config = posterior.system, posterior.data, posterior.config
    sampling, symmetry = config.sampling, posterior.symmetry
    bodies = system.bodies
    free = bodies.movable.copy()
    if symmetry is not None:
        free[symmetry.image] = False
    translation, rotation = sampling.max_translation, sampling.max_rotation
    movers = []
    groups = set()
    for b in np.flatnonzero(free):
        if bodies.rotatable[b]:
            group = bodies.with_carried(np.array([b]))
            movers.append(_core.rigid_mover(bodies.names[b], group, translation, rotation, int(b)))
        else:
            group = np.array([b], dtype=np.int64)
            movers.append(_core.rigid_mover(bodies.names[b], group, translation, 0.0, int(b)))
        groups.add(tuple(group))
    movable = np.flatnonzero(free)
    several = [
        (f"super rigid body {i + 1}", members)
        for i, members in enumerate(system.super_rigid_bodies)
    ]
    for name, members in [*several, ("whole system", movable)]:
        group = bodies.with_carried(np.intersect1d(members, movable))
        # A group that a mover already moves would only be tried twice as often.
        if len(group) > 1 and tuple(group) not in groups:
            groups.add(tuple(group))
            movers.append(_core.rigid_mover(name, group, translation, rotation))
    if not movers:
        return [], []
    more, shares = global_movers(system, free, sampling.global_moves)
    aligned, aligned_shares = aligned_movers(system, free, sampling.alignment_moves)
    more += aligned
    shares += aligned_shares
    if sampling.linked_moves:
        linked = linked_movers(
            system, groups_to_move(posterior, free), groups, translation, rotation
        )
        more += linked
        shares += [sampling.linked_moves / len(linked) for _ in linked]
    if sampling.independence_moves and data is not None:
        places = independence_mover(system, data, free, sampling)
        if places is not None:
            more.append(places)
            shares.append(sampling.independence_moves)
    # These know of images themselves.
    last, last_shares = [], []
    if sampling.hamiltonian_moves:
        last.append(hamiltonian_mover(system, free, sampling, symmetry))
        last_shares.append(sampling.hamiltonian_moves)
    if sampling.coarse_moves and data is not None and config.em is not None:
        ball = confinement(system, data, sampling)
        last.append(coarse_mover(system, data, free, config.em, sampling, symmetry, ball))
        last_shares.append(sampling.coarse_moves)
    weights = [(1 - sum(shares) - sum(last_shares)) / len(movers)] * len(movers) + shares
    movers += more
    if symmetry is not None:
        movers = [symmetry.mover(m) for m in movers]
    return movers + last, weights + last_shares


def groups_to_move(posterior: Posterior, free: np.ndarray | None = None) -> list[list[int]]:
    """Linked bodies that ``linked_moves`` move as one (`linked_groups`).

    Raises
    ------
    InputError
        Nothing links two bodies; in a file of cross-links.
    """
    groups = linked_groups(posterior.system, posterior.links, free)
    if not groups:
        raise InputError(
            posterior.config.system.topology,
            "no cross-link and no bond between two rigid bodies that may move",
            "at least one",
            "sampling.linked_moves",
        )
    return groups


def parameter_movers(specs: Sequence[TermSpec]) -> list[_core.Mover]:
    """One mover for each unknown of the terms that is not fixed."""
    return [
        _core.parameter_mover(p.name, t, i, p.low, p.high, p.max_step)
        for t, spec in enumerate(specs)
        for i, p in enumerate(spec.parameters)
        if p.max_step > 0
    ]

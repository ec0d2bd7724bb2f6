"""The movers of a run, as the core's sampler takes them, and how often each is tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..config.settings import SamplingConfig
from ..representation.system import System
from ..scoring.terms import TermSpec
from .registry import KINDS

if TYPE_CHECKING:
    from ..posterior import Posterior


def build_movers(posterior: Posterior) -> tuple[list[_core.Mover], list[float]]:
    """The steps of a run, and the movers of each kind that ``[sampling.moves]`` gives a share.

    With a symmetry only the bodies that are no images move freely, and the images follow them.

    Returns
    -------
    movers, weights
        Weights are shares of the moves, and sum to 1.
    """
    sampling, symmetry = posterior.config.sampling, posterior.symmetry
    free = posterior.system.bodies.movable.copy()
    if symmetry is not None:
        free[symmetry.image] = False
    steps = step_movers(posterior.system, free, sampling)
    if not steps:
        return [], []
    others, shares = [], []
    for kind in KINDS:
        share = getattr(sampling.moves, kind.name)
        added = kind.builder()(posterior, free) if share else []
        others += added
        shares += [share / len(added) for _ in added]
    movers = steps + others
    if symmetry is not None:
        movers = [symmetry.mover(m) for m in movers]
    return movers, [(1 - sum(shares)) / len(steps)] * len(steps) + shares


def step_movers(system: System, free: np.ndarray, sampling: SamplingConfig) -> list[_core.Mover]:
    """One mover for each rigid body (with the beads it carries), bead and super rigid body, and one
    for the whole system, with the largest steps of the settings.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    """
    bodies = system.bodies
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
    return movers


def parameter_movers(specs: Sequence[TermSpec]) -> list[_core.Mover]:
    """One mover for each unknown of the terms that is not fixed."""
    return [
        _core.parameter_mover(p.name, t, i, p.low, p.high, p.max_step)
        for t, spec in enumerate(specs)
        for i, p in enumerate(spec.parameters)
        if p.max_step > 0
    ]

"""How firmly the models of a cluster hold each subunit.

rmsd(80) of a whole complex leaves out a fifth of it: a small subunit may be anywhere in models of
one cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .clustering import Cluster
from .copies import Group, match
from .deviations import NEAR, rmsd80, squared_deviations

if TYPE_CHECKING:
    from ..representation.system import System

_BLOCK = 64  # models compared at once, to stay in the processor's cache


class SubunitPrecision(NamedTuple):
    """Spread of one subunit over the models of a cluster."""

    name: str  # of the place in the cluster's centre; a copy may stand there in other models
    precision: float  # Å: mean rmsd(80) of the other members to the centre; 0 for a cluster of one
    halves_apart: float | None  # Å between its mean places in both halves of the run; None: in one

    @property
    def halves_agree(self) -> bool:
        return self.halves_apart is None or self.halves_apart < NEAR

    @property
    def is_held(self) -> bool:
        return self.precision < NEAR and self.halves_agree


def subunit_precision(
    models: np.ndarray,
    cluster: Cluster,
    late: np.ndarray,
    subunit: np.ndarray,
    names: Sequence[str],
    copies: Sequence[Group] = (),
) -> list[SubunitPrecision]:
    """Spread of each subunit over the members of a cluster, not superposed, identical copies
    assigned best.

    Parameters
    ----------
    models
        (m, n, 3) Å, in one frame.
    late
        (m,) bool: of the second half of the run.
    subunit
        (n,) index in ``names``; subunits without residues are left out.
    """
    center = models[cluster.center]
    own = [(name, np.flatnonzero(subunit == i)) for i, name in enumerate(names)]
    own = [(name, residues) for name, residues in own if len(residues)]
    deviations = np.empty((len(own), len(cluster.members)))
    places = np.empty((len(own), len(cluster.members), 3))
    for start in range(0, len(cluster.members), _BLOCK):
        block = slice(start, start + _BLOCK)
        members = models[cluster.members[block]]
        if copies:
            order = match(members, center, copies)
            members = np.take_along_axis(members, order[:, :, None], axis=1)
        for i, (_, residues) in enumerate(own):
            placed = members[:, residues]
            deviations[i, block] = rmsd80(squared_deviations(placed, center[residues]))
            places[i, block] = placed.mean(axis=1)
    second = late[cluster.members]
    both = second.any() and not second.all()
    found = []
    for (name, _), deviation, place in zip(own, deviations, places, strict=True):
        spread = float(deviation[1:].mean()) if len(deviation) > 1 else 0.0
        shift = place[second].mean(axis=0) - place[~second].mean(axis=0) if both else None
        found.append(
            SubunitPrecision(name, spread, None if shift is None else float(np.linalg.norm(shift)))
        )
    return found


def apart(
    models: np.ndarray, center: np.ndarray, subunit: np.ndarray, copies: Sequence[Group] = ()
) -> np.ndarray:
    """(m, subunits) Å: rmsd(80) of each subunit of models (m, n, 3) to a model (n, 3), identical
    copies assigned best; those without residues are left out."""
    order = match(models, center, copies) if copies else None
    placed = models if order is None else np.take_along_axis(models, order[:, :, None], axis=1)
    names = np.unique(subunit)
    found = np.empty((len(models), len(names)))
    for column, i in enumerate(names):
        own = subunit == i
        found[:, column] = rmsd80(squared_deviations(placed[:, own], center[own]))
    return found


def called(system: System, body: int) -> str:
    """A rigid body by its molecules, with the residues where it is not the only one of it."""
    finest, names = system.finest, system.subunits()
    held = np.unique(finest.molecule[finest.body == body])
    text = ", ".join(names[m] for m in held)
    of_molecule = np.unique(finest.body[np.isin(finest.molecule, held)])
    if len(held) == 1 and system.bodies.rotatable[of_molecule].sum() > 1:
        own = finest.body == body
        text += f" {finest.first[own].min()}-{finest.last[own].max()}"
    return text

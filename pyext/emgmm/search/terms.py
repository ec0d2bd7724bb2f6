"""Terms of cross-links and sequence between rigid bodies alone, for the global search.

The search knows no flexible beads. A link to a bead counts where the bead belongs: at the residue
next in sequence that a placed body holds. A chain of beads between two bodies becomes one bond as
long as the chain can be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import _core
from ..representation.system import Particles, Spheres, System
from ..scoring.crosslinks import Contributions, CrossLinks
from ..scoring.terms import TermSpec


def placement_terms(
    system: System, placed: np.ndarray, crosslinks: Sequence[CrossLinks] = ()
) -> list[TermSpec]:
    """Terms over the placed bodies alone, in their order: connectivity, then cross-links.

    Parameters
    ----------
    placed
        (n,) bodies that the search places, ascending.
    """
    terms = [TermSpec(term, 1.0) for term in _chains(system, placed)]
    for links in crosslinks:
        beads = system.particles[links.resolution]
        anchor = _anchors(beads, placed)
        first, second = anchor[links.first], anchor[links.second]
        # A link one of whose readings is of no placed body says nothing certain.
        unknown = np.bincount(links.link, weights=(first < 0) | (second < 0), minlength=len(links))
        kept = unknown[links.link] == 0
        if not kept.any():
            continue
        _, number = np.unique(links.link[kept], return_inverse=True)
        first, second = first[kept], second[kept]
        term = _core.crosslink_term(
            len(placed),
            Contributions(
                number.astype(np.int64),
                _ends(beads, placed, first),
                _ends(beads, placed, second),
                first == second,
            ),
            links.length,
            links.slope,
            links.sigma,
            links.psi,
            f"crosslinks_{links.label}",
        )
        terms.append(TermSpec(term, links.weight))
    return terms


def placement_clashes(system: System, placed: np.ndarray, residues: int = 1) -> list[_core.Term]:
    """Excluded volume of the placed bodies alone, in their order, with spheres smaller than those
    of the score (the core's ``CLASH_RADIUS``) and of so many residues at least; nothing where the
    system has none."""
    volume = system.excluded_volume
    if volume is None or not volume.kappa > 0:
        return []
    beads = system.nearest(max(volume.resolution, residues))
    own = np.flatnonzero(np.isin(beads.body, placed))
    if len(own) == 0:
        return []
    spheres = _ends(beads, placed, own)
    smaller = spheres._replace(radius=_core.CLASH_RADIUS * spheres.radius)
    return [_core.excluded_volume_term(len(placed), smaller, volume.kappa)]


def _anchors(beads: Particles, placed: np.ndarray) -> np.ndarray:
    """(n,) the particle of a placed body that stands for each particle, -1 for none."""
    middle = (beads.first + beads.last) / 2
    return np.array(
        _core.anchors(_numbers(beads, placed).tolist(), beads.molecule.tolist(), middle.tolist()),
        dtype=np.int64,
    )


def _numbers(beads: Particles, placed: np.ndarray) -> np.ndarray:
    """(n,) number of the placed body that holds each particle, -1 for none."""
    return np.where(np.isin(beads.body, placed), np.searchsorted(placed, beads.body), -1)


def _ends(beads: Particles, placed: np.ndarray, index: np.ndarray) -> Spheres:
    spheres = beads.spheres(index)
    return spheres._replace(body=np.searchsorted(placed, spheres.body).astype(np.int64))


def _chains(system: System, placed: np.ndarray) -> list[_core.Term]:
    """Bonds between placed bodies; one term for each number of bonds that a chain is made of."""
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    chains = _core.chains_between_bodies(
        _numbers(beads, placed).tolist(),
        beads.radius.tolist(),
        bonds.first.tolist(),
        bonds.second.tolist(),
        bonds.threshold.tolist(),
    )
    first, second, slack, count = (np.array(column) for column in chains)
    terms = []
    for n in np.unique(count):
        own = count == n
        terms.append(
            _core.connectivity_term(
                len(placed),
                _ends(beads, placed, first[own]),
                _ends(beads, placed, second[own]),
                slack[own],
                bonds.force_constant / n,
            )
        )
    return terms

"""What cross-links and the sequence say of rigid bodies alone, for the global search.

The search knows no flexible beads. A link to a bead counts where the bead belongs: at the residue
next in sequence that a placed body holds. A chain of beads between two bodies becomes one bond as
long as the chain can be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from .. import _core
from ..representation.system import Particles, Spheres, System
from ..scoring.crosslinks import Contributions, CrossLinks
from ..scoring.terms import TermSpec

# Of the beads' own. Beads of ten residues overlap in native structures, by 58 kT in 1BD2, and a
# wrong turn scored better for that; smaller by a fifth they cost 13 kT, 1 after minimising.
CLASH_RADIUS = 0.8


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
    of the score (`CLASH_RADIUS`) and of so many residues at least; nothing where the system has
    none."""
    volume = system.excluded_volume
    if volume is None or not volume.kappa > 0:
        return []
    beads = system.nearest(max(volume.resolution, residues))
    own = np.flatnonzero(np.isin(beads.body, placed))
    if len(own) == 0:
        return []
    spheres = _ends(beads, placed, own)
    smaller = spheres._replace(radius=CLASH_RADIUS * spheres.radius)
    return [_core.excluded_volume_term(len(placed), smaller, volume.kappa)]


def _anchors(beads: Particles, placed: np.ndarray) -> np.ndarray:
    """(n,) the particle of a placed body that stands for each particle: itself, or the nearest in
    its molecule's sequence; -1 where the molecule has none."""
    anchor = np.full(len(beads), -1)
    solid = np.isin(beads.body, placed)
    middle = (beads.first + beads.last) / 2
    for molecule in np.unique(beads.molecule):
        own = np.flatnonzero(beads.molecule == molecule)
        known = own[solid[own]]
        if len(known):
            nearest = np.abs(middle[own, None] - middle[None, known]).argmin(axis=1)
            anchor[own] = known[nearest]
    return anchor


def _ends(beads: Particles, placed: np.ndarray, index: np.ndarray) -> Spheres:
    spheres = beads.spheres(index)
    return spheres._replace(body=np.searchsorted(placed, spheres.body).astype(np.int64))


def _chains(system: System, placed: np.ndarray) -> list[_core.Term]:
    """Bonds between placed bodies; one term for each number of bonds that a chain is made of.

    n springs of constant k that are slack up to t_i, with beads of radius r between them, pull
    together like one spring of k / n that is slack up to the sum of t_i and 2 r.
    """
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    body, radius = beads.body, beads.radius
    found = defaultdict(list)  # by number of bonds: (first, second, slack)
    start, slack, count = -1, 0.0, 0
    previous = -1
    for i, j, threshold in zip(
        bonds.first.tolist(), bonds.second.tolist(), bonds.threshold.tolist(), strict=True
    ):
        if i != previous:  # another chain begins
            start = -1
        previous = j
        if body[i] in placed:
            start, slack, count = i, 0.0, 0
        elif start >= 0:
            slack += 2 * radius[i]
        slack += threshold
        count += 1
        if start >= 0 and body[j] in placed and body[j] != body[start]:
            found[count].append((start, j, slack))
    terms = []
    for count, chains in sorted(found.items()):
        first, second, slack_of = (np.array(column) for column in zip(*chains, strict=True))
        terms.append(
            _core.connectivity_term(
                len(placed),
                _ends(beads, placed, first),
                _ends(beads, placed, second),
                np.asarray(slack_of, dtype=np.float64),
                bonds.force_constant / count,
            )
        )
    return terms

"""Identical copies: which copy of a model stands where a copy of another one does.

The assignment is the one of least rmsd. A sum of squares splits over the copies, so that it is a
linear assignment problem for each group of copies and is solved exactly, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..representation.system import Particles, System

_BY_SUBSETS = 8  # copies that are assigned for all models at once; more go model by model

# A group: rows of indices into the residues of a model, one row a copy, (copies, residues).
Group = np.ndarray


def groups_of_copies(system: System, particles: Particles) -> list[Group]:
    """Interchangeable molecules: rows of indices of the particles.

    Copies that are not represented alike cannot take each other's place and are left out.
    """
    groups = []
    for members in system.copies():
        rows: dict[tuple, list[np.ndarray]] = {}
        for molecule in members:
            own = np.flatnonzero(particles.molecule == molecule)
            layout = (tuple(particles.first[own]), tuple(particles.last[own]))
            rows.setdefault(layout, []).append(own)
        groups += [np.array(alike) for alike in rows.values() if len(alike) > 1]
    return groups


def match(models: np.ndarray, center: np.ndarray, groups: Sequence[Group]) -> np.ndarray:
    """The assignment of copies that brings each model closest to ``center``.

    Parameters
    ----------
    models
        (m, n, 3) Å.
    center
        (n, 3) Å; residues with NaN are not compared.
    groups
        Interchangeable copies.

    Returns
    -------
    array
        (m, n) indices: ``models[i][order[i]]`` is model i with its copies renamed.
    """
    order = np.tile(np.arange(models.shape[1]), (len(models), 1))
    for group in groups:
        placed = CopiesOfModels(models, group).assign(center)
        order[:, group] = group[placed]
    return order


class CopiesOfModels:
    """One group of copies in many models, laid out to be compared with one model after another."""

    def __init__(self, models: np.ndarray, group: Group) -> None:
        self.group = group
        shape = len(models), len(group), -1
        # About their own mean the coordinates are small: single precision is exact enough.
        self._middle = models[:, group].mean(axis=(0, 1, 2)) if len(models) else np.zeros(3)
        self._copies = (models[:, group] - self._middle).reshape(shape)
        self._squares = np.einsum("mcr,mcr->mc", self._copies, self._copies)

    def costs(self, center: np.ndarray) -> np.ndarray:
        """(m, copies, copies): summed squared deviation, Å², of copy b at the place of a."""
        target = (center[self.group] - self._middle).reshape(len(self.group), -1)
        known = np.isfinite(target)
        target = np.where(known, target, 0.0).astype(self._copies.dtype)
        # |x - c|² = |x|² - 2 x·c + |c|², over the residues that the place knows.
        if known.all():
            squares = self._squares[:, :, None]
        else:
            squares = (self._copies**2) @ known.T.astype(self._copies.dtype)
        flat = self._copies.reshape(-1, target.shape[1])  # one product of matrices, not many
        products = (flat @ target.T).reshape(*self._copies.shape[:2], -1)
        costs = squares - 2 * products + (target * target).sum(axis=1)
        return costs.transpose(0, 2, 1).astype(float)

    def assign(self, center: np.ndarray) -> np.ndarray:
        """(m, copies): the copy that goes to each place of ``center``."""
        return _assign(self.costs(center))


def _assign(costs: np.ndarray) -> np.ndarray:
    """Copy that goes to each place, for each model: (m, copies)."""
    nearest = costs.argmin(axis=2)
    clear = (np.sort(nearest, axis=1) == np.arange(costs.shape[1])).all(axis=1)
    hard = np.flatnonzero(~clear)  # where two places want the same copy
    if len(hard):
        if costs.shape[1] <= _BY_SUBSETS:
            nearest[hard] = least_assignments(costs[hard])
        else:
            nearest[hard] = [least_assignment(cost) for cost in costs[hard]]
    return nearest


def least_assignments(costs: np.ndarray) -> np.ndarray:
    """`least_assignment` of many small matrices (m, n, n) at once: (m, n).

    Places are filled in order; for every set of copies used so far only the cheapest way counts
    (Held and Karp 1962). 2ⁿ sets, so for small n.
    """
    count, n, _ = costs.shape
    best = np.full((1 << n, count), np.inf)
    best[0] = 0.0
    last = np.zeros((1 << n, count), dtype=np.int8)
    for used in range((1 << n) - 1):
        place = used.bit_count()
        for copy in range(n):
            if used >> copy & 1:
                continue
            total = best[used] + costs[:, place, copy]
            after = used | 1 << copy
            better = total < best[after]
            best[after][better] = total[better]
            last[after][better] = copy
    result = np.empty((count, n), dtype=int)
    used = np.full(count, (1 << n) - 1)
    for place in reversed(range(n)):
        result[:, place] = last[used, np.arange(count)]
        used &= ~(1 << result[:, place])
    return result


def least_assignment(cost: np.ndarray) -> np.ndarray:
    """Column of each row, each used once, with the least sum of ``cost`` (n, n).

    The Hungarian method with shortest augmenting paths (Jonker and Volgenant 1987), O(n³).
    """
    n = len(cost)
    row_price, column_price = np.zeros(n + 1), np.zeros(n + 1)
    row_of = np.full(n + 1, n)  # row of each column; column n is where a search starts
    for row in range(n):
        row_of[n] = row
        shortest = np.full(n + 1, np.inf)
        before = np.full(n + 1, n)
        done = np.zeros(n + 1, dtype=bool)
        column = n
        while row_of[column] != n:
            done[column] = True
            here = row_of[column]
            reduced = cost[here] - row_price[here] - column_price[:n]
            better = ~done[:n] & (reduced < shortest[:n])
            shortest[:n][better] = reduced[better]
            before[:n][better] = column
            step_to = int(np.argmin(np.where(done[:n], np.inf, shortest[:n])))
            step = shortest[step_to]
            row_price[row_of[done]] += step
            column_price[done] -= step
            shortest[:n][~done[:n]] -= step
            column = step_to
        while column != n:
            row_of[column] = row_of[before[column]]
            column = before[column]
    result = np.empty(n, dtype=int)
    result[row_of[:n]] = np.arange(n)
    return result

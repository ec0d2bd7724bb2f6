"""Identical copies: which copy of a model stands where a copy of another one does.

The assignment is the one of least rmsd. A sum of squares splits over the copies, so that it is a
linear assignment problem for each group of copies and is solved exactly, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations

import numpy as np

_ALL_PERMUTATIONS = 6  # copies; 720 permutations are tried at once, more go one model at a time

# A group: rows of indices into the residues of a model, one row a copy, (copies, residues).
Group = np.ndarray


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
        placed = _assign(copy_costs(models, center, group))
        order[:, group] = group[placed]
    return order


def copy_costs(models: np.ndarray, center: np.ndarray, group: Group) -> np.ndarray:
    """(m, copies, copies): summed squared deviation, Å², of copy b of a model at the place of a."""
    target = center[group]  # (copies, residues, 3)
    known = np.isfinite(target).all(axis=2)
    copies = models[:, group]  # (m, copies, residues, 3)
    costs = np.empty((len(models), len(group), len(group)))
    for place, (wanted, seen) in enumerate(zip(target, known, strict=True)):
        difference = copies[:, :, seen] - wanted[seen]
        costs[:, place] = np.einsum("mcri,mcri->mc", difference, difference)
    return costs


def _assign(costs: np.ndarray) -> np.ndarray:
    """For each model and place the copy that goes there: (m, copies)."""
    size = costs.shape[1]
    if size <= _ALL_PERMUTATIONS:
        table = _permutations(size)
        totals = costs[:, np.arange(size), table].sum(axis=2)
        return table[totals.argmin(axis=1)]
    return np.array([least_assignment(cost) for cost in costs])


@cache
def _permutations(size: int) -> np.ndarray:
    return np.array(list(permutations(range(size))))


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

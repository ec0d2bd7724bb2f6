"""Greedy clustering in order of score, as in the paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .copies import CopiesOfModels, Group
from .deviations import KEPT, rmsd80, squared_deviations

_BLOCK = 64  # models compared at once, to stay in the processor's cache


@dataclass(frozen=True)
class Cluster:
    """Models that resemble the best one among them.

    Attributes
    ----------
    members
        (k,) indices of models, best score first; the first one is the centre.
    deviations
        (k,) rmsd(80) of the members to the centre, Å; 0 for the centre.
    """

    members: np.ndarray
    deviations: np.ndarray

    @property
    def center(self) -> int:
        return int(self.members[0])

    @property
    def precision(self) -> float:
        """Mean rmsd(80), Å, of the other members to the centre; 0 for a cluster of one."""
        return float(self.deviations[1:].mean()) if len(self.members) > 1 else 0.0


def distances(models: np.ndarray, center: np.ndarray, copies: Sequence[Group] = ()) -> np.ndarray:
    """rmsd(80), Å, of models (m, n, 3) to a model (n, 3), identical copies assigned best."""
    return _Models(models, copies).near(center, np.arange(len(models)), np.inf)


class _Models:
    """Models that are compared with one of them after another."""

    def __init__(self, models: np.ndarray, copies: Sequence[Group]) -> None:
        n = models.shape[1]
        self._models = models
        self._copies = [CopiesOfModels(models, group) for group in copies]
        self._kept = math.ceil(KEPT * n)
        # A third of the residues, to reject far pairs by: of any 80 % of all residues it holds
        # at least its own number less the 20 %, and the smallest of it bound the sum from below.
        self._some = np.arange(0, n, 3)
        self._sure = len(self._some) - (n - self._kept)
        self._thinned = np.ascontiguousarray(models[:, self._some])

    def near(self, center: np.ndarray, chosen: np.ndarray, cutoff: float) -> np.ndarray:
        """rmsd(80), Å, of the chosen models; infinity where it is surely not below the cutoff."""
        placed = [c.assign(center)[chosen] for c in self._copies]
        result = np.full(len(chosen), np.inf)
        for start in range(0, len(chosen), _BLOCK):
            block = np.arange(start, min(start + _BLOCK, len(chosen)))
            if self._sure > 0 and np.isfinite(cutoff):
                block = block[self._bound(center, chosen, placed, block) < cutoff]
            if len(block):
                models = self._models[chosen[block]]
                if self._copies:
                    order = self._order(placed, block)
                    models = np.take_along_axis(models, order[:, :, None], axis=1)
                result[block] = rmsd80(squared_deviations(models, center))
        return result

    def _bound(
        self, center: np.ndarray, chosen: np.ndarray, placed: list[np.ndarray], block: np.ndarray
    ) -> np.ndarray:
        """Lower bounds of rmsd(80), Å."""
        if self._copies:
            order = self._order(placed, block)[:, self._some]
            models = self._models[chosen[block][:, None], order]
        else:
            models = self._thinned[chosen[block]]
        squared = squared_deviations(models, center[self._some])
        least = np.partition(squared, self._sure - 1, axis=1)[:, : self._sure]
        # Rounding must not reject what lies on the edge.
        return np.sqrt(least.sum(axis=1, dtype=float) / self._kept) * (1 - 1e-5)

    def _order(self, placed: list[np.ndarray], block: np.ndarray) -> np.ndarray:
        """(block, n) residues of the models, copies renamed."""
        order = np.tile(np.arange(self._models.shape[1]), (len(block), 1))
        for copies, place in zip(self._copies, placed, strict=True):
            order[:, copies.group] = copies.group[place[block]]
        return order


def cluster(models: np.ndarray, cutoff: float = 5.0, copies: Sequence[Group] = ()) -> list[Cluster]:
    """Cluster models that come in order of score, best first.

    The best model that has no cluster yet starts one; all models without a cluster whose rmsd(80)
    to it is below the cutoff join. Clusters come in order of the score of their centres.

    Parameters
    ----------
    models
        (m, n, 3) Å, in one frame; float32 is precise enough and faster.
    cutoff
        Å.
    copies
        Interchangeable molecules.
    """
    left = np.arange(len(models))
    compared = _Models(models, copies)
    clusters = []
    while len(left):
        deviation = compared.near(models[left[0]], left, cutoff)
        deviation[0] = 0.0
        near = deviation < cutoff
        near[0] = True
        clusters.append(Cluster(left[near], deviation[near]))
        left = left[~near]
    return clusters


def entropy(populations: Sequence[float] | np.ndarray) -> float:
    """Shannon entropy of cluster populations (eq. 14), in nats: 0 when there is one cluster."""
    share = np.asarray(populations, dtype=float)
    share = share[share > 0] / share.sum()
    return float(-(share * np.log(share)).sum()) + 0.0

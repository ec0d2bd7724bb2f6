"""Greedy clustering in order of score, as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .copies import Group, match
from .deviations import rmsd80, squared_deviations

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
    result = np.empty(len(models))
    for start in range(0, len(models), _BLOCK):
        block = models[start : start + _BLOCK]
        if copies:
            order = match(block, center, copies)
            block = np.take_along_axis(block, order[:, :, None], axis=1)
        result[start : start + _BLOCK] = rmsd80(squared_deviations(block, center))
    return result


def cluster(models: np.ndarray, cutoff: float = 5.0, copies: Sequence[Group] = ()) -> list[Cluster]:
    """Cluster models that come in order of score, best first.

    The best model that has no cluster yet starts one; all models without a cluster whose rmsd(80)
    to it is below the cutoff join. Clusters come in order of the score of their centres.

    Parameters
    ----------
    models
        (m, n, 3) Å, in one frame.
    cutoff
        Å.
    copies
        Interchangeable molecules.
    """
    left = np.arange(len(models))
    clusters = []
    while len(left):
        deviation = distances(models[left], models[left[0]], copies)
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

"""Distances between models in one frame: nothing is superposed, the map fixes the frame."""

from __future__ import annotations

import math

import numpy as np

KEPT = 0.8  # share of the residues that rmsd(80) counts
NEAR = 10.0  # Å, of p(10)


def squared_deviations(models: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Squared distances (..., n), Å², of models (..., n, 3) to a model (n, 3)."""
    difference = models - center
    difference *= difference
    return difference[..., 0] + difference[..., 1] + difference[..., 2]


def rmsd(squared: np.ndarray) -> np.ndarray:
    """Root mean square deviation (...), Å, of squared deviations (..., n)."""
    return np.sqrt(squared.mean(axis=-1))


def rmsd80(squared: np.ndarray) -> np.ndarray:
    """The same over the 80 % smallest deviations (rounded up to whole residues), Å."""
    kept = math.ceil(KEPT * squared.shape[-1])
    smallest = np.partition(squared, kept - 1, axis=-1)[..., :kept]
    return np.sqrt(smallest.mean(axis=-1))


def share_within(squared: np.ndarray, distance: float = NEAR) -> np.ndarray:
    """Share (...) of the residues within ``distance`` Å: p(10)."""
    return (squared <= distance * distance).mean(axis=-1)

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


def superpose(moving: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (..., 3, 3) and translation (..., 3) Å that take ``moving`` (n, 3) closest to
    ``target`` (..., n, 3) in the least-squares sense (Kabsch 1976), without reflection."""
    from_center, to_center = moving.mean(axis=-2), target.mean(axis=-2)
    correlation = np.einsum(
        "...ni,nj->...ij", target - to_center[..., None, :], moving - from_center
    )
    u, _, vt = np.linalg.svd(correlation)
    u[..., :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None]
    rotation = u @ vt
    return rotation, to_center - rotation @ from_center


def rotation_angle(rotation: np.ndarray) -> np.ndarray:
    """Angle (...), degrees from 0 to 180, of rotations (..., 3, 3)."""
    # From sine and cosine: the arc cosine alone loses small angles to rounding.
    r = rotation
    axis = np.stack(
        [
            r[..., 2, 1] - r[..., 1, 2],
            r[..., 0, 2] - r[..., 2, 0],
            r[..., 1, 0] - r[..., 0, 1],
        ],
        axis=-1,
    )
    sine = np.linalg.norm(axis, axis=-1)
    cosine = np.trace(r, axis1=-2, axis2=-1) - 1
    return np.degrees(np.arctan2(sine, cosine))

"""A Gaussian mixture as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixture:
    """Gaussian mixture: the map, or the model of a body.

    Attributes
    ----------
    means
        (n, 3) float64, Å.
    covariances
        (n, 3, 3) float64, Å², symmetric positive definite.
    weights
        (n,) float64, positive; they sum to the mass of what the mixture stands for
        (Da, or the map's own units).

    Raises
    ------
    ValueError
        Shapes that do not agree, a value that is not finite, a weight that is not positive,
        or a covariance that is not positive definite; the message names the component.
    """

    means: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        means = np.ascontiguousarray(self.means, dtype=np.float64)
        covariances = np.ascontiguousarray(self.covariances, dtype=np.float64)
        weights = np.ascontiguousarray(self.weights, dtype=np.float64)
        n = len(weights)
        if means.shape != (n, 3) or covariances.shape != (n, 3, 3) or weights.shape != (n,):
            raise ValueError(
                f"a mixture needs means (n, 3), covariances (n, 3, 3) and weights (n,), got "
                f"{means.shape}, {covariances.shape}, {weights.shape}"
            )
        for name, array in (("mean", means), ("covariance", covariances), ("weight", weights)):
            bad = ~np.isfinite(array.reshape(n, -1)).all(axis=1)
            if bad.any():
                raise ValueError(f"{name} of component {int(np.argmax(bad))} is not finite")
        bad = ~(weights > 0)
        if bad.any():
            k = int(np.argmax(bad))
            raise ValueError(f"weight of component {k} is {weights[k]:g}, must be positive")
        if n:
            covariances = 0.5 * (covariances + covariances.transpose(0, 2, 1))
            eigenvalues = np.linalg.eigvalsh(covariances)
            # 1e-12 relative: below that the inverse has no correct digit left.
            bad = ~(eigenvalues[:, 0] > 1e-12 * np.abs(eigenvalues[:, 2]))
            if bad.any():
                k = int(np.argmax(bad))
                raise ValueError(
                    f"covariance of component {k} is not positive definite "
                    f"(smallest eigenvalue {eigenvalues[k, 0]:g} Å²)"
                )
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "covariances", covariances)
        object.__setattr__(self, "weights", weights)

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def mass(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @property
    def center(self) -> np.ndarray:
        """(3,) weighted mean of the components, Å."""
        return self.weights @ self.means / self.mass

    def transformed(self, rotation: np.ndarray, translation: np.ndarray) -> Mixture:
        """The mixture rotated by the matrix (3, 3), then translated by (3,) Å."""
        rotation = np.asarray(rotation, dtype=np.float64)
        return Mixture(
            self.means @ rotation.T + np.asarray(translation, dtype=np.float64),
            rotation @ self.covariances @ rotation.T,
            self.weights,
        )

    def scaled_to(self, mass: float) -> Mixture:
        """The mixture with weights multiplied so that they sum to ``mass``."""
        return Mixture(self.means, self.covariances, self.weights * (mass / self.mass))

    @staticmethod
    def concatenated(mixtures: Sequence[Mixture]) -> Mixture:
        """The union of the components of several mixtures."""
        return Mixture(
            np.concatenate([m.means for m in mixtures]),
            np.concatenate([m.covariances for m in mixtures]),
            np.concatenate([m.weights for m in mixtures]),
        )

"""A Gaussian mixture as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .poses import to_matrices

_ASYMMETRY = 1e-6  # of the largest entry: more is a wrong matrix, not rounding
# Relative: below, the inverse has no correct digit left.
_SMALLEST_EIGENVALUE = 1e-12


# σ of a point at a resolution, in units of it; 1 / (π √2) as in ChimeraX's molmap: the Fourier
# transform falls to 1/e at the wave number 1 / resolution (doc/method.md, eq. i).
SIGMA_PER_RESOLUTION = 0.225


def blur_variance(resolution: float) -> float:
    """Variance (Å²) along an axis of a point in a map of this resolution (Å)."""
    return (SIGMA_PER_RESOLUTION * resolution) ** 2


class ComponentError(ValueError):
    """A component that is no Gaussian.

    Attributes
    ----------
    component
        Its index, from 0.
    quantity
        "mean", "covariance" or "weight".
    found, expected
        What it is and what it should be.
    """

    def __init__(self, component: int, quantity: str, found: str, expected: str) -> None:
        self.component = component
        self.quantity = quantity
        self.found = found
        self.expected = expected
        super().__init__(f"{quantity} of component {component} is {found}, must be {expected}")


@dataclass(frozen=True, repr=False)
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
        ComponentError
            A value that is not finite, a weight that is not positive, or a covariance that is not
            symmetric or not positive definite; the message names the component.
        ValueError
            Shapes that do not agree.

        Examples
        --------
        >>> import emgmm
        >>> import numpy as np

    from .poses import to_matrices
        >>> emgmm.Mixture(np.zeros((1, 3)), 4.0 * np.eye(3)[None], np.array([110.0]))
        Mixture of 1 Gaussian, 0.1 kDa
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
        _refuse_bad_components(means, covariances, weights)
        covariances = 0.5 * (covariances + covariances.transpose(0, 2, 1))
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "covariances", covariances)
        object.__setattr__(self, "weights", weights)

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, kept: np.ndarray | slice) -> Mixture:
        """The components that an array of indices or bools, or a slice, picks."""
        return Mixture(self.means[kept], self.covariances[kept], self.weights[kept])

    def __repr__(self) -> str:
        plural = "" if len(self) == 1 else "s"
        return f"Mixture of {len(self)} Gaussian{plural}, {self.mass / 1000:.1f} kDa"

    @property
    def mass(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @property
    def center(self) -> np.ndarray:
        """(3,) weighted mean of the components, Å."""
        return self.weights @ self.means / self.mass

    def moved(self, pose: np.ndarray) -> Mixture:
        """The mixture turned and shifted by a pose (7,): quaternion w x y z, translation in Å."""
        rotation, translation = to_matrices(np.asarray(pose, dtype=np.float64))
        return Mixture(
            self.means @ rotation.T + translation,
            rotation @ self.covariances @ rotation.T,
            self.weights,
        )

    def shifted(self, translation: np.ndarray) -> Mixture:
        """The mixture shifted by (3,) Å."""
        return Mixture(self.means + np.asarray(translation), self.covariances, self.weights)

    def scaled_to(self, mass: float) -> Mixture:
        """The mixture with weights multiplied so that they sum to ``mass``."""
        return Mixture(self.means, self.covariances, self.weights * (mass / self.mass))

    def blurred(self, resolution: float) -> Mixture:
        """The mixture as a map of this resolution (Å) shows it (`blur_variance`).

        Raises
        ------
        ValueError
            A resolution that is not positive.
        """
        if not (resolution > 0 and np.isfinite(resolution)):
            raise ValueError(f"resolution must be positive, got {resolution}")
        spread = blur_variance(resolution) * np.eye(3)
        return Mixture(self.means, self.covariances + spread, self.weights)

    @staticmethod
    def concatenated(mixtures: Sequence[Mixture]) -> Mixture:
        """The union of the components of several mixtures."""
        return Mixture(
            np.concatenate([m.means for m in mixtures]),
            np.concatenate([m.covariances for m in mixtures]),
            np.concatenate([m.weights for m in mixtures]),
        )


def _refuse_bad_components(means: np.ndarray, covariances: np.ndarray, weights: np.ndarray) -> None:
    for name, array in (("mean", means), ("covariance", covariances), ("weight", weights)):
        _refuse_first(
            ~np.isfinite(array).all(axis=tuple(range(1, array.ndim))),
            name,
            lambda k, array=array: " ".join(f"{x:g}" for x in np.ravel(array[k])),
            "finite",
        )
    _refuse_first(weights <= 0, "weight", lambda k: f"{weights[k]:g}", "positive")
    # Scaled, so that no finite matrix overflows in the eigenvalue routine.
    scale = np.abs(covariances).max(axis=(1, 2), initial=0)
    scaled = covariances / np.where(scale > 0, scale, 1)[:, None, None]
    asymmetry = np.abs(scaled - scaled.transpose(0, 2, 1)).max(axis=(1, 2), initial=0)
    _refuse_first(
        asymmetry > _ASYMMETRY,
        "covariance",
        lambda k: f"not symmetric (by {asymmetry[k] * scale[k]:g} Å²)",
        "symmetric",
    )
    eigenvalues = np.linalg.eigvalsh(0.5 * (scaled + scaled.transpose(0, 2, 1)))
    _refuse_first(
        ~(eigenvalues[:, 0] > _SMALLEST_EIGENVALUE * eigenvalues[:, 2]),
        "covariance",
        lambda k: "singular or negative (eigenvalues {:.3g}, {:.3g}, {:.3g} Å²)".format(
            *(eigenvalues[k] * scale[k])
        ),
        "positive definite",
    )


def _refuse_first(
    bad: np.ndarray, quantity: str, found: Callable[[int], str], expected: str
) -> None:
    if bad.any():
        k = int(np.argmax(bad))
        others = np.count_nonzero(bad) - 1
        more = f", like {others} more" if others else ""
        raise ComponentError(k, quantity, found(k) + more, expected)

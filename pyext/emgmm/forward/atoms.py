"""One Gaussian an atom, from electron scattering factors: for maps that show side chains."""

from __future__ import annotations

import gemmi
import numpy as np

from ..io.structures import Structure
from ..mixture import Mixture

# Scattering factors of neutral atoms as one Gaussian, f(s) = A exp(-B s²): A in Å, B in Å². The
# values of EMMI (Bonomi, Pellarin, Vendruscolo, Biophys. J. 114 (2018) 1604).
SINGLE_GAUSSIAN = {
    "C": (2.49982, 15.146),
    "N": (2.20402, 11.1116),
    "O": (1.97692, 8.59722),
    "S": (5.14099, 15.8952),
}


def atom_gaussians(structure: Structure, resolution: float, mass: float | None = None) -> Mixture:
    """EMMI's forward model: the density of the heavy atoms at a resolution.

    An atom with f(s) = A exp(-B s²) is a Gaussian of weight A, times its occupancy, and of variance
    B / 2π² in real space. All atoms are blurred alike, so that the mean of B becomes resolution²:
    the Fourier transform of the density falls to 1/e at the wave number 1 / resolution. Where the
    mean of B is above that already (3.6 Å for protein) nothing is added. B factors are not used.

    Elements that EMMI does not know (all but C, N, O, S) take A and B from the sum of five
    Gaussians of International Tables C, 4.3.2.2: A = Σ a, B = Σ a b / A.

    Parameters
    ----------
    resolution
        Å.
    mass
        Sum of the weights, Da; default the mass of the heavy atoms.

    Returns
    -------
    Mixture
        One component a heavy atom, in the order of the structure; Å, Å², Da.

    Raises
    ------
    ValueError
        A resolution that is not positive, no heavy atom, an element without scattering factor.
    """
    if not (resolution > 0 and np.isfinite(resolution)):
        raise ValueError(f"resolution must be positive, got {resolution}")
    heavy = structure.select((structure.element != "H") & (structure.element != "D"))
    if len(heavy) == 0:
        raise ValueError("the structure has no heavy atom")
    elements, kind = np.unique(heavy.element, return_inverse=True)
    a, b = np.array([_single_gaussian(str(element)) for element in elements])[kind].T
    blur = max(0.0, resolution**2 - b.mean())
    variance = (b + blur) / (2 * np.pi**2)
    mixture = Mixture(heavy.xyz, variance[:, None, None] * np.eye(3), a * heavy.occupancy)
    return mixture.scaled_to(heavy.atom_mass().sum() if mass is None else mass)


def _single_gaussian(element: str) -> tuple[float, float]:
    if element in SINGLE_GAUSSIAN:
        return SINGLE_GAUSSIAN[element]
    factor = gemmi.Element(element).c4322
    a = np.array(factor.a if factor else [0.0])
    if not a.sum() > 0:
        raise ValueError(f"element {element!r} has no electron scattering factor")
    return float(a.sum()), float(a @ np.array(factor.b) / a.sum())

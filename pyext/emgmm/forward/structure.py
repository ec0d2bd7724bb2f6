"""A structure as Gaussians: atoms, residues or beads, as they are or fitted with fewer."""

from __future__ import annotations

import gemmi
import numpy as np

from ..config.settings import DALTON_PER_COMPONENT
from ..fitting.map_fit import fit_points
from ..io.structures import Structure
from ..mixture import Mixture, blur_variance

UNITS = ("atom", "residue", "bead")
_B_FACTOR = 8 * np.pi**2  # B = 8 π² times the mean square displacement along an axis


def structure_mixture(
    structure: Structure,
    components: int | None = None,
    *,
    unit: str = "residue",
    residues_per_bead: int = 10,
    electrons: bool = False,
    b_factors: bool = False,
    resolution: float | None = None,
    seed: int = 0,
    threads: int = 0,
) -> Mixture:
    """Mixture of a structure, as the density of a rigid body in PMI's sense.

    Parameters
    ----------
    components
        Fit so many Gaussians to the units by EM; None: one Gaussian for each unit, with the
        covariance of its atoms.
    unit
        "atom", "residue", or "bead": ``residues_per_bead`` consecutive residues of a chain.
    electrons
        Weigh atoms by their electron scattering factors at zero angle (International Tables C,
        4.3.2.2) instead of their masses; the sum is scaled to the mass all the same.
    b_factors
        Spread each atom by its B factor / 8π², too; not by the confidence of a prediction.
    resolution
        Å: spread each atom by (0.225 resolution)², too.

    Returns
    -------
    Mixture
        Å, Å², Da. An atom's own variance is that of its scattering factor.

    Raises
    ------
    ValueError
        No such unit, no atom, an element without scattering factor, more components than units, a
        resolution or number that is not positive.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> emgmm.structure_mixture(structure, components=20)
    Mixture of 20 Gaussians, 83.7 kDa
    """
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, got {unit!r}")
    if residues_per_bead < 1:
        raise ValueError(f"residues_per_bead must be at least 1, got {residues_per_bead}")
    if resolution is not None and not (resolution > 0 and np.isfinite(resolution)):
        raise ValueError(f"resolution must be positive, got {resolution}")
    if not len(structure):
        raise ValueError("the structure has no atoms")
    amplitude, variance = scattering_atoms(structure, resolution, b_factors=b_factors)
    weight = (amplitude if electrons else structure.mass) * structure.occupancy
    mass = float(structure.atom_mass().sum())
    units = _unit_of(structure, unit, residues_per_bead)
    means, covariances, weights = _moments(structure.xyz, variance, weight, units)
    if components is None:
        return Mixture(means, covariances, weights).scaled_to(mass)
    spread = np.trace(covariances, axis1=1, axis2=2) / 3
    mixture = fit_points(
        means,
        weights,
        components,
        seed=seed,
        variance_floor=float(variance.min()),
        point_variance=spread,
        threads=threads,
    )
    return mixture.scaled_to(mass)


def chain_mixture(
    structure: Structure, dalton_per_component: float = DALTON_PER_COMPONENT, *, threads: int = 0
) -> Mixture:
    """Mixture of a structure, chain by chain: of each one component for so many Da of its atoms.

    Parameters
    ----------
    dalton_per_component
        Da, more than 0.

    Returns
    -------
    Mixture
        Å, Å², Da; no variance below 4 Å².

    Raises
    ------
    ValueError
        A chain whose atoms cannot be fitted.
    """
    parts = []
    for chain in dict.fromkeys(structure.chain.tolist()):
        own = structure.chain == chain
        mass = structure.atom_mass()[own]
        components = max(1, min(round(mass.sum() / dalton_per_component), int(own.sum())))
        parts.append(
            fit_points(structure.xyz[own], mass, components, variance_floor=4.0, threads=threads)
        )
    return Mixture.concatenated(parts)


def scattering_atoms(
    structure: Structure, resolution: float | None = None, *, b_factors: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Scattering factors (n,) Å and variances (n,) Å² of atoms, each a spherical Gaussian.

    The electron scattering factor is that at zero angle (Peng et al., Acta Cryst. A52 (1996) 257;
    International Tables C, 4.3.2.2). An atom's own variance is the mean of b / 8π² over the five
    Gaussians of its factor.

    Parameters
    ----------
    resolution
        Å: adds (0.225 resolution)².
    b_factors
        Adds the B factor / 8π² (not the confidence of a prediction).

    Raises
    ------
    ValueError
        An element without scattering factor.
    """
    amplitude, variance = _scattering(structure.element)
    if b_factors:
        variance = variance + structure.displacement()
    if resolution is not None:
        variance = variance + blur_variance(resolution)
    return amplitude, variance


def _scattering(elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    amplitude, variance = np.empty(len(elements)), np.empty(len(elements))
    for element in np.unique(elements):
        factor = gemmi.Element(str(element)).c4322
        a = np.array(factor.a if factor else [0.0])
        if not a.sum() > 0:
            raise ValueError(f"element {element!r} has no electron scattering factor")
        own = elements == element
        amplitude[own] = a.sum()
        variance[own] = a @ np.array(factor.b) / a.sum() / _B_FACTOR
    return amplitude, variance


def _unit_of(structure: Structure, unit: str, residues_per_bead: int) -> np.ndarray:
    """(n,) number of the unit of each atom, from 0, in the order of the file."""
    if unit == "atom":
        return np.arange(len(structure))
    _, first, residue = np.unique(structure.residue, return_index=True, return_inverse=True)
    if unit == "residue":
        return residue
    in_chain: dict[str, int] = {}
    units: dict[tuple[str, int], int] = {}
    bead = np.empty(len(first), dtype=np.int64)
    for i, chain in enumerate(structure.chain[first].tolist()):
        place = in_chain.get(chain, 0)
        in_chain[chain] = place + 1
        bead[i] = units.setdefault((chain, place // residues_per_bead), len(units))
    return bead[residue]


def _moments(
    xyz: np.ndarray, variance: np.ndarray, weight: np.ndarray, units: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    total = np.bincount(units, weight)
    mean = np.stack([np.bincount(units, weight * x) for x in xyz.T], axis=1) / total[:, None]
    offset = xyz - mean[units]
    covariance = np.empty((len(total), 3, 3))
    for i in range(3):
        for j in range(3):
            spread = offset[:, i] * offset[:, j] + (variance if i == j else 0.0)
            covariance[:, i, j] = np.bincount(units, weight * spread) / total
    return mean, covariance, total

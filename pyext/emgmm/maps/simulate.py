"""Density maps of structures, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..forward.structure import scattering_atoms
from ..io.maps import DensityMap
from ..io.structures import Structure
from ..mixture import SIGMA_PER_RESOLUTION, Mixture
from .rasterize import rasterize

MOLECULE = 0.1  # share of the greatest density above which a voxel counts as molecule


def atoms_as_mixture(
    structure: Structure, resolution: float, *, b_factors: bool = False
) -> Mixture:
    """One spherical Gaussian an atom, blurred to the resolution.

    The weight is the electron scattering factor (Å) times the occupancy; the formulas are those
    of `scattering_atoms`.

    Raises
    ------
    ValueError
        A resolution that is not positive, an element without scattering factor, no atoms.
    """
    if not (resolution > 0 and np.isfinite(resolution)):
        raise ValueError(f"resolution must be positive, got {resolution}")
    amplitude, variance = scattering_atoms(structure, resolution, b_factors=b_factors)
    weights = amplitude * structure.occupancy
    if not len(structure):
        raise ValueError("the structure has no atoms")
    return Mixture(structure.xyz, variance[:, None, None] * np.eye(3), weights)


@dataclass(frozen=True, eq=False)
class SimulatedMap:
    """A map and what it was made of.

    Attributes
    ----------
    density
        With the noise, if any.
    half_maps
        Two maps whose mean is ``density``, each with independent noise of twice its variance;
        None without noise.
    threshold
        `MOLECULE` times the greatest density before the noise.
    noise
        Standard deviation of the noise of ``density``.
    """

    density: DensityMap
    half_maps: tuple[DensityMap, DensityMap] | None
    threshold: float
    noise: float


def simulate(
    structure: Structure,
    resolution: float,
    *,
    voxel: float | None = None,
    snr: float | None = None,
    seed: int = 0,
    padding: float | None = None,
    b_factors: bool = False,
    grid: DensityMap | None = None,
    threads: int = 0,
) -> SimulatedMap:
    """Map of a structure, and half maps where there is noise.

    Parameters
    ----------
    resolution
        Å; see `SIGMA_PER_RESOLUTION`.
    voxel
        Å; default resolution / 4, at most 4 Å.
    snr
        Signal-to-noise ratio: variance of the density over the voxels of the molecule (above
        `MOLECULE` times the maximum) / variance of the noise over the box. The noise is Gaussian
        and limited to the same resolution as the signal (white noise under the same blur), with
        the box taken as periodic. None: no noise.
    seed
        Of the noise.
    padding
        Å between the outermost atoms and the faces of the box; default 3 σ of the blur + 2
        voxels.
    grid
        Frame to use instead of ``voxel`` and ``padding``.

    Raises
    ------
    ValueError
        A resolution, voxel or ratio that is not positive, a box of more than 2³¹ voxels.
    """
    mixture = atoms_as_mixture(structure, resolution, b_factors=b_factors)
    sigma = SIGMA_PER_RESOLUTION * resolution
    if grid is None:
        voxel = min(resolution / 4, 4.0) if voxel is None else voxel
        if not (voxel > 0 and np.isfinite(voxel)):
            raise ValueError(f"voxel must be positive, got {voxel}")
        margin = 3 * sigma + 2 * voxel if padding is None else padding
        # On whole multiples of the voxel, so that maps of one complex share grid points.
        first = np.floor((mixture.means.min(axis=0) - margin) / voxel)
        last = np.ceil((mixture.means.max(axis=0) + margin) / voxel)
        shape = (last - first + 1)[::-1]
        if not (shape >= 1).all() or shape.prod() > 2**31:
            raise ValueError(f"voxel of {voxel:g} Å makes a box of {shape[::-1]} voxels")
        empty = np.zeros(shape.astype(int), np.float32)
        grid = DensityMap(empty, np.full(3, voxel), first * voxel)
    clean = rasterize(mixture, grid, threads)
    threshold = MOLECULE * float(clean.values.max())
    if snr is None:
        return SimulatedMap(clean, None, threshold, 0.0)
    if not (snr > 0 and np.isfinite(snr)):
        raise ValueError(f"snr must be positive, got {snr}")
    signal = clean.values[clean.values > threshold].astype(np.float64)
    noise = float(np.sqrt(signal.var() / snr))
    random = np.random.default_rng(seed)
    halves = []
    for _ in range(2):
        field = band_limited_noise(random, clean, sigma)
        halves.append(clean.values + np.float32(np.sqrt(2) * noise) * field)
    maps = [DensityMap(v, clean.voxel, clean.origin) for v in (*halves, sum(halves) / 2)]
    return SimulatedMap(maps[2], (maps[0], maps[1]), threshold, noise)


def simulate_map(
    structure: Structure,
    resolution: float,
    voxel: float | None = None,
    snr: float | None = None,
    seed: int = 0,
    padding: float | None = None,
) -> DensityMap:
    """The map of `simulate` alone.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> density = emgmm.simulate_map(structure, resolution=10.0)
    >>> density.voxel
    array([2.5, 2.5, 2.5])
    """
    return simulate(structure, resolution, voxel=voxel, snr=snr, seed=seed, padding=padding).density


def band_limited_noise(random: np.random.Generator, grid: DensityMap, sigma: float) -> np.ndarray:
    """Gaussian noise (nz, ny, nx) float32 of variance 1, blurred by a Gaussian of σ Å."""
    shape = grid.values.shape
    transform = np.fft.rfftn(random.standard_normal(shape, dtype=np.float32))
    for axis, (n, h) in enumerate(zip(shape, grid.voxel[::-1], strict=True)):
        waves = np.fft.rfftfreq(n, h) if axis == 2 else np.fft.fftfreq(n, h)
        damping = np.exp(-2 * (np.pi * sigma * waves) ** 2)
        transform *= damping.reshape([-1 if a == axis else 1 for a in range(3)])
    field = np.fft.irfftn(transform, s=shape, axes=(0, 1, 2))
    deviation = field.std()
    # A box of one voxel has no noise of any wave length but the mean.
    return (field / deviation if deviation > 0 else field).astype(np.float32)

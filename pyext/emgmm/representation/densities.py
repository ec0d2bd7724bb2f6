"""Model GMM: which Gaussians stand for which body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import _core
from ..config.settings import ModelConfig
from ..io.gmm import read_gmm, write_gmm
from ..mixture import Mixture
from .chains import Domain, ResidueAtoms
from .system import Gaussians

_SEED = 0  # the fit is part of the model, not of a run


def sphere_variance(radius: np.ndarray | float) -> np.ndarray | float:
    """Å², along any axis of a uniform sphere of that radius (Å); doc/method.md, eq. h.

    PMI takes the radius itself for the variance of a flexible bead, which has the wrong unit.
    """
    return np.square(radius) / 5.0


def spherical(xyz: np.ndarray, radius: np.ndarray, mass: np.ndarray) -> Mixture:
    """One Gaussian a bead: (n, 3) Å, (n,) Å, (n,) Da."""
    variance = sphere_variance(np.asarray(radius, dtype=np.float64))
    return Mixture(xyz, variance[:, None, None] * np.eye(3), mass)


def blurred(gaussians: Gaussians, resolution: float | None) -> Gaussians:
    """The model as a map of this resolution (Å) shows it: (0.225 resolution)² more variance along
    every axis; as it is for None."""
    if resolution is None:
        return gaussians
    return Gaussians(gaussians.body, gaussians.mixture.blurred(resolution))


@dataclass(frozen=True)
class Part:
    """Atoms of one or several domains of a body, which one mixture is fitted to.

    ``mass`` (Da) is that of the residues, hydrogens included, and is what the mixture weighs;
    ``components`` is the number asked for; ``name`` that of the cached file.
    """

    name: str
    atoms: list[ResidueAtoms]
    mass: float
    components: int


def parts_of_body(
    name: str, domains: Sequence[tuple[Domain, float]], config: ModelConfig
) -> list[Part]:
    """Splits a body into the parts that get a mixture of their own.

    ``domains`` holds each structured domain with the mass of its residues (Da). A domain with
    ``em_residues_per_gaussian`` is a part with PMI's number of components, residues //
    em_residues_per_gaussian + 1; all others together are one part with one component per
    ``dalton_per_component``.
    """
    parts = []
    rest = []
    for domain, mass in domains:
        atoms = list(domain.structured.values())
        per_gaussian = domain.row.em_residues_per_gaussian
        if per_gaussian:
            components = len(atoms) // per_gaussian + 1
            parts.append(Part(domain.row.gmm_file.stem, atoms, mass, components))
        else:
            rest.append((atoms, mass))
    if rest:
        mass = sum(m for _, m in rest)
        components = max(1, round(mass / config.component_mass))
        atoms = [a for group, _ in rest for a in group]
        parts.insert(0, Part(name, atoms, mass, components))
    return parts


def fit_part(part: Part, config: ModelConfig, folder: Path | None) -> Mixture:
    """Mixture of a part, in the frame of the input structure.

    Residues are the points of the fit: each at the centre of mass of its atoms, with its mean
    spread about it. A file ``name.txt`` in ``folder`` is used instead where it fits the part
    (number of components, centre); otherwise the mixture is written there, unless a file of that
    name exists.
    """
    xyz, mass, spread = _points(part.atoms)
    components = min(part.components, len(xyz))
    path = folder / mixture_file(part.name) if folder is not None else None
    if path is not None and path.is_file():
        cached = read_gmm(path)
        if len(cached) == components and _same_moments(cached, xyz, mass, spread, config):
            # A file of an earlier run of ours gives the same numbers to the last bit.
            same = math.isclose(cached.mass, part.mass, rel_tol=1e-9)
            return cached if same else cached.scaled_to(part.mass)
    fitted = _core.fit_points(
        xyz,
        mass,
        components,
        seed=_SEED,
        variance_floor=config.min_variance,
        point_variances=spread,
    )
    mixture = fitted.scaled_to(part.mass)
    if path is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_gmm(path, mixture)
    return mixture


def _same_moments(
    mixture: Mixture,
    xyz: np.ndarray,
    mass: np.ndarray,
    spread: np.ndarray,
    config: ModelConfig,
) -> bool:
    """Whether a mixture may have been fitted to these points.

    EM keeps centre and covariance of the points, but for the floor that it puts under the variance
    of components: a file that was fitted to a structure in another place or orientation is found
    out.
    """
    share = mass / mass.sum()
    center = share @ xyz
    covariance = np.einsum("n,ni,nj->ij", share, xyz - center, xyz - center)
    covariance += share @ spread * np.eye(3)
    weights = mixture.weights / mixture.mass
    offsets = mixture.means - mixture.center
    fitted = np.einsum("n,ni,nj->ij", weights, offsets, offsets)
    fitted += np.einsum("n,nij->ij", weights, mixture.covariances)
    tolerance = config.min_variance + 0.02 * np.trace(covariance)
    return bool(
        np.abs(mixture.center - center).max() < 0.5
        and np.abs(fitted - covariance).max() < tolerance
    )


def _points(atoms: list[ResidueAtoms]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) Å, (n,) Da, (n,) Å²: residues as points with a spread."""
    centers = np.array([a.mass @ a.xyz / a.mass.sum() for a in atoms])
    masses = np.array([a.mass.sum() for a in atoms])
    spreads = np.array(
        [
            a.mass @ np.square(a.xyz - c).sum(axis=1) / (3 * m)
            for a, c, m in zip(atoms, centers, masses, strict=True)
        ]
    )
    return centers, masses, spreads


def mixture_file(part: str) -> str:
    """Name of the file that keeps the mixture of a part."""
    return part.replace(" ", "_").replace("/", "_").replace(":", "_") + ".txt"

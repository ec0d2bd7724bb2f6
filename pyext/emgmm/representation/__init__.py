"""From a topology table to bodies, beads, Gaussians and priors."""

from .build import build_system, chain_id
from .system import (
    Bodies,
    Connectivity,
    ExcludedVolume,
    Fragment,
    Gaussians,
    Molecule,
    Particles,
    System,
)

__all__ = [
    "Bodies",
    "Connectivity",
    "ExcludedVolume",
    "Fragment",
    "Gaussians",
    "Molecule",
    "Particles",
    "System",
    "build_system",
    "chain_id",
]

"""From a topology table to bodies, beads, Gaussians and priors."""

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
]

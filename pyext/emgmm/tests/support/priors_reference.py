"""The priors in plain numpy, pair by pair: slow, and what every fast version must match."""

from __future__ import annotations

import numpy as np


def connectivity_energy(system, poses, only=None) -> float:
    """kT: 0.5 k max(0, gap between surfaces - threshold)² over the bonds (or the masked ones)."""
    bonds = system.connectivity
    particles = system.particles[bonds.resolution]
    xyz = particles.positions(poses)
    energy = 0.0
    for k in range(len(bonds)) if only is None else np.flatnonzero(only):
        i, j = bonds.first[k], bonds.second[k]
        gap = np.linalg.norm(xyz[i] - xyz[j]) - particles.radius[i] - particles.radius[j]
        energy += 0.5 * bonds.force_constant * max(0.0, gap - bonds.threshold[k]) ** 2
    return energy


def excluded_volume_energy(system, poses) -> float:
    """kT: 0.5 kappa overlap² over all pairs of beads that are not of the same body."""
    volume = system.excluded_volume
    particles = system.nearest(volume.resolution)
    xyz = particles.positions(poses)
    energy = 0.0
    for i in range(len(particles)):
        distance = np.linalg.norm(xyz[:i] - xyz[i], axis=1)
        overlap = np.maximum(0.0, particles.radius[:i] + particles.radius[i] - distance)
        overlap[particles.body[:i] == particles.body[i]] = 0.0
        energy += 0.5 * volume.kappa * float((overlap**2).sum())
    return energy

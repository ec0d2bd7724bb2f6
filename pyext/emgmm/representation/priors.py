"""Pairs of beads that the sequence ties together."""

from __future__ import annotations

import math

import numpy as np

from ..config.settings import ConnectivityConfig
from .system import Bodies, Connectivity, Particles

RESIDUE_SPACING = 3.6  # Å, PMI's length of one residue of an extended chain


def connect(particles: Particles, bodies: Bodies, config: ConnectivityConfig) -> Connectivity:
    """Bonds between beads that follow each other in a molecule, as IMP.pmi's ConnectivityRestraint.

    Pairs inside one rigid body are left out. With ``disordered_length`` the bound across more than
    20 residues is the mean end-to-end distance of a random coil (Kohn et al., PNAS 2004), measured
    between centres; it is stored as the equivalent bound between surfaces.
    """
    first = np.arange(len(particles) - 1)
    second = first + 1
    same_molecule = particles.molecule[first] == particles.molecule[second]
    body = particles.body
    inside = (body[first] == body[second]) & bodies.rotatable[body[first]]
    keep = same_molecule & ~inside
    first, second = first[keep], second[keep]
    gap = particles.first[second] - particles.last[first] - 1
    threshold = (gap + 1.0) * RESIDUE_SPACING * config.scale
    if config.disordered_length:
        residues = particles.last - particles.first + 1
        coil = residues[first] / 2 + residues[second] / 2 + gap
        centers = math.sqrt(5 / 3) * 1.93 * np.maximum(coil, 0) ** 0.6
        surfaces = centers - particles.radius[first] - particles.radius[second]
        threshold = np.where(coil > 20, surfaces, threshold)
    return Connectivity(
        resolution=particles.resolution,
        first=first,
        second=second,
        threshold=threshold,
        force_constant=config.force_constant,
        molecule=particles.molecule[first],
    )

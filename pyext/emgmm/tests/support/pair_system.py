"""Two copies of one molecule and another molecule, for cross-links."""

from __future__ import annotations

import numpy as np
from emgmm.mixture import Mixture
from emgmm.representation.system import (
    Bodies,
    Connectivity,
    ExcludedVolume,
    Gaussians,
    Molecule,
    Particles,
    System,
)


def pair_system() -> System:
    """Molecule A twice and B once; ten beads of one residue each, on a line, one body each."""
    beads, molecules = 10, 3
    owner = np.repeat(np.arange(molecules), beads)
    local = np.zeros((beads * molecules, 3))
    local[:, 0] = np.tile(np.arange(beads) - 4.5, molecules) * 4.0
    n = len(owner)
    number = np.tile(np.arange(1, beads + 1), molecules)
    particles = Particles(
        1, owner, local, np.full(n, 2.0), np.full(n, 110.0), owner, owner, number, number
    )
    bodies = Bodies(
        names=("A.0", "A.1", "B.0"),
        rotatable=np.ones(molecules, dtype=bool),
        movable=np.ones(molecules, dtype=bool),
        carrier=np.full(molecules, -1),
        mass=np.full(molecules, 1100.0),
        poses=np.c_[np.tile([1.0, 0, 0, 0], (molecules, 1)), [[0.0, 0, 0], [0, 30, 0], [0, 0, 50]]],
    )
    empty = np.zeros(0, dtype=int)
    return System(
        molecules=tuple(Molecule(*m, "A" * beads) for m in (("A", 0), ("A", 1), ("B", 0))),
        fragments=(),
        bodies=bodies,
        particles={1: particles},
        gaussians=Gaussians(owner, Mixture(local, np.eye(3) + np.zeros((n, 1, 1)), np.ones(n))),
        connectivity=Connectivity(1, empty, empty, np.zeros(0), 10.0, empty),
        excluded_volume=ExcludedVolume(1, 1.0),
        super_rigid_bodies=(),
    )

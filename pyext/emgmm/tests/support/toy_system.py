"""A small complex made of arrays: no files, no topology table."""

from __future__ import annotations

import numpy as np
from emgmm.mixture import Mixture
from emgmm.poses import to_poses
from emgmm.representation.system import (
    Bodies,
    Connectivity,
    ExcludedVolume,
    Fragment,
    Gaussians,
    Molecule,
    Particles,
    System,
)

# Letters of unequal frequency, so that no two molecules look alike.
_LETTERS = "MKVLAGHWYRDEQNSTCPIF"


def random_rotations(generator, count):
    """Uniform rotation matrices (count, 3, 3)."""
    turns, triangles = np.linalg.qr(generator.normal(size=(count, 3, 3)))
    turns *= np.sign(np.diagonal(triangles, axis1=1, axis2=2))[:, None, :]
    turns[np.linalg.det(turns) < 0, :, 0] *= -1
    return turns


def toy_system(names=("A", "B", "B"), residues=40, tail=6, seed=0, spread=60.0):
    """One rigid body a molecule, residues on a random walk, and a flexible tail of two beads.

    Molecules of the same name are copies. ``spread`` is the distance of the bodies, Å.
    """
    generator = np.random.default_rng(seed)
    shapes = {}
    molecules, fragments = [], []
    copies: dict[str, int] = {}
    parts = {1: [], 10: []}  # (body, local, radius, mass, molecule, fragment, first, last)
    body_names, rotatable, mass, gaussian_body, mixtures = [], [], [], [], []
    beads = []
    half = tail // 2
    for index, name in enumerate(names):
        if name not in shapes:
            walk = np.cumsum(generator.normal(size=(residues, 3)) * 2.2, axis=0)
            shapes[name] = walk - walk.mean(axis=0)
        local = shapes[name]
        shift = ord(name[0]) % len(_LETTERS)
        sequence = (_LETTERS[shift:] + _LETTERS[:shift]) * (residues + tail)
        molecules.append(
            Molecule(name, copies.get(name, 0), sequence[: residues + tail], chain=chr(65 + index))
        )
        copies[name] = copies.get(name, 0) + 1
        body = len(body_names)
        fragments.append(Fragment(index, 1, residues, True, index))
        number = len(fragments) - 1
        for i in range(residues):
            parts[1].append((body, local[i], 3.0, 110.0, index, number, i + 1, i + 1))
        for start in range(0, residues, 10):
            span = slice(start, min(start + 10, residues))
            count = span.stop - span.start
            center = local[span].mean(axis=0)
            row = (body, center, 6.5, 110.0 * count, index, number, start + 1, span.stop)
            parts[10].append(row)
        body_names.append(f"RigidBody {name}.{molecules[-1].copy}")
        rotatable.append(True)
        mass.append(110.0 * residues)
        halves = np.array_split(local, 4)
        mixtures.append(
            Mixture(
                np.array([h.mean(axis=0) for h in halves]),
                np.array([np.cov(h.T) + 4.0 * np.eye(3) for h in halves]),
                np.array([110.0 * len(h) for h in halves]),
            )
        )
        gaussian_body += [body] * 4
        if tail:
            fragments.append(Fragment(index, residues + 1, residues + tail, False, index))
            beads.append((index, len(fragments) - 1))
    for index, number in beads:
        for k, first in enumerate((residues + 1, residues + 1 + half)):
            body = len(body_names)
            last = residues + half if k == 0 else residues + tail
            row = (body, np.zeros(3), 4.5, 110.0 * half, index, number, first, last)
            parts[1].append(row)
            parts[10].append(row)
            body_names.append(f"{molecules[index].label}:{first}-{last}")
            rotatable.append(False)
            mass.append(110.0 * half)
            mixtures.append(Mixture(np.zeros((1, 3)), 4.0 * np.eye(3)[None], [110.0 * half]))
            gaussian_body.append(body)
    count = len(body_names)
    bodies = Bodies(
        names=tuple(body_names),
        rotatable=np.array(rotatable),
        movable=np.ones(count, dtype=bool),
        carrier=np.full(count, -1),
        mass=np.array(mass),
        poses=np.c_[
            np.tile([1.0, 0, 0, 0], (count, 1)), generator.normal(size=(count, 3)) * spread
        ],
    )
    return System(
        molecules=tuple(molecules),
        fragments=tuple(fragments),
        bodies=bodies,
        particles={r: _particles(r, rows) for r, rows in parts.items()},
        gaussians=Gaussians(np.array(gaussian_body), Mixture.concatenated(mixtures)),
        connectivity=Connectivity(
            1, *(np.zeros(0, dtype=int),) * 2, np.zeros(0), 10.0, np.zeros(0)
        ),
        excluded_volume=ExcludedVolume(10, 1.0),
        super_rigid_bodies=(),
    )


def _particles(resolution, rows):
    rows = sorted(rows, key=lambda row: (row[4], row[6]))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Particles(resolution, *columns)


def random_poses(system, generator, spread=50.0):
    """(bodies, 7)."""
    count = len(system.bodies)
    turns = random_rotations(generator, count)
    return to_poses(turns, generator.normal(size=(count, 3)) * spread)

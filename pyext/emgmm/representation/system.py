"""A modelled system as plain arrays that a sampler can walk over.

A *body* is the unit that moves: a rigid body, or a single flexible bead. Everything else (particles
of every resolution, Gaussians) is fixed in the frame of one body, so that a pose of each body is
the whole state:

    x = R[body] @ local + t[body]

with ``t`` the position of the body's centre of mass and ``R`` its rotation from the orientation in
the input structure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np

from ..mixture import Mixture
from ..poses import to_matrices


@dataclass(frozen=True)
class Molecule:
    """One copy of one polymer.

    Attributes
    ----------
    name, copy
        PMI's name, and the number of the copy (0 for the first one).
    sequence
        One-letter codes of the FASTA file; residue ``i`` (from 1) is ``sequence[i - 1]``.
    alphabet
        ``protein``, ``RNA`` or ``DNA``.
    chain
        Chain identifier given to the molecule in output (A, B, ... Z, AA, ...).
    color
        (red, green, blue), 0 to 1.
    """

    name: str
    copy: int
    sequence: str
    alphabet: str = "protein"
    chain: str = "A"
    color: tuple[float, float, float] = (0.0, 0.0, 1.0)
    uniprot: str | None = None

    @property
    def label(self) -> str:
        """``name.copy``, PMI's name of a copy."""
        return f"{self.name}.{self.copy}"


@dataclass(frozen=True)
class Fragment:
    """An unbroken stretch of residues of one molecule with one kind of representation."""

    molecule: int
    first: int
    last: int
    structured: bool  # from coordinates; otherwise a string of flexible beads
    row: int  # row of the topology table, from 0
    color: tuple[float, float, float] = (0.0, 0.0, 1.0)
    pdb: str | None = None  # file of the coordinates
    pdb_chain: str | None = None
    pdb_offset: int = 0


@dataclass(frozen=True)
class Bodies:
    """The things that move, one entry each.

    Attributes
    ----------
    names
        ``RigidBody 1`` or ``Rpb1.0:1081-1091`` for a bead; unique.
    rotatable
        (n,) bool; False for a single bead, whose orientation means nothing.
    movable
        (n,) bool; False for structured residues that the topology puts into no rigid body (PMI
        leaves them in place).
    carrier
        (n,) int; the rigid body a flexible bead belongs to (PMI's non-rigid member: it moves along
        with the body and also on its own), -1 for none.
    mass
        (n,) Da.
    poses
        (n, 7), those of the input structures.
    """

    names: tuple[str, ...]
    rotatable: np.ndarray
    movable: np.ndarray
    carrier: np.ndarray
    mass: np.ndarray
    poses: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def group(self, body: int) -> np.ndarray:
        """(k,) int: a rigid body and then the beads it carries."""
        return np.r_[body, np.flatnonzero(self.carrier == body)].astype(np.int64)

    def with_carried(self, bodies: np.ndarray) -> np.ndarray:
        """(k,) int: bodies and the beads they carry, ascending."""
        carried = np.flatnonzero(np.isin(self.carrier, bodies))
        return np.union1d(bodies, carried).astype(np.int64)


class Spheres(NamedTuple):
    """Spheres that bodies carry."""

    body: np.ndarray  # (n,) int64
    local: np.ndarray  # (n, 3) Å, in the frame of the body
    radius: np.ndarray  # (n,) Å


@dataclass(frozen=True)
class Particles:
    """Beads of one resolution, molecule by molecule in order of sequence.

    Flexible beads appear in the set of every resolution.

    Attributes
    ----------
    resolution
        Residues per bead of the structured parts.
    body
        (n,) int, index in ``Bodies``.
    local
        (n, 3) Å, about the body's centre of mass.
    radius, mass
        (n,) Å and Da, as IMP.pmi assigns them.
    molecule, fragment
        (n,) int, indices in ``System.molecules`` and ``System.fragments``.
    first, last
        (n,) int, residue range, inclusive, from 1.
    """

    resolution: int
    body: np.ndarray
    local: np.ndarray
    radius: np.ndarray
    mass: np.ndarray
    molecule: np.ndarray
    fragment: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.body)

    def spheres(self, index: np.ndarray | slice = slice(None)) -> Spheres:
        """Some of the particles, as the core's terms take them."""
        return Spheres(
            np.asarray(self.body[index], dtype=np.int64),
            np.ascontiguousarray(self.local[index], dtype=np.float64),
            np.asarray(self.radius[index], dtype=np.float64),
        )

    def chosen(self, index: np.ndarray) -> Particles:
        """Some of them, by index or bool."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {k: v[index] for k, v in columns.items() if isinstance(v, np.ndarray)}
        return replace(self, **kept)

    def positions(self, poses: np.ndarray) -> np.ndarray:
        """(n, 3) Å: the particles under the poses (bodies, 7) of all bodies."""
        rotation, translation = to_matrices(poses)
        turned = np.einsum("nij,nj->ni", rotation[self.body], self.local)
        return turned + translation[self.body]


@dataclass(frozen=True)
class Gaussians:
    """The model GMM, each component fixed in its body's frame.

    Attributes
    ----------
    body
        (n,) int, index in ``Bodies``; components of a body are adjacent, bodies in ascending order.
    mixture
        Means (Å) and covariances (Å²) in the local frame, weights in Da.
    """

    body: np.ndarray
    mixture: Mixture

    def __len__(self) -> int:
        return len(self.body)

    def of_body(self, body: int) -> Mixture:
        """The components of one body, in its frame."""
        return self.mixture[self.body == body]

    def placed(self, poses: np.ndarray) -> Mixture:
        """The model GMM under the poses (bodies, 7) of all bodies."""
        rotation, translation = to_matrices(poses)
        turn = rotation[self.body]
        means = np.einsum("nij,nj->ni", turn, self.mixture.means) + translation[self.body]
        covariances = turn @ self.mixture.covariances @ turn.transpose(0, 2, 1)
        return Mixture(means, covariances, self.mixture.weights)


@dataclass(frozen=True)
class Connectivity:
    """Harmonic upper bounds on the gap between the surfaces of consecutive beads.

    Score of a pair: 0.5 k max(0, |x_i - x_j| - r_i - r_j - threshold)², IMP.pmi's
    ConnectivityRestraint.

    Attributes
    ----------
    resolution
        The set of particles that ``first`` and ``second`` index.
    first, second
        (n,) int, particles; ``first`` comes earlier in the sequence.
    threshold
        (n,) Å, (residue gap + 1) · 3.6 · scale.
    force_constant
        kT/Å²; 10 in PMI.
    molecule
        (n,) int, the molecule a pair belongs to (PMI has one restraint a molecule).
    """

    resolution: int
    first: np.ndarray
    second: np.ndarray
    threshold: np.ndarray
    force_constant: float
    molecule: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class ExcludedVolume:
    """Soft spheres: 0.5 kappa overlap² for every pair of particles that are not of the same body.

    That is IMP.pmi's ExcludedVolumeSphere: neighbours in the sequence are not left out.

    Attributes
    ----------
    resolution
        The set of particles that repel each other.
    kappa
        kT/Å².
    """

    resolution: int
    kappa: float


@dataclass(frozen=True, repr=False)
class System:
    """A modelled complex: representation, initial coordinates and priors.

    Attributes
    ----------
    super_rigid_bodies
        Bodies (indices, ascending) that one move carries along together.
    notes
        What differs between the input files and the model, one line each (residue types
        of a structure that are not those of the FASTA file, and the like).
    structures
        What became of the atoms of each input structure: ``file``, ``atoms`` {``read``, ``used``,
        ``left_out`` [{``reason``, ``atoms``}]}, ``mass`` (Da, times occupancy) of those used, and
        what its ``b_column`` is.
    """

    molecules: tuple[Molecule, ...]
    fragments: tuple[Fragment, ...]
    bodies: Bodies
    particles: dict[int, Particles]
    gaussians: Gaussians
    connectivity: Connectivity
    excluded_volume: ExcludedVolume | None
    super_rigid_bodies: tuple[np.ndarray, ...]
    notes: tuple[str, ...] = field(default=())
    structures: tuple[dict, ...] = field(default=())

    def __repr__(self) -> str:
        rigid = int(np.count_nonzero(self.bodies.rotatable))
        return (
            f"System of {len(self.molecules)} molecules, {rigid} rigid bodies and "
            f"{len(self.bodies) - rigid} beads, {self.mass / 1000:.1f} kDa"
        )

    @property
    def finest(self) -> Particles:
        """Particles of the finest resolution (one a residue as a rule)."""
        return self.particles[min(self.particles)]

    @property
    def coarsest(self) -> Particles:
        """Particles of the coarsest resolution."""
        return self.particles[max(self.particles)]

    @property
    def mass(self) -> float:
        """Mass of the model GMM, Da."""
        return self.gaussians.mixture.mass

    def nearest(self, resolution: int) -> Particles:
        """Particles of the resolution closest to the one asked for."""
        return self.particles[min(self.particles, key=lambda r: (abs(r - resolution), r))]

    def turning_radii(self, free: np.ndarray) -> list[float]:
        """(bodies,) Å: radius of gyration, 0 for a body that does not turn, -1 for one that stays.

        Parameters
        ----------
        free
            (bodies,) bool, those that may be moved.
        """
        radii = []
        for body, (is_free, turns) in enumerate(zip(free, self.bodies.rotatable, strict=True)):
            local = self.finest.local[self.finest.body == body]
            square = (local**2).sum(axis=1).mean() if turns and len(local) else 0.0
            radii.append(float(np.sqrt(square)) if is_free else -1.0)
        return radii

    def subunits(self) -> list[str]:
        """A name for each molecule: of its own, or with the number of the copy."""
        names = [m.name for m in self.molecules]
        return [m.label if names.count(m.name) > 1 else m.name for m in self.molecules]

    def copies(self) -> list[list[int]]:
        """Groups of interchangeable molecules: the same name or the same sequence.

        Returns lists of indices in ``molecules``, each of two or more, in order.
        """
        groups: dict[tuple[str, str], list[int]] = {}
        for index, molecule in enumerate(self.molecules):
            groups.setdefault((molecule.alphabet, molecule.sequence), []).append(index)
        return [group for group in groups.values() if len(group) > 1]

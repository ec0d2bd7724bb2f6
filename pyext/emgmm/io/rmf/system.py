"""The RMF tree of a `System`, laid out as IMP.pmi lays out its own.

    root -> System -> State_0 -> molecule -> part -> residues or beads

A part is the structured residues of a row of the topology table, or a string of flexible beads. It
shows its residues (resolution 1); its coarser beads and the Gaussians of its body are alternatives.
Each representation of a part has the reference frame of its body, so a frame is seven numbers for
each of them, and three for each flexible bead. RMF has no other way to say that two branches of the
tree move as one: IMP joins them by their ``rigid body index``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from ...poses import canonical, to_poses
from ...representation.system import Fragment, Particles, System
from ..files import printable
from .node import Node, number_nodes
from .schema import GAUSSIAN_PARTICLE, PARTICLE
from .write import KeyValues

_CHAIN_TYPES = {"protein": "LPolypeptide", "RNA": "RNA", "DNA": "DNA"}
_RESIDUE_KINDS = {
    "protein": gemmi.ResidueKind.AA,
    "RNA": gemmi.ResidueKind.RNA,
    "DNA": gemmi.ResidueKind.DNA,
}
# What comes with every frame.
_POSE_KEYS = ("physics/rotation", "physics/translation", "physics/coordinates")


@dataclass(frozen=True)
class SystemTree:
    """Tree of a system, and which node follows which body.

    Attributes
    ----------
    root
        For `RmfWriter`.
    framed_nodes, framed_bodies
        (n,) ids of nodes with a reference frame, and the body that each follows.
    bead_nodes, bead_bodies
        (n,) ids of flexible beads, and their bodies.
    features
        Name of a score -> id of its node.
    stat_keys
        Entries of a stat file that are kept with each frame too.
    """

    root: Node
    framed_nodes: np.ndarray
    framed_bodies: np.ndarray
    bead_nodes: np.ndarray
    bead_bodies: np.ndarray
    features: dict[str, int]
    stat_keys: tuple[str, ...]

    @property
    def frame_keys(self) -> list[str]:
        """Keys of the values of a frame, for `RmfWriter`."""
        stat = [f"stat/{key}" for key in self.stat_keys]
        return [*_POSE_KEYS, "feature/score", *stat]

    def frame_values(
        self,
        poses: np.ndarray,
        scores: Mapping[str, float] | None = None,
    ) -> dict[str, KeyValues]:
        """Values of a frame for `RmfWriter.write_frame`.

        Parameters
        ----------
        poses
            (bodies, 7) of all bodies.
        scores
            By name, kT; those of ``features`` and of ``stat_keys`` are written.
        """
        scores = scores or {}
        framed = canonical(poses[self.framed_bodies])
        values: dict[str, KeyValues] = {
            "physics/rotation": (self.framed_nodes, framed[:, :4]),
            "physics/translation": (self.framed_nodes, framed[:, 4:]),
        }
        if len(self.bead_nodes):
            values["physics/coordinates"] = (self.bead_nodes, poses[self.bead_bodies, 4:])
        named = [name for name in self.features if name in scores]
        if named:
            nodes = [self.features[name] for name in named]
            values["feature/score"] = (nodes, [float(scores[name]) for name in named])
        for key in self.stat_keys:
            if key in scores:
                values[f"stat/{key}"] = ([self.root.id], [str(scores[key])])
        return values


def system_tree(
    system: System,
    features: Iterable[str] = (),
    stat_keys: Iterable[str] = ("Total_Score",),
    folder: str | os.PathLike | None = None,
) -> SystemTree:
    """The tree of a system.

    Parameters
    ----------
    features
        Names of scores that get a node of their own (shown by ChimeraX as features).
    stat_keys
        Entries of the stat file that every frame keeps as well, for IMP.pmi's readers of RMF.
    folder
        Where the RMF file will be: RMF notes the files of structures relative to it. Without it
        they are not noted.
    """
    builder = _Builder(system, Path(folder) if folder is not None else None)
    root = Node("root", "root", children=[builder.system_node()])
    features = list(dict.fromkeys(features))
    number_nodes(root)
    molecules = [node.id for node in builder.molecules]
    nodes = [Node(name, "feature", {"feature/representation": molecules}, []) for name in features]
    root.children += nodes
    number_nodes(root)  # features come last: the numbers of the molecules stay
    framed = [(node.id, body) for node, body in builder.framed]
    beads = [(node.id, body) for node, body in builder.beads]
    framed_nodes, framed_bodies = np.array(framed, dtype=int).reshape(-1, 2).T
    bead_nodes, bead_bodies = np.array(beads, dtype=int).reshape(-1, 2).T
    return SystemTree(
        root=root,
        framed_nodes=framed_nodes,
        framed_bodies=framed_bodies,
        bead_nodes=bead_nodes,
        bead_bodies=bead_bodies,
        features={name: node.id for name, node in zip(features, nodes, strict=True)},
        stat_keys=tuple(stat_keys),
    )


class _Builder:
    def __init__(self, system: System, folder: Path | None) -> None:
        self._system = system
        self._folder = folder
        self.framed: list[tuple[Node, int]] = []
        self.beads: list[tuple[Node, int]] = []
        self.molecules: list[Node] = []
        self._with_density: set[int] = set()  # bodies whose Gaussians have found a place

    def system_node(self) -> Node:
        state = Node("State_0", values={"sequence/state index": 0})
        for index, molecule in enumerate(self._system.molecules):
            node = Node(
                molecule.name,
                values={
                    "sequence/molecule": 1,
                    "sequence/copy index": molecule.copy,
                    "sequence/chain id": molecule.chain,
                    "sequence/sequence": molecule.sequence,
                    "sequence/sequence offset": 0,
                    "sequence/chain type": _CHAIN_TYPES[molecule.alphabet],
                },
            )
            if molecule.uniprot:
                node.values["sequence/uniprot accession"] = molecule.uniprot
            node.children = self._parts(index)
            self.molecules.append(node)
            state.children.append(node)
        return Node("System", children=[state])

    def _parts(self, molecule: int) -> list[Node]:
        """Bead strings, and the structured fragments of each row of the table as one part."""
        groups: dict[tuple, list[int]] = {}
        for number, fragment in enumerate(self._system.fragments):
            if fragment.molecule == molecule:
                key = (fragment.row, -1 if fragment.structured else number)
                groups.setdefault(key, []).append(number)
        return [self._part(numbers) for numbers in groups.values()]

    def _part(self, numbers: list[int]) -> Node:
        fragments = [self._system.fragments[n] for n in numbers]
        ranges = ",".join(f"{f.first}-{f.last}" for f in fragments)
        label = f"Frag_{ranges}" if len(fragments) == 1 else f"frags:{ranges}"
        values = _residue_indexes(fragments)
        if not fragments[0].structured:
            return self._bead_string(numbers, Node(label, values=values))
        finest, *coarser = sorted(self._system.particles)
        node = Node(label, values=values | {"sequence/explicit resolution": float(finest)})
        node.children = [self._beads(numbers, label, finest)]
        for resolution in coarser:
            other = self._beads(numbers, label, resolution)
            other.values["sequence/explicit resolution"] = float(resolution)
            node.alternatives.append((PARTICLE, other))
        density = self._density(numbers, label)
        if density is not None:
            node.alternatives.append((GAUSSIAN_PARTICLE, density))
        return node

    def _framed_node(self, name: str, numbers: list[int], body: int) -> Node:
        fragments = [self._system.fragments[n] for n in numbers]
        node = Node(name, values=_residue_indexes(fragments) | {"IMP/rigid body index": body})
        self.framed.append((node, body))
        return node

    def _members(self, numbers: list[int], resolution: int) -> tuple[Particles, np.ndarray]:
        particles = self._system.particles[resolution]
        return particles, np.flatnonzero(np.isin(particles.fragment, numbers))

    def _beads(self, numbers: list[int], label: str, resolution: int) -> Node:
        particles, members = self._members(numbers, resolution)
        body = int(particles.body[members[0]])
        node = self._framed_node(f"{label}: Res {resolution}", numbers, body)
        fragment = self._system.fragments[numbers[0]]
        for index in members.tolist():
            bead = self._bead(particles, index, fragment)
            bead.values["physics/coordinates"] = tuple(particles.local[index].tolist())
            node.children.append(bead)
        if fragment.pdb is not None and self._folder is not None:
            node.children.append(self._structure(fragment))
        return node

    def _bead(self, particles: Particles, index: int, fragment: Fragment) -> Node:
        """A residue, or a bead of several, without its coordinates."""
        first, last = int(particles.first[index]), int(particles.last[index])
        values: dict[str, object] = {
            "physics/radius": float(particles.radius[index]),
            "physics/mass": float(particles.mass[index]),
            "shape/rgb color": fragment.color,
        }
        if first == last and fragment.structured:
            molecule = self._system.molecules[fragment.molecule]
            values["sequence/residue index"] = first
            values["sequence/residue type"] = residue_type(
                molecule.alphabet, molecule.sequence, first
            )
            return Node(str(first), values=values)
        name = f"Fragment [{first}-{last + 1})" if fragment.structured else _bead_name(first, last)
        values["sequence/residue indexes"] = list(range(first, last + 1))
        return Node(name, values=values)

    def _bead_string(self, numbers: list[int], node: Node) -> Node:
        """Flexible beads: their coordinates come with the frames, in the global frame."""
        particles, members = self._members(numbers, min(self._system.particles))
        fragment = self._system.fragments[numbers[0]]
        size = int((particles.last[members] - particles.first[members]).max()) + 1
        node.values["sequence/explicit resolution"] = float(size)
        string = Node(f"{node.name}: Res {size}", values=_residue_indexes([fragment]))
        for index in members.tolist():
            bead = self._bead(particles, index, fragment)
            self.beads.append((bead, int(particles.body[index])))
            string.children.append(bead)
        node.children = [string]
        return node

    def _density(self, numbers: list[int], label: str) -> Node | None:
        """Gaussians of the body, shown with its first part.

        A flexible bead's Gaussian follows from its radius and has no node.
        """
        particles, members = self._members(numbers, min(self._system.particles))
        body = int(particles.body[members[0]])
        color = self._system.fragments[numbers[0]].color
        gaussians = self._system.gaussians
        chosen = np.flatnonzero(gaussians.body == body)
        if body in self._with_density or not len(chosen):
            return None
        self._with_density.add(body)
        mixture = gaussians.mixture
        residues = int((particles.body == body).sum())
        node = self._framed_node(f"{label}: Densities", numbers, body)
        node.values["sequence/explicit resolution"] = float(max(1, residues // len(chosen)))
        variances, axes = np.linalg.eigh(mixture.covariances[chosen])
        axes[np.linalg.det(axes) < 0, :, 0] *= -1  # proper rotations
        turns = to_poses(axes, mixture.means[chosen])[:, :4]
        for i, index in enumerate(chosen.tolist()):
            node.children.append(
                Node(
                    f"Density #{i}",
                    values={
                        "physics/mass": float(mixture.weights[index]),
                        "physics/radius": float(np.sqrt(variances[i].max())),
                        "physics/coordinates": (0.0, 0.0, 0.0),
                        "physics/variances": tuple(variances[i].tolist()),
                        "physics/translation": tuple(mixture.means[index].tolist()),
                        "physics/rotation": tuple(turns[i].tolist()),
                        "shape/rgb color": color,
                    },
                )
            )
        return node

    def _structure(self, fragment: Fragment) -> Node:
        values = {
            "provenance/structure filename": printable(os.path.relpath(fragment.pdb, self._folder)),
            "provenance/structure chain": fragment.pdb_chain,
            "provenance/structure residue offset": fragment.pdb_offset,
        }
        return Node("input structure", "provenance", values)


def _residue_indexes(fragments: list[Fragment]) -> dict[str, object]:
    return {"sequence/residue indexes": [i for f in fragments for i in range(f.first, f.last + 1)]}


def _bead_name(first: int, last: int) -> str:
    return f"{first}_bead" if first == last else f"{first}-{last}_bead"


def residue_type(alphabet: str, sequence: str, residue: int) -> str:
    """IMP's name of a residue: of three letters, nucleotides as the PDB writes them."""
    code = sequence[residue - 1]
    if alphabet != "protein":
        return ("D" if alphabet == "DNA" else "") + code
    name = gemmi.expand_one_letter(code, _RESIDUE_KINDS[alphabet])
    return name or "UNK"

"""Nodes of an RMF tree that are beads, residues or Gaussians of a resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .node import Node
from .schema import GAUSSIAN_PARTICLE, PARTICLE


@dataclass(frozen=True)
class Leaves:
    """Beads, residues or Gaussians of one representation, in the order of the tree.

    Attributes
    ----------
    nodes
        (n,) ids of the nodes.
    reference
        (n,) id of the innermost node with a reference frame that carries them, -1 for none.
    molecule, copy, chain
        (n,) name, copy index and chain identifier of the molecule.
    first, last
        (n,) residue range, inclusive; 0 where the file does not say.
    radius, mass
        (n,) Å and Da; NaN where the file does not say.
    """

    nodes: np.ndarray
    reference: np.ndarray
    molecule: np.ndarray
    copy: np.ndarray
    chain: np.ndarray
    first: np.ndarray
    last: np.ndarray
    radius: np.ndarray
    mass: np.ndarray

    def __len__(self) -> int:
        return len(self.nodes)


def find_leaves(
    root: Node, references: set[int], moving: set[int], resolution: float, kind: int
) -> Leaves:
    """Leaves of the representation of one kind that is closest to a resolution.

    Parameters
    ----------
    references, moving
        Nodes with a reference frame, and nodes whose coordinates come with the frames.
    resolution, kind
        Of the alternative to take where there are several.
    """
    rows: list[tuple] = []
    for node, context in _represented(root, _Context(), references, resolution, kind):
        values = node.values
        if "physics/coordinates" not in values and node.id not in moving:
            continue
        # PMI's flexible beads are Gaussians themselves; those of a map belong to no molecule.
        is_gaussian = "physics/variances" in values
        if is_gaussian != (kind == GAUSSIAN_PARTICLE) and not (is_gaussian and context.molecule):
            continue
        radius, mass = (values.get(f"physics/{k}", np.nan) for k in ("radius", "mass"))
        inherited = (context.reference, context.molecule, context.copy, context.chain)
        rows.append((node.id, *inherited, *_residues(node), radius, mass))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 9
    kinds = (int, int, object, int, object, int, int, float, float)
    return Leaves(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))


def _represented(
    node: Node, context: _Context, references: set[int], resolution: float, kind: int
) -> Iterator[tuple[Node, _Context]]:
    """Leaves of the tree with what is known from above them."""
    context = context.below(node, references)
    shown = node
    if node.alternatives:
        choices = [(PARTICLE, node), *node.alternatives]
        choices = [other for k, other in choices if k == kind] or [node]
        shown = min(choices, key=lambda other: abs(_resolution(other) - resolution))
        if shown is not node:
            context = context.below(shown, references)
    children = [c for c in shown.children if c.type in ("representation", "organizational")]
    if not children:
        if shown.type == "representation":
            yield shown, context
        return
    for child in children:
        yield from _represented(child, context, references, resolution, kind)


@dataclass(frozen=True)
class _Context:
    """Properties that a node inherits from those above it."""

    reference: int = -1
    molecule: str = ""
    copy: int = 0
    chain: str = ""

    def below(self, node: Node, references: set[int]) -> _Context:
        values = node.values
        is_molecule = "sequence/chain id" in values or "sequence/molecule" in values
        return _Context(
            node.id if node.id in references else self.reference,
            node.name if is_molecule else self.molecule,
            values.get("sequence/copy index", self.copy),
            values.get("sequence/chain id", self.chain),
        )


def _resolution(node: Node) -> float:
    return node.values.get("sequence/explicit resolution", 1.0)


def _residues(node: Node) -> tuple[int, int]:
    values = node.values
    if "sequence/residue index" in values:
        return (values["sequence/residue index"],) * 2
    if indexes := values.get("sequence/residue indexes"):
        return min(indexes), max(indexes)
    first, beyond = (values.get(f"sequence/{k} residue index") for k in ("first", "last"))
    return (first, beyond - 1) if first is not None and beyond is not None else (0, 0)

"""The tree of an RMF file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Node:
    """One node of the tree.

    Attributes
    ----------
    name
        Shown to the user; without double quotes.
    type
        ``root``, ``representation``, ``feature``, ``organizational``, ``provenance``, ...
    values
        Static values by ``category/name`` of the key. Lengths in Å, masses in Da, colours 0 to 1;
        quaternions are (w, x, y, z).
    children
        In order.
    alternatives
        (kind, node): other representations of the same part, `PARTICLE` or `GAUSSIAN_PARTICLE`.
        They are no children of any node.
    id
        Set when the tree is numbered; -1 before.
    """

    name: str
    type: str = "representation"
    values: dict[str, object] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    alternatives: list[tuple[int, Node]] = field(default_factory=list)
    id: int = -1

    def walk(self) -> Iterator[tuple[Node, Node | None]]:
        """Every node once, with its parent: depth first, children before alternatives.

        The parent of an alternative is None, as in the file.
        """
        stack: list[tuple[Node, Node | None]] = [(self, None)]
        while stack:
            node, parent = stack.pop()
            yield node, parent
            below = [(child, node) for child in node.children]
            below += [(other, None) for _, other in node.alternatives]
            stack.extend(reversed(below))

    def find(self, name: str) -> Node:
        """The first node of that name.

        Raises
        ------
        KeyError
            There is none.
        """
        for node, _ in self.walk():
            if node.name == name:
                return node
        raise KeyError(name)


def number_nodes(root: Node) -> int:
    """Number the nodes as they are walked, from 0 for the root; returns their count."""
    count = 0
    for node, _ in root.walk():
        node.id = count
        count += 1
    return count

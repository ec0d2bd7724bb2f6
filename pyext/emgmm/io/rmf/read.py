"""Reading RMF3: the tree, and coordinates of many frames at once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mixture import ComponentError, Mixture
from ...poses import to_matrices
from .blocks import Blocks
from .leaves import Leaves, find_leaves
from .node import Node
from .schema import FIELDS, GAUSSIAN_PARTICLE, NODE_TYPE_NAMES, PARTICLE, READ_KEYS, unpacked

_COORDINATES = "physics/coordinates"
_TRANSLATION = "physics/translation"
_ROTATION = "physics/rotation"
_VARIANCES = "physics/variances"
_DEEPEST = 200  # nodes below each other; PMI's trees are some ten deep
_SYMBOL_OF_FIELD = {field: (symbol, key, node) for symbol, (field, key, node) in FIELDS.items()}


class RmfFile:
    """An RMF3 file, opened for reading; see `read_rmf`.

    Attributes
    ----------
    path, description, producer
        Of the file.
    root
        The tree with its static values.
    nodes
        Nodes by id.
    frames
        Number of frames.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self._blocks = Blocks(path)
        self.description = self.producer = ""
        self.nodes: dict[int, Node] = {}
        self._keys: dict[tuple[str, int], str] = {}  # (type, id) -> category/name
        categories: dict[int, str] = {}
        parents: dict[int, list[int]] = {}
        block_of_frame: list[int] = []
        # Most blocks are frames, which are decoded when they are asked for. The tree comes first,
        # but IMP adds to it between frames.
        self._static_blocks: list[int] = []
        for block in range(len(self._blocks)):
            if self._blocks.is_frame(block):
                block_of_frame.append(block)
                continue
            for record in self._blocks.records(block):
                if "id" in record["info"]:
                    block_of_frame.append(block)
                else:
                    self._add_static(record, categories, parents)
                    if block not in self._static_blocks[-1:]:
                        self._static_blocks.append(block)
        self._block_of_frame = np.array(block_of_frame, dtype=int)
        self.frames = len(block_of_frame)
        self.root = self._connect(parents)

    def _add_static(self, record: dict, categories: dict, parents: dict) -> None:
        info = record["info"]
        self.description = info["description"] or self.description
        self.producer = info["producer"] or self.producer
        categories.update({c["id"]: c["name"] for c in info["categories"]})
        for key in record["keys"]:
            name = f"{categories.get(key['category'], key['category'])}/{key['name']}"
            if READ_KEYS.get(name, key["type"]) != key["type"]:
                found = f"key {name} of type {key['type']}"
                raise InputError(self.path, found, f"type {READ_KEYS[name]}")
            self._keys[key["type"], key["id"]] = name
        for node in record["nodes"]:
            if node["id"] not in self.nodes:
                kind = NODE_TYPE_NAMES.get(node["type"], "custom")
                self.nodes[node["id"]] = Node(node["name"], kind, id=node["id"])
            for parent in node["parents"]:
                parents.setdefault(parent, []).append(node["id"])
        for key, nodes, values in self._values(record):
            for node, value in zip(nodes, values, strict=True):
                self._known(node).values[key] = unpacked(value)

    def _known(self, node: int) -> Node:
        if node not in self.nodes:
            raise InputError(self.path, f"a value of node {node}", "a node of the tree")
        return self.nodes[node]

    def _values(self, record: dict) -> Iterator[tuple[str, list[int], list]]:
        """(key, nodes, values) of everything in a record, values as fastavro gives them."""
        for field, tables in record["data"].items():
            if not tables:
                continue
            if field not in _SYMBOL_OF_FIELD:
                continue
            symbol, key_field, node_field = _SYMBOL_OF_FIELD[field]
            for table in tables:
                key = self._keys.get((symbol, table[key_field]))
                if key is None:
                    raise InputError(self.path, f"key {table[key_field]}", "a declared key")
                entries = table["values"]
                yield key, [e[node_field] for e in entries], [e["value"] for e in entries]

    def _connect(self, parents: dict[int, list[int]]) -> Node:
        if 0 not in self.nodes:
            raise InputError(self.path, "no root node", "an RMF3 file with its tree")
        try:
            for parent, children in parents.items():
                # A record that comes again, as IMP may write it, adds no child.
                self.nodes[parent].children = [self.nodes[c] for c in dict.fromkeys(children)]
            for node in self.nodes.values():
                kinds = node.values.pop("alternatives/types", [])
                roots = node.values.pop("alternatives/roots", [])
                node.alternatives = [
                    (kind, self.nodes[root]) for kind, root in zip(kinds, roots, strict=True)
                ]
        except KeyError as error:
            raise InputError(self.path, f"no node {error}", "a node for every id") from None
        except ValueError:
            found = "alternatives whose kinds and nodes differ in number"
            raise InputError(self.path, found, "a kind for each") from None
        self._refuse_circles()
        return self.nodes[0]

    def _refuse_circles(self) -> None:
        """Whoever walks a tree with a node below itself would not come to an end.

        Nor soon, where nodes have several parents level by level: the ways to the lowest double at
        each.
        """
        below = {
            node.id: [child.id for child in (*node.children, *(n for _, n in node.alternatives))]
            for node in self.nodes.values()
        }
        waiting = Counter(child for children in below.values() for child in children)
        free = [node for node in below if not waiting[node]]
        ways, depths = Counter({0: 1}), Counter()
        for node in free:  # grows: nodes whose parents were all seen
            for child in below[node]:
                ways[child] += ways[node]
                depths[child] = max(depths[child], depths[node] + 1)
                waiting[child] -= 1
                if not waiting[child]:
                    free.append(child)
        if len(free) < len(below):
            raise InputError(self.path, "a node that lies below itself", "a tree")
        if ways.total() > 10 * len(below) + 1000:
            raise InputError(self.path, "nodes with many parents each", "a tree")
        if depths and max(depths.values()) > _DEEPEST:
            found = f"{max(depths.values())} nodes below each other"
            raise InputError(self.path, found, f"a tree of at most {_DEEPEST}")

    def frame_values(self, frame: int) -> dict[str, dict[int, object]]:
        """All values of a frame: key -> node -> value.

        Raises
        ------
        IndexError
            No such frame.
        """
        _, record = next(self.frame_records([frame]))
        return {
            key: dict(zip(nodes, map(unpacked, values), strict=True))
            for key, nodes, values in self._values(record)
        }

    def frame_records(self, frames: Iterable[int]) -> Iterator[tuple[int, dict]]:
        """(frame, record as fastavro gives it) of these frames, once each, ascending.

        Raises
        ------
        IndexError
            No such frame.
        """
        chosen = np.unique(np.fromiter(frames, dtype=int))
        if len(chosen) and not (0 <= chosen[0] and chosen[-1] < self.frames):
            raise IndexError(f"frames {chosen[0]} to {chosen[-1]} of {self.frames}")
        for block in np.unique(self._block_of_frame[chosen]).tolist():
            number = int(np.searchsorted(self._block_of_frame, block))
            wanted = set(chosen[self._block_of_frame[chosen] == block].tolist())
            for record in self._blocks.records(block):
                if "id" in record["info"]:
                    if number in wanted:
                        yield number, record
                    number += 1

    def static_records(self) -> Iterator[dict]:
        """Every record that is of no frame, in order."""
        for block in self._static_blocks:
            for record in self._blocks.records(block):
                if "id" not in record["info"]:
                    yield record

    def vectors(
        self, keys: Sequence[str], frames: Iterable[int] | None = None
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Values of vector keys in many frames.

        Returns
        -------
        dict
            For each key the ids of nodes (n,), ascending, and float32 values (frames, n, 3 or 4);
            NaN where a frame does not have a value.
        """
        chosen = self._chosen(frames)
        order, inverse = np.unique(chosen, return_inverse=True)
        # Nearly always the nodes are the same in all frames: then rows are put in place at once.
        columns: dict[str, list[tuple[tuple[int, ...], list[int], list]]] = {k: [] for k in keys}
        for row, (_, record) in enumerate(self.frame_records(order)):
            for key, nodes, values in self._values(record):
                if key not in columns:
                    continue
                flat = np.array([tuple(v.values()) for v in values], dtype=np.float32)
                flat = flat.reshape(len(nodes), 4 if key == _ROTATION else 3)
                groups = columns[key]
                if groups and groups[-1][0] == (same := tuple(nodes)):
                    groups[-1][1].append(row)
                    groups[-1][2].append(flat)
                else:
                    same = tuple(nodes)
                    groups.append((same, [row], [flat]))
        result = {}
        for key, groups in columns.items():
            width = 4 if key == _ROTATION else 3
            for nodes, *_ in groups:
                for node in nodes:
                    self._known(node)
            ids = np.unique(np.array([n for nodes, *_ in groups for n in nodes], dtype=int))
            table = np.full((len(order), len(ids), width), np.nan, dtype=np.float32)
            for nodes, rows, values in groups:
                where = np.searchsorted(ids, nodes)
                table[np.ix_(rows, where)] = np.stack(values)
            result[key] = ids, table[inverse] if len(order) else table
        return result

    def _chosen(self, frames: Iterable[int] | None) -> np.ndarray:
        if frames is None:
            return np.arange(self.frames)
        return np.fromiter(frames, dtype=int)

    def leaves(self, resolution: float = 1.0, kind: int = PARTICLE) -> Leaves:
        """Beads of the resolution that is closest to the one asked for.

        Where a part of a molecule has alternatives, the one of nearest explicit resolution is
        taken. With ``kind`` `GAUSSIAN_PARTICLE` only densities are returned.
        """
        moving = set(self.frame_values(0).get(_COORDINATES, {})) if self.frames else set()
        leaves = find_leaves(self.root, self._references(), moving, resolution, kind)
        bad = leaves.first > leaves.last
        if bad.any():
            i = int(np.argmax(bad))
            raise InputError(
                self.path,
                f"residues {leaves.first[i]} to {leaves.last[i]}",
                "a first residue before the last one",
                f"node {leaves.nodes[i]}",
            )
        return leaves

    def _references(self) -> set[int]:
        """Ids of the nodes with a reference frame."""
        if not hasattr(self, "_reference_ids"):
            ids = {i for i, node in self.nodes.items() if _TRANSLATION in node.values}
            if self.frames:
                ids |= set(self.frame_values(0).get(_TRANSLATION, {}))
            for node in ids:
                self._known(node)
            self._reference_ids = ids
        return self._reference_ids

    def _host(self) -> dict[int, int]:
        """Node -> the node above it; for an alternative that is the node it stands for."""
        above = {}
        for node in self.nodes.values():
            above |= {child.id: node.id for child in node.children}
            above |= {other.id: node.id for _, other in node.alternatives}
        return above

    def reference_frames(
        self, frames: Iterable[int] | None = None
    ) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Global rotation (frames, 3, 3) and translation (frames, 3) Å of each reference frame.

        Frames within frames are composed: a Gaussian's is given in that of its rigid body.
        """
        return self._compose(self.vectors((_TRANSLATION, _ROTATION), frames))

    def _compose(self, tables: dict) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        count = len(tables[_TRANSLATION][1])
        references, above = self._references(), self._host()
        placed: dict[int, tuple[np.ndarray, np.ndarray]] = {}

        def place(node: int) -> tuple[np.ndarray, np.ndarray]:
            if node not in placed:
                turn, shift = self._local_frame(tables, node, count)
                parent = above.get(node)
                while parent is not None and parent not in references:
                    parent = above.get(parent)
                if parent is not None:
                    outer_turn, outer_shift = place(parent)
                    shift = np.einsum("fij,fj->fi", outer_turn, shift) + outer_shift
                    turn = outer_turn @ turn
                placed[node] = turn, shift
            return placed[node]

        for node in sorted(references):
            place(node)
        return placed

    def _local_frame(self, tables: dict, node: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        quaternion = self._varying(tables, _ROTATION, node, count)
        if not quaternion.any(axis=1).all():
            raise InputError(self.path, f"a rotation of node {node} that is zero", "a quaternion")
        unit = quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)  # single precision
        shift = self._varying(tables, _TRANSLATION, node, count)
        return to_matrices(np.concatenate([unit, shift], axis=1))

    def _varying(self, tables: dict, key: str, node: int, count: int) -> np.ndarray:
        """Value of a node in each frame, static where the frames have none."""
        ids, table = tables[key]
        static = self.nodes[node].values.get(key)
        fallback = np.full(table.shape[2], np.nan) if static is None else np.array(static)
        where = np.searchsorted(ids, node)
        values = np.broadcast_to(fallback.astype(float), (count, len(fallback)))
        if where < len(ids) and ids[where] == node:
            moving = table[:, where].astype(float)
            values = np.where(np.isnan(moving), values, moving)
        if not np.isfinite(values).all():
            raise InputError(self.path, f"no {key} of node {node}", "numbers in every frame")
        return values

    def coordinates(
        self, frames: int | Iterable[int] | None = None, leaves: Leaves | None = None
    ) -> np.ndarray:
        """Global coordinates of leaves.

        Parameters
        ----------
        frames
            One frame, several, or None for all.
        leaves
            From `leaves`; default: resolution 1.

        Returns
        -------
        array
            (n, 3) for one frame, else (frames, n, 3), Å.
        """
        if isinstance(frames, int | np.integer):
            return self.coordinates([int(frames)], leaves)[0]
        leaves = self.leaves() if leaves is None else leaves
        tables = self.vectors((_TRANSLATION, _ROTATION, _COORDINATES), frames)
        placed = self._compose(tables)
        ids, moving = tables[_COORDINATES]
        count = len(moving)
        result = np.empty((count, len(leaves), 3))
        varying = np.isin(leaves.nodes, ids)
        static = np.array(
            [self.nodes[n].values.get(_COORDINATES, (np.nan,) * 3) for n in leaves.nodes.tolist()],
            dtype=float,
        ).reshape(-1, 3)
        local = moving[:, np.searchsorted(ids, leaves.nodes[varying])]
        result[:, varying] = np.where(np.isnan(local), static[varying], local)
        for reference in np.unique(leaves.reference).tolist():
            members = np.flatnonzero(leaves.reference == reference)
            fixed = members[~varying[members]]
            if reference < 0:
                result[:, fixed] = static[fixed]
                continue
            turn, shift = placed[reference]
            result[:, fixed] = static[fixed] @ turn.transpose(0, 2, 1) + shift[:, None]
            loose = members[varying[members]]
            result[:, loose] = result[:, loose] @ turn.transpose(0, 2, 1) + shift[:, None]
        bad = ~np.isfinite(result).all(axis=(0, 2))
        if bad.any():
            node = leaves.nodes[np.argmax(bad)]
            raise InputError(
                self.path, f"no {_COORDINATES} of node {node}", "numbers in every frame"
            )
        return result

    def densities(self, frame: int) -> Mixture:
        """The Gaussians of a frame, weights in Da.

        Raises
        ------
        InputError
            The file holds none, or one that is no Gaussian.
        """
        leaves = self.leaves(kind=GAUSSIAN_PARTICLE)
        if not len(leaves):
            raise InputError(self.path, "no Gaussians", "a file with densities")
        means = self.coordinates(frame, leaves)
        placed = self.reference_frames([frame])
        turns = np.array([placed[r][0][0] if r >= 0 else np.eye(3) for r in leaves.reference])
        variances = np.array([self.nodes[n].values[_VARIANCES] for n in leaves.nodes.tolist()])
        covariances = np.einsum("nij,nj,nkj->nik", turns, variances, turns)
        try:
            return Mixture(means, covariances, leaves.mass)
        except ComponentError as error:
            found = f"a {error.quantity} that is {error.found}"
            where = f"node {leaves.nodes[error.component]}"
            raise InputError(self.path, found, error.expected, where) from None


def read_rmf(path: str | os.PathLike) -> RmfFile:
    """Open an RMF3 file, written here, by IMP or by the RMF library.

    A last block that is cut short, as a run that goes on or was killed leaves it, is left out.

    Raises
    ------
    InputError
        No such file, no RMF3 file, or one that is broken; one line says where.
    """
    return RmfFile(path)

"""Writing RMF3: the tree once, then the values that change, frame by frame."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import fastavro
import numpy as np
from fastavro.write import Writer

from ...errors import InputError
from ..targets import refuse_existing
from .blocks import Blocks
from .node import Node, number_nodes
from .read import RmfFile
from .schema import FIELDS, FRAME, NODE_TYPES, empty_data, frame_schema, key_type, packed

PRODUCER = "emgmm"

# Values of one key in a frame: ids of nodes, and one value for each of them.
KeyValues = tuple[Sequence[int] | np.ndarray, Sequence | np.ndarray]


class RmfWriter:
    """Writes a trajectory, frame after frame.

    What was written before ``flush`` can be read by others, and a run that was killed continues
    with `resume`. The same input gives the same bytes.

    Parameters
    ----------
    path
        Where to write, ``.rmf3`` for RMF and ChimeraX to know it.
    root
        The tree; its nodes are numbered here.
    frame_keys
        Keys (``category/name``) whose values come with the frames.
    description
        Free text, kept in the file.
    force
        Overwrite a file that is there.

    Raises
    ------
    InputError
        The file exists and ``force`` is false.
    ValueError
        The root is not of type ``root``, or a name or key that RMF refuses.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        root: Node,
        frame_keys: Iterable[str] = (),
        description: str = "",
        force: bool = False,
    ) -> None:
        refuse_existing(path, force)
        if root.type != "root":
            raise ValueError(f"the first node of an RMF file has type 'root', got {root.type!r}")
        self.frames = 0
        self._keys = _number_keys(root, frame_keys)
        static = _static_record(root, self._keys, description)
        sync = hashlib.blake2b(repr(static).encode(), digest_size=16).digest()
        self._file = open(path, "w+b")
        self._writer = _writer(self._file, sync)
        self._writer.write(static)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike,
        size: int,
        root: Node,
        frame_keys: Iterable[str] = (),
    ) -> RmfWriter:
        """Continue a file that ``byte_size`` said was ``size`` bytes long; what follows is cut off.

        Raises
        ------
        InputError
            No such file, a shorter one, no RMF3 file, or one with another tree.
        """
        path = Path(path)
        blocks = Blocks(path)
        if path.stat().st_size < size:
            raise InputError(path, f"{path.stat().st_size} bytes", f"at least {size} (checkpoint)")
        if size not in blocks.ends:
            raise InputError(path, f"no block that ends at byte {size}", "the checkpoint's size")
        keys = _number_keys(root, frame_keys)
        static = next(blocks.records(0))
        same = _static_record(root, keys, static["info"].get("description", ""))
        for part in ("nodes", "keys"):
            if static[part] != same[part]:
                raise InputError(path, f"{part} of another system", "a file of this run")
        os.truncate(path, size)
        writer = cls.__new__(cls)
        writer._keys = keys
        writer.frames = sum(blocks.counts[: blocks.ends.index(size) + 1]) - 1
        writer._file = open(path, "r+b")
        writer._file.seek(0, os.SEEK_END)
        writer._writer = _writer(writer._file)
        return writer

    def write_frame(self, values: Mapping[str, KeyValues], name: str = "") -> int:
        """Append a frame and return its index.

        Parameters
        ----------
        values
            For each key the ids of nodes and their values: (n,) numbers, (n, 3) vectors, (n, 4)
            quaternions as w, x, y, z, or n strings.
        name
            Of the frame.

        Raises
        ------
        KeyError
            A key that is neither in the tree nor among ``frame_keys``.
        """
        data = empty_data()
        for key, (nodes, entries) in values.items():
            if key not in self._keys:
                raise KeyError(f"RMF key {key!r} was not declared")
            symbol, number = self._keys[key]
            field, key_field, node_field = FIELDS[symbol]
            data[field].append(
                {key_field: number, "values": _values(symbol, node_field, nodes, entries)}
            )
        info = {"id": self.frames, "name": name, "type": FRAME, "parents": []}
        self._writer.write({"info": ("FrameInfo", info), "nodes": [], "keys": [], "data": data})
        self.frames += 1
        return self.frames - 1

    def flush(self) -> None:
        """Hand everything written so far to the operating system, readable."""
        self._writer.flush()

    def byte_size(self) -> int:
        """Size of the file with everything written so far, for `resume`; flushes."""
        self.flush()
        return self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        if not self._file.closed:
            self.flush()
            self._file.close()

    def __enter__(self) -> RmfWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def copy_frames(
    source: RmfFile,
    path: str | os.PathLike,
    frames: Iterable[int],
    force: bool = False,
) -> int:
    """Write some frames of an RMF3 file to a new one, in the order given; returns their count.

    The tree and everything that a frame holds are taken over as they are, whoever wrote them.

    Raises
    ------
    InputError
        ``path`` exists and ``force`` is false.
    IndexError
        A frame that ``source`` does not have.
    """
    refuse_existing(path, force)
    wanted = list(frames)
    held = dict(source.frame_records(wanted))
    # A file may lack tables that it does not use.
    static = [
        {**r, "info": ("FileInfo", r["info"]), "data": empty_data() | r["data"]}
        for r in source.static_records()
    ]
    sync = hashlib.blake2b(repr((static[0], wanted)).encode(), digest_size=16).digest()
    with open(path, "w+b") as file:
        writer = _writer(file, sync)
        for record in static:
            writer.write(record)
        writer.flush()
        for number, frame in enumerate(wanted):
            info = {**held[frame]["info"], "id": number, "parents": []}
            data = empty_data() | held[frame]["data"]
            writer.write({**held[frame], "info": ("FrameInfo", info), "data": data})
        writer.flush()
    return len(wanted)


def _writer(file, sync: bytes = b"") -> Writer:
    schema = fastavro.parse_schema(frame_schema())
    # Not deflated: the RMF library (1.7) fails to skip through a deflated block of a file.
    # A record a block: the same frames make the same file, wherever a run was cut short.
    return Writer(file, schema, codec="null", sync_interval=1, sync_marker=sync)


def _values(symbol: str, node_field: str, nodes, entries) -> list[dict]:
    """Values of a key as fastavro wants them; the vectors of a frame are most of the work."""
    nodes = np.asarray(nodes).tolist()
    if symbol in ("VECTOR3", "VECTOR4"):
        names = "xyz" if symbol == "VECTOR3" else "wxyz"
        vectors = np.asarray(entries, dtype=np.float32).reshape(len(nodes), len(names)).tolist()
        return [
            {node_field: node, "value": dict(zip(names, vector, strict=True))}
            for node, vector in zip(nodes, vectors, strict=True)
        ]
    if symbol == "FLOAT":  # a score may be beyond single precision: infinite then, no error
        with np.errstate(over="ignore"):
            entries = np.asarray(entries, dtype=np.float32).tolist()
    return [
        {node_field: node, "value": packed(symbol, entry)}
        for node, entry in zip(nodes, entries, strict=True)
    ]


def _number_keys(root: Node, frame_keys: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Key -> (type, id): numbered in order of their names for each type, as RMF does by type."""
    number_nodes(root)
    symbols: dict[str, str] = {key: key_type(key) for key in frame_keys}
    for node, _ in root.walk():
        if not node.name or '"' in node.name:
            raise ValueError(f"RMF refuses the node name {node.name!r}")
        for key, value in node.values.items():
            symbols.setdefault(key, key_type(key, value))
        if node.alternatives:
            symbols |= {key: "INTS" for key in ("alternatives/types", "alternatives/roots")}
    counts: dict[str, int] = {}
    keys = {}
    for key in sorted(symbols):
        name = key.split("/")[1]
        if any(c in name for c in "\\:=()[]{}\"'") or "  " in name:
            raise ValueError(f"RMF refuses the key name {name!r}")
        symbol = symbols[key]
        keys[key] = (symbol, counts.setdefault(symbol, 0))
        counts[symbol] += 1
    return keys


def _static_record(root: Node, keys: dict[str, tuple[str, int]], description: str) -> dict:
    categories = {name: i for i, name in enumerate(sorted({k.split("/")[0] for k in keys}))}
    nodes = []
    tables: dict[str, list] = {key: [] for key in keys}
    for node, parent in root.walk():
        parents = [parent.id] if parent is not None else []
        kind = NODE_TYPES[node.type]
        nodes.append({"id": node.id, "name": node.name, "type": kind, "parents": parents})
        values = dict(node.values)
        if node.alternatives:
            values["alternatives/types"] = [kind for kind, _ in node.alternatives]
            values["alternatives/roots"] = [other.id for _, other in node.alternatives]
        for key, value in values.items():
            symbol, _ = keys[key]
            tables[key].append({FIELDS[symbol][2]: node.id, "value": packed(symbol, value)})
    data = empty_data()
    for key, entries in tables.items():
        symbol, number = keys[key]
        field, key_field, _ = FIELDS[symbol]
        if entries:
            data[field].append({key_field: number, "values": entries})
    info = {
        "description": description,
        "producer": _producer(),
        "categories": [{"id": i, "name": name} for name, i in categories.items()],
        "node_types": [],
        "frame_types": [],
        "node_sets": [],
    }
    described = [
        {
            "id": number,
            "name": key.split("/")[1],
            "category": categories[key.split("/")[0]],
            "type": symbol,
        }
        for key, (symbol, number) in keys.items()
    ]
    return {"info": ("FileInfo", info), "nodes": nodes, "keys": described, "data": data}


def _producer() -> str:
    try:
        return f"{PRODUCER} {version('emgmm')}"
    except PackageNotFoundError:
        return PRODUCER

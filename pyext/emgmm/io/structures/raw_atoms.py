"""Atoms as a file has them, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class RawAtoms:
    """Atoms of the first model, one array entry each, in the order of the file.

    Attributes
    ----------
    chain, insertion, residue_name, name, altloc, element
        (n,) str; names in upper case, the element as the file states it.
    padded
        (n,) str, the four columns of the name in a PDB file, else empty.
    number
        (n,) int.
    segment
        (n,) int, which grows where the file ends a chain (TER).
    hetero
        (n,) bool.
    in_sequence
        (n,) int: 1 part of a polymer's sequence, 0 not, -1 not said.
    xyz, occupancy, b_factor
        (n, 3) Å, (n,), (n,) Å².
    line
        (n,) int, line of the file or row of the table, from 1.
    """

    chain: np.ndarray
    segment: np.ndarray
    number: np.ndarray
    insertion: np.ndarray
    residue_name: np.ndarray
    name: np.ndarray
    padded: np.ndarray
    altloc: np.ndarray
    element: np.ndarray
    hetero: np.ndarray
    in_sequence: np.ndarray
    xyz: np.ndarray
    occupancy: np.ndarray
    b_factor: np.ndarray
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.line)

    def select(self, mask: np.ndarray) -> RawAtoms:
        """The atoms of a boolean mask or an index array."""
        return replace(self, **{f.name: getattr(self, f.name)[mask] for f in fields(self)})


@dataclass
class RawFile:
    """The atoms of a file and what else its text says.

    ``models`` counts models, ``elsewhere`` the atoms of all but the first; ``header`` is the text
    that may name the program which made the file; ``confidence`` whether it says outright that the
    B column holds one; ``place`` makes "line 7" of an entry of ``atoms.line``.
    """

    atoms: RawAtoms
    place: Callable[[int], str]
    models: int = 1
    elsewhere: int = 0
    header: str = ""
    measured: bool = False  # an experiment, not a prediction
    confidence: bool = False
    notes: list[str] | None = None


def coded(values: np.ndarray | list[str]) -> tuple[list[str], np.ndarray]:
    """The different values in order of appearance, and (n,) the index of each entry among them."""
    values = values if isinstance(values, list) else values.tolist()
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return list(known), np.array(list(map(known.__getitem__, values)), dtype=np.int64)


def translated(values: np.ndarray | list[str], translate: Callable[[str], str]) -> np.ndarray:
    """The function of each value, called once for each that occurs."""
    names, codes = coded(values)
    return np.array([translate(name) for name in names] or [""])[codes]

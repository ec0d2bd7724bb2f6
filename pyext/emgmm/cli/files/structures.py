"""Structures among the files that a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...io.files import first_bytes, opened
from ...io.streams import STANDARD, is_stream

if TYPE_CHECKING:
    from ...io.structures import Structure

_STRUCTURES = (".pdb", ".ent", ".cif", ".mmcif", ".pdbx")
# Of other files that a command takes in the same place.
_OTHERS = (".mrc", ".map", ".ccp4", ".mrcs", ".rec", ".gmm", ".txt", ".dat")


def is_structure(path: str) -> bool:
    """Whether a file is a structure, by its ending or else by how it begins."""
    from ...io.structures import begins_as_structure

    if path == STANDARD or is_stream(path):
        return begins_as_structure(first_bytes(path, "a map or a structure", 1 << 16))
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    if suffix in _STRUCTURES or suffix in _OTHERS or not Path(path).is_file():
        return suffix in _STRUCTURES
    with opened(path, "a map, a mixture or a structure") as file:
        return begins_as_structure(file.read(1 << 16))


def structure_account(structure: Structure, b_factors: bool = False) -> dict:
    """Part of a command's JSON that is about a structure it read."""
    account = structure.account
    notes = list(account.notes)
    if b_factors and account.b_column == "plddt":
        notes.append(
            f"{account.name}: the B column looks like the confidence of a prediction (pLDDT), not "
            "B factors: --b-factors does not use it"
        )
    elif b_factors and not structure.b_factor.any():
        notes.append(f"{account.name}: all B factors are 0")
    return {"atoms": account.report(), "b_column": account.b_column, "notes": notes}

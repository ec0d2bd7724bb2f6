"""The best model with every atom of its input structures, under their own names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gemmi
import numpy as np

from ..io.structures import Structure, read_structure
from ..io.structures.write import residues, write_model
from ..sampling.alternatives import from_input

if TYPE_CHECKING:
    from ..representation.system import Fragment, System

_BLOCK = 512  # atoms


def write_all_atoms(path: Path, system: System, poses: np.ndarray, title: str) -> None:
    """A model as mmCIF, by the poses (bodies, 7) of its bodies; an earlier file is replaced.

    Residues that are modelled from a structure are there with all their atoms, numbered and named
    as in its file, and with the ligands of their chain. Chains keep their names as long as no two
    molecules have the same; beads have no atoms and are left out.

    Raises
    ------
    InputError
        An input structure cannot be read.
    """
    moves = from_input(system, poses)
    files = dict.fromkeys(f.pdb for f in system.fragments if f.pdb is not None)
    structures = {file: read_structure(file) for file in files}
    model = gemmi.Model(1)
    for molecule, name in enumerate(_chain_names(system)):
        chain = gemmi.Chain(name)
        for structure, rows, body in _parts(system, molecule, structures):
            for residue in residues(structure.select(rows).moved(moves[body])):
                chain.add_residue(residue)
        if len(chain):
            model.add_chain(chain)
    write_model(path, model, title)


def _chain_names(system: System) -> list[str]:
    """Chain names, a molecule each: that of its first structure, with a number if it is taken."""
    own = {
        f.molecule: f.pdb_chain
        for f in reversed(system.fragments)
        if f.structured and f.pdb_chain and f.pdb_chain.strip()
    }
    wanted = [own.get(i, m.chain) for i, m in enumerate(system.molecules)]
    names: list[str] = []
    for name in wanted:
        free = name
        number = 2
        while free in names or (free != name and free in wanted):
            free = f"{name}{number}"
            number += 1
        names.append(free)
    return names


def _parts(
    system: System, molecule: int, structures: dict[str, Structure]
) -> Iterator[tuple[Structure, np.ndarray, int]]:
    """Structure, rows of it and their body, fragment by fragment, then the ligands."""
    numbered = [
        (f, _body(system, i))
        for i, f in enumerate(system.fragments)
        if f.molecule == molecule and f.pdb is not None
    ]
    numbered.sort(key=lambda item: item[0].first)
    taken: dict[tuple[str, str | None], list[tuple[np.ndarray, int]]] = {}
    for fragment, body in numbered:
        structure = structures[fragment.pdb]
        rows = _rows(structure, fragment)
        taken.setdefault((fragment.pdb, fragment.pdb_chain), []).append((rows, body))
        yield structure, rows, body
    for (file, chain), parts in taken.items():
        structure = structures[file]
        of_chain = structure.rows_of_chain(chain)
        ligands = of_chain[structure.polymer[of_chain] == ""]
        if not len(ligands):
            continue
        rows = np.concatenate([rows for rows, _ in parts])
        bodies = np.repeat([body for _, body in parts], [len(rows) for rows, _ in parts])
        near = bodies[_nearest(structure.xyz[ligands], structure.xyz[rows])]
        # A ligand goes whole, with what its first atom is nearest to.
        _, first, residue = np.unique(
            structure.residue[ligands], return_index=True, return_inverse=True
        )
        near = near[first][residue]
        for body in np.unique(near).tolist():
            yield structure, ligands[near == body], body


def _body(system: System, fragment: int) -> int:
    finest = system.finest
    return int(finest.body[np.flatnonzero(finest.fragment == fragment)[0]])


def _rows(structure: Structure, fragment: Fragment) -> np.ndarray:
    rows = structure.rows_of_chain(fragment.pdb_chain)
    number = structure.residue_number[rows] + fragment.pdb_offset
    inside = (number >= fragment.first) & (number <= fragment.last)
    return rows[inside & (structure.polymer[rows] != "")]


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [
            np.square(points[i : i + _BLOCK, None] - others[None]).sum(axis=2).argmin(axis=1)
            for i in range(0, len(points), _BLOCK)
        ]
    )

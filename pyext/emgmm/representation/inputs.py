"""The structures of a table: each read once, and what of it the model has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.structures import Structure, find_file, read_structure
from ..io.structures.account import counted, listed
from ..io.topology import TopologyRow


class InputStructures:
    """Reads structures and remembers which of their atoms are used."""

    def __init__(self, topology: Path) -> None:
        self._topology = topology
        self._structures: dict[Path, Structure] = {}
        self._used: dict[Path, np.ndarray] = {}
        self._asked: dict[Path, np.ndarray] = {}  # in the range of a row
        self._chains: dict[Path, list[str]] = {}

    def chain(self, row: TopologyRow) -> tuple[Structure, np.ndarray]:
        """The atoms of the row's chain, and their indices in the structure.

        Raises
        ------
        InputError
            At the line and column of the table: no such file, or no such chain in it.
        """
        path = row.pdb
        structure = self._read(row)
        rows = structure.rows_of_chain(row.chain)
        if not len(rows):
            names = structure.chains()
            known = ", ".join(name for name in names if name)
            if "" in names:
                known += " and one without a name"
            raise InputError(
                self._topology,
                repr(row.chain),
                f"a chain of {path.name}: {known}",
                f"line {row.line}, column chain",
            )
        named = self._chains.setdefault(path, [])
        if row.chain not in named:
            named.append(row.chain)
        return structure.select(rows), rows

    def _read(self, row: TopologyRow) -> Structure:
        path = row.pdb
        if path not in self._structures:
            try:
                found = find_file(path, "a PDB or mmCIF file")
            except InputError:
                raise InputError(
                    self._topology,
                    f"no file {path}",
                    "a PDB or mmCIF file",
                    f"line {row.line}, column pdb_fn",
                ) from None
            self._structures[path] = read_structure(found)
            self._used[path] = np.zeros(len(self._structures[path]), dtype=bool)
            self._asked[path] = self._used[path].copy()
        return self._structures[path]

    def ask(self, row: TopologyRow, rows: np.ndarray) -> None:
        """Says which atoms are in the range of the row."""
        self._asked[row.pdb][rows] = True

    def use(self, row: TopologyRow, rows: np.ndarray) -> None:
        """Counts atoms, by their indices in the structure of the row, as part of the model."""
        self._used[row.pdb][rows] = True

    def notes(self) -> list[str]:
        """Sentences on what was left out or guessed."""
        notes = []
        for path, structure in self._structures.items():
            notes += structure.account.notes
            if structure.names_no_chain():
                names = listed(self._chains[path])
                notes.append(f"{path.name}: its only chain has no name and is taken for {names}")
            missed, _ = self._left_out(path)
            if missed:
                parts = "; ".join(f"{counted(n, 'atom')} {reason}" for reason, n in missed.items())
                notes.append(f"{path.name}: not part of the model: {parts}")
        return notes

    def report(self) -> list[dict]:
        """``file``, ``atoms`` (read, used, left out), ``mass`` and ``b_column`` of each."""
        found = []
        for path, structure in self._structures.items():
            account, used = structure.account, self._used[path]
            atoms = account.report()
            for reasons in self._left_out(path):
                atoms["left_out"] += [{"reason": r, "atoms": n} for r, n in reasons.items()]
            atoms["used"] = int(used.sum())
            mass = float(structure.atom_mass()[used].sum())
            found.append(
                {"file": str(path), "atoms": atoms, "mass": mass, "b_column": account.b_column}
            )
        return found

    def _left_out(self, path: Path) -> tuple[dict[str, int], dict[str, int]]:
        """Reasons and numbers of atoms that the model cannot hold, and of those that the table does
        not ask for."""
        structure, unused = self._structures[path], ~self._used[path]
        named = np.isin(structure.chain, self._chains[path])
        if structure.names_no_chain():
            named |= structure.chain == ""
        ligand = unused & named & (structure.polymer == "")
        bare = unused & self._asked[path] & ~ligand
        outside = unused & named & ~ligand & ~bare
        missed = {
            f"of no residue of a chain ({_names(structure.residue_name[ligand])})": ligand,
            "of residues without CA or P": bare,
        }
        unasked = {
            f"of chains in no row ({_names(structure.chain[~named])})": unused & ~named,
            "of residues in no row": outside,
        }
        first, second = (
            {reason: int(mask.sum()) for reason, mask in reasons.items() if mask.any()}
            for reasons in (missed, unasked)
        )
        return first, second


def _names(values: np.ndarray) -> str:
    return listed([name or "without a name" for name in dict.fromkeys(values.tolist())])

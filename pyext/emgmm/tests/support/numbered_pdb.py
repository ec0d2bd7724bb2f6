"""Structures of one atom a residue, with residue numbers of choice."""

from __future__ import annotations

import gemmi

SEQUENCE = "MKVLAGHWYRDEQNSTCPIFGGSSLKRTWQ"  # 30 residues


def pdb(names: dict[int, str], central: str = "CA") -> str:
    return "".join(
        f"ATOM  {i:5d}  {central:<3s} {name:>3s} A{number:4d}    "
        f"{3.8 * i:8.3f}{0:8.3f}{0:8.3f}  1.00  0.00           {central[0]}\n"
        for i, (number, name) in enumerate(names.items(), start=1)
    )


def of(sequence: str, start: int = 1) -> dict[int, str]:
    """Residue names by number of a structure of the sequence."""
    return {
        start + i: gemmi.expand_one_letter(c, gemmi.ResidueKind.AA) for i, c in enumerate(sequence)
    }

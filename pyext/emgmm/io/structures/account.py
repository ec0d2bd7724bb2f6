"""Account of a structure's atoms: what was read, left out and guessed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class AtomAccount:
    """Atoms of one file: read, used, left out and why.

    Attributes
    ----------
    name
        Of the file, without its folder.
    read
        Atoms in the file, of all its models.
    left_out
        Reason -> number of atoms.
    notes
        What was left out or guessed, a sentence each; nothing about waters.
    mass
        Da, the sum of mass times occupancy over the atoms that are used.
    b_column
        ``b_factor``, or ``plddt`` where a prediction has its confidence there.
    """

    name: str = ""
    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    mass: float = 0.0
    b_column: str = "b_factor"

    @property
    def used(self) -> int:
        """Atoms that are used."""
        return self.read - sum(self.left_out.values())

    def leave_out(self, reason: str, atoms: int) -> None:
        """Counts atoms for a reason."""
        if atoms:
            self.left_out[reason] = self.left_out.get(reason, 0) + atoms

    def say(self, text: str) -> None:
        """Adds a note about the file."""
        self.notes.append(f"{self.name}: {text}")

    def report(self) -> dict:
        """``read``, ``used`` and ``left_out`` as every command's JSON has them."""
        reasons = [{"reason": reason, "atoms": n} for reason, n in self.left_out.items()]
        return {"read": self.read, "used": self.used, "left_out": reasons}


def listed(names: list[str], most: int = 6) -> str:
    """``A, B, C``; no more than ``most``."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def counted(n: int, noun: str) -> str:
    """``1 atom``, ``2 atoms``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

"""Atoms of a file that belong to the molecule: no waters, no dummies; elements, occupancies."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

import gemmi
import numpy as np

from ...errors import InputError
from .account import AtomAccount, counted, listed
from .raw_atoms import RawAtoms, RawFile, coded
from .residue_names import element_of, names_simulation, polymer_of, solvent_kind

KEPT = ("waters", "ions", "lipids")
_UNKNOWN_PLACE = 9999.0  # what CNS and CHARMM write for a coordinate that they do not know

# IMP's element masses (Da), so that masses of beads agree to the last digit; else gemmi's.
_ELEMENT_MASS = {
    "H": 1.007,
    "C": 12.0107,
    "N": 14.0067,
    "O": 15.9994,
    "NA": 22.989,
    "MG": 24.3050,
    "P": 30.973,
    "S": 32.065,
    "CL": 35.453,
    "K": 39.0983,
    "CA": 40.078,
    "FE": 55.845,
    "ZN": 65.409,
    "SE": 78.96,
}


@dataclass(frozen=True)
class UsedAtoms:
    """Atoms that stay, and (n,) str their elements in upper case."""

    atoms: RawAtoms
    element: np.ndarray

    def select(self, mask: np.ndarray) -> UsedAtoms:
        """The atoms of a boolean mask or an index array."""
        return UsedAtoms(self.atoms.select(mask), self.element[mask])


def masses(element: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) Da and (n,) Å: masses and van der Waals radii of elements."""
    names, codes = coded(element)
    known = [gemmi.Element(name) for name in names]
    mass = [_ELEMENT_MASS.get(n, e.weight) for n, e in zip(names, known, strict=True)]
    return np.array(mass or [0.0])[codes], np.array([e.vdw_r for e in known] or [0.0])[codes]


def chosen(
    raw: RawFile, account: AtomAccount, keep: Collection[str], path: str | os.PathLike
) -> UsedAtoms:
    """The atoms that count, chain by chain; the account is told of the others.

    Raises
    ------
    InputError
        With the line: an atom whose element nothing tells.
    """
    atoms = _without_solvent(raw.atoms, account, keep)
    unknown = (atoms.xyz >= _UNKNOWN_PLACE).all(axis=1)
    if unknown.any():
        account.leave_out("of unknown place (9999)", int(unknown.sum()))
        account.say(f"{counted(int(unknown.sum()), 'atom')} at 9999 Å (of unknown place) left out")
        atoms = atoms.select(~unknown)
    used = _with_elements(atoms, raw, account, path)
    used = _with_occupancies(used, account)
    _, chain = coded(used.atoms.chain)
    if np.any(np.diff(chain) < 0):
        used = used.select(np.argsort(chain, kind="stable"))
    return used


def _without_solvent(atoms: RawAtoms, account: AtomAccount, keep: Collection[str]) -> RawAtoms:
    names, codes = coded(atoms.residue_name)
    simulated = any(names_simulation(name) for name in names)
    kinds: dict[str, list[str]] = {}
    left = np.zeros(len(names), dtype=bool)
    for code, name in enumerate(names):
        if polymer_of(name).kind:
            continue
        own = np.flatnonzero(codes == code)
        residues = 1 + np.count_nonzero(np.diff(atoms.number[own]))
        kind = solvent_kind(name, set(atoms.name[own].tolist()), residues, simulated)
        if kind and f"{kind}s" not in keep:
            kinds.setdefault(kind, []).append(name)
            left[code] = True
    for kind, found in kinds.items():
        count = int(np.isin(atoms.residue_name, found).sum())
        account.leave_out(f"of {kind} ({listed(found)})" if kind != "water" else "of water", count)
        if kind == "dummy":
            account.say(f"{counted(count, 'dummy atom')} left out ({listed(found)})")
        elif kind != "water":
            account.say(
                f"{counted(count, 'atom')} of {kind}s left out, as of a simulated box "
                f"({listed(found)}); --keep {kind}s reads them"
            )
    return atoms.select(~left[codes]) if left.any() else atoms


def _with_elements(
    atoms: RawAtoms, raw: RawFile, account: AtomAccount, path: str | os.PathLike
) -> UsedAtoms:
    parts = [coded(a) for a in (atoms.residue_name, atoms.name, atoms.padded, atoms.element)]
    key = np.zeros(len(atoms), dtype=np.int64)
    for names, codes in parts:
        key = key * max(1, len(names)) + codes
    _, first, own = np.unique(key, return_index=True, return_inverse=True)
    rows = [[names[codes[i]] for names, codes in parts] for i in first.tolist()]
    aligned = _are_aligned(rows, np.bincount(own, minlength=len(rows)))
    found = [element_of(r, n, p if aligned else "", e) for r, n, p, e in rows]
    symbol = np.array([e.symbol for e in found] or [""])[own]
    source = np.array([e.source for e in found] or [""])[own]
    if (source == "none").any():
        i = int(np.argmax(source == "none"))
        raise InputError(
            path,
            f"atom {str(atoms.name[i])!r} of {atoms.residue_name[i]}, whose element is not told",
            "an element in its column, or a name that begins with it",
            raw.place(int(atoms.line[i])),
        )
    by_name = int((source == "name").sum())
    # A file of before 1996 has no such column; the names tell all there is to know.
    if by_name and (set(parts[3][0]) != {""} or not raw.atoms.padded[0]):
        account.say(f"elements of {counted(by_name, 'atom')} taken from their names: none is given")
    wrong = source == "wrong"
    if wrong.any():
        i = int(np.argmax(wrong))
        account.say(
            f"elements of {counted(int(wrong.sum()), 'atom')} do not fit their names, which are "
            f"taken ({str(atoms.element[i])!r} for {atoms.name[i]} of {atoms.residue_name[i]})"
        )
    dummy = source == "dummy"
    used = UsedAtoms(atoms, symbol)
    if dummy.any():
        count = int(dummy.sum())
        names = list(dict.fromkeys(atoms.name[dummy].tolist()))
        account.leave_out(f"dummy ({listed(names)})", count)
        account.say(f"{counted(count, 'dummy atom')} left out ({listed(names)})")
        used = used.select(~dummy)
    return used


def _are_aligned(rows: list[list[str]], counts: np.ndarray) -> bool:
    """Whether names begin in their second column, as those of C, N and O must."""
    aligned = moved = 0
    for (residue, name, padded, _), count in zip(rows, counts.tolist(), strict=True):
        if padded and len(name) < 4 and polymer_of(residue).standard and name[:1].isalpha():
            aligned += count if padded[:1] == " " and padded[1:2] != " " else 0
            moved += count if padded[:1] != " " or padded[1:2] == " " else 0
    return aligned >= moved


def _with_occupancies(used: UsedAtoms, account: AtomAccount) -> UsedAtoms:
    occupancy = used.atoms.occupancy.copy()
    if len(occupancy) and not occupancy.any():
        account.say("all occupancies are 0: taken as 1")
        occupancy[:] = 1.0
    many = occupancy > 1.0
    if many.any():
        account.say(f"occupancies of {counted(int(many.sum()), 'atom')} above 1 taken as 1")
        occupancy[many] = 1.0
    gone = np.zeros(len(occupancy), dtype=bool)
    for reason, mask in (("0", occupancy == 0), ("below 0", occupancy < 0)):
        if mask.any():
            count = counted(int(mask.sum()), "atom")
            account.leave_out(f"of occupancy {reason}", int(mask.sum()))
            if not np.isin(used.element[mask], ("H", "D")).all():
                account.say(f"{count} of occupancy {reason} left out")
            gone |= mask
    used = UsedAtoms(replace(used.atoms, occupancy=occupancy), used.element)
    return used.select(~gone) if gone.any() else used

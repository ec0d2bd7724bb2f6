"""Meaning of names: waters, ions, lipids and dummies, parents of modifications, elements."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

import gemmi

_STANDARD = frozenset(
    "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
)
# Protonation states and termini as force fields call them.
_PARENT = {
    alias: parent
    for parent, aliases in {
        "HIS": "HSD HSE HSP HID HIE HIP HISA HISB HISD HISE HISH HISP HIS1 HIS2",
        "CYS": "CYX CYM CYN CYSH CYS1 CYS2 CYSX CYSM",
        "ASP": "ASH ASPH ASPP AS4",
        "GLU": "GLH GLUH GLUP GL4",
        "LYS": "LYN LYSH LYP LSN LYSN",
        "ARG": "ARN ARGN",
        "TYR": "TYM TYRH",
        "TRP": "TRPH",
        "MET": "METH",
    }.items()
    for alias in aliases.split()
}
_BASES = {"ADE": "A", "CYT": "C", "GUA": "G", "URA": "U", "URI": "U", "THY": "T"}
_NUCLEOTIDE = re.compile(r"([DR]?)([ACGTUI])([53N]?)")

_WATERS = frozenset(
    "HOH WAT H2O DOD D2O OH2 OHH HHO HO2 TIP TIP2 TIP3 TIP4 TIP5 TIPS TP3 TP4 TP5 T3P T4P T5P T3H "
    "T4E T4H W SPC SPCE SPCF SPE SPX SOL SOLV WTR WATR OPC OPC3 FB3 FB4 SWM4 SWM6 MTO PW WN".split()
)
# Of CHARMM, Amber and GROMACS. The ions of a crystal have the names of their elements.
_BULK_IONS = {
    "SOD": "NA",
    "CLA": "CL",
    "POT": "K",
    "CES": "CS",
    "LIT": "LI",
    "RUB": "RB",
    "NIO": "NA",
    "CIO": "CL",
    "CIM": "CL",
    "CIP": "NA",
}
_OTHER_IONS = {"CAL": "CA", "BAR": "BA", "ZN2": "ZN", "CD2": "CD"}
_SIGNED_ION = re.compile(r"(NA|CL|K|LI|RB|CS|BR)\d?[+-]\d?")
_SALT = frozenset(("NA", "CL", "K", "LI", "RB", "CS"))
# Four letters: two of the tails, two of the head. The archive's names of ligands have three or five
# letters.
_LIPID = re.compile(r"[A-Z]{2}P[ACEGIS]|CHL1|CHOL|CHSD|ERGO|[LNOPS]{2}SM|T[LMO]CL|LDAO|DD?PC")
# Names of three letters and less that also stand for ligands: lipids only in crowds.
_CROWDED_LIPID = frozenset(
    "POP DPP DOP DMP DLP DSP CHL CHO PA PC PE PS PH- PGR OL ST MY LAL SA AR DHA SPM PSM SSM SDS "
    "DPC DDM BOG PLA PCX PCL".split()
)
# Names of lipids cut to three letters, which small ligands have, too.
_CUT_LIPID = frozenset("POP DPP DOP DMP DLP DSP DAP DYP".split())
_LIPID_ATOMS = 30
CROWD = 20  # residues of one name from which on they are a membrane, or bulk salt
_DUMMIES = frozenset(("DUM", "DUMM", "UNX", "VSP", "NUL"))


class Polymer(NamedTuple):
    """Polymer that a residue's name tells of.

    ``protein``, ``RNA``, ``DNA``, ``nucleic`` (one of the two), or nothing; the one-letter code of
    its parent; whether its atoms are named as in the standard residues."""

    kind: str
    letter: str
    standard: bool


@functools.cache
def polymer_of(name: str) -> Polymer:
    """The polymer that a residue of this name belongs to."""
    if len(name) == 4 and name[0] in "NC" and (name[1:] in _STANDARD or name[1:] in _PARENT):
        name = name[1:]
    name = _PARENT.get(name, name)
    if name in _BASES:
        return Polymer("nucleic", _BASES[name], True)
    if match := _NUCLEOTIDE.fullmatch(name):
        sugar, base, _ = match.groups()
        # Files from before 2007 call deoxyadenosine A, too.
        kind = {"D": "DNA", "R": "RNA"}.get(sugar, {"T": "DNA", "U": "RNA"}.get(base, "nucleic"))
        return Polymer(kind, base, True)
    residue = gemmi.find_tabulated_residue(name)
    letter = residue.one_letter_code.strip().upper()
    if residue.is_amino_acid():
        return Polymer("protein", letter or "X", name in _STANDARD)
    if residue.is_nucleic_acid():
        kind = "DNA" if residue.kind == gemmi.ResidueKind.DNA else "RNA"
        return Polymer(kind, letter or "X", False)
    return Polymer("", letter, False)


def solvent_kind(name: str, atoms: set[str], residues: int, simulated: bool) -> str:
    """``water``, ``ion``, ``lipid``, ``dummy`` or nothing, of the residues of one name.

    Parameters
    ----------
    atoms
        Names of all their atoms.
    residues
        How many there are.
    simulated
        The file has waters under a name of a force field.
    """
    if name in _DUMMIES:
        return "dummy"
    if name in _WATERS and all(a.lstrip("0123456789")[:1] in "OHDMELQW" for a in atoms):
        return "water"
    if len(atoms) == 1:
        if name in _BULK_IONS or _SIGNED_ION.fullmatch(name):
            return "ion"
        if name in _SALT and (simulated or residues > CROWD):
            return "ion"
    if len(atoms) > 1 and "MG" not in atoms:
        if _LIPID.fullmatch(name):
            return "lipid"
        if name in _CROWDED_LIPID and residues >= CROWD:
            return "lipid"
        if name in _CUT_LIPID and len(atoms) >= _LIPID_ATOMS:
            return "lipid"
    return ""


def names_simulation(name: str) -> bool:
    """Whether only a simulation calls its water so."""
    return name in _WATERS and name not in ("HOH", "DOD", "WAT", "H2O", "MTO")


def is_membrane_name(name: str) -> bool:
    """Whether a name of four letters is that of a water or lipid of a force field."""
    return len(name) == 4 and (name in _WATERS or _LIPID.fullmatch(name) is not None)


class Element(NamedTuple):
    """An element and where it comes from: ``column``, ``name`` (no or no valid column), ``wrong``
    (the name, against the column), ``dummy``, or ``none``."""

    symbol: str
    source: str


_IN_POLYMERS = frozenset("HDCNOSP")
_TWO_LETTERS = frozenset("CL BR FE ZN MG MN CU NI SE SI LI AL MO".split())
_ONE_LETTER = frozenset("HDCNOSPFBIKVWYU")


@functools.cache
def element_of(residue: str, name: str, padded: str, column: str) -> Element:
    """Element of an atom.

    Parameters
    ----------
    residue, name
        In upper case, without blanks.
    padded
        The four columns of the name in a PDB file, "" where their alignment means nothing.
    column
        The file's own statement, as it stands there.
    """
    token = re.sub("[^A-Z]", "", column.upper())
    given = _symbol(token)
    letters = name.lstrip("0123456789'*\"+-")
    if not given and token in ("X", "XX", "DU", "EP", "LP", "VS", "M", "MW", "Q"):
        if not (polymer_of(residue).standard and letters[:1] in tuple(_IN_POLYMERS)):
            return Element("X", "dummy")
    if name in ("MW", "EPW", "DUM") or re.fullmatch(r"LP([A-D0-9].*)?|EP[0-9]*|LP.*[A-D]", name):
        if given in ("", "X"):
            return Element("X", "dummy")
    if polymer_of(residue).standard:
        return _in_polymer(letters, given)
    ion = _BULK_IONS.get(residue) or _OTHER_IONS.get(residue)
    if ion and name[:1] == residue[:1]:
        return Element(ion, "column" if given == ion else "name")
    if given:
        return Element(given, "column")
    symbol = _of_ligand(residue, letters, padded)
    return Element(symbol, "name") if symbol else Element("X", "none")


def _in_polymer(letters: str, given: str) -> Element:
    first = letters[:1]
    # Drude particles hang on heavy atoms: DCA, DN, DOD1. Deuterium stands for a hydrogen.
    if first == "D" and letters[1:2] in tuple("CNOS") and given not in ("D", "H"):
        return Element("X", "dummy")
    if first in ("Q", "M") and not given:  # pseudo-atoms of NMR
        return Element("X", "dummy")
    if first not in _IN_POLYMERS:
        return Element(given, "column") if given in _IN_POLYMERS else Element("X", "none")
    if not given:
        return Element(first, "name")
    if given == first or {given, first} == {"H", "D"} or (given == "SE" and first == "S"):
        return Element(given, "column")
    return Element(first, "wrong")


def _of_ligand(residue: str, letters: str, padded: str) -> str:
    start = re.match("[A-Z]*", letters).group()
    if start and start == re.match("[A-Z]*", residue).group() and _symbol(start):
        return start  # an ion: ZN of ZN, FE of FE2
    if padded:
        padded = padded.ljust(4)
        # The element ends in the second column, unless four characters fill the name.
        if padded[0] in " 0123456789":
            return _symbol(padded[1])
        if padded[3] == " " and _symbol(padded[:2]):
            return _symbol(padded[:2])
    if start in _TWO_LETTERS:
        return start
    return start[:1] if start[:1] in _ONE_LETTER else ""


@functools.cache
def _symbol(text: str) -> str:
    """The text, where it is an element."""
    return text if text and gemmi.Element(text).atomic_number > 0 else ""

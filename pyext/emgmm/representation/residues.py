"""Masses and radii of residues and beads, as IMP.atom and IMP.pmi have them.

Radii of residues are those of spheres of the residue's volume (Pontius et al., J. Mol. Biol. 264
(1996) 121); beads of several unstructured residues weigh 110 Da a residue at 0.625 Da/Å³ (Alber et
al. 2005), with radius taken 20 % smaller because such beads overlap.
"""

from __future__ import annotations

import math

BEAD_RESIDUE_MASS = 110.0  # Da
_PROTEIN_DENSITY = 0.625  # Da/Å³
_BEAD_SHRINKAGE = 0.8

_PROTEIN_MASS = {
    "A": 71.079,
    "R": 156.188,
    "D": 115.089,
    "N": 114.104,
    "C": 103.144,
    "Q": 128.131,
    "E": 129.116,
    "G": 57.052,
    "H": 137.142,
    "I": 113.160,
    "L": 113.160,
    "K": 128.174,
    "M": 131.198,
    "F": 147.177,
    "P": 97.117,
    "S": 87.078,
    "T": 101.105,
    "Y": 163.170,
    "W": 186.213,
    "V": 99.133,
    "X": 113.160,
}
# Of nucleotides in a chain, as nucleoside monophosphates less a water; IMP.atom has the masses of
# the triphosphates, 178 Da more. X is the mean of the four.
_RNA_MASS = {
    "A": 329.206,
    "U": 306.166,
    "C": 305.181,
    "G": 345.205,
    "T": 320.193,
    "X": 321.440,
}
_DNA_MASS = {
    "A": 313.207,
    "T": 304.193,
    "C": 289.182,
    "G": 329.206,
    "U": 290.167,
    "X": 308.947,
}

_PROTEIN_RADIUS = {
    "A": 2.516,
    "R": 3.244,
    "N": 2.887,
    "D": 2.866,
    "C": 2.710,
    "Q": 3.008,
    "E": 2.997,
    "G": 2.273,
    "H": 3.051,
    "I": 3.047,
    "L": 3.052,
    "K": 3.047,
    "M": 3.068,
    "F": 3.259,
    "P": 2.780,
    "S": 2.609,
    "T": 2.799,
    "W": 3.456,
    "Y": 3.318,
    "V": 2.888,
}

ALPHABETS = {"protein": _PROTEIN_MASS, "RNA": _RNA_MASS, "DNA": _DNA_MASS}


def residue_mass(alphabet: str, code: str) -> float:
    """Da, of a residue in a chain of ``protein``, ``RNA`` or ``DNA``."""
    return ALPHABETS[alphabet][code]


def residue_radius(alphabet: str, code: str) -> float:
    """Å; PMI gives every residue that is not one of the twenty the radius of alanine."""
    return sphere_radius(residue_volume(alphabet, code))


def residue_volume(alphabet: str, code: str) -> float:
    """Å³."""
    return sphere_volume(_PROTEIN_RADIUS.get(code, 2.516) if alphabet == "protein" else 2.516)


def has_radius(alphabet: str, code: str) -> bool:
    """Whether IMP.atom knows the volume of the residue."""
    return alphabet == "protein" and code in _PROTEIN_RADIUS


def sphere_volume(radius: float) -> float:
    """Å³."""
    return 4.0 / 3.0 * math.pi * radius**3


def sphere_radius(volume: float) -> float:
    """Å, of the sphere with a volume in Å³.

    The exponent is that of IMP.algebra.get_ball_radius_from_volume_3d; it makes
    radii smaller by 1e-4 of themselves.
    """
    return (3.0 / (4.0 * math.pi) * volume) ** 0.3333


def bead_mass(residues: int) -> float:
    """Da, of a flexible bead."""
    return BEAD_RESIDUE_MASS * residues


def bead_radius(alphabet: str, codes: str) -> float:
    """Å, of a flexible bead of the residues ``codes``."""
    if len(codes) == 1:
        return residue_radius(alphabet, codes)
    volume = bead_mass(len(codes)) / _PROTEIN_DENSITY
    return _BEAD_SHRINKAGE * (3.0 / (4.0 * math.pi) * volume) ** (1.0 / 3.0)

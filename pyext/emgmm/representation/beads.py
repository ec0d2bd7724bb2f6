"""Beads of one chain: from coordinates, and strings of flexible beads between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chains import Chain, Domain, ResidueAtoms
from .residues import (
    bead_mass,
    bead_radius,
    has_radius,
    residue_mass,
    residue_radius,
    residue_volume,
    sphere_radius,
    sphere_volume,
)


@dataclass(frozen=True)
class Bead:
    """One bead in the frame of the input structure: residues, Å, Å, Da."""

    first: int
    last: int
    xyz: np.ndarray
    radius: float
    mass: float


@dataclass(frozen=True)
class Segment:
    """An unbroken stretch of one domain, with its beads by resolution.

    A flexible segment has the same beads at every resolution.
    """

    domain: Domain
    structured: bool
    first: int
    last: int
    beads: dict[int, list[Bead]]


def segments_of(chain: Chain, resolutions: tuple[int, ...]) -> list[Segment]:
    """All segments of a chain in order of sequence."""
    segments = []
    for domain in chain.domains:
        for run in _runs(list(domain.structured)):
            beads = {r: _structured_beads(chain, domain, run, r) for r in resolutions}
            segments.append(Segment(domain, True, run[0], run[-1], beads))
        for run in _runs(domain.missing):
            string = _bead_string(chain, run, domain.row.bead_size)
            beads = dict.fromkeys(resolutions, string)
            segments.append(Segment(domain, False, run[0], run[-1], beads))
    return sorted(segments, key=lambda segment: segment.first)


def _runs(numbers: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _structured_beads(chain: Chain, domain: Domain, run: list[int], resolution: int) -> list[Bead]:
    """One bead a residue at its central atom, or, as IMP.atom.create_simplified_along_backbone
    makes them, one of every ``resolution`` residues at the mean of their atoms.
    """
    if resolution == 1:
        return [
            Bead(
                i,
                i,
                domain.structured[i].center,
                residue_radius(chain.alphabet, chain.sequence[i - 1]),
                residue_mass(chain.alphabet, chain.sequence[i - 1]),
            )
            for i in run
        ]
    beads = []
    for start in range(0, len(run), resolution):
        part = run[start : start + resolution]
        atoms = [domain.structured[i] for i in part]
        volume = sum(
            _volume(chain.alphabet, chain.sequence[i - 1], a)
            for i, a in zip(part, atoms, strict=True)
        )
        beads.append(
            Bead(
                part[0],
                part[-1],
                # The plain mean over atoms, not the centre of mass: IMP's choice.
                _mean(atoms),
                sphere_radius(volume),
                sum(
                    _mass(chain.alphabet, chain.sequence[i - 1], a)
                    for i, a in zip(part, atoms, strict=True)
                ),
            )
        )
    return beads


def _mean(atoms: list[ResidueAtoms]) -> np.ndarray:
    """(3,) Å, of all atoms; alternate locations of one atom count as one."""
    xyz, share = np.concatenate([a.xyz for a in atoms]), np.concatenate([a.share for a in atoms])
    return xyz.mean(axis=0) if (share == 1).all() else share @ xyz / share.sum()


def _mass(alphabet: str, code: str, atoms: ResidueAtoms) -> float:
    """Da of a residue: of its atoms; of a nucleotide, as at resolution 1, whole.

    IMP.atom weighs the atoms there, too, so that mass would depend on the resolution.
    """
    return float(atoms.mass.sum()) if alphabet == "protein" else residue_mass(alphabet, code)


def _volume(alphabet: str, code: str, atoms: ResidueAtoms) -> float:
    """Å³ of a residue; where IMP.atom has no value, that of its atoms, overlaps counted twice."""
    if has_radius(alphabet, code):
        return residue_volume(alphabet, code)
    spheres = zip(atoms.radius.tolist(), atoms.share.tolist(), strict=True)
    return sum(share * sphere_volume(radius) for radius, share in spheres)


def _bead_string(chain: Chain, run: list[int], size: int) -> list[Bead]:
    """Beads of ``size`` residues each, all of them at the nearest residue with coordinates."""
    at = chain.nearest_structure(run[0])
    beads = []
    for start in range(0, len(run), size):
        part = run[start : start + size]
        codes = chain.sequence[part[0] - 1 : part[-1]]
        radius = bead_radius(chain.alphabet, codes)
        beads.append(Bead(part[0], part[-1], at, radius, bead_mass(len(part))))
    return beads

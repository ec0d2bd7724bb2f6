"""Tells the confidence of a prediction from B factors: both stand in the same column."""

from __future__ import annotations

import re

import numpy as np

_PREDICTORS = re.compile(
    r"ALPHAFOLD|COLABFOLD|ESMFOLD|ESM-?FOLD|OMEGAFOLD|OPENFOLD|ROSETTAFOLD|ROSETTA ?FOLD|UNIFOLD|"
    r"BOLTZ|CHAI-?[12]|HELIXFOLD|PROTENIX|P-?LDDT|PREDICTED LDDT|LDDT-CA|\bAF-[A-Z0-9]{6,10}-F\d"
)


def looks_like_confidence(
    header: str,
    measured: bool,
    stated: bool,
    b_factor: np.ndarray,
    residue: np.ndarray,
    polymer: np.ndarray,
) -> bool:
    """Whether the B column holds pLDDT, from 0 to 100 or to 1.

    A file that states it (``stated``), or names a program that predicts structures, has it wherever
    the numbers allow. Without a word it is recognised by one number for all atoms of a residue, a
    range of 0 to 100 or to 1, and chains whose ends are worse than their middle: B factors grow
    there.

    Parameters
    ----------
    header
        Text of the file in upper case.
    measured
        The file says that it comes from an experiment.
    residue
        (n,) int, a number for each residue, in the order of the file.
    polymer
        (n,) bool, atoms of polymers.
    """
    values, residue = b_factor[polymer], residue[polymer]
    if not len(values) or values.min() < 0 or values.max() > 100 or not values.max() > 0:
        return False
    if stated:
        return True
    if measured:
        return False
    if _PREDICTORS.search(header):
        return True
    starts = np.flatnonzero(np.r_[True, np.diff(residue) != 0])
    if len(starts) < 10 or len(values) < 3 * len(starts):
        return False
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    if not (low == high).mean() > 0.98 or low.min() == low.max():
        return False
    if 1 < values.max() <= 50:
        return False
    ends = max(1, len(low) // 20)
    outer = np.r_[low[:ends], low[-ends:]]
    return bool(outer.mean() < low[ends:-ends].mean())

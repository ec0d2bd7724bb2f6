"""A model against a reference structure, in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..poses import rotation_angle, superpose
from .copies import Group, match
from .deviations import NEAR, rmsd, rmsd80, share_within, squared_deviations


class SubunitAccuracy(NamedTuple):
    """How well one subunit is placed."""

    name: str  # of the place in the reference; a copy may stand there under another number
    position_error: float  # Å between the centroids
    angle_error: float  # degrees of the rotation that is left after the shift
    rmsd: float  # Å
    rmsd80: float  # Å


class Accuracy(NamedTuple):
    """How close a model is to the reference."""

    rmsd: float  # Å
    rmsd80: float  # Å
    p10: float  # share of the residues within 10 Å
    residues: int  # compared
    subunits: list[SubunitAccuracy]
    order: np.ndarray  # (n,) the model with its copies renamed is model[order]

    @property
    def result(self) -> str:
        """`full positive`, `partial` or `negative`, as in Table 2 of the paper."""
        if not self.rmsd80 < NEAR:
            return "negative"
        return "full positive" if all(s.rmsd80 < NEAR for s in self.subunits) else "partial"


def accuracy(
    model: np.ndarray,
    reference: np.ndarray,
    subunit: np.ndarray,
    names: Sequence[str],
    copies: Sequence[Group] = (),
) -> Accuracy:
    """Compare a model with a reference without superposing them.

    Identical copies are assigned such that the rmsd is least.

    Parameters
    ----------
    model, reference
        (n, 3) Å; residues that the reference does not have are NaN there and not compared.
    subunit
        (n,) index in ``names``.
    copies
        Interchangeable subunits.

    Raises
    ------
    ValueError
        No residue is in the reference.
    """
    known = np.isfinite(reference).all(axis=1)
    if not known.any():
        raise ValueError("the reference has none of the residues of the model")
    order = match(model[None], reference, copies)[0]
    placed = model[order]
    squared = squared_deviations(placed[known], reference[known])
    subunits = []
    for index, name in enumerate(names):
        members = known & (subunit == index)
        if not members.any():
            continue
        found, wanted = placed[members], reference[members]
        own = squared_deviations(found, wanted)
        rotation, _ = superpose(wanted, found)
        turned = float(rotation_angle(rotation)) if len(found) > 2 else float("nan")
        shift = float(np.linalg.norm(found.mean(axis=0) - wanted.mean(axis=0)))
        subunits.append(SubunitAccuracy(name, shift, turned, float(rmsd(own)), float(rmsd80(own))))
    return Accuracy(
        float(rmsd(squared)),
        float(rmsd80(squared)),
        float(share_within(squared)),
        int(known.sum()),
        subunits,
        order,
    )

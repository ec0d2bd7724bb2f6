"""How good the places are that a search found, and how far the first is ahead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ..io.maps import DensityMap
from ..io.structures import Structure
from ..maps.simulate import MOLECULE, simulate

_CLASH = 3.5  # Å between central atoms of two structures
# Copies of one structure that a map may hold: so many best answers are not asked what chance finds.
_MOST_COPIES = 15
_FEWEST_ANSWERS = 12


class Lead(NamedTuple):
    """The best answer among all."""

    ahead: float | None  # kT, of the next answer; None where there is none
    deviations: float | None  # the same in standard deviations of the others, from their mean
    alike: int  # best answers that a wide gap parts from the rest: copies, or 1
    gap: float | None  # kT, from the last of these to the next


def lead(scores: Sequence[float]) -> Lead:
    """How far the first of some answers is ahead.

    Parameters
    ----------
    scores
        kT, best (lowest) first.
    """
    s = np.asarray(scores, dtype=float)
    if len(s) < 2:
        return Lead(None, None, 1, None)
    gaps = np.diff(s)[: _MOST_COPIES + 5]
    alike = int(np.argmax(gaps)) + 1
    if alike > 1 and gaps[alike - 1] < 3 * gaps[: alike - 1].max():
        alike = 1
    others = s[alike:]
    spread = float(others.std(ddof=1)) if len(others) > 2 else 0.0
    deviations = float((others.mean() - s[0]) / spread) if spread > 0 else None
    return Lead(float(gaps[0]), deviations, alike, float(gaps[alike - 1]))


def chance(correlations: Sequence[float]) -> float | None:
    """Probability that a structure that the map does not hold has a best answer as good.

    The tails of the answers' correlations (Fisher's z) are taken as exponential: the gaps between
    ordered answers, times their rank, then are independent and alike (Rényi 1953). Their mean comes
    from the lower answers, since the map may hold several copies.

    Parameters
    ----------
    correlations
        Of different places, best first.

    Returns
    -------
    float
        None for fewer than twelve answers, of which nothing can be learned.
    """
    z = np.arctanh(np.clip(correlations, -0.999999, 0.999999))
    if len(z) < _FEWEST_ANSWERS:
        return None
    top = min(_MOST_COPIES, len(z) // 2)
    ranks = np.arange(top + 1, len(z))
    scale = float((ranks * -np.diff(z[top:])).mean())
    if not scale > 0:
        return None
    # The greatest of `top` exponentials above the answer behind them.
    beyond = np.exp(-(z[0] - z[top]) / scale)
    return float(-np.expm1(top * np.log1p(-min(beyond, 1.0)))) if beyond < 1 else 1.0


def false_discovery(p: Sequence[float]) -> np.ndarray:
    """(n,) least false discovery rate at which each hypothesis is called (Benjamini & Hochberg
    1995)."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    rates = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1.0)
    return found


def local_correlation(
    density: DensityMap, structures: Sequence[Structure], resolution: float
) -> float:
    """Correlation about the mean of the map with structures in place, over their voxels."""
    total = None
    for structure in structures:
        values = simulate(structure, resolution, grid=density).density.values
        total = values if total is None else total + values
    inside = total > MOLECULE * float(total.max())
    if inside.sum() < 2:
        return 0.0
    return float(np.corrcoef(total[inside], density.values[inside])[0, 1])


def share_inside(density: DensityMap, structures: Sequence[Structure], threshold: float) -> float:
    """Share of the mass of structures in place that lies within the contour."""
    mass = np.concatenate([s.atom_mass() for s in structures])
    xyz = np.concatenate([s.xyz for s in structures])
    return float(mass[density.density_at(xyz) > threshold].sum() / mass.sum())


def clashes(structures: Sequence[Structure]) -> int:
    """Residues of one structure whose Cα or P comes nearer than 3.5 Å to one of another."""
    from scipy.spatial import cKDTree

    trees = [cKDTree(s.xyz[s.central_atoms()]) for s in structures]
    hit = [np.zeros(tree.n, bool) for tree in trees]
    for a, b in combinations(range(len(trees)), 2):
        for i, near in enumerate(trees[a].query_ball_tree(trees[b], _CLASH)):
            if near:
                hit[a][i] = True
                hit[b][near] = True
    return int(sum(h.sum() for h in hit))

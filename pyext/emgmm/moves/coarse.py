"""Moves from coarse to fine: far ways in a chain on few components, judged by the score itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..config.settings import EmConfig, SamplingConfig
from ..mixture import Mixture
from ..representation.system import System
from ..scoring.mixture_score import ScoreOptions, make_score
from ..scoring.terms import density_term

if TYPE_CHECKING:
    from ..symmetry import Symmetry

# Temperature of the inner chain in units of the replica's. Hotter chains are accepted less and find
# no more (benchmark/results/moves.md).
HEAT = 1.0


def coarse_term(system: System, data: Mixture, em: EmConfig, coarseness: int) -> _core.Term:
    """The EM score of mixtures that hold one component for every `coarseness` of the run's: the
    data's as a whole, and those of each body (at least one).

    Parameters
    ----------
    data
        Data GMM, scaled as for the run's own EM term.
    """
    bodies = map(system.gaussians.of_body, range(len(system.bodies)))
    parts = [own.coarser(coarseness) if len(own) else own for own in bodies]
    options = ScoreOptions(sigma_min=em.sigma_min, scale=em.scale)
    score = make_score(data.coarser(coarseness), options)
    return density_term(score, parts, f"em, {coarseness} times coarser")


def coarse_mover(
    system: System,
    data: Mixture,
    free: np.ndarray,
    em: EmConfig,
    sampling: SamplingConfig,
    symmetry: Symmetry | None,
    confinement: list[float],
) -> _core.Mover:
    """A chain of steps of single bodies and beads on few components, proposed to the score as one
    move (`CoarseMover` in the core). Images follow their sources.

    Parameters
    ----------
    data
        Data GMM, scaled as for the run's own EM term, which is the first of its terms.
    free
        (bodies,) bool, those that may be moved.
    confinement
        As of the run: centre and radius, Å, or empty.
    """
    movers, shares = _inner_movers(system, free, sampling)
    if symmetry is not None:
        movers = [symmetry.mover(m) for m in movers]
    levels = sampling.coarse_levels
    mover = None
    for coarseness, finer in reversed(list(zip(levels, (1, *levels[:-1]), strict=True))):
        inner, weights = movers, shares
        if mover is not None:
            inner, weights = [*movers, mover], [*shares, 1 / _core.COARSER_EVERY]
        mover = _core.coarse_mover(
            "coarse",
            inner,
            weights,
            coarse_term(system, data, em, coarseness),
            term=0,
            steps=sampling.coarse_steps,
            heat=HEAT,
            # The score is a sum over components: those that are left speak for all.
            weight=coarseness / finer,
            confinement=confinement,
        )
    return mover


def _inner_movers(
    system: System, free: np.ndarray, sampling: SamplingConfig
) -> tuple[list[_core.Mover], list[float]]:
    """Steps of rigid bodies with what they carry and of free beads; how often each is tried."""
    bodies = system.bodies
    rigid = np.flatnonzero(free & bodies.rotatable)
    groups = [bodies.group(b).tolist() for b in rigid]
    beads = np.flatnonzero(free & ~bodies.rotatable).tolist()
    return _core.coarse_chain(groups, beads, sampling.max_translation)

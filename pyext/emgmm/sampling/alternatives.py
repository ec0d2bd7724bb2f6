"""Alternatives that a search for the starts found, in the terms of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..poses import composed, inverted

if TYPE_CHECKING:
    from ..posterior import Posterior
    from ..representation.system import System

SAME = 5.0  # Å of every subunit: one arrangement, as clusters have it
EVALUATIONS = 1000  # to minimise an arrangement where the settings leave the starts as found


class Found(NamedTuple):
    """An arrangement as a search left it."""

    score: float  # kT: the search's own
    poses: np.ndarray  # (bodies, 7)
    searches: int = 1  # independent ones that ended there
    elsewhere: tuple[str, ...] = ()  # molecules that lie elsewhere than in the best one
    search: int | None = None  # which one of several found it, where each was kept by itself


def arrangements(
    posterior: Posterior, found: list[Found], minima: np.ndarray, starts: int
) -> list[dict]:
    """`arrangements` of search.json.

    The score of a search leaves out what has no structure and softens the rest. ``run_score`` is
    what a run would give the same arrangement: all its terms, in the same units, after minimising.

    Parameters
    ----------
    minima
        (arrangements, bodies, 7) after minimising.
    starts
        How many of them replicas start from: the first ones.
    """
    told = []
    ended = _searches(posterior.system, found, minima)
    for i, (one, poses) in enumerate(zip(found, minima, strict=True)):
        terms = posterior.weighted_terms(poses)
        told.append(
            {
                "score": one.score,
                "searches": ended[i],
                "starts": i < starts,
                "elsewhere": list(one.elsewhere),
                "run_score": sum(terms.values()),
                "terms": terms,
                "cc": map_correlation(posterior, poses),
                "poses": from_input(posterior.system, poses).tolist(),
            }
        )
    return told


def _searches(system: System, found: list[Found], minima: np.ndarray) -> list[int]:
    """How many independent searches ended in each."""
    if found[0].search is None:
        return [f.searches for f in found]
    number = np.array([f.search for f in found])
    models = places(system, minima)
    near = [differences(system, models, model).max(axis=1) < SAME for model in models]
    return [len(np.unique(number[same])) for same in near]


def places(system: System, poses: np.ndarray) -> np.ndarray:
    """(m, n, 3) Å: the particles with a structure under poses (m, bodies, 7)."""
    own = structured(system)
    return np.stack([system.finest.positions(p)[own] for p in poses])


def structured(system: System) -> np.ndarray:
    """(particles,) bool: of the finest ones, those that a structure holds in place."""
    held = np.flatnonzero([f.structured for f in system.fragments])
    return np.isin(system.finest.fragment, held)


def differences(system: System, models: np.ndarray, model: np.ndarray) -> np.ndarray:
    """(m, subunits) Å: rmsd(80) of each subunit of models (`places`) to one model."""
    from ..analysis.copies import groups_of_copies  # which imports the sampler
    from ..analysis.subunits import apart

    finest = system.finest.chosen(structured(system))
    return apart(models, model, finest.molecule, groups_of_copies(system, finest))


def map_correlation(posterior: Posterior, poses: np.ndarray) -> float | None:
    """CC with the map, ov_MD / sqrt(ov_MM ov_DD); None without one."""
    if posterior.score is None:
        return None
    placed = posterior.system.gaussians.placed(poses)
    return float(posterior.score.cross_correlation(placed))


def from_input(system: System, poses: np.ndarray) -> np.ndarray:
    """(bodies, 7): what brings each body from its input structure to its pose."""
    return composed(poses, inverted(system.bodies.poses))


def to_input(system: System, moves: np.ndarray) -> np.ndarray:
    """(bodies, 7) poses of bodies that were moved so from their input structures."""
    return composed(moves, system.bodies.poses)

"""Search for the bodies of a complex in a map, from nothing.

The search itself is the core's (``src/core/search/global_search.h``): each body everywhere, choices
that go together, replica exchange, bodies placed anew. Here a system becomes its problem: rigid
bodies in one frame for all copies, and what cross-links, sequence and excluded volume say of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config.settings import Config, SamplingConfig
from ..mixture import Mixture
from ..poses import composed
from ..representation import System
from ..scoring.crosslinks import CrossLinks
from ..scoring.mixture_score import ScoreOptions, make_score
from .copies import aligned_copies
from .starts import confinement, input_poses, with_beads_placed
from .terms import placement_clashes, placement_terms

_DEFAULT_SCORE = ScoreOptions()


class Placement(NamedTuple):
    """One arrangement of all bodies of a system."""

    score: float  # kT: EM, and where they were asked for, cross-links and priors
    found: int  # independent searches that ended here; 1 after any of the later steps
    poses: np.ndarray  # (bodies, 7): w x y z of the quaternion, translation in Å
    elsewhere: tuple[int, ...] = ()  # bodies that lie elsewhere than in the best arrangement


class SearchProgress(NamedTuple):
    """How far a global search is."""

    stage: str  # what is being done
    search: int  # this one, from 1 ...
    searches: int  # ... of at most
    share: float  # of all work that may be
    best: float | None  # kT, of what is known


def place_system(
    system: System,
    data: Mixture,
    options: ScoreOptions = _DEFAULT_SCORE,
    *,
    config: Config | None = None,
    links: Sequence[CrossLinks] = (),
    search: _core.SearchOptions | None = None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> list[Placement]:
    """Best arrangements of the rigid bodies in the data, best first, all different.

    Rigid bodies are searched for. A flexible bead goes beside its neighbours in the sequence, so
    that sampling has only to relax it.

    Parameters
    ----------
    system
        Representation with the model GMM of each body.
    data
        Data GMM, scaled to the mass of the model.
    options
        Of the score that ranks arrangements.
    config
        Settings of the run, with which the system's connectivity and excluded volume and the
        ``links`` count in the search too; None for the density alone.
    links
        Sets of cross-links of the settings.
    search
        How hard to look, with seed and threads; None for the defaults.
    progress
        Told how far the search is.

    Raises
    ------
    ValueError
        No rigid body has Gaussians.
    """
    bodies = system.bodies
    with_density = np.zeros(len(bodies), dtype=bool)
    with_density[system.gaussians.body] = True
    placed = np.flatnonzero(bodies.rotatable & bodies.movable & with_density)
    if len(placed) == 0:
        raise ValueError("no rigid body with Gaussians to place in the map")
    search = search or _core.SearchOptions()
    as_given, (system, kinds, own_frames) = system, aligned_copies(system, placed)
    many = len(placed) > search.many_bodies
    found, _ = _core.global_search(
        make_score(data, options),
        [system.gaussians.of_body(body) for body in placed],
        kinds,
        search,
        terms=placement_terms(system, placed, links) if config else [],
        clashes=placement_clashes(system, placed, 1) if config else [],
        soft_clashes=placement_clashes(system, placed, _core.SOFT_BEADS) if config and many else [],
        confinement=confinement(system, data, config.sampling if config else SamplingConfig()),
        progress=None if progress is None else lambda *now: progress(SearchProgress(*now)),
    )
    return [
        Placement(
            score,
            times,
            _all_poses(as_given, placed, composed(poses, own_frames), search.seed),
            tuple(placed[elsewhere].tolist()),
        )
        for score, times, poses, elsewhere in found
    ]


def _all_poses(
    system: System,
    placed: np.ndarray,
    found: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(bodies, 7) poses of all bodies when those of the placed ones are known."""
    poses = input_poses(system)
    poses[placed] = found
    known = np.zeros(len(poses), dtype=bool)
    known[placed] = True
    return with_beads_placed(system, poses, known, seed)

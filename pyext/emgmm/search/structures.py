"""Structures into a map, from nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config import DALTON_PER_COMPONENT
from ..fitting.map_fit import estimate_threshold, fit_map
from ..forward.structure import structure_mixture
from ..io.maps import DensityMap
from ..io.structures import Structure
from ..maps.contour import dust_volume, threshold_of_mass
from ..mixture import Mixture
from ..poses import composed
from ..scoring.mixture_score import ScoreOptions, make_score, score_mixture
from .correlation import place_by_correlation
from .place import SearchProgress

_DEFAULT = ScoreOptions()


class StructurePlacement(NamedTuple):
    """One arrangement of structures in a map."""

    score: float  # kT
    cc: float  # ov_MD / sqrt(ov_MM ov_DD); of one structure in a map the local correlation
    found: int  # independent searches that ended here; 1 after any of the later steps
    poses: np.ndarray  # (n, 7): from each structure's own frame; quaternion w x y z, Å
    band: float | None = None  # of one structure in a map: `emgmm.search.correlation.Place`

    def moved(self, structures: Sequence[Structure]) -> list[Structure]:
        """The structures where they were placed."""
        return [s.moved(pose) for s, pose in zip(structures, self.poses, strict=True)]


def place(
    data: DensityMap | Mixture,
    structures: Sequence[Structure],
    resolution: float | None,
    *,
    threshold: float | None = None,
    options: ScoreOptions = _DEFAULT,
    dalton_per_component: float = DALTON_PER_COMPONENT,
    search: _core.SearchOptions | None = None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> list[StructurePlacement]:
    """Best arrangements of structures in a map, best first, all different.

    Each structure is one rigid body; where it is in its own file does not matter. One structure is
    placed in a map by local correlation, and the map may hold more than it
    (`emgmm.search.correlation`). Several are placed together by the Bayesian score, and are to be
    all that the map holds.

    Parameters
    ----------
    data
        A density map, or the data GMM.
    structures
        One rigid body each; copies are to be given as often as they are there.
    resolution
        Å, of the map; the structures are blurred to it. None for a sharp data GMM.
    threshold
        Contour level of the map. Default: of one structure that of `estimate_threshold`, of several
        the level that encloses their volume.
    options, dalton_per_component
        Of several structures: the noise model, and Da that one Gaussian stands for.
    search
        How hard to look, with seed and threads; None for the defaults.
    progress
        Told how far the search is.

    Raises
    ------
    ValueError
        No structure, a structure without atoms, or a map that cannot hold them.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> subunit = structure.select(structure.chain == "B")
    >>> data = emgmm.structure_mixture(subunit, components=12)
    >>> best = emgmm.place(data, [subunit], resolution=None)[0]
    >>> bool(abs(best.moved([subunit])[0].xyz - subunit.xyz).mean() < 2)
    True
    """
    if not structures:
        raise ValueError("there is no structure to place")
    search = search or _core.SearchOptions()
    if len(structures) == 1 and isinstance(data, DensityMap) and resolution is not None:
        level = estimate_threshold(data) if threshold is None else threshold
        found = place_by_correlation(
            data,
            structures[0],
            resolution,
            level,
            threads=search.threads,
            progress=progress,
        )
        return [StructurePlacement(p.score, p.cc, 1, p.pose[None], p.band) for p in found]
    mass = sum(float(s.atom_mass().sum()) for s in structures)
    if isinstance(data, DensityMap):
        level = threshold_of_mass(data, mass) if threshold is None else threshold
        components = max(1, round(mass / dalton_per_component))
        data = fit_map(
            data,
            components=components,
            threshold=level,
            dust=dust_volume(dalton_per_component, resolution),
            threads=search.threads,
        ).mixture
    models, own_frames = [], []
    for structure in structures:
        n = max(1, round(structure.atom_mass().sum() / dalton_per_component))
        model = structure_mixture(structure, n, resolution=resolution)
        own_frames.append(np.r_[1.0, 0, 0, 0, -model.center])
        models.append(model.shifted(-model.center))
    data = data.scaled_to(sum(m.mass for m in models))
    found, _ = _core.global_search(
        make_score(data, options),
        models,
        _kinds(structures),
        search,
        confinement=[*data.center.tolist(), _reach(data)],
        progress=None if progress is None else lambda *now: progress(SearchProgress(*now)),
    )
    return [
        StructurePlacement(
            value, _cc(data, models, poses, options), times, composed(poses, np.array(own_frames))
        )
        for value, times, poses, _ in found
    ]


def _kinds(structures: Sequence[Structure]) -> list[int]:
    """A number for each structure, the same for one that is given several times."""
    return [next(j for j, other in enumerate(structures) if other is s) for s in structures]


def _reach(data: Mixture) -> float:
    """Å from the centre of the data, in which bodies stay."""
    return float(np.linalg.norm(data.means - data.center, axis=1).max() + 20.0)


def _cc(
    data: Mixture, models: Sequence[Mixture], poses: np.ndarray, options: ScoreOptions
) -> float:
    placed = [m.moved(pose) for m, pose in zip(models, poses, strict=True)]
    return score_mixture(data, Mixture.concatenated(placed), options).cc

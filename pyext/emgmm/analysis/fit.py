"""How well a model fits the map, and how well a right one would."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..fitting.map_fit import fit_points
from ..mixture import Mixture, blur_variance
from ..representation.densities import sphere_variance
from ..scoring.mixture_score import make_score
from .subunits import called

if TYPE_CHECKING:
    from .. import _core
    from ..posterior import Posterior

GOOD = 0.1  # rms log ratio: the two mixtures of one and the same thing
FEW = 4  # components about a body: fewer say little
FACTOR = 1.0  # log ratio beyond which a component is off: a factor of e


_BLOCK = 512


class MapFit(NamedTuple):
    """A model and a mixture of the map."""

    cc: float  # ov_MD / sqrt(ov_MM ov_DD)
    sigma: float  # most probable noise, log units
    unexplained: float  # share of the map's mass where the model has less than 1/e of it
    surplus: float  # share of the map's mass where the model has more than e times it


class Fit(NamedTuple):
    """The fit of a model, and what it would be if the map were the model's own."""

    found: MapFit
    possible: MapFit
    bodies: dict[str, float]  # rms log ratio of the map's components about each rigid body

    @property
    def lack(self) -> float:
        """How much more of the correlation is missing than has to be: 1 for a model that is the
        map's."""
        return (1 - self.found.cc) / max(1 - self.possible.cc, 1e-3)

    @property
    def odd(self) -> tuple[str, float]:
        """The body that is fitted worst, and how many times worse than most others: than their
        median, or than a good fit where that is better still. "" and 1 for a single body."""
        if len(self.bodies) < 2:
            return "", 1.0
        worst = max(self.bodies, key=self.bodies.__getitem__)
        others = [rms for body, rms in self.bodies.items() if body != worst]
        return worst, self.bodies[worst] / max(float(np.quantile(others, 0.5)), GOOD)


def fit_of(posterior: Posterior, poses: np.ndarray) -> Fit | None:
    """None for a run without density.

    What is possible comes from a map made of the model itself: its residues, at the resolution of
    the settings, as as many Gaussians as the map has. The two mixtures of the same thing differ, as
    those of map and model do, for they have other components.
    """
    if posterior.score is None:
        return None
    model = posterior.system.gaussians.placed(poses)
    simulated = _own_map(posterior, poses)
    return Fit(
        _map_fit(posterior.score, posterior.data, model),
        _map_fit(make_score(simulated), simulated, model),
        _by_body(posterior, model),
    )


def _by_body(posterior: Posterior, model: Mixture) -> dict[str, float]:
    data, system = posterior.data, posterior.system
    ratios = np.asarray(posterior.score.log_ratios(model))
    steps = range(0, len(data), _BLOCK)
    nearest = np.concatenate(
        [
            np.square(data.means[i : i + _BLOCK, None] - model.means[None]).sum(axis=2).argmin(1)
            for i in steps
        ]
    )
    owner = system.gaussians.body[nearest]
    bodies = [b for b in np.unique(owner).tolist() if system.bodies.rotatable[b]]
    kept = [b for b in bodies if (owner == b).sum() >= FEW]
    return {called(system, b): float(np.sqrt(np.square(ratios[owner == b]).mean())) for b in kept}


def _own_map(posterior: Posterior, poses: np.ndarray) -> Mixture:
    finest, resolution = posterior.system.finest, posterior.config.em.resolution
    xyz = finest.positions(poses)
    spread = sphere_variance(finest.radius) + (
        0 if resolution is None else blur_variance(resolution)
    )
    components = min(len(posterior.data), len(xyz))
    made = fit_points(xyz, finest.mass, components, point_variance=spread, variance_floor=1.0)
    return made.scaled_to(posterior.data.mass)


def _map_fit(core: _core.MixtureScore, data: Mixture, model: Mixture) -> MapFit:
    ratios = np.asarray(core.log_ratios(model))
    share = data.weights / data.mass
    return MapFit(
        float(core.cross_correlation(model)),
        float(core.sigma_estimate(ratios)),
        float(share[ratios < -FACTOR].sum()),
        float(share[ratios > FACTOR].sum()),
    )

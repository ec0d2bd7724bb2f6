"""What the global search compares: the data GMM and the mixtures of the bodies, fine or coarse."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import _core
from .mixture import Mixture
from .representation import System
from .scoring import ScoreOptions, make_score

# Da a component. Which body is where takes a time that grows with the square of their number, and
# as many as find the complexes of the paper are enough.
COARSE = 1090.0
ALIKE = 1.2  # times as many are not worth other mixtures

# means, covariances and weights
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Densities:
    """Data GMM, components of each body in its frame, and how they are compared."""

    data: Mixture
    bodies: list[Arrays]
    options: ScoreOptions

    @classmethod
    def of_system(
        cls, system: System, placed: np.ndarray, data: Mixture, options: ScoreOptions
    ) -> Densities:
        """Those of some bodies, (n,) indices."""
        owner, mixture = system.gaussians.body, system.gaussians.mixture
        return cls(data, [_arrays(mixture, owner == body) for body in placed], options)

    def coarse(self) -> Densities:
        """With one component for `COARSE` Da where there are more; of sigmas and errors that
        belong to single components of the data nothing is left then."""
        data = Mixture(*_coarse(_arrays(self.data)))
        options = self.options
        if len(data) < len(self.data):
            options = replace(options, component_sigma=(), component_error=())
        return Densities(data, [_coarse(body) for body in self.bodies], options)

    def score(self) -> _core.MixtureScore:
        return make_score(self.data, self.options)

    def term(self) -> _core.Term:
        """The EM score of the bodies at their poses, in single precision."""
        return _core.density_term(
            make_score(self.data, replace(self.options, single_precision=True)),
            len(self.bodies),
            np.repeat(np.arange(len(self.bodies)), [len(body[2]) for body in self.bodies]),
            *(np.concatenate(rows) for rows in zip(*self.bodies, strict=True)),
        )


def _arrays(mixture: Mixture, own: np.ndarray | slice = slice(None)) -> Arrays:
    return mixture.means[own], mixture.covariances[own], mixture.weights[own]


def _coarse(arrays: Arrays) -> Arrays:
    weights = arrays[2]
    coarseness = COARSE * len(weights) / weights.sum()
    return arrays if coarseness < ALIKE else _core.coarser(*arrays, coarseness)

"""What the global search compares: the data GMM and the mixtures of the bodies, fine or coarse."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from ..mixture import Mixture
from ..representation import System
from ..scoring import ScoreOptions, make_score
from ..terms.build import density_term

# Da a component. Which body is where takes a time that grows with the square of their number, and
# as many as find the complexes of the paper are enough.
COARSE = 1090.0
ALIKE = 1.2  # times as many are not worth other mixtures


@dataclass(frozen=True)
class Densities:
    """Data GMM, components of each body in its frame, and how they are compared."""

    data: Mixture
    bodies: list[Mixture]
    options: ScoreOptions

    @classmethod
    def of_system(
        cls, system: System, placed: np.ndarray, data: Mixture, options: ScoreOptions
    ) -> Densities:
        """Those of some bodies, (n,) indices."""
        return cls(data, [system.gaussians.of_body(body) for body in placed], options)

    def coarse(self) -> Densities:
        """With one component for `COARSE` Da where there are more; of sigmas and errors that
        belong to single components of the data nothing is left then."""
        data, options = _coarse(self.data), self.options
        if len(data) < len(self.data):
            options = replace(options, component_sigma=(), component_error=())
        return Densities(data, [_coarse(body) for body in self.bodies], options)

    def score(self) -> _core.MixtureScore:
        return make_score(self.data, self.options)

    def term(self) -> _core.Term:
        """The EM score of the bodies at their poses, in single precision."""
        options = replace(self.options, single_precision=True)
        return density_term(make_score(self.data, options), self.bodies)


def _coarse(mixture: Mixture) -> Mixture:
    coarseness = COARSE * len(mixture) / mixture.mass
    return mixture if coarseness < ALIKE else mixture.coarser(coarseness)

"""What the global search compares: the data GMM and the mixtures of the bodies, fine or coarse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from ..mixture import Mixture
from ..poses import to_matrices
from ..representation import System
from ..scoring import SIGMA_MIN, ScoreOptions, make_score
from ..terms.build import density_term

# Da a component. Which body is where takes a time that grows with the square of their number, and
# as many as find the complexes of the paper are enough.
COARSE = 1090.0
ALIKE = 1.2  # times as many are not worth other mixtures
_NOTHING = Mixture(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))


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

    def robust(self) -> Densities:
        """Compared by the noise model that bounds the price of what nothing explains."""
        options = replace(
            self.options,
            noise_model="outliers",
            sigma_min=SIGMA_MIN,
            component_sigma=(),
            background=0.0,
            scale="fixed",
        )
        return replace(self, options=options)

    def score(self) -> _core.MixtureScore:
        return make_score(self.data, self.options)

    def arrays(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Means, covariances and weights of each body."""
        return [(body.means, body.covariances, body.weights) for body in self.bodies]

    def candidates(
        self, body: int, others: Iterable[int], poses: np.ndarray, **options
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where what some other bodies, at their poses (n, 7), leave of the data holds this one:
        poses (m, 7), the best first, and overlaps (m,) with it, Da²/Å³."""
        rotation, translation = to_matrices(poses)
        fixed = Mixture.concatenated(
            [_NOTHING, *(self.bodies[b].transformed(rotation[b], translation[b]) for b in others)]
        )
        return _core.placement_candidates(
            self.score(),
            *self.arrays()[body],
            fixed.means,
            fixed.covariances,
            fixed.weights,
            **options,
        )

    def term(self) -> _core.Term:
        """The EM score of the bodies at their poses, in single precision."""
        options = replace(self.options, single_precision=True)
        return density_term(make_score(self.data, options), self.bodies)


def _coarse(mixture: Mixture) -> Mixture:
    coarseness = COARSE * len(mixture) / mixture.mass
    return mixture if coarseness < ALIKE else mixture.coarser(coarseness)

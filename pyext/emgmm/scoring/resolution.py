"""The resolution at which a model explains the data best: its blur as an unknown of the score."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..mixture import Mixture
from .mixture_score import ScoreOptions, make_score

_DEFAULT = ScoreOptions()
RANGE = (1.0, 50.0)  # Å
_STEPS = 60  # of the first look, in equal ratios
_FINE = 1e-4  # of the logarithm, where the search for the minimum ends
_SLOPE_STEP = 0.02  # of the logarithm, for the second derivative


class FittedResolution(NamedTuple):
    """Estimate and standard deviation (Å), and the score there (kT).

    The error is infinite where the score does not tell: at an end of `RANGE`.
    """

    value: float
    error: float
    score: float


def fitted_resolution(
    data: Mixture, model: Mixture, options: ScoreOptions = _DEFAULT
) -> FittedResolution:
    """Resolution that a sharp model must be blurred to (`emgmm.mixture.Mixture.blurred`).

    The most probable one, where all orders of magnitude within `RANGE` are as probable beforehand;
    its error is that of a normal distribution of the logarithm with the curvature of the score. It
    counts the noise that the score infers, but not what is wrong with the model: where that is
    elsewhere than in the data, the estimate is too large.

    Parameters
    ----------
    data
        With the mass of the model.
    model
        Not blurred.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> model = emgmm.structure_mixture(structure, components=80)
    >>> from emgmm.scoring.resolution import fitted_resolution
    >>> round(fitted_resolution(model.blurred(9.0), model).value, 1)
    9.0
    """
    core = make_score(data, options)

    def value(log_resolution: float) -> float:
        return core.evaluate(model.blurred(math.exp(log_resolution)))

    low, high = (math.log(end) for end in RANGE)
    grid = np.linspace(low, high, _STEPS)
    best = float(grid[np.argmin([value(x) for x in grid])])
    step = grid[1] - grid[0]
    while step > _FINE:
        step /= 2
        tried = [x for x in (best - step, best, best + step) if low <= x <= high]
        best = min(tried, key=value)
    middle = value(best)
    around = value(max(low, best - _SLOPE_STEP)) + value(min(high, best + _SLOPE_STEP))
    curvature = (around - 2 * middle) / _SLOPE_STEP**2
    inside = low + _SLOPE_STEP < best < high - _SLOPE_STEP and curvature > 0
    error = math.exp(best) / math.sqrt(curvature) if inside else math.inf
    return FittedResolution(math.exp(best), error, middle)

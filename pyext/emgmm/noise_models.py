"""The names of the noise models (`emgmm.scoring.mixture_score`)."""

from __future__ import annotations

from typing import Literal, get_args

NoiseModel = Literal[
    "lognormal", "lognormal_local", "gaussian", "gaussian_local", "outliers", "correlated"
]
NOISE_MODELS: tuple[str, ...] = get_args(NoiseModel)

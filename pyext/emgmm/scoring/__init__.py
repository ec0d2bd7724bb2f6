"""The Bayesian score: density, connectivity, excluded volume, cross-links."""

from .mixture_score import (
    SIGMA_MIN,
    ScoreOptions,
    ScoreResult,
    make_score,
    score_mixture,
    self_overlaps,
    with_sigma,
)

__all__ = [
    "SIGMA_MIN",
    "ScoreOptions",
    "ScoreResult",
    "make_score",
    "score_mixture",
    "self_overlaps",
    "with_sigma",
]

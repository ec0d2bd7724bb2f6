"""Whether the two halves of a run tell the same story."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LEAST_SCORES = 20  # different ones in each half; with fewer D says little, and nothing moved
SMALL_D, SMALL_V = 0.3, 0.1  # imp-sampcon's limits for small effects
AGREE, TOO_FEW = "halves agree", "too few different models to tell"


class Convergence(NamedTuple):
    """Two halves of a run compared.

    Frames of one run follow from each other, so the significance overstates a difference (and that
    of a few frames hides one); the size of the effect is what counts.
    """

    score_ks_statistic: float  # D: largest difference of the two cumulative distributions
    score_ks_significance: float  # p
    different_scores: tuple[int, int]  # in the first and the second half
    populations: list[tuple[int, int]]  # of each cluster in the first and the second half
    cramers_v: float  # association of cluster and half: 0 for none, 1 for complete
    moved: tuple[str, ...] = ()  # subunits that are elsewhere in the halves of the largest cluster

    @property
    def enough(self) -> bool:
        """Whether the halves hold enough different models to compare them at all."""
        return min(self.different_scores) >= LEAST_SCORES

    @property
    def scores_agree(self) -> bool:
        return self.score_ks_statistic < SMALL_D

    @property
    def clusters_agree(self) -> bool:
        """Both halves are among the clustered models, and their clusters are the same."""
        halves = np.array(self.populations).reshape(-1, 2).sum(axis=0)
        return bool(halves.all()) and self.cramers_v < SMALL_V

    @property
    def subunits_agree(self) -> bool:
        return not self.moved

    @property
    def verdict(self) -> str:
        """`AGREE`, `TOO_FEW`, or what differs."""
        if not self.enough:
            return TOO_FEW
        agree = {
            "scores": self.scores_agree,
            "clusters": self.clusters_agree,
            "places of subunits": self.subunits_agree,
        }
        differ = [what for what, it_does in agree.items() if not it_does]
        if not differ:
            return AGREE
        listed = " and ".join(filter(None, [", ".join(differ[:-1]), differ[-1]]))
        return f"{listed} of the halves differ"


def is_late(frames: np.ndarray, count: int) -> np.ndarray:
    """Whether frames are of the second half of a run of so many."""
    return frames >= (count + 1) // 2


def convergence(
    scores: np.ndarray,
    frames: np.ndarray,
    clusters: list[np.ndarray],
    moved: tuple[str, ...] = (),
) -> Convergence:
    """Compare the first half of the frames with the second.

    Parameters
    ----------
    scores
        (frames,) of the whole run, in order of time, kT.
    frames
        (m,) frames that were clustered.
    clusters
        Members of each cluster, indices in ``frames``.
    moved
        Names of the subunits whose places in the two halves differ.
    """
    second = is_late(np.arange(len(scores)), len(scores))
    statistic, significance = ks_two_samples(scores[~second], scores[second])
    late = is_late(frames, len(scores))
    different = tuple(len(np.unique(half)) for half in (scores[~second], scores[second]))
    populations = [(int((~late[c]).sum()), int(late[c].sum())) for c in clusters]
    return Convergence(
        statistic, significance, different, populations, cramers_v(np.array(populations)), moved
    )


def ks_two_samples(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Kolmogorov-Smirnov test of two samples: statistic D, and its significance.

    The significance is the asymptotic one with Stephens' correction for small samples; 1 where a
    sample is empty.
    """
    if not len(first) or not len(second):
        return 0.0, 1.0
    first, second = np.sort(first), np.sort(second)
    values = np.concatenate([first, second])
    below_first = np.searchsorted(first, values, side="right") / len(first)
    below_second = np.searchsorted(second, values, side="right") / len(second)
    statistic = float(np.abs(below_first - below_second).max())
    root = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    return statistic, kolmogorov_significance((root + 0.12 + 0.11 / root) * statistic)


def kolmogorov_significance(x: float) -> float:
    """Probability that the limit distribution of Kolmogorov exceeds x."""
    if x < 0.2:
        return 1.0  # to 1e-12; the series below converges slowly there
    terms = [(-1) ** (k - 1) * math.exp(-2.0 * k * k * x * x) for k in range(1, 101)]
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def cramers_v(table: np.ndarray) -> float:
    """Cramér's V of a contingency table (clusters, 2): 0 for none, 1 for complete association."""
    table = np.asarray(table, dtype=float).reshape(-1, 2)
    table = table[table.sum(axis=1) > 0]
    halves = table.sum(axis=0)
    if len(table) < 2 or not halves.all():
        return 0.0
    expected = np.outer(table.sum(axis=1), halves) / table.sum()
    chi_square = ((table - expected) ** 2 / expected).sum()
    return float(math.sqrt(chi_square / table.sum()))

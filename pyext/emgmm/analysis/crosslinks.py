"""Cross-links that the models satisfy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..scoring.crosslinks import CrossLinks
from .clustering import Cluster
from .models import RunModels

_MEMBERS = 50  # of a cluster, where every model needs its poses to be found first


@dataclass(frozen=True)
class SatisfiedLinks:
    """One set of cross-links and the models of a run.

    Attributes
    ----------
    links
        The set as it was sampled.
    best
        (links,) Å in the best model: between the beads' centres, of the closest reading.
    nearest, median
        (clusters, links) Å over the members of each cluster. A link that some member satisfies
        (``nearest``) is explained by the cluster as an ensemble.
    centers
        (clusters, links) Å in the model at the centre of each cluster.
    """

    links: CrossLinks
    best: np.ndarray
    nearest: np.ndarray
    median: np.ndarray
    centers: np.ndarray

    def report(self) -> dict:
        """The content of ``analysis.json``, key ``crosslinks``: one entry of the list.

        Links have a ``score``, that of their identification or None, where the file has scores.
        ``read``, ``used`` and ``dropped`` count rows of the file (`CrossLinks.account`).
        """
        length, scores = self.links.length, self.links.id_scores
        order = np.argsort(-self.best, kind="stable")  # the worst ones first
        return {
            "label": self.links.label,
            "length": length,
            "links": len(self.links),
            "satisfied": int((self.best <= length).sum()),
            "satisfied_share": float((self.best <= length).mean()),
            "clusters": [
                {
                    "satisfied_share": float((center <= length).mean()),
                    "satisfied_share_ensemble": float((nearest <= length).mean()),
                }
                for center, nearest in zip(self.centers, self.nearest, strict=True)
            ],
            "distances": [
                {
                    "link": self.links.names[i],
                    "best": float(self.best[i]),
                    "nearest": float(self.nearest[0, i]),
                    "median": float(self.median[0, i]),
                    "satisfied": bool(self.best[i] <= length),
                    **({} if scores is None else {"score": _number(scores[i])}),
                }
                for i in order
            ],
            **self.links.account(),
            "notes": list(self.links.notes),
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def satisfied_links(
    run: RunModels, clusters: list[Cluster], coordinates: np.ndarray
) -> list[SatisfiedLinks]:
    """Distances of all links, one entry for each set of cross-links of the settings.

    A link is satisfied where the closest of its readings is at most ``length`` long, as IMP.pmi
    counts it.

    Parameters
    ----------
    clusters
        Of the models, in the order of the report.
    coordinates
        (m, n, 3) Å, finest particles of the models, the best one first.

    Raises
    ------
    InputError
        In a file of cross-links.
    """
    found = []
    for links in run.posterior.links:
        of_clusters = [_distances(run, links, coordinates[np.asarray(c.members)]) for c in clusters]
        found.append(
            SatisfiedLinks(
                links=links,
                best=_distances(run, links, coordinates[:1])[0],
                nearest=np.array([d.min(axis=0) for d in of_clusters]),
                median=np.array([np.median(d, axis=0) for d in of_clusters]),
                centers=np.concatenate(
                    [_distances(run, links, coordinates[c.center][None]) for c in clusters]
                ),
            )
        )
    return found


def _distances(run: RunModels, links: CrossLinks, models: np.ndarray) -> np.ndarray:
    """(models, links) Å."""
    if links.resolution == run.particles.resolution:
        gaps = models[:, links.first].astype(float) - models[:, links.second]
        every = np.linalg.norm(gaps, axis=2)
        starts = np.flatnonzero(np.r_[True, np.diff(links.link) > 0])
        return np.minimum.reduceat(every, starts, axis=1)
    # Coarser beads: where the finest ones say that their bodies are. Evenly chosen models will do.
    step = -(-len(models) // _MEMBERS)
    return np.array(
        [links.distances(run.system, run.poses(m.astype(float))) for m in models[::step]]
    )

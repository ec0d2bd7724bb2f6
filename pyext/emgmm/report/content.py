"""The content of a report: read from the output folder, no drawing yet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analysis.models import RunModels, open_run
from ..errors import InputError
from ..io.stat import Stat, read_stat
from ..mixture import Mixture
from ..runs.frames import CC_KEY, SIGMA_KEY
from ..runs.inputs import input_notes
from ..runs.names import ANALYSIS, REPLICA_STAT, SEARCH, STAT, SUMMARY

# Terms by the keys of PMI's stat files; a group of the pattern becomes part of the name.
_TERMS = {
    "density": r"GaussianEMRestraint_(?!sigma_).*(?<!_CCC)",
    "connectivity": r"ConnectivityRestraint_Score.*",
    "excluded volume": r"ExcludedVolumeSphere_Score.*",
    "cross-links": r"CrossLinkingMassSpectrometryRestraint_Data_Score_(.*)",
}


@dataclass(frozen=True)
class Trace:
    """A column of the stat file over the run; at most 2000 of its frames."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class Content:
    """Everything that the page shows.

    Attributes
    ----------
    steps
        (n,) of the frames of the traces, at full weight of the map.
    total, terms
        Scores over the run, kT.
    cc, sigma
        Cross-correlation and most probable σ over the run; None without a map.
    replicas
        Replica that held the lowest temperature, for the frames of the traces; None if unknown.
    summary, search, analysis
        ``run.json``, ``search.json`` and ``analysis.json``; None where missing.
    coordinates
        (n, 3) Å, finest particles of the best model, as far as the trajectory has them.
    data
        Data GMM as scored; None without a map.
    log_ratios
        (N_D,) of the best model, log(ov_MD / ov_DD).
    best_cc, best_sigma
        CC and most probable σ of the best model; None without a map.
    """

    folder: Path
    run: RunModels
    steps: np.ndarray
    total: Trace
    terms: list[Trace]
    cc: Trace | None
    sigma: Trace | None
    replicas: np.ndarray | None
    summary: dict | None
    search: dict | None
    analysis: dict | None
    coordinates: np.ndarray
    data: Mixture | None
    log_ratios: np.ndarray | None
    best_cc: float | None
    best_sigma: float | None
    notes: list[str]  # on inputs that have changed since the run


def read_content(folder: Path) -> Content:
    """Reads a run's output folder.

    Raises
    ------
    InputError
        No such folder, or a file in it that is missing or broken.
    """
    run = open_run(folder)
    stat = read_stat(folder / STAT)
    n = len(stat)
    shown = np.unique(np.linspace(0, n - 1, min(n, 2000)).round().astype(int))
    best = int(np.argmin(run.scores))
    coordinates = run.coordinates(run.frames[[best]])[0].astype(np.float64)
    score = run.posterior.score
    log_ratios = cc = sigma = None
    if score is not None:
        placed = run.gaussians(run.poses(coordinates))
        log_ratios = np.asarray(score.log_ratios(placed))
        cc, sigma = score.cross_correlation(placed), score.sigma_estimate(log_ratios)
    steps = stat.column("MonteCarlo_Nframe") if "MonteCarlo_Nframe" in stat else np.arange(n)
    return Content(
        folder=folder,
        run=run,
        steps=steps[shown],
        total=Trace("total", stat.column("Total_Score")[shown]),
        terms=[Trace(name, values[shown]) for name, values in _terms(stat).items()],
        cc=_trace(stat, CC_KEY, shown),
        sigma=_trace(stat, SIGMA_KEY, shown),
        replicas=_replicas(folder, n, shown),
        summary=_json(folder / SUMMARY),
        search=_json(folder / SEARCH),
        analysis=_json(folder / ANALYSIS),
        coordinates=coordinates,
        data=run.posterior.data,
        log_ratios=log_ratios,
        best_cc=cc,
        notes=input_notes(folder),
        best_sigma=sigma,
    )


def _terms(stat: Stat) -> dict[str, np.ndarray]:
    """Name of each kind of term -> its sum over the restraints of that kind, frame by frame.

    PMI has one connectivity restraint a molecule.
    """
    sums: dict[str, np.ndarray] = {}
    for key in stat.keys:
        for name, pattern in _TERMS.items():
            match = re.fullmatch(pattern, key)
            if match:
                label = " ".join([name, *match.groups()])
                sums[label] = sums.get(label, 0.0) + stat.column(key)
    return {name: values for name, values in sums.items() if np.isfinite(values).all()}


def _trace(stat: Stat, key: str, shown: np.ndarray) -> Trace | None:
    return Trace(key, stat.column(key)[shown]) if key in stat else None


def _replicas(folder: Path, n: int, shown: np.ndarray) -> np.ndarray | None:
    path = folder / REPLICA_STAT
    if not path.is_file():
        return None
    stat = read_stat(path)
    if "Replica" not in stat or len(stat) != n:
        return None
    return stat.column("Replica")[shown].astype(int)


def _json(path: Path) -> dict | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"no JSON ({error})", "a file of emgmm") from None
    if not isinstance(content, dict):
        raise InputError(path, "another kind of JSON", "a file of emgmm")
    return content

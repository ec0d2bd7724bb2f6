"""`analyze`: what a run found, how precisely, and how close to a reference."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.files import write_json
from ..io.rmf import copy_frames
from ..io.targets import refuse_clashes, refuse_existing
from ..runs.inputs import changed_inputs, input_notes
from ..runs.names import ANALYSIS, BEST, CLUSTERS, PATTERNS
from .accuracy import Accuracy, accuracy
from .all_atoms import write_all_atoms
from .clustering import Cluster, cluster, entropy
from .convergence import Convergence, convergence, is_late
from .crosslinks import SatisfiedLinks, satisfied_links
from .evidence import evidence
from .models import RunModels, fit_poses, open_run
from .outputs import ModelWriter
from .reference import Compared, reference_coordinates
from .subunits import SubunitPrecision, subunit_precision
from .verdict import Verdict, judged

_WRITTEN = 10  # clusters whose members and centre are written: the most populated ones


@dataclass(frozen=True)
class ClusterReport:
    """One cluster and the model at its centre.

    Attributes
    ----------
    cluster
        Members, as indices of the analysed models (best score first), and precision.
    population
        Share of the analysed models.
    frame, score
        Frame of the trajectory and score (kT) of the centre.
    cc
        ov_MD / sqrt(ov_MM ov_DD) of the centre; None for a run without a map.
    accuracy
        Of the centre against the reference; None without one.
    subunits
        How firmly the members hold each of them.
    """

    cluster: Cluster
    population: float
    frame: int
    score: float
    cc: float | None
    accuracy: Accuracy | None
    subunits: list[SubunitPrecision]


@dataclass(frozen=True)
class Analysis:
    """Result of `analyze`.

    Attributes
    ----------
    frames, scores
        (m,) of the analysed models, best first.
    clusters
        In order of the score of their centres.
    entropy
        Of the populations, nats (eq. 14).
    convergence
        First half of the run against the second.
    subunits
        Names of the molecules.
    score_error_percent
        EM score of the best model against that of the native structure, 100 (S - S_native) /
        \\|S_native\\|; None without a reference or a map.
    native_score
        EM score of the native structure, kT; None likewise.
    native_cc
        CC of the native structure, over what the reference holds.
    crosslinks
        One entry for each set of cross-links of the settings.
    notes
        What the reader should know, one line each.
    changed_inputs
        Paths of inputs that are not as the run read them; the analysis has the folder's copies.
    compared
        How much of the system the reference has; None without one.
    verdict
        What the run has to say.
    """

    frames: np.ndarray
    scores: np.ndarray
    clusters: list[ClusterReport]
    entropy: float
    convergence: Convergence
    subunits: list[str]
    reference: Path | None
    score_error_percent: float | None
    native_score: float | None
    native_cc: float | None
    crosslinks: list[SatisfiedLinks]
    notes: list[str]
    changed_inputs: list[str] = field(default_factory=list)
    compared: Compared | None = None
    verdict: Verdict | None = None

    @property
    def result(self) -> str | None:
        """`full positive`, `partial` or `negative`: the best model; None without a reference.

        A reference that lacks a subunit, or too much of one, cannot say more than `partial`.
        """
        best = self.clusters[0].accuracy
        if best is None:
            return None
        whole = self.compared is None or self.compared.is_complete
        return best.result if whole or best.result == "negative" else "partial"

    def report(self) -> dict:
        """The content of ``analysis.json``."""
        c = self.convergence
        return {
            "models": len(self.frames),
            "best_score": float(self.scores[0]),
            "best_frame": int(self.frames[0]),
            "cc": self.clusters[0].cc,
            "verdict": self.verdict.report() if self.verdict else None,
            "clusters": [_cluster_report(r, self.frames) for r in self.clusters],
            "largest_cluster": largest(self.clusters),
            "entropy": self.entropy,
            "convergence": {
                "score_ks_statistic": c.score_ks_statistic,
                "score_ks_significance": c.score_ks_significance,
                "scores_agree": c.scores_agree,
                "different_scores_in_halves": list(c.different_scores),
                "populations_in_halves": [list(p) for p in c.populations],
                "cramers_v": c.cramers_v,
                "clusters_agree": c.clusters_agree,
                "moved_subunits": list(c.moved),
                "subunits_agree": c.subunits_agree,
                "verdict": c.verdict,
            },
            "reference": str(self.reference) if self.reference else None,
            "score_error_percent": self.score_error_percent,
            "native_score": self.native_score,
            "native_cc": self.native_cc,
            "result": self.result,
            "compared": self.compared.report() if self.compared else None,
            "crosslinks": [c.report() for c in self.crosslinks],
            "changed_inputs": self.changed_inputs,
            "notes": self.notes,
        }


def _cluster_report(report: ClusterReport, frames: np.ndarray) -> dict:
    found = report.accuracy
    return {
        "population": report.population,
        "members": len(report.cluster.members),
        "precision": report.cluster.precision,
        "frame": report.frame,
        "score": report.score,
        "cc": report.cc,
        "rmsd": found.rmsd if found else None,
        "rmsd80": found.rmsd80 if found else None,
        "p10": found.p10 if found else None,
        "residues": found.residues if found else None,
        "subunits": [_without_nan(s._asdict()) for s in found.subunits] if found else [],
        "subunit_precision": [s._asdict() | {"held": s.is_held} for s in report.subunits],
        "frames": frames[report.cluster.members].tolist(),
    }


def _without_nan(values: dict) -> dict:
    """JSON has no NaN (the angle of a subunit of two residues)."""
    return {k: None if isinstance(v, float) and v != v else v for k, v in values.items()}


def analyze(
    folder: str | os.PathLike,
    reference: str | os.PathLike | None = None,
    *,
    best: int | None = None,
    cutoff: float | None = None,
    force: bool = False,
) -> Analysis:
    """Analyse a finished run and write ``analysis.json`` and ``clusters/`` into its folder.

    ``clusters/N.rmf3`` holds the members of cluster N (from 0, as in the JSON; of the 10 most
    populated clusters and the first), best score first and as sampled: identical copies keep their
    names, also where the clustering takes one for the other. ``clusters/N.cif`` is its centre.
    ``best.cif`` is the best model, minimised, with every atom of the input structures.

    Parameters
    ----------
    folder
        Output folder of `emgmm run`, of any engine.
    reference
        Native structure, in the frame of the map; default: ``analysis.reference`` of the settings.
    best, cutoff
        Models to cluster, and rmsd(80) in Å; default: of the settings (1000 and 5).
    force
        Overwrite an earlier analysis.

    Raises
    ------
    InputError
        The folder lacks a file or holds a broken one, the reference has no chain of the system, or
        there is an earlier analysis and ``force`` is false.

    Examples
    --------
    >>> import emgmm
    >>> analysis = emgmm.analyze("out", force=True)
    >>> len(analysis.clusters) >= 1
    True
    """
    folder = Path(folder)
    target = folder / ANALYSIS
    if folder.is_dir():
        refuse_existing(target, force)
        refuse_clashes([reference], [target, folder / BEST, *_cluster_files(folder / CLUSTERS)])
    run = open_run(folder)
    analysis, coordinates = examined(run, reference, best, cutoff)
    _write_clusters(run, analysis, coordinates, force)
    write_best(run, analysis.verdict)
    write_json(target, analysis.report(), force)
    return analysis


def examined(
    run: RunModels,
    reference: str | os.PathLike | None = None,
    best: int | None = None,
    cutoff: float | None = None,
) -> tuple[Analysis, np.ndarray]:
    """The analysis of a run, with nothing written, and coordinates (m, n, 3) Å of its models.

    Parameters
    ----------
    reference, best, cutoff
        As of `analyze`.
    """
    settings = run.config.analysis
    reference = reference if reference is not None else settings.reference
    chosen = np.argsort(run.scores, kind="stable")[: best or settings.best]
    frames, scores = run.frames[chosen], run.scores[chosen]
    coordinates = run.coordinates(frames).astype(np.float32)
    native, compared, notes = None, None, []
    if reference is not None:
        native, compared, notes = reference_coordinates(run.system, reference)
    absent = len(run.system.finest) - len(run.present)
    if absent:
        notes.append(f"{absent} flexible beads are not in the trajectory")
    clusters = cluster(coordinates, cutoff or settings.cluster_rmsd80, run.copies())
    late = is_late(chosen, len(run.scores))
    reports = _reports(run, clusters, frames, scores, coordinates, native, late)
    moved = tuple(s.name for s in reports[largest(reports)].subunits if not s.halves_agree)
    error, native_score, native_cc = _against_native(run, coordinates[0].astype(float), native)
    analysis = Analysis(
        frames=frames,
        scores=scores,
        clusters=reports,
        entropy=entropy([len(c.members) for c in clusters]),
        convergence=convergence(run.scores, chosen, [c.members for c in clusters], moved),
        subunits=run.subunits(),
        reference=Path(reference) if reference is not None else None,
        score_error_percent=error,
        native_score=native_score,
        native_cc=native_cc,
        crosslinks=satisfied_links(run, clusters, coordinates),
        notes=[*notes, *input_notes(run.folder)],
        compared=compared,
        changed_inputs=changed_inputs(run.folder),
    )
    return replace(analysis, verdict=judged(evidence(run, analysis, coordinates))), coordinates


def write_best(run: RunModels, verdict: Verdict) -> None:
    """``best.cif``: the best model, minimised, with all its atoms."""
    title = f"best model, minimised; verdict: {verdict.answer}"
    write_all_atoms(run.folder / BEST, run.system, verdict.evidence.best.poses, title)


def largest(clusters: list[ClusterReport]) -> int:
    """Number of the most populated cluster; of two the better one."""
    return int(np.argmax([c.population for c in clusters]))


def _reports(
    run: RunModels,
    clusters: list[Cluster],
    frames: np.ndarray,
    scores: np.ndarray,
    coordinates: np.ndarray,
    native: np.ndarray | None,
    late: np.ndarray,
) -> list[ClusterReport]:
    core = run.posterior.score
    names, copies, molecule = run.subunits(), run.copies(), run.particles.molecule
    reports = []
    for found in clusters:
        model = coordinates[found.center].astype(float)
        cc = None
        if core is not None:
            placed = run.gaussians(run.poses(model))
            cc = core.cross_correlation(placed)
        against = None
        if native is not None:
            against = accuracy(model, native[run.present], molecule, names, copies)
        reports.append(
            ClusterReport(
                cluster=found,
                population=len(found.members) / len(coordinates),
                frame=int(frames[found.center]),
                score=float(scores[found.center]),
                cc=cc,
                accuracy=against,
                subunits=subunit_precision(coordinates, found, late, molecule, names, copies),
            )
        )
    return reports


def _against_native(
    run: RunModels, model: np.ndarray, native: np.ndarray | None
) -> tuple[float | None, float | None, float | None]:
    """Percentage error of the EM score of a model; score and CC of the native structure.

    Both are of the bodies that the reference can place: beads that no structure holds count in
    neither.
    """
    core = run.posterior.score
    if native is None or core is None:
        return None, None, None
    at, of = fit_poses(run.system, native), run.poses(model)
    both = np.isfinite(at + of).all(axis=1)
    if not both.any():
        return None, None, None
    at[~both] = of[~both] = np.nan
    wanted, found = run.gaussians(at), run.gaussians(of)
    at_native = core.evaluate(wanted)
    at_model = core.evaluate(found)
    cc = core.cross_correlation(wanted)
    if not (np.isfinite(at_native) and np.isfinite(at_model)) or at_native == 0:
        return None, None, cc
    return 100 * (at_model - at_native) / abs(at_native), at_native, cc


def _write_clusters(
    run: RunModels, analysis: Analysis, coordinates: np.ndarray, force: bool
) -> None:
    folder = run.folder / CLUSTERS
    folder.mkdir(exist_ok=True)
    earlier = _cluster_files(folder)
    if earlier and not force:
        raise InputError(min(earlier), "a file that exists", "a new folder, or --force")
    draft = run.folder / f".{CLUSTERS}.{os.getpid()}.new"
    draft.mkdir()
    try:
        _draw_clusters(run, analysis, coordinates, draft)
        for path in earlier:
            path.unlink()
        for path in draft.iterdir():
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _cluster_files(folder: Path) -> list[Path]:
    """Files of the clusters of an earlier analysis."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [p for p in found if re.fullmatch(PATTERNS[CLUSTERS], p.name) and not p.is_symlink()]


def _draw_clusters(
    run: RunModels, analysis: Analysis, coordinates: np.ndarray, folder: Path
) -> None:
    sizes = np.array([len(r.cluster.members) for r in analysis.clusters])
    writer = ModelWriter(run.system)
    most = np.argsort(-sizes, kind="stable")[:_WRITTEN]
    for number in sorted({0, *most.tolist()}):
        report = analysis.clusters[number]
        members = analysis.frames[report.cluster.members]
        copy_frames(run.rmf, folder / f"{number}.rmf3", members)
        model = coordinates[report.cluster.center].astype(float)
        title = f"centre of cluster {number}"
        writer.write(folder / f"{number}.cif", run.poses(model), title)

"""What the numbers of a run mean, in sentences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..analysis.convergence import AGREE, SMALL_D, SMALL_V, TOO_FEW
from .content import Content

POOR_CC = 0.7  # native structures at 1.09 kDa a component: 0.83 or more
CLOSE = 3.0  # kT that another arrangement is worse: a twentieth as likely
LONE = 3.0  # log ratio of one component that is a case of its own: a factor of 20


class Statement(NamedTuple):
    """A judgement, how it is (good, fair, bad, unknown), and why."""

    mood: str
    title: str
    text: str


def convergence(content: Content) -> Statement:
    """Whether the two halves of the run agree (imp-sampcon's limits for small effects)."""
    found = (content.analysis or {}).get("convergence")
    if not found or "verdict" not in found:  # an older version's
        return Statement("unknown", "Convergence not examined", "Run emgmm analyze on this folder.")
    d, v = found["score_ks_statistic"], found["cramers_v"]
    verdict = found["verdict"]
    numbers = (
        f"Scores of the two halves differ by D = {d:.2f} (Kolmogorov-Smirnov; below {SMALL_D} "
        f"is small), their clusters by V = {v:.2f} (Cramér; below {SMALL_V} is small)."
    )
    if verdict == AGREE:
        return Statement(
            "good",
            "The two halves of the run agree",
            numbers + " That is necessary for convergence, not proof of it: run other seeds too.",
        )
    if verdict == TOO_FEW:
        first, second = found["different_scores_in_halves"]
        return Statement(
            "unknown",
            "Too few different models to judge convergence",
            f"The halves of the run hold {first} and {second} models of different score: more "
            "steps, or shorter ones where few are accepted.",
        )
    moved = found.get("moved_subunits", [])
    if moved:
        numbers += (
            f" {_listed(moved)} {'is' if len(moved) == 1 else 'are'} elsewhere in the second half "
            "(table below)."
        )
    differ = [found["scores_agree"], found["clusters_agree"], not moved].count(False)
    return Statement("fair" if differ == 1 else "bad", f"Not converged: {verdict}", numbers)


def arrangement(content: Content) -> Statement:
    """How many different arrangements the best models make."""
    analysis = content.analysis
    if not analysis:
        return Statement("unknown", "Models not clustered", "Run emgmm analyze on this folder.")
    clusters, models = analysis["clusters"], analysis["models"]
    largest = max(clusters, key=lambda c: c["population"])
    share = largest["population"]
    text = (
        f"The {models:,} best models fall into {_count(len(clusters), 'cluster')}; the largest "
        f"holds {share:.1%} of them and its members lie {largest['precision']:.1f} Å (rmsd(80)) "
        f"from "
        "its centre on average."
    )
    loose = [s for s in largest.get("subunit_precision", []) if not s["held"]]
    names = _listed([s["name"] for s in loose])
    if loose:
        far = max(s["precision"] for s in loose)
        lies = "lies" if len(loose) == 1 else "lie up to"
        text += f" In them {names} {lies} {far:.0f} Å from where the centre has that subunit."
    if share > 0.8 and loose:
        return Statement("fair", f"One arrangement stands out, but {names} may be elsewhere", text)
    if share > 0.8:
        return Statement("good", "One arrangement stands out", text)
    if share > 0.4:
        return Statement("fair", "One arrangement leads, others remain possible", text)
    return Statement("bad", "No arrangement stands out", text)


def search(content: Content) -> Statement | None:
    """How far the other arrangements of the global search are behind; None without one."""
    if not content.search:
        return None
    best, *others = content.search["arrangements"]
    text = f"The best arrangement of the global search scores {best['score']:.1f} kT"
    if best["searches"] > 1:
        text += f", and {best['searches']} independent searches ended there"
    if not others:
        return Statement("good", "The search found one arrangement", text + ".")
    behind = others[0]["score"] - best["score"]
    moved = [o for o in others if o["score"] - best["score"] < CLOSE]
    which = sorted({name for o in moved or others[:1] for name in o["elsewhere"]})
    if moved:
        return Statement(
            "fair",
            "Other arrangements score nearly as well",
            f"{text}. {_count(len(moved), 'other')} within {CLOSE:.0f} kT of it: the score hardly "
            f"decides how {_listed(which)} should lie.",
        )
    return Statement(
        "good",
        "No other arrangement scores as well",
        f"{text}. The next one, with {_listed(which)} elsewhere, is {behind:.1f} kT worse.",
    )


def fit(content: Content) -> Statement:
    """How well the best model explains the map."""
    if content.log_ratios is None or not content.cc:
        return Statement("unknown", "No density", "This run has no density term.")
    cc, sigma = content.best_cc, content.best_sigma
    off = np.abs(content.log_ratios)
    poor = float((off > 1).mean())
    text = (
        f"The best model's Gaussians correlate with the map's by CC = {cc:.3f}; the inferred noise "
        f"is σ = {sigma:.2f} in log units. {poor:.0%} of the map's {len(content.log_ratios)} "
        f"components "
        "are off by more than a factor of e."
    )
    worst = int(off.argmax())
    if off[worst] > LONE:
        place = ", ".join(f"{x:.0f}" for x in content.data.means[worst])
        text += (
            f" The worst, at ({place}) Å, has a log ratio of {content.log_ratios[worst]:.1f}: the "
            "map may hold something there that is not modelled, or noise ([em] dust)."
        )
    if cc < POOR_CC:
        return Statement("bad", f"The model hardly resembles the map (CC {cc:.2f})", text)
    if poor < 0.02 and off[worst] <= LONE:
        return Statement("good", "The model explains the whole map", text)
    if poor < 0.15:
        return Statement("fair", "The model explains most of the map", text)
    return Statement("bad", "Parts of the map are not explained", text)


def accuracy(content: Content) -> Statement | None:
    """The reference's verdict, None without one."""
    analysis = content.analysis
    if not analysis or not analysis.get("result"):
        return None
    best = analysis["clusters"][0]
    near = sum(s["rmsd80"] < 10 for s in best["subunits"])
    text = (
        f"Best cluster's centre against the reference: rmsd(80) {best['rmsd80']:.1f} Å, "
        f"{best['p10']:.0%} of the residues within 10 Å, {near} of {len(best['subunits'])} "
        f"subunits "
        "in place (rmsd(80) below 10 Å)."
    )
    moods = {"full positive": "good", "partial": "fair", "negative": "bad"}
    titles = {
        "full positive": "Every subunit is where the reference has it",
        "partial": "The whole is right, some subunits are not",
        "negative": "The reference is another arrangement",
    }
    title = titles[analysis["result"]]
    compared = analysis.get("compared")  # not in an older version's
    if compared and not compared["complete"]:
        lacking = _listed([c["subunit"] for c in compared["chains"] if not c["enough"]])
        text += (
            f" The reference has {compared['residues']:,} of {compared['of']:,} residues; "
            f"{lacking} cannot be judged by it."
        )
        if analysis["result"] == "partial" and near == len(best["subunits"]):
            title = "What the reference has is in place, and it does not have all"
    return Statement(moods[analysis["result"]], title, text)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _listed(names: list[str]) -> str:
    """At most five names; without any, only copies of each other differ."""
    if not names:
        return "copies of a subunit"
    shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]

"""The numbers of a run put into sentences. The verdict is that of the analysis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..analysis.convergence import SMALL_D, SMALL_V
from ..analysis.verdict import FOUND, NOT_FOUND, NOT_SAMPLED, SEVERAL
from .content import Content

LONE = 3.0  # log ratio of one component that is a case of its own: a factor of 20


class Statement(NamedTuple):
    """A judgement, how it is (good, fair, bad, unknown), and why."""

    mood: str
    title: str
    text: str
    points: tuple[tuple[bool, str], ...] = ()  # checks: passed or not, and a sentence


_MOODS = {FOUND: "good", SEVERAL: "fair", NOT_FOUND: "bad", NOT_SAMPLED: "bad"}
_TITLES = {
    FOUND: "Found: one arrangement, and nothing speaks against it",
    SEVERAL: "Several answers: the data do not decide between them",
    NOT_FOUND: "Not found: the best model is not what the map shows",
    NOT_SAMPLED: "Not sampled enough: a new run may answer otherwise",
}


def verdict(content: Content) -> Statement:
    """The verdict of the analysis; of the run where it is not analysed yet."""
    found = (content.analysis or {}).get("verdict") or (content.summary or {}).get("verdict")
    if not found:  # an older version's
        return Statement("unknown", "Not judged yet", "Run emgmm analyze on this folder.")
    answer = found["answer"]
    points = tuple((c["passed"], c["text"]) for c in found["checks"])
    failed = sum(not passed for passed, _ in points)
    text = (
        f"All {len(points)} checks are passed. Another seed is still the best test."
        if not failed
        else f"{failed} of {len(points)} checks {'is' if failed == 1 else 'are'} not passed."
    )
    return Statement(_MOODS[answer], _TITLES[answer], text, points)


def halves(content: Content) -> str:
    """How far the two halves of the run agree (imp-sampcon's limits for small effects)."""
    found = (content.analysis or {}).get("convergence")
    if not found or "verdict" not in found:  # an older version's
        return "Run emgmm analyze on this folder to compare them."
    text = (
        f"Their scores differ by D = {found['score_ks_statistic']:.2f} (Kolmogorov-Smirnov; below "
        f"{SMALL_D} is small), their clusters by V = {found['cramers_v']:.2f} (Cramér; below "
        f"{SMALL_V} is small)."
    )
    moved = found.get("moved_subunits", [])
    if moved:
        text += f" {_listed(moved)} {'is' if len(moved) == 1 else 'are'} elsewhere in the second."
    return text


def worst_component(content: Content) -> str:
    """A sentence on the component that the model explains least; empty where none stands out."""
    if content.log_ratios is None:
        return ""
    worst = int(np.abs(content.log_ratios).argmax())
    if not abs(content.log_ratios[worst]) > LONE:
        return ""
    place = ", ".join(f"{x:.0f}" for x in content.data.means[worst])
    return (
        f" The worst, at ({place}) Å, has a log ratio of {content.log_ratios[worst]:.1f}: the map "
        "may hold something there that is not modelled, or noise ([em] dust)."
    )


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


def _listed(names: list[str]) -> str:
    """At most five names; without any, only copies of each other differ."""
    if not names:
        return "copies of a subunit"
    shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]

"""The one judgement of a run: found, several answers, not found, or not sampled enough.

Every check is a sentence with its numbers. One that fails names the answer that it speaks for, and
the gravest of these is the verdict; *found* is what is left when none fails. The limits were looked
for with half of the runs of ``benchmark/native/verdicts.py`` and tested with the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..io.structures.account import counted, listed
from .evidence import SEARCH, Evidence

FOUND, SEVERAL, NOT_FOUND, NOT_SAMPLED = (
    "found",
    "several answers",
    "not found",
    "not sampled enough",
)

CLOSE = 3.0  # kT that another arrangement is worse: a twentieth as likely
LEAST_EXCHANGE = 0.01
LACK = 8.0  # times the CC that a map of the model itself lacks; a right fold in a real map: 7
ODD = 3.0  # times as badly as the others: a subunit that fits no better is not there
CC_LEAD = 0.08  # of the CC that the best model lacks: what other arrangements have to lack more
EMPTY = 0.1  # share of the map's mass that a model may leave empty
HELD = 0.7  # of the models in each half, where the best one has every subunit
CLASHING = 0.05  # of the residues
LINKED = 0.5  # of the cross-links; some are expected to be false
SEARCHES = 2  # independent ones that have to end in the same


class Check(NamedTuple):
    """A question put to a run."""

    name: str
    passed: bool
    text: str  # a sentence with the numbers
    speaks_for: str = ""  # the answer, where it is not passed


class Verdict(NamedTuple):
    """Verdict on a run, with its reasons.

    Attributes
    ----------
    answer
        "found", "several answers", "not found" or "not sampled enough".
    checks
        Those that speak for the answer first.
    """

    answer: str
    checks: tuple[Check, ...]
    evidence: Evidence

    @property
    def reasons(self) -> list[str]:
        """Sentences: why this answer. All checks for *found*, else those that are not passed."""
        failed = [c.text for c in self.checks if not c.passed]
        return failed or [c.text for c in self.checks]

    def report(self) -> dict:
        """Key ``verdict`` of ``analysis.json`` and ``run.json``."""
        return {
            "answer": self.answer,
            "reasons": self.reasons,
            "checks": [{"name": c.name, "passed": c.passed, "text": c.text} for c in self.checks],
            "evidence": self.evidence.report(),
        }


def judged(evidence: Evidence) -> Verdict:
    """The verdict that evidence allows."""
    checks = [check for ask in _CHECKS for check in ask(evidence)]
    failed = {c.speaks_for for c in checks if not c.passed}
    # Where nothing was searched for, a bad fit says that it was not found yet.
    order = (NOT_FOUND, NOT_SAMPLED) if evidence.start == "placed" else (NOT_SAMPLED, NOT_FOUND)
    answer = next((a for a in (*order, SEVERAL) if a in failed), FOUND)
    first = sorted(checks, key=lambda c: (c.passed, c.speaks_for != answer))
    return Verdict(answer, tuple(first), evidence)


def _fit(e: Evidence) -> Iterator[Check]:
    if e.fit is None:
        yield Check("fit", False, "There is no map: nothing says where the whole lies.", SEVERAL)
        return
    found, possible, lack = e.fit.found, e.fit.possible, e.fit.lack
    more = f" {lack:.1f} times what has to be is missing; {LACK:g} is the limit."
    yield Check(
        "fit",
        lack < LACK,
        f"CC {found.cc:.3f} with the map; a map of the model itself would give {possible.cc:.3f}."
        + ("" if lack < LACK else more),
        NOT_FOUND,
    )
    worst, times = e.fit.odd
    if worst:
        yield Check(
            "subunits",
            times < ODD,
            f"No subunit fits much worse than the others ({worst}: {times:.1f} times)."
            if times < ODD
            else f"The map about {worst} is fitted {times:.1f} times as badly as about most "
            "others: it may not be there.",
            NOT_FOUND,
        )
    empty = found.unexplained
    yield Check(
        "density",
        empty < EMPTY,
        f"{1 - empty:.0%} of the map's mass is explained."
        if empty < EMPTY
        else f"{empty:.0%} of the map's mass lies where the model has less than a third of it: "
        "something is not modelled, or lies elsewhere.",
        NOT_FOUND,
    )


def _rivals(e: Evidence) -> Iterator[Check]:
    tried = f"{counted(e.tried, 'change')} of the model by force"
    if not e.rivals:
        yield Check(
            "alternatives",
            True,
            f"No other arrangement was found: {tried} all led back to it."
            if e.tried
            else "No other arrangement was looked for yet.",
        )
        return
    first = e.rivals[0]
    where = first.how
    if first.how == SEARCH:
        where = f"{listed(list(first.elsewhere)) or 'copies'} elsewhere, from the search"
    if first.behind < -CLOSE:
        yield Check(
            "alternatives",
            False,
            f"Another arrangement ({where}) scores {-first.behind:.1f} kT better than the best "
            "model: the sampling did not find it.",
            NOT_SAMPLED,
        )
        return
    near = [r for r in e.rivals if r.behind < CLOSE]
    if near:
        names = list(dict.fromkeys(n for r in near for n in r.elsewhere))
        yield Check(
            "alternatives",
            False,
            f"{counted(len(near), 'other arrangement')} within {CLOSE:g} kT of the best model: the "
            f"score hardly decides where {listed(names)} should lie, or how.",
            SEVERAL,
        )
        return
    yield Check(
        "alternatives",
        True,
        f"The next best arrangement ({where}) is {first.behind:.1f} kT worse, out of {tried} "
        "and the search.",
    )


def _referee(e: Evidence) -> Iterator[Check]:
    if e.fit is None or e.rival_cc is None:
        return
    found, other = e.fit.found.cc, e.rival_cc
    leads = found - other > CC_LEAD * (1 - found)
    if leads:
        text = f"No other arrangement has such a CC; the next has {other:.3f}."
    elif found > other:
        text = f"Another arrangement has nearly the same CC, {other:.3f} after {found:.3f}."
    else:
        text = f"Another arrangement has a higher CC, {other:.3f}, though it scores worse."
    yield Check("correlation", leads, text, SEVERAL)


def _independent(e: Evidence) -> Iterator[Check]:
    if e.start == "placed" and e.searches is not None:
        yield Check(
            "searches",
            e.searches >= SEARCHES,
            f"{counted(e.searches, 'run')} of the search ended in the best model"
            f"{'' if e.searches >= SEARCHES else f', {SEARCHES} are needed'}.",
            NOT_SAMPLED,
        )
    elif e.arrivals is not None:
        yield Check(
            "searches",
            e.arrivals >= SEARCHES,
            f"{counted(e.arrivals, 'replica')} came to the best arrangement from random starts"
            f"{'' if e.arrivals >= SEARCHES else f', {SEARCHES} are needed'}.",
            NOT_SAMPLED,
        )
    else:
        yield Check(
            "searches",
            False,
            "Nothing was searched for: all replicas began where the input has the subunits.",
            NOT_SAMPLED,
        )


def _sampling(e: Evidence) -> Iterator[Check]:
    if e.exchange is not None:
        yield Check(
            "exchange",
            e.exchange >= LEAST_EXCHANGE,
            f"Replicas of neighbouring temperatures exchanged in {e.exchange:.0%} of the attempts "
            f"{'or more.' if e.exchange >= LEAST_EXCHANGE else 'only: the hot ones do not help.'}",
            NOT_SAMPLED,
        )
    first, second = e.alike
    held = [share for share in e.alike if share is not None]
    if not e.enough:
        text = "The run holds too few different models to compare its halves."
    elif len(held) < 2:
        text = f"The best models are all of one half of the run ({e.halves})."
    else:
        text = (
            f"In {first:.0%} and {second:.0%} of the models of the two halves of the run, every "
            "subunit is where the best one has it."
        )
    yield Check("halves", e.enough and len(held) == 2, text, NOT_SAMPLED)
    if e.enough and held and min(held) < HELD:
        yield Check(
            "arrangement",
            False,
            f"The models do not agree where {listed(list(e.loose)) or 'all subunits'} should lie.",
            SEVERAL,
        )


def _other_data(e: Evidence) -> Iterator[Check]:
    yield Check(
        "clashes",
        e.clashing < CLASHING,
        "No clashes."
        if e.clashing == 0
        else f"{e.clashing:.1%} of the residues lie inside another body.",
        NOT_FOUND,
    )
    if e.links is not None:
        yield Check(
            "cross-links",
            e.links >= LINKED,
            f"The best model satisfies {e.links:.0%} of the cross-links.",
            NOT_FOUND,
        )


_CHECKS: tuple[Callable[[Evidence], Iterator[Check]], ...] = (
    _fit,
    _rivals,
    _referee,
    _independent,
    _sampling,
    _other_data,
)

"""The verdict: what speaks against a run is told, and nothing green is left beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from emgmm.analysis.challenge import Challenge
from emgmm.analysis.evidence import Evidence, Rival, clashing
from emgmm.analysis.fit import Fit, MapFit
from emgmm.analysis.verdict import FOUND, NOT_FOUND, NOT_SAMPLED, SEVERAL, judged
from emgmm.poses import to_poses
from toy_system import toy_system

POSSIBLE = MapFit(cc=0.96, sigma=0.1, unexplained=0.0, surplus=0.0)
FIT = Fit(POSSIBLE._replace(cc=0.94), POSSIBLE, {"A": 0.11, "B": 0.13, "C": 0.12})
GOOD = Evidence(
    fit=FIT,
    best=Challenge("", -20.0, 0.94, np.zeros(3), np.zeros((3, 7))),
    rivals=(Rival("B turned over", 25.0, 0.9, ("B",)), Rival("the search", 60.0, 0.85, ("A",))),
    tried=18,
    start="placed",
    searches=2,
    arrivals=None,
    exchange=0.4,
    alike=(1.0, 0.98),
    halves="halves agree",
    enough=True,
    loose=(),
    clashing=0.001,
    links=0.9,
)


def rival(behind, cc=0.9):
    return (Rival("A turned over", behind, cc, ("A",)),)


def with_fit(**found):
    return FIT._replace(**found)


@pytest.mark.parametrize(
    ("changes", "answer", "reason"),
    [
        ({}, FOUND, "25.0 kT worse"),
        ({"fit": with_fit(found=POSSIBLE._replace(cc=0.19))}, NOT_FOUND, "CC 0.190"),
        ({"fit": with_fit(found=POSSIBLE._replace(unexplained=0.4))}, NOT_FOUND, "40% of the map"),
        (
            {"fit": with_fit(bodies={"A": 0.1, "B": 0.6, "C": 0.1})},
            NOT_FOUND,
            "about B is fitted 6",
        ),
        ({"fit": None}, SEVERAL, "no map"),
        ({"rivals": rival(1.2)}, SEVERAL, "within 3 kT"),
        ({"rivals": rival(-2.0)}, SEVERAL, "where A should lie"),
        ({"rivals": rival(-24.0)}, NOT_SAMPLED, "24.0 kT better"),
        ({"rivals": rival(15.0, cc=0.95)}, SEVERAL, "higher CC, 0.950"),
        ({"rivals": rival(15.0, cc=0.937)}, SEVERAL, "nearly the same CC, 0.937 after 0.940"),
        ({"searches": 1}, NOT_SAMPLED, "1 run of the search"),
        ({"start": "random", "searches": None, "arrivals": 1}, NOT_SAMPLED, "1 replica came"),
        ({"start": "random", "searches": None, "arrivals": 3}, FOUND, "3 replicas came"),
        ({"start": "asis", "searches": None}, NOT_SAMPLED, "Nothing was searched for"),
        ({"exchange": 0.0}, NOT_SAMPLED, "in 0% of the attempts only"),
        ({"enough": False}, NOT_SAMPLED, "too few different models"),
        ({"alike": (1.0, None)}, NOT_SAMPLED, "all of one half"),
        ({"alike": (1.0, 0.3), "loose": ("C",)}, SEVERAL, "where C should lie"),
        ({"clashing": 0.2}, NOT_FOUND, "20.0% of the residues"),
        ({"links": 0.2}, NOT_FOUND, "20% of the cross-links"),
    ],
)
def test_what_speaks_against_a_run_decides(changes, answer, reason):
    verdict = judged(replace(GOOD, **changes))
    assert verdict.answer == answer
    assert any(reason in told for told in verdict.reasons), verdict.reasons
    if answer != FOUND:
        assert [c.passed for c in verdict.checks].count(False) == len(verdict.reasons)
        assert not verdict.checks[0].passed and verdict.checks[0].speaks_for == answer
    report = verdict.report()
    assert report["answer"] == answer and len(report["checks"]) >= len(report["reasons"])


def test_a_bad_fit_of_random_starts_is_not_sampled_enough():
    bad = with_fit(found=POSSIBLE._replace(cc=0.3))
    few = replace(GOOD, fit=bad, start="random", searches=None, arrivals=1, enough=False)
    assert judged(few).answer == NOT_SAMPLED
    assert judged(replace(GOOD, fit=bad, searches=1)).answer == NOT_FOUND


def test_a_single_body_has_no_worst():
    assert judged(replace(GOOD, fit=with_fit(bodies={"A": 0.9}))).answer == FOUND


def test_residues_inside_another_body_clash():
    system = toy_system(("A", "B"), tail=0)
    rotation = np.tile(np.eye(3), (2, 1, 1))
    apart = to_poses(rotation, np.array([[0, 0, 0], [300.0, 0, 0]]))
    inside = to_poses(rotation, np.array([[0, 0, 0], [1.0, 0, 0]]))
    assert clashing(system, apart) == 0
    assert clashing(system, inside) > 0.2

"""The page: complete in itself, honest about what the numbers say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import COMPLEX, settings
from emgmm.analysis import analyze
from emgmm.analysis.convergence import Convergence
from emgmm.errors import InputError
from emgmm.io.maps import DensityMap
from emgmm.report import verdicts as words
from emgmm.report import write_report
from emgmm.report.content import read_content
from emgmm.report.page import render
from emgmm.report.surface import isosurface, level_of_mass
from emgmm.runs.run import run
from plotly.offline import get_plotlyjs


@pytest.fixture(scope="module")
def finished(native_gmm, tmp_path_factory) -> Path:
    """An analysed run of a few frames."""
    folder = tmp_path_factory.mktemp("report")
    run(settings(folder, native_gmm), folder / "out", engine="native", steps=3000)
    analyze(folder / "out", COMPLEX)
    return folder / "out"


def ball(radius: float, voxel: float) -> DensityMap:
    n = int(2 * radius / voxel) + 9
    axis = (np.arange(n) - (n - 1) / 2) * voxel
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    origin = np.array([5.0, -3.0, 40.0])
    values = (radius - np.sqrt(x**2 + y**2 + z**2)).astype(np.float32)
    return DensityMap(values, np.full(3, voxel), origin + axis[0])


def test_surface_of_a_ball():
    surface = isosurface(ball(20.0, 1.7), 0.0)
    away = surface.vertices - [5.0, -3.0, 40.0]
    assert np.abs(np.linalg.norm(away, axis=1) - 20).max() < 0.1
    a, b, c = (surface.vertices[surface.triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    area = np.linalg.norm(normals, axis=1).sum() / 2
    assert area == pytest.approx(4 * np.pi * 20**2, rel=0.02)
    # All triangles face outwards, and every edge has two of them: the surface is closed.
    center = (a + b + c) / 3 - [5.0, -3.0, 40.0]
    large = np.linalg.norm(normals, axis=1) > 1e-6
    assert ((normals * center).sum(axis=1)[large] > 0).all()
    edges = np.sort(np.concatenate([surface.triangles[:, [i, (i + 1) % 3]] for i in range(3)]), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_surface_of_nothing():
    assert len(isosurface(ball(20.0, 3.0), 1e6).triangles) == 0


def test_level_of_mass():
    values = np.zeros((4, 4, 4), np.float32)
    values[0, 0, :4] = 4, 3, 2, 1
    density = DensityMap(values, np.ones(3), np.zeros(3))
    assert level_of_mass(density, 0.75) == 2  # 4 + 3 of 10 are not enough


@pytest.mark.slow
def test_page_needs_no_network(finished):
    page = write_report(finished, force=True).read_text(encoding="utf-8")
    page = page.replace(get_plotlyjs(), "")
    assert not re.search(r"<(?:script|img|iframe)[^>]+src=|<link|@import|url\(", page)
    figures = re.findall(r"<script type='application/json' id='(figure-\w+)'>(.*?)</script>", page)
    names = [name for name, _ in figures]
    assert set(names) >= {
        f"figure-{n}"
        for n in "model scores halves correlation acceptance components ratios".split()
    }
    for name, content in figures:
        assert json.loads(content.replace("<\\/", "</"))["data"], name
        assert f"data-figure='{name}'" in page
    for told in ("Against the reference", "Clusters", "TCRA", "HLA", "system.toml"):
        assert told in page


def test_page_is_not_overwritten(finished):
    write_report(finished, force=True)
    with pytest.raises(InputError, match="--force"):
        write_report(finished)


def test_page_without_analysis_says_so(finished, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("system.toml", "data_gmm.txt", "gmm", "rmfs", "stat.0.out"):
        (folder / name).symlink_to(finished / name)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "Models not clustered" in page
    assert "Against the reference" not in page


def test_a_run_that_drifts_is_not_called_converged(finished):
    content = read_content(finished)
    analysis = json.loads(json.dumps(content.analysis))
    for d, v, different, mood in (
        (0.05, 0.02, 500, "good"),
        (0.6, 0.02, 500, "fair"),
        (0.05, 0.5, 500, "fair"),
        (0.6, 0.5, 500, "bad"),
        (0.05, 0.02, 3, "unknown"),
    ):
        halves = Convergence(d, 0.5, (500, different), [(50, 40), (40, 50)], v)
        analysis["convergence"] |= {
            "score_ks_statistic": d,
            "cramers_v": v,
            "scores_agree": halves.scores_agree,
            "clusters_agree": halves.clusters_agree,
            "different_scores_in_halves": list(halves.different_scores),
            "verdict": halves.verdict,
        }
        told = words.convergence(_with(content, analysis))
        assert told.mood == mood
        assert ("agree" in told.title) == (mood == "good")
        assert ("Not converged" in told.title) == (mood in ("fair", "bad"))
    del analysis["convergence"]["verdict"]  # written by an older version
    assert words.convergence(_with(content, analysis)).mood == "unknown"


def test_subunits_that_are_not_held_are_named(finished):
    content = read_content(finished)
    analysis = json.loads(json.dumps(content.analysis))
    largest = max(analysis["clusters"], key=lambda c: c["population"])
    names = [s["name"] for s in largest["subunit_precision"]]
    for s in largest["subunit_precision"]:
        s |= {"precision": 1.0, "held": True}
    largest["population"] = 0.95
    assert words.arrangement(_with(content, analysis)).mood == "good"
    largest["subunit_precision"][0] |= {"precision": 62.6, "halves_apart": 54.0, "held": False}
    analysis["convergence"] |= {"moved_subunits": names[:1], "subunits_agree": False}
    analysis["convergence"]["verdict"] = "places of subunits of the halves differ"
    changed = _with(content, analysis)
    told = words.arrangement(changed)
    assert told.mood == "fair" and f"but {names[0]} may be elsewhere" in told.title
    assert f"{names[0]} lies 63 Å" in told.text
    assert f"{names[0]} is elsewhere in the second half" in words.convergence(changed).text
    page = render(changed)
    assert "How firmly each subunit is held" in page
    assert page.count(">not held<") == 1 and page.count(">held<") == len(names) - 1


def test_how_far_other_arrangements_are_behind_is_told(finished):
    content = replace(read_content(finished), search=None)
    assert words.search(content) is None

    def told(*arrangements):
        found = [
            {"score": s, "searches": n, "starts": True, "elsewhere": names}
            for s, n, names in arrangements
        ]
        return words.search(replace(content, search={"arrangements": found}))

    best = (10.0, 2, [])
    alone = told(best)
    assert alone.mood == "good" and "2 independent searches" in alone.text
    ahead = told(best, (17.25, 1, ["A", "B"]), (18.0, 1, ["C"]))
    assert ahead.mood == "good" and "with A and B elsewhere, is 7.2 kT worse" in ahead.text
    near = told(best, (10.5, 1, ["A", "C"]), (12.0, 1, ["B"]), (18.0, 1, ["D"]))
    assert near.mood == "fair" and "2 others within 3 kT" in near.text
    assert "how A, B and C should lie" in near.text
    assert "copies of a subunit" in told(best, (11.0, 1, [])).text


def test_what_the_model_does_not_explain_is_told(finished):
    content = read_content(finished)
    ratios = np.zeros_like(content.log_ratios)

    def told(ratios, cc):
        return words.fit(replace(content, log_ratios=ratios, best_cc=cc))

    assert told(ratios, 0.9).mood == "good"
    assert told(ratios, 0.6).mood == "bad"
    ratios[3] = -24.0  # one of many: density away from the model
    lone = told(ratios, 0.9)
    x, y, z = content.data.means[3]
    assert lone.mood != "good" and f"({x:.0f}, {y:.0f}, {z:.0f}) Å" in lone.text


def _with(content, analysis):
    return replace(content, analysis=analysis)


def test_cross_links(finished):
    path = finished / "analysis.json"
    stored = path.read_text()
    report = json.loads(stored)
    assert "id='figure-crosslinks'" not in write_report(finished, force=True).read_text()
    distances = [
        {
            "link": f"A.0:{i}-<B>.0:2",
            "best": d,
            "median": d + 1,
            "nearest": d - 1,
            "satisfied": d < 21,
            "score": score,
        }
        for i, (d, score) in enumerate(((44.0, 7.25), (12.5, None)))
    ]
    shares = {"satisfied_share": 0.5, "satisfied_share_ensemble": 1.0}
    report["crosslinks"] = [
        {
            "label": "links",
            "length": 21.0,
            "links": 2,
            "satisfied": 1,
            "satisfied_share": 0.5,
            "clusters": [shares] * len(report["clusters"]),
            "distances": distances,
            "notes": ["links.csv, line 3: C:1-B:1 is not modelled"],
        }
    ]
    path.write_text(json.dumps(report))
    page = write_report(finished, force=True).read_text()
    path.write_text(stored)
    assert "id='figure-crosslinks'" in page and "<td>1 (50%)</td><td>100%</td><td>1</td>" in page
    assert "A.0:0-&lt;B&gt;.0:2</td><td>7.25</td><td>44.0</td><td>45.0</td><td>43.0</td>" in page
    assert page.count(">violated<") == 1 and page.count(">satisfied<") == 1
    assert "line 3: C:1-B:1 is not modelled" in page

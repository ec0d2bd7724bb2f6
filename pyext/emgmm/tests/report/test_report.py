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
    assert "Not judged yet" in page
    assert "Against the reference" not in page


def test_the_first_card_is_the_verdict(finished):
    content = read_content(finished)
    analysis = json.loads(json.dumps(content.analysis))
    assert analysis["verdict"]["checks"]
    moods = {
        "found": "good",
        "several answers": "fair",
        "not found": "bad",
        "not sampled enough": "bad",
    }
    for answer, mood in moods.items():
        checks = [
            {"name": "fit", "passed": answer == "found", "text": "CC 0.19 & <little>."},
            {"name": "halves", "passed": True, "text": "Both agree."},
        ]
        analysis["verdict"] = {"answer": answer, "reasons": [], "checks": checks}
        changed = replace(content, analysis=analysis)
        told = words.verdict(changed)
        assert told.mood == mood and told.title.lower().startswith(answer)
        page = render(changed)
        cards = re.findall(r'<div class="verdict (\w+)"><h3>(.*?)</h3>(.*?)</div>', page)
        assert cards[0][:2] == (mood, told.title)
        assert "CC 0.19 &amp; &lt;little&gt;." in cards[0][2]
        assert cards[0][2].count('class="no"') == (answer != "found")
        assert [m for m, *_ in cards].count("good") <= (answer == "found") + (len(cards) > 1)
    del analysis["verdict"]
    summary = {**content.summary, "verdict": None}
    old = replace(content, analysis=analysis, summary=summary)
    assert words.verdict(old).mood == "unknown"


def test_halves_that_differ_are_told(finished):
    content = read_content(finished)
    analysis = json.loads(json.dumps(content.analysis))
    analysis["convergence"] |= {"score_ks_statistic": 0.61, "moved_subunits": ["A", "B"]}
    told = words.halves(replace(content, analysis=analysis))
    assert "D = 0.61" in told and "A and B are elsewhere" in told
    del analysis["convergence"]["verdict"]  # written by an older version
    assert "emgmm analyze" in words.halves(replace(content, analysis=analysis))


def test_subunits_that_are_not_held_are_named(finished):
    content = read_content(finished)
    analysis = json.loads(json.dumps(content.analysis))
    largest = analysis["clusters"][analysis["largest_cluster"]]
    assert largest["population"] == max(c["population"] for c in analysis["clusters"])
    names = [s["name"] for s in largest["subunit_precision"]]
    for s in largest["subunit_precision"]:
        s |= {"precision": 1.0, "held": True}
    largest["subunit_precision"][0] |= {"precision": 62.6, "halves_apart": 54.0, "held": False}
    page = render(replace(content, analysis=analysis))
    assert "How firmly each subunit is held" in page
    assert page.count(">not held<") == 1 and page.count(">held<") == len(names) - 1


def test_what_the_model_does_not_explain_is_told(finished):
    content = read_content(finished)
    ratios = np.zeros_like(content.log_ratios)
    assert words.worst_component(replace(content, log_ratios=ratios)) == ""
    ratios[3] = -24.0  # one of many: density away from the model
    x, y, z = content.data.means[3]
    told = words.worst_component(replace(content, log_ratios=ratios))
    assert f"({x:.0f}, {y:.0f}, {z:.0f}) Å" in told


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

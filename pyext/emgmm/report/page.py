"""The report as HTML: one file with everything in it."""

from __future__ import annotations

import html
from importlib import resources

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from .. import __version__
from ..analysis.deviations import NEAR
from . import crosslinks as links
from . import figures
from . import verdicts as words
from .content import Content
from .surface import Surface

_MOST_CLUSTERS = 12


def render(content: Content) -> str:
    """The whole page."""
    surface = None if content.data is None else figures.density_surface(content.data)
    body = "\n".join(
        part
        for part in (
            _head(content),
            _model(content, surface),
            _accuracy(content),
            _clusters(content),
            _subunits(content),
            _crosslinks(content),
            _sampling(content),
            _components(content, surface),
            _about(content),
        )
        if part
    )
    files = resources.files(__package__)
    style = files.joinpath("page.css").read_text(encoding="utf-8")
    script = files.joinpath("page.js").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(_title(content))} · emgmm</title>\n<style>\n{style}</style>\n"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>\n{body}\n</main>\n"
        f"<script>\n{script}</script></body></html>\n"
    )


def _title(content: Content) -> str:
    """Name of the folder; with the one above it where it says nothing by itself."""
    folder = content.folder.resolve()
    plain = folder.name in ("out", "output", "results", "run")
    return f"{folder.parent.name}/{folder.name}" if plain and folder.parent.name else folder.name


def _head(content: Content) -> str:
    system, summary = content.run.system, content.summary or {}
    count = len(system.molecules)
    engine = {"native": "native engine", "imp": "IMP engine"}.get(summary.get("engine"), "")
    parts = [f"{count} molecules", f"{system.mass / 1000:,.0f} kDa"]
    if content.data is not None:
        parts.append(f"map of {len(content.data)} Gaussians")
    parts += [engine] if engine else []
    judged = [words.verdict(content), words.accuracy(content)]
    cards = "".join(_card(s) for s in judged if s is not None)
    return (
        f"<header><h1>{html.escape(_title(content))}</h1><p>{' · '.join(parts)}</p></header>\n"
        f'<div class="verdicts">{cards}</div>\n<dl class="tiles">{_tiles(content)}</dl>'
    )


def _card(statement: words.Statement) -> str:
    points = "".join(
        f'<li class="{"yes" if passed else "no"}"><span>{html.escape(text)}</span></li>'
        for passed, text in statement.points
    )
    return (
        f'<div class="verdict {statement.mood}"><h3>{html.escape(statement.title)}</h3>'
        f"<p>{html.escape(statement.text)}</p>{f'<ul>{points}</ul>' if points else ''}</div>"
    )


def _tiles(content: Content) -> str:
    summary, analysis = content.summary or {}, content.analysis or {}
    tiles = [("best score", f"{content.run.scores.min():,.1f}", "kT")]
    if content.data is not None:
        tiles.append(("CC with the map", f"{content.best_cc:.3f}", ""))
        tiles.append(("noise σ", f"{content.best_sigma:.2f}", ""))
    if analysis:
        largest = _largest(analysis)
        tiles.append(("largest cluster", f"{largest['population']:.1%}", ""))
        tiles.append(("precision", f"{analysis['clusters'][0]['precision']:.1f}", "Å"))
        if analysis.get("result"):
            tiles.append(("rmsd(80)", f"{analysis['clusters'][0]['rmsd80']:.1f}", "Å"))
    tiles.append(("frames", f"{len(content.run.scores):,}", ""))
    if "steps_per_second" in summary:
        tiles.append(("steps per second", f"{summary['steps_per_second']:,.0f}", ""))
    if "seconds" in summary:
        tiles.append(("sampling time", _duration(summary["seconds"]), ""))
    return "".join(
        f"<div><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>"
        for name, value, unit in tiles
    )


def _model(content: Content, surface: Surface | None) -> str:
    with_map = (
        " inside the density of the map's Gaussians (grey; the surface holds 85 % of it)"
        if content.data is not None
        else ""
    )
    return _figure(
        "model",
        "The best model" + (" in the density" if content.data is not None else ""),
        f"Each line joins the residues and beads of one molecule{with_map}. Drag to turn, scroll "
        "to come closer, click a name to hide it. The same model, minimised and with all its "
        "atoms, is <code>best.cif</code>; <code>clusters/</code> has the others, for ChimeraX.",
        figures.model_in_density(content, surface),
    )


def _accuracy(content: Content) -> str:
    analysis = content.analysis
    if not analysis or not analysis.get("result"):
        return ""
    rows = ""
    for unit in analysis["clusters"][0]["subunits"]:
        angle = unit["angle_error"]
        near = unit["rmsd80"] < 10
        rows += (
            f"<tr>{_subunit(content, unit['name'])}<td>{unit['position_error']:.1f}</td>"
            f"<td>{'–' if angle is None else f'{angle:.0f}'}</td><td>{unit['rmsd']:.1f}</td>"
            f'<td>{unit["rmsd80"]:.1f}</td><td class="{"yes" if near else "no"}">'
            f"{'in place' if near else 'elsewhere'}</td></tr>"
        )
    error, native = analysis.get("score_error_percent"), analysis.get("native_score")
    told = ""
    if error is not None and native is not None:
        # In kT: where the score is near 0 a percentage says nothing.
        gap = error / 100 * abs(native)
        told = (
            f" The map prefers the {'reference' if gap > 0 else 'best model'} by "
            f"{abs(gap):.1f} kT of score."
        )
    return (
        "<section><h2>Against the reference</h2><p class='caption'>Centre of the best cluster, not "
        "superposed; identical copies are assigned so that the rmsd is least. rmsd(80) leaves "
        "out the "
        f"worst fifth of the residues.{told}</p><div class='card "
        f"scroll'><table><tr><th>subunit</th>"
        "<th>position off, Å</th><th>angle off, °</th><th>rmsd, Å</th><th>rmsd(80), Å</th><th></th>"
        f"</tr>{rows}</table></div></section>"
    )


def _subunit(content: Content, name: str) -> str:
    """Its cell of a table, with its colour."""
    colors = dict(
        zip(content.run.subunits(), (m.color for m in content.run.system.molecules), strict=True)
    )
    red, green, blue = (round(255 * c) for c in colors.get(name, (0.5, 0.5, 0.5)))
    dot = f'<span class="dot" style="background:rgb({red},{green},{blue})"></span>'
    return f"<td>{dot}{html.escape(name)}</td>"


def _subunits(content: Content) -> str:
    """How firmly the most populated cluster holds each."""
    clusters = (content.analysis or {}).get("clusters", [])
    if not clusters or not all("subunit_precision" in c for c in clusters):  # an older version's
        return ""
    largest = _largest(content.analysis)
    rows = ""
    for unit in largest["subunit_precision"]:
        apart, held = unit["halves_apart"], unit["held"]
        rows += (
            f"<tr>{_subunit(content, unit['name'])}<td>{unit['precision']:.1f}</td>"
            f"<td>{'–' if apart is None else f'{apart:.1f}'}</td>"
            f'<td class="{"yes" if held else "no"}">{"held" if held else "not held"}</td></tr>'
        )
    return (
        "<section><h2>How firmly each subunit is held</h2><p class='caption'>Within cluster "
        f"{clusters.index(largest)}, the most populated one. Precision: mean rmsd(80) of the "
        "subunit to where the cluster's centre has it. Halves apart: between its mean places in "
        f"the two halves of the run. Held: both below {NEAR:.0f} Å.</p>"
        "<div class='card scroll'><table><tr><th>subunit</th><th>precision, Å</th>"
        f"<th>halves apart, Å</th><th></th></tr>{rows}</table></div></section>"
    )


def _largest(analysis: dict) -> dict:
    """The most populated cluster; the first one in the file of an older version."""
    return analysis["clusters"][analysis.get("largest_cluster", 0)]


def _clusters(content: Content) -> str:
    analysis = content.analysis
    if not analysis:
        return ""
    judged = bool(analysis.get("result"))
    rows = ""
    halves = analysis["convergence"]["populations_in_halves"]
    for number, (c, half) in enumerate(zip(analysis["clusters"], halves, strict=True)):
        if number == _MOST_CLUSTERS:
            break
        share = 100 * c["population"]
        rows += (
            f"<tr><td>{number}</td><td><span class='bar'><i style='width:{share:.1f}%'></i></span>"
            f"{share:.1f} %</td><td>{c['members']:,}</td><td>{half[0]:,} / {half[1]:,}</td>"
            f"<td>{c['precision']:.1f}</td><td>{c['score']:.1f}</td>"
            f"<td>{'–' if c['cc'] is None else format(c['cc'], '.3f')}</td>"
        )
        if judged:
            rows += f"<td>{c['rmsd80']:.1f}</td><td>{c['p10']:.2f}</td>"
        rows += "</tr>"
    more = len(analysis["clusters"]) - _MOST_CLUSTERS
    tail = f" {more} smaller or worse ones are in <code>analysis.json</code>." if more > 0 else ""
    judged_heads = "<th>rmsd(80) to<br>reference, Å</th><th>p(10)</th>" if judged else ""
    return (
        f"<section><h2>Clusters</h2><p class='caption'>The {analysis['models']:,} best models, "
        f"each put "
        f"with the best-scoring one within {content.run.config.analysis.cluster_rmsd80:g} Å "
        f"rmsd(80). "
        "Cluster 0 holds the best score. Precision is the mean rmsd(80) to the centre; first / "
        "second "
        "counts the members from each half of the run, which a converged run shares alike. "
        "Entropy of "
        f"the populations: {analysis['entropy']:.2f}.{tail}</p><div class='card scroll'><table><tr>"
        "<th>#</th><th>population</th><th>models</th><th>first / second half</th>"
        f"<th>precision, Å</th><th>best score, kT</th><th>CC</th>{judged_heads}</tr>{rows}"
        "</table></div></section>"
    )


def _crosslinks(content: Content) -> str:
    sets = (content.analysis or {}).get("crosslinks")
    if not sets:
        return ""
    return (
        _figure(
            "crosslinks",
            "Cross-links",
            "A link is satisfied where its closest reading spans no more than the linker can. "
            "False links are expected to stay long: the score bears with them.",
            links.lengths(sets),
        ).removesuffix("</section>")
        + links.table(sets)
        + "</section>"
    )


def _sampling(content: Content) -> str:
    low = content.run.config.sampling.annealing.low_steps > 0 and content.data is not None
    peaks = " Peaks: the map's weight had just been lowered to loosen the model." if low else ""
    parts = [
        _figure(
            "scores",
            "Score over the run",
            "What the coldest replica scored, in units of kT, and how the terms share it; lower is "
            f"better. It should fall, then wander on a level.{peaks}",
            figures.scores(content),
        )
    ]
    pair = [
        _figure(
            "halves",
            "First half against second",
            f"Two curves that cover each other say that the run no longer drifts. "
            f"{html.escape(words.halves(content))}",
            figures.halves(content),
        )
    ]
    if content.cc is not None:
        pair.append(
            _figure(
                "correlation",
                "Map correlation and noise",
                "CC is the overlap of the two mixtures, 1 for identical ones. σ is the most "
                "probable "
                "noise of the map given the model: it falls as the model improves.",
                figures.correlation(content),
            )
        )
    summary = content.summary or {}
    if summary.get("acceptance"):
        pair.append(
            _figure(
                "acceptance",
                "Accepted moves",
                "Share of the proposed moves of each body that were accepted, over all "
                "temperatures. "
                "Near 0 a body is stuck; near 1 its steps are too small to matter."
                + (
                    " New best: how many of them led to a better score than all before, at the "
                    "lowest temperature."
                    if summary.get("found")
                    else ""
                ),
                figures.acceptance(summary),
            )
        )
    if content.replicas is not None and content.run.config.sampling.replicas > 1:
        rates = summary.get("exchange") or []
        told = ""
        if rates:
            told = (
                " Neighbouring temperatures swapped in "
                + ", ".join(f"{r:.0%}" for r in rates[:12])
                + " of the attempts."
            )
        pair.append(
            _figure(
                "exchange",
                "Replica exchange",
                "Which replica held the lowest temperature. Many changes mean that the hot ones "
                "hand "
                f"their finds down.{told}",
                figures.exchange(content),
            )
        )
    return "\n".join(parts) + f"\n<div class='pair'>{''.join(pair)}</div>"


def _components(content: Content, surface: Surface | None) -> str:
    if content.log_ratios is None or surface is None:
        return ""
    return (
        "<div class='pair'>"
        + "".join(
            (
                _figure(
                    "components",
                    "Where the map is explained",
                    "The map's Gaussians at their places. Blue: the model has less density there "
                    "than the "
                    "map. Red: more. Grey: as much." + words.worst_component(content),
                    figures.components(content, surface),
                ),
                _figure(
                    "ratios",
                    "How well, component by component",
                    "The logarithm of what the model puts into each of the map's Gaussians over "
                    "what the map "
                    "has: 0 is perfect, a tail to the left is density that the model leaves empty.",
                    figures.ratio_histogram(content),
                ),
            )
        )
        + "</div>"
    )


def _about(content: Content) -> str:
    notes = [*(content.summary or {}).get("notes", []), *(content.analysis or {}).get("notes", [])]
    notes = list(dict.fromkeys([*notes, *content.notes]))
    listed = "".join(f"<li>{html.escape(n)}</li>" for n in notes)
    settings = (content.folder / "system.toml").read_text(encoding="utf-8")
    return (
        "<section><h2>Settings</h2>"
        + (
            f"<p class='caption'>Noted while reading the input:</p><ul>{listed}</ul>"
            if listed
            else ""
        )
        + f"<details><summary>system.toml, every value</summary><pre>{html.escape(settings)}</pre>"
        "</details></section>"
        f"<footer>emgmm {html.escape(__version__)}. The score: Bonomi, Hanot, Greenberg, Sali, "
        f"Nilges, "
        "Vendruscolo, Pellarin, Structure 27 (2019) 175.</footer>"
    )


def _figure(name: str, title: str, caption: str, figure: go.Figure) -> str:
    figure.layout.template = None
    # In a script element, "</" would end it.
    data = figure.to_json().replace("</", "<\\/")
    return (
        f"<section><h2>{title}</h2><p class='caption'>{caption}</p>"
        f"<div class='card'><div data-figure='figure-{name}'></div></div>"
        f"<script type='application/json' id='figure-{name}'>{data}</script></section>"
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} <small>s</small>"
    if seconds < 3600:
        return f"{seconds / 60:.1f} <small>min</small>"
    return f"{seconds / 3600:.1f} <small>h</small>"

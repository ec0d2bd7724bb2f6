"""Cross-links in the report: how many are satisfied, and how long each is."""

from __future__ import annotations

import html

import plotly.graph_objects as go

from .figures import COLORS, PLAIN

_MOST_LINKS = 200  # listed; the worst come first


def table(sets: list[dict]) -> str:
    """One row for each set of ``crosslinks`` of ``analysis.json``, and the links one by one."""
    rows = listed = ""
    for found in sets:
        cluster = found["clusters"][0]
        rows += (
            f"<tr><td>{html.escape(found['label'])}</td><td>{found['links']}</td>"
            f"<td>{found['length']:g}</td><td>{found['satisfied']} "
            f"({found['satisfied_share']:.0%})</td><td>{cluster['satisfied_share_ensemble']:.0%}"
            f"</td><td>{len(found['notes'])}</td></tr>"
        )
        listed += _listed(found)
    return (
        "<div class='card scroll'><table><tr><th>set</th><th>links</th><th>length, Å</th>"
        "<th>satisfied by<br>the best model</th><th>by some model<br>of cluster 0</th>"
        f"<th>rows<br>left out</th></tr>{rows}</table></div>{listed}"
    )


def _listed(found: dict) -> str:
    has_scores = any("score" in d for d in found["distances"])

    def score(link: dict) -> str:
        value = link.get("score")
        return f"<td>{'' if value is None else f'{value:g}'}</td>" if has_scores else ""

    rows = "".join(
        f"<tr><td>{html.escape(d['link'])}</td>{score(d)}<td>{d['best']:.1f}</td><td>{d['median']:.1f}</td>"
        f"<td>{d['nearest']:.1f}</td><td class='{'yes' if d['satisfied'] else 'no'}'>"
        f"{'satisfied' if d['satisfied'] else 'violated'}</td></tr>"
        for d in found["distances"][:_MOST_LINKS]
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in found["notes"][:_MOST_LINKS])
    return (
        f"<details><summary>{html.escape(found['label'])}: each link, the longest first</summary>"
        "<div class='card scroll'><table><tr><th>link</th>"
        f"{'<th>score in the file</th>' if has_scores else ''}<th>best model, Å</th>"
        "<th>median of<br>cluster 0, Å</th><th>least of<br>cluster 0, Å</th><th></th></tr>"
        f"{rows}</table></div>{f'<ul>{notes}</ul>' if notes else ''}</details>"
    )


def lengths(sets: list[dict]) -> go.Figure:
    """Distribution of the links' lengths in the best model, with what each set allows."""
    figure = go.Figure()
    for number, found in enumerate(sets):
        color = COLORS[number % len(COLORS)]
        figure.add_trace(
            go.Histogram(
                x=[round(d["best"], 2) for d in found["distances"]],
                xbins=dict(start=0, size=3),
                name=found["label"],
                marker_color=color,
                opacity=0.75 if len(sets) > 1 else 1,
                hovertemplate="%{y} links of %{x} Å<extra></extra>",
            )
        )
        figure.add_vline(x=found["length"], line=dict(color=color, dash="dash"))
    figure.update_layout(
        **PLAIN,
        height=320,
        bargap=0.05,
        barmode="overlay",
        showlegend=len(sets) > 1,
        xaxis=dict(title="length in the best model, Å (dashed: what the linker spans)"),
        yaxis=dict(title="links"),
    )
    return figure

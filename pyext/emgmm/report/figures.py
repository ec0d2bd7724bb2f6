"""Figures of the report, as plotly's JSON; colours that depend on the theme are set by the page."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ..io.maps import DensityMap
from ..maps.rasterize import enclosing_grid, rasterize
from ..mixture import Mixture
from .content import Content
from .surface import Surface, isosurface, level_of_mass

# Okabe and Ito's colours: told apart by readers with any colour vision.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
_MOST_SIDE = 56  # grid points along the longest side of the drawn density
_SHOWN_MASS = 0.85  # share of the density inside the drawn surface
_MOST_BEADS = 6000
# Blue, grey, red: the middle is seen on light and on dark ground.
_DIVERGING = [
    [0, "#2166ac"],
    [0.25, "#74a9cf"],
    [0.5, "#c9ced3"],
    [0.75, "#ef8a62"],
    [1, "#b2182b"],
]
PLAIN = dict(margin=dict(l=62, r=18, t=12, b=48), hovermode="closest")


def scores(content: Content) -> go.Figure:
    """Total score and each term over the run."""
    figure = go.Figure()
    traces = [("total", content.total.values)]
    traces += [(t.name, t.values) for t in content.terms]
    for i, (name, values) in enumerate(traces):
        line = dict(
            color="#7f7f7f" if i == 0 else COLORS[(i - 1) % 6], width=2.2 if i == 0 else 1.3
        )
        figure.add_scatter(
            x=_short(content.steps),
            y=_short(values),
            name=name,
            mode="lines",
            line=line,
            hovertemplate="%{y:.1f} kT at step %{x:,}",
        )
    everything = np.concatenate([v for _, v in traces])
    low, high = float(everything.min()), float(np.quantile(everything, 0.995))
    span = max(high - low, 1.0)
    figure.update_layout(
        **PLAIN,
        height=340,
        xaxis=dict(title="steps of each replica"),
        yaxis=dict(title="score, kT", range=[low - 0.05 * span, high + 0.1 * span]),
        legend=dict(orientation="h", y=1.12, x=0),
    )
    return figure


def halves(content: Content) -> go.Figure:
    """Distribution of the score in the first and in the second half of the run."""
    values = content.run.scores
    middle = (len(values) + 1) // 2
    low, high = np.quantile(values, [0, 0.98])
    edges = np.linspace(low, max(high, low + 1e-6), 61)
    centers = 0.5 * (edges[1:] + edges[:-1])
    figure = go.Figure()
    for name, part, color in (
        ("first half", values[:middle], COLORS[4]),
        ("second half", values[middle:], COLORS[0]),
    ):
        share = np.histogram(part, edges)[0] / max(len(part), 1)
        figure.add_scatter(
            x=_short(centers),
            y=_short(share),
            name=name,
            mode="lines",
            line=dict(color=color, shape="hvh", width=1.8),
            fill="tozeroy",
            hovertemplate="%{y:.1%} at %{x:.0f} kT",
        )
    figure.update_layout(
        **PLAIN,
        height=300,
        xaxis=dict(title="total score, kT"),
        yaxis=dict(title="share of the frames", tickformat=".0%", rangemode="tozero"),
        legend=dict(orientation="h", y=1.14, x=0),
    )
    return figure


def correlation(content: Content) -> go.Figure:
    """Cross-correlation and σ over the run, one above the other."""
    figure = go.Figure()
    pairs = (
        (content.cc, "CC", COLORS[2], "y2", "%{y:.3f} at step %{x:,}<extra></extra>"),
        (content.sigma, "σ", COLORS[3], "y", "%{y:.2f} at step %{x:,}<extra></extra>"),
    )
    for trace, name, color, axis, hover in pairs:
        if trace is not None:
            figure.add_scatter(
                x=_short(content.steps),
                y=_short(trace.values),
                name=name,
                yaxis=axis,
                mode="lines",
                line=dict(color=color, width=1.4),
                hovertemplate=hover,
            )
    figure.update_layout(
        **PLAIN,
        height=300,
        showlegend=False,
        xaxis=dict(title="steps of each replica", anchor="y"),
        yaxis=dict(title="σ", domain=[0, 0.46], rangemode="tozero"),
        yaxis2=dict(title="CC", domain=[0.54, 1]),
    )
    return figure


def acceptance(summary: dict) -> go.Figure:
    """Accepted share of each mover's moves, averaged over the temperatures, and where it is
    known how many of them led to a new best score at the lowest one."""
    rates, found = summary["acceptance"], summary.get("found", {})
    names = list(rates)[:40]
    told = [f"{found[n]} new best" if found.get(n) else "" for n in names]
    figure = go.Figure(
        go.Bar(
            x=[rates[n] for n in names],
            y=names,
            orientation="h",
            marker_color=COLORS[0],
            text=told,
            textposition="auto",
            hovertemplate="%{y}: %{x:.1%} %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        margin=dict(l=170, r=18, t=12, b=48),
        height=max(220, 24 * len(names) + 80),
        xaxis=dict(title="accepted moves", tickformat=".0%", range=[0, 1], dtick=0.25),
        yaxis=dict(autorange="reversed", automargin=True),
    )
    return figure


def exchange(content: Content) -> go.Figure:
    """Figure of the replica that was coldest, over the run."""
    figure = go.Figure(
        go.Scattergl(
            x=_short(content.steps),
            y=content.replicas,
            mode="markers",
            marker=dict(size=4, color=COLORS[1]),
            hovertemplate="replica %{y} at step %{x:,}<extra></extra>",
        )
    )
    count = content.run.config.sampling.replicas
    figure.update_layout(
        **PLAIN,
        height=max(200, min(420, 60 + 26 * count)),
        xaxis=dict(title="steps of each replica"),
        yaxis=dict(title="replica", dtick=1 if count <= 12 else None, range=[-0.6, count - 0.4]),
    )
    return figure


def model_in_density(content: Content, surface: Surface | None) -> go.Figure:
    """Best model as traces of beads, one colour a molecule, inside the data GMM's density."""
    figure = go.Figure()
    if surface is not None:
        figure.add_trace(_mesh(surface))
    for molecule, positions in _molecule_traces(content):
        red, green, blue = (round(255 * c) for c in molecule.color)
        figure.add_scatter3d(
            x=_short(positions[:, 0]),
            y=_short(positions[:, 1]),
            z=_short(positions[:, 2]),
            mode="lines",
            line=dict(color=f"rgb({red},{green},{blue})", width=7),
            name=molecule.label if molecule.copy else molecule.name,
            hoverinfo="name",
            connectgaps=False,
        )
    figure.update_layout(**_scene(content.coordinates, 1.35), height=560, legend=dict(x=0, y=1))
    return figure


def components(content: Content, surface: Surface) -> go.Figure:
    """The data's components where they lie, coloured by how well the model explains them."""
    ratios = content.log_ratios
    limit = max(0.5, float(np.quantile(np.abs(ratios), 0.95)))
    means = content.data.means
    volume = np.linalg.det(content.data.covariances) ** (1 / 6)
    figure = go.Figure(_mesh(surface, opacity=0.12))
    figure.add_scatter3d(
        x=_short(means[:, 0]),
        y=_short(means[:, 1]),
        z=_short(means[:, 2]),
        mode="markers",
        customdata=_short(ratios),
        text=[f"component {k + 1}" for k in range(len(ratios))],
        hovertemplate="%{text}: log ratio %{customdata:.2f}<extra></extra>",
        marker=dict(
            size=_short(5 + 9 * volume / volume.max()),
            color=_short(ratios),
            colorscale=_DIVERGING,
            cmin=-limit,
            cmax=limit,
            opacity=0.95,
            line=dict(width=1, color="#666"),
            colorbar=dict(title="log ratio", thickness=12, len=0.7),
        ),
    )
    figure.update_layout(
        **_scene(content.coordinates, 1.7, upright=True), height=460, showlegend=False
    )
    return figure


def ratio_histogram(content: Content) -> go.Figure:
    """Distribution of the log ratios of the best model."""
    figure = go.Figure(
        go.Histogram(
            x=_short(content.log_ratios),
            nbinsx=40,
            marker_color=COLORS[0],
            hovertemplate="%{y} components at %{x}<extra></extra>",
        )
    )
    figure.update_layout(
        **PLAIN,
        height=460,
        bargap=0.05,
        xaxis=dict(title="log(ov<sub>MD</sub> / ov<sub>DD</sub>) of a component"),
        yaxis=dict(title="components of the map"),
    )
    return figure


def density_surface(data: Mixture) -> Surface:
    """Surface that holds most of the mixture's density."""
    grid = enclosing_grid(data, voxel=4.0)
    longest = max(grid.values.shape)
    if longest > _MOST_SIDE:
        grid = enclosing_grid(data, voxel=4.0 * longest / _MOST_SIDE)
    elif longest < 40:
        grid = enclosing_grid(data, voxel=4.0 * longest / 40)
    density: DensityMap = rasterize(data, grid)
    return isosurface(density, level_of_mass(density, _SHOWN_MASS))


def _molecule_traces(content: Content):
    """Each molecule with its particles in order of sequence, NaN where the chain is broken."""
    system, particles = content.run.system, content.run.particles
    step = max(1, len(particles) // _MOST_BEADS)
    for index, molecule in enumerate(system.molecules):
        own = np.flatnonzero(particles.molecule == index)
        own = own[np.argsort(particles.first[own], kind="stable")][::step]
        yield molecule, content.coordinates[own]


def _mesh(surface: Surface, opacity: float = 0.28) -> go.Mesh3d:
    (x, y, z), (i, j, k) = surface.vertices.T, surface.triangles.T
    return go.Mesh3d(
        x=_short(x),
        y=_short(y),
        z=_short(z),
        i=i.astype(np.int32),
        j=j.astype(np.int32),
        k=k.astype(np.int32),
        color="#8fa3b8",
        opacity=opacity,
        name="density",
        showlegend=True,
        hoverinfo="skip",
        flatshading=False,
        lighting=dict(ambient=0.55, diffuse=0.6, specular=0.15, roughness=0.7, fresnel=0.3),
        lightposition=dict(x=300, y=400, z=800),
    )


def _scene(points: np.ndarray, distance: float, upright: bool = False) -> dict:
    """A scene without axes, seen along the thinnest direction of the points (n, 3).

    The longest direction lies across the scene, or stands in it where ``upright``.
    """
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    eye, up = distance * axes[2], axes[0 if upright else 1]
    hidden = dict(visible=False)
    return dict(
        margin=dict(l=0, r=0, t=0, b=0),
        scene=dict(
            xaxis=hidden,
            yaxis=hidden,
            zaxis=hidden,
            aspectmode="data",
            dragmode="orbit",
            camera=dict(
                eye=dict(zip("xyz", eye.tolist(), strict=True)),
                up=dict(zip("xyz", up.tolist(), strict=True)),
            ),
        ),
    )


def _short(values: np.ndarray) -> np.ndarray:
    """Single precision: what a screen can show, half the bytes."""
    values = np.asarray(values)
    if np.issubdtype(values.dtype, np.floating) and np.abs(values).max(initial=0) < 1e7:
        return values.astype(np.float32)
    return values

"""Picture of a fit: correlation against the number of components (as the paper's Fig. 3)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..io.files import replacing
from .fit_error import FreeLevel
from .map_fit import Level


def plot_levels(
    path: str | os.PathLike,
    levels: Sequence[Level],
    *,
    target_cc: float | None = None,
    free: Sequence[FreeLevel] = (),
    force: bool = False,
) -> None:
    """Write a PNG, SVG or PDF (by the ending of ``path``) of the three correlations of `Level`.

    With ``free``, the work and free correlations of half maps, too. ``target_cc`` is drawn as a
    line.

    Raises
    ------
    InputError
        ``path`` exists and ``force`` is false, or its folder is missing.
    """
    from matplotlib.figure import Figure  # slow to import; no window is ever opened

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    number = [level.components for level in levels]
    for name, label in (
        ("cc", "about zero, above the threshold"),
        ("cc_mean", "about the mean, above the threshold"),
        ("cc_box", "about zero, whole box"),
    ):
        axes.plot(number, [getattr(level, name) for level in levels], "o-", label=label)
    if free:
        number = [level.components for level in free]
        axes.plot(number, [v.cc_work for v in free], "s--", label="half map A (fitted)")
        axes.plot(number, [v.cc_free for v in free], "s:", label="half map B (free)")
    if target_cc is not None:
        axes.axhline(target_cc, color="0.6", linewidth=1, label=f"target {target_cc:g}")
    axes.set(xscale="log", xlabel="components", ylabel="correlation with the map")
    axes.set_ylim(top=1.005)
    axes.legend(fontsize="small")
    kind = os.fspath(path).rsplit(".", 1)[-1].lower()
    with replacing(path, force) as draft:
        figure.savefig(draft, dpi=150, format=kind if kind in ("png", "svg", "pdf") else "png")

"""How many components a map needs: real maps, a published series, simulated maps by resolution.

    python benchmark/native/fit_quality.py [--resolutions 6 8 11 15 20] [--plots FOLDER]

Correlations: "CC" about zero over the voxels above the threshold, "mean" about the means there,
"box" about zero over the whole box with the map zero below the threshold. --plots writes
fit_maps.svg and fit_resolution.svg.
"""

from __future__ import annotations

import argparse
import itertools
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from complexes import SHARED
from emgmm import _core
from emgmm.errors import InputError
from emgmm.fitting import Level, estimate_threshold, fit_map, measure, voxel_grid
from emgmm.io.gmm import read_gmm
from emgmm.io.maps import DensityMap, read_map
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import simulate
from emgmm.mixture import Mixture

MOST = 16384
# Contour levels: EMDB's recommended one where it is known here, else estimate_threshold.
_MAPS = {
    "EMD-1883": ("emd_1883_rnapolii.mrc.gz", None),
    "EMD-1080": ("emd_1080_groel.mrc.gz", None),
    "EMD-6824": ("emd_6824_trpml1.mrc.gz", None),
    "EMD-5739": ("emd_5739_t6ss.map.gz", 0.04),  # the published series' threshold
}
# Table 1 of the paper: resolution Å, mass kDa, components for a correlation of 0.95.
TABLE_1 = (
    (4.2, 420, 9600), (5.8, 420, 4300), (6.3, 350, 4160), (6.7, 350, 3300), (11, 350, 256),
    (11.5, 350, 150), (13, 350, 360), (14, 400, 16), (19, 400, 41), (23, 300, 16),
)  # fmt: skip


@dataclass
class Fits:
    """Fits of one map, each number of components once."""

    density: DensityMap
    threshold: float
    outside: float = 0.5
    levels: dict[int, Level] = field(default_factory=dict)

    def level(self, components: int) -> Level:
        """The fit of so many components."""
        if components not in self.levels:
            self.levels[components] = fit_map(
                self.density, components=components, threshold=self.threshold,
                outside=self.outside, levels=False,
            ).levels[-1]  # fmt: skip
        return self.levels[components]

    def least(self, measure: str, target: float) -> int | None:
        """The least number, to 2 %, whose correlation reaches the target; None past MOST."""
        low, high = 0, 1
        while getattr(self.level(high), measure) < target:
            low, high = high, 2 * high
            if high > MOST:
                return None
        while high - low > max(1, high // 50):
            middle = (low + high) // 2
            if getattr(self.level(middle), measure) < target:
                low = middle
            else:
                high = middle
        return high


def real_maps() -> dict[str, list[Level]]:
    """Prints the table of the EMDB's maps; returns their correlations against the number."""
    print("\n| map | threshold | voxels | CC 0.95 | CC 0.99 | mean 0.95 | box 0.95 | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    curves = {}
    for name, (file, threshold) in _MAPS.items():
        density = read_map(SHARED / "maps" / file)
        threshold = threshold or estimate_threshold(density)
        start = time.process_time()
        searches = [fit_map(density, target_cc=cc, threshold=threshold) for cc in (0.95, 0.99)]
        spent = time.process_time() - start
        fits = Fits(density, threshold)
        mean, box = (fits.least(m, 0.95) for m in ("cc_mean", "cc_box"))
        counts = " | ".join(f"{len(f.mixture)} ({f.cc:.4f})" for f in searches)
        print(
            f"| {name} | {threshold:.4g} | {searches[0].voxels} | {counts} | {mean} | {box} | "
            f"{spent:.1f} |",
            flush=True,
        )
        curves[name] = [fits.level(2**power) for power in range(11)]
    print("\n| components | " + " | ".join(f"{name}: CC, mean, box" for name in curves) + " |")
    print("| --- |" + " --- |" * len(curves))
    for row in zip(*curves.values(), strict=True):
        cells = " | ".join(f"{v.cc:.4f}, {v.cc_mean:.4f}, {v.cc_box:.4f}" for v in row)
        print(f"| {row[0].components} | {cells} |")
    return curves


def moved(mixture: Mixture, shift: np.ndarray) -> Mixture:
    return Mixture(mixture.means + shift, mixture.covariances, mixture.weights)


def correlation(grid, mixture: Mixture) -> float:
    return _core.measure(grid, mixture)["cc"]


def published_series() -> None:
    file, threshold = _MAPS["EMD-5739"]
    density = read_map(SHARED / "maps" / file)
    folder = SHARED / "gmm" / "t6ss_emd5739"
    # The series lies in the frame of the box's corner; it gets the shift that suits it best.
    grid = voxel_grid(density, threshold)
    reference = read_gmm(folder / "128.txt")
    steps = (-1, -0.5, 0, 0.5, 1)
    shift = max(
        (density.origin + density.voxel * s for s in itertools.product(steps, repeat=3)),
        key=lambda d: correlation(grid, moved(reference, d)),
    )
    print(f"\nseries shifted by {shift} Å; numbers for its box correlation: the masked map fitted")
    print(
        "\n| file: components | published CC, mean, box | emgmm | emgmm, masked map | "
        "least for its CC, mean, box |"
    )
    print("| --- | --- | --- | --- | --- |")
    fits, masked = Fits(density, threshold), Fits(density, threshold, outside=0.0)
    series = folder.glob("*.txt")
    for path in sorted(series, key=lambda p: int(re.sub(r"\D", "", p.stem))):
        try:
            mixture = read_gmm(path)
        except InputError as error:
            print(f"| {path.stem} | not readable: {error.found} | | | |")
            continue
        components = len(mixture)
        ours = " | ".join(
            f"{v.cc:.4f}, {v.cc_mean:.4f}, {v.cc_box:.4f}"
            for v in (fits.level(components), masked.level(components))
        )
        theirs = measure(density, moved(mixture, shift), threshold)
        least = [
            fits.least("cc", theirs.cc),
            fits.least("cc_mean", theirs.cc_mean),
            masked.least("cc_box", theirs.cc_box),
        ]
        print(
            f"| {path.stem}: {components} | {theirs.cc:.4f}, {theirs.cc_mean:.4f}, "
            f"{theirs.cc_box:.4f} | {ours} | {', '.join(map(str, least))} |",
            flush=True,
        )


def paper(resolution: float) -> float:
    """Components per kDa of Table 1 at a resolution, straight in logarithms between rows."""
    table = sorted((r, n / m) for r, m, n in TABLE_1)
    x, y = np.log([r for r, _ in table]), np.log([d for _, d in table])
    return float(np.exp(np.interp(np.log(resolution), x, y)))


def stretched(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """a, b, c of a exp(-b R^c) through (R Å, per kDa), and the rms of the logarithm.

    Least squares of the logarithm, c from 0.1 (nearly a power of R) to 2.
    """
    x, log_y = np.array([p[0] for p in points]), np.log([p[1] for p in points])
    best = None
    for c in np.linspace(0.1, 2, 191):
        matrix = np.stack([np.ones_like(x), -(x**c)], axis=1)
        coefficients = np.linalg.lstsq(matrix, log_y, rcond=None)[0]
        rms = float(np.sqrt(np.mean((matrix @ coefficients - log_y) ** 2)))
        if best is None or rms < best[3]:
            best = float(np.exp(coefficients[0])), float(coefficients[1]), float(c), rms
    return best


def by_resolution(resolutions: list[float]) -> list[tuple[str, float, float, float]]:
    print("\n| structure | resolution Å | voxel Å | threshold | CC 0.95 | per kDa | Table 1 | "
          "ratio | box 0.95 | per kDa | ratio |")  # fmt: skip
    print("| --- |" + " --- |" * 10)
    found = []
    for name, file in (
        ("1OEL ring", "complexes/1oel_7mer.pdb.gz"),
        ("1WCM", "crosslinks/rnapolii/1WCM.pdb.gz"),
    ):
        structure = read_structure(SHARED / file)
        mass = float(structure.mass.sum()) / 1000
        for resolution in resolutions:
            # Voxels of a quarter of the resolution, as maps of the EMDB have.
            made = simulate(structure, resolution)
            threshold = 2 * made.threshold  # a fifth of the maximum: a usual contour
            number = len(fit_map(made.density, target_cc=0.95, threshold=threshold).mixture)
            box = Fits(made.density, threshold, outside=0.0).least("cc_box", 0.95) or np.nan
            found.append((name, resolution, number / mass, box / mass))
            reference = paper(resolution)
            print(
                f"| {name} | {resolution:g} | {made.density.voxel[0]:g} | {threshold:.3g} | "
                f"{number} | {number / mass:.4f} | {reference:.4f} | "
                f"{number / mass / reference:.2f} | {box} | {box / mass:.4f} | "
                f"{box / mass / reference:.2f} |",
                flush=True,
            )
    curves = {}
    for label, points in (
        ("CC 0.95", [(r, n) for _, r, n, _ in found]),
        ("box 0.95", [(r, n) for _, r, _, n in found if np.isfinite(n)]),
        ("Table 1", [(r, n / m) for r, m, n in TABLE_1]),
    ):
        if len({r for r, _ in points}) > 2:
            a, b, c, rms = stretched(points)
            curves[label] = a * np.exp(-b * np.array(resolutions) ** c)
            print(
                f"\n{label}: per kDa = {a:.3g} exp(-{b:.3g} R^{c:.2f}), rms of ln {rms:.2f}; "
                f"at 10 Å it falls as the power {-b * c * 10**c:.1f} of R"
            )
    for label in ("CC 0.95", "box 0.95"):
        if label in curves:
            ratios = curves[label] / curves["Table 1"]
            print(f"\n{label}, curve / curve of Table 1: {', '.join(f'{r:.2f}' for r in ratios)}")
    return found


def plot_maps(path: Path, curves: dict[str, list[Level]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    titles = {"cc": "about zero, above threshold", "cc_mean": "about the mean", "cc_box": "box"}
    for axes, (measure_, title) in zip(figure.subplots(1, 3, sharey=True), titles.items(),
                                       strict=True):  # fmt: skip
        for name, levels in curves.items():
            values = [getattr(v, measure_) for v in levels]
            axes.plot([v.components for v in levels], values, "o-", markersize=3, label=name)
        axes.axhline(0.95, color="0.6", linewidth=0.8)
        axes.set(xscale="log", xlabel="components", title=title, ylim=(0.4, 1.01))
    figure.axes[0].set_ylabel("correlation with the map")
    figure.axes[0].legend(fontsize="small")
    figure.savefig(path)


def plot_resolution(path: Path, found: list[tuple[str, float, float, float]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4), layout="constrained")
    axes = figure.subplots()
    fine = np.linspace(4, 23, 100)
    series = {
        "emgmm, CC 0.95": [(r, n) for _, r, n, _ in found],
        "emgmm, CC 0.95 over the box": [(r, n) for _, r, _, n in found if np.isfinite(n)],
        "Table 1 of the paper": [(r, n / m) for r, m, n in TABLE_1],
    }
    for marker, (label, points) in zip("os^", series.items(), strict=True):
        a, b, c, _ = stretched(points)
        (line,) = axes.plot(*zip(*points, strict=True), marker, markersize=4)
        text = f"{label}: {a:.2g} exp(−{b:.2g} R^{c:.2f})"
        axes.plot(fine, a * np.exp(-b * fine**c), color=line.get_color(), label=text)
    axes.set(yscale="log", xlabel="resolution, Å", ylabel="components per kDa", ylim=(2e-3, 400))
    axes.legend(fontsize="small")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolutions", nargs="*", type=float, default=[4, 6, 8, 11, 15, 20])
    parser.add_argument("--no-maps", action="store_true")
    parser.add_argument("--plots", type=Path)
    arguments = parser.parse_args()
    if not arguments.no_maps:
        curves = real_maps()
        if arguments.plots:
            plot_maps(arguments.plots / "fit_maps.svg", curves)
        published_series()
    found = by_resolution(arguments.resolutions)
    if arguments.plots and found:
        plot_resolution(arguments.plots / "fit_resolution.svg", found)


if __name__ == "__main__":
    main()

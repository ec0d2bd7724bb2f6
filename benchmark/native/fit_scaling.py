"""Cost of a fit against the voxels and against the components, each over three decades.

    python benchmark/native/fit_scaling.py [--largest 10000000] [--plot fit_scaling.png]

CPU seconds of one process; the exponent is the slope of a straight line in logarithms.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from emgmm.fitting import fit_map
from emgmm.io.maps import DensityMap
from emgmm.maps.rasterize import rasterize
from emgmm.mixture import Mixture


def ball(voxels: int) -> tuple[DensityMap, float]:
    """A ball of uneven density with about so many voxels of 1 Å above the threshold."""
    radius = (voxels * 3 / (4 * np.pi)) ** (1 / 3)
    random = np.random.default_rng(0)
    n = max(30, voxels // 300)
    means = random.uniform(-radius, radius, (4 * n, 3))
    means = means[(means**2).sum(axis=1) < radius**2]
    spread = np.broadcast_to(9.0 * np.eye(3), (len(means), 3, 3))
    side = int(2 * radius) + 20
    grid = DensityMap(np.zeros((side,) * 3, np.float32), 1.0, np.full(3, -side / 2))
    density = rasterize(Mixture(means, spread, np.ones(len(means))), grid)
    threshold = float(np.partition(density.values.ravel(), -voxels)[-voxels])
    return density, threshold


def cost(density: DensityMap, threshold: float, components: int) -> tuple[float, float]:
    start = time.process_time()
    cc = fit_map(density, components=components, threshold=threshold, threads=2).cc
    return time.process_time() - start, cc


def slope(x: list[float], y: list[float]) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--plot")
    arguments = parser.parse_args()
    series = {}
    print("| voxels | components | CPU s | CC |\n| --- | --- | --- | --- |")
    sizes = [arguments.largest // 10**i for i in (3, 2, 1, 0)]
    seconds = []
    for voxels in sizes:
        density, threshold = ball(voxels)
        spent, cc = cost(density, threshold, max(1, voxels // 500))
        seconds.append(spent)
        print(f"| {voxels} | {max(1, voxels // 500)} | {spent:.2f} | {cc:.4f} |", flush=True)
    series["voxels (500 a component)"] = (sizes, seconds)
    density, threshold = ball(300_000)
    numbers, seconds = [16, 64, 256, 1024, 4096, 16384], []
    for components in numbers:
        spent, cc = cost(density, threshold, components)
        seconds.append(spent)
        print(f"| 300000 | {components} | {spent:.2f} | {cc:.4f} |", flush=True)
    series["components (300,000 voxels)"] = (numbers, seconds)
    for name, (x, y) in series.items():
        print(f"{name}: CPU time grows as the power {slope(x, y):.2f}")
    if arguments.plot:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 3.5), layout="constrained")
        for axes, (name, (x, y)) in zip(figure.subplots(1, 2), series.items(), strict=True):
            axes.loglog(x, y, "o-")
            axes.set(xlabel=name, ylabel="CPU s", title=f"power {slope(x, y):.2f}")
        figure.savefig(arguments.plot, dpi=150)


if __name__ == "__main__":
    main()

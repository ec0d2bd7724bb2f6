"""Map to mixture: seconds, memory and correlation, beside scikit-learn as in create_gmm.py.

    python benchmark/native/fit_speed.py [--sklearn [--peer-components 256]] [--large]

The peer draws points in proportion to the density above the threshold (create_gmm.py: 10^6) and
runs GaussianMixture on them; it takes minutes and gigabytes, so it is run with --sklearn only, and
with fewer points unless --points says otherwise (stated in the table). --large adds 20,000
components on 10^7 voxels in a box of 512^3.

Every fit runs in a process of its own, so that its peak memory is its own. CPU seconds stand
beside wall seconds because a busy machine changes only the second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from complexes import SHARED
from emgmm.fitting import fit_map, measure, peak_rss_mb
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import simulate
from emgmm.mixture import Mixture


def peer(density: DensityMap, components: int, threshold: float, points: int) -> Mixture:
    """GaussianMixture on points drawn in proportion to the density, within their voxels."""
    from sklearn.mixture import GaussianMixture

    random = np.random.default_rng(0)
    indices, values = density.above(threshold)
    chosen = random.choice(len(values), points, p=values.astype(float) / values.sum(dtype=float))
    x = density.position(indices[chosen]) + random.uniform(-0.5, 0.5, (points, 3)) * density.voxel
    fitted = GaussianMixture(components, covariance_type="full", random_state=0).fit(x)
    return Mixture(fitted.means_, fitted.covariances_, fitted.weights_)


def one(task: dict) -> dict:
    density = read_map(task["map"])
    wall, cpu = time.monotonic(), time.process_time()
    if task["peer"]:
        mixture = peer(density, task["components"], task["threshold"], task["points"])
    else:
        mixture = fit_map(
            density,
            components=task["components"],
            threshold=task["threshold"],
            threads=task["threads"],
        ).mixture
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    level = measure(density, mixture, task["threshold"])
    return {
        "wall": wall,
        "cpu": cpu,
        "rss": peak_rss_mb(),
        "cc": level.cc,
        "cc_mean": level.cc_mean,
        "cc_box": level.cc_box,
    }


def run(**task) -> dict:
    task = {"peer": False, "points": 0, "threads": 2, **task}
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(task)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def row(what: str, components: int, result: dict) -> None:
    print(
        f"| {what} | {components} | {result['wall']:.2f} | {result['cpu']:.2f} | "
        f"{result['rss']:.0f} | {result['cc']:.4f} | {result['cc_mean']:.4f} | "
        f"{result['cc_box']:.4f} |",
        flush=True,
    )


def complex_200(folder: Path) -> tuple[Path, float]:
    """The 400 kDa ring of 1OEL at 4.2 Å in 200^3 voxels of 0.95 Å; 344,286 above the threshold."""
    structure = read_structure(SHARED / "complexes" / "1oel_7mer.pdb.gz")
    origin = structure.xyz.mean(axis=0) - 0.95 * 99.5
    grid = DensityMap(np.zeros((200, 200, 200), np.float32), 0.95, origin)
    density = simulate(structure, 4.2, grid=grid).density
    path = folder / "complex_200.mrc"
    write_map(path, density)
    values = density.values.ravel()
    return path, float(np.partition(values, -344_286)[-344_286])


def complex_512(folder: Path) -> tuple[Path, float]:
    """The same ring eight times over in 512^3 voxels as int16; 10^7 above the threshold."""
    structure = read_structure(SHARED / "complexes" / "1oel_7mer.pdb.gz")
    grid = DensityMap(np.zeros((256, 256, 256), np.float32), 0.65, [0.0, 0.0, 0.0])
    grid = DensityMap(grid.values, grid.voxel, structure.xyz.mean(axis=0) - 0.65 * 127.5)
    part = simulate(structure, 4.2, grid=grid).density.values
    part = np.round(part / part.max() * 30000).astype(np.int16)
    path = folder / "complex_512.mrc"
    write_map(path, DensityMap(np.tile(part, (2, 2, 2)), grid.voxel, grid.origin))
    return path, float(np.partition(part.ravel(), -1_250_000)[-1_250_000])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sklearn", action="store_true")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--peer-components", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(json.loads(arguments.one))))
        return
    print("| map and method | components | s | CPU s | peak MB | CC | CC about mean | CC box |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    small = {"map": str(SHARED / "maps" / "sim_1oel_10.mrc.gz"), "threshold": 65.0}
    threads = arguments.threads
    ratios = []
    for components in (64, 256, 1024):
        ours = run(components=components, threads=threads, **small)
        row("sim_1oel_10, emgmm", components, ours)
        if arguments.sklearn and components in arguments.peer_components:
            theirs = run(components=components, peer=True, points=arguments.points, **small)
            row(f"sim_1oel_10, scikit-learn, {arguments.points} points", components, theirs)
            again = run(components=components, threads=threads, **small)
            row("sim_1oel_10, emgmm, after it", components, again)
            gain = {k: (theirs[k] / ours[k], theirs[k] / again[k]) for k in ("wall", "cpu", "rss")}
            ratios.append(
                f"{components} components, scikit-learn / emgmm (measured before it, after it): "
                f"{gain['wall'][0]:.0f}, {gain['wall'][1]:.0f} in wall seconds, "
                f"{gain['cpu'][0]:.0f}, {gain['cpu'][1]:.0f} in CPU seconds, "
                f"{gain['rss'][0]:.0f} in memory"
            )
    with tempfile.TemporaryDirectory() as folder:
        path, threshold = complex_200(Path(folder))
        for components in (4096, 16384):
            result = run(map=str(path), threshold=threshold, components=components, threads=threads)
            row("200^3 at 0.95 Å, 4.2 Å, emgmm", components, result)
        if arguments.large:
            path, threshold = complex_512(Path(folder))
            result = run(map=str(path), threshold=threshold, components=20_000, threads=threads)
            row("512^3 int16, 10^7 voxels, emgmm", 20_000, result)
    for line in ratios:
        print(f"\n{line}")


if __name__ == "__main__":
    main()

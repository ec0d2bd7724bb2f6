"""How many components a map needs: real maps, a published series, simulated maps by resolution.

    python benchmark/native/fit_quality.py [--resolutions 6 8 11 15 20]

Correlations are about zero over the voxels above the threshold unless a column says otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import re
import time

import numpy as np
from complexes import SHARED
from emgmm import _core
from emgmm.errors import InputError
from emgmm.fitting import estimate_threshold, fit_map, measure, voxel_grid
from emgmm.io.gmm import read_gmm
from emgmm.io.maps import read_map
from emgmm.io.structures import read_structure
from emgmm.mixture import Mixture
from emgmm.simulation import simulate

# Contour levels: EMDB's recommended one where it is known here, else estimate_threshold.
_MAPS = {
    "EMD-1883": ("emd_1883_rnapolii.mrc.gz", None),
    "EMD-1080": ("emd_1080_groel.mrc.gz", None),
    "EMD-6824": ("emd_6824_trpml1.mrc.gz", None),
    "EMD-5739": ("emd_5739_t6ss.map.gz", 0.04),  # the published series' threshold
}
# Table 1 of the paper: resolution Å, mass kDa, components for a correlation of 0.95.
_TABLE_1 = (
    (4.2, 420, 9600), (5.8, 420, 4300), (6.3, 350, 4160), (6.7, 350, 3300), (11, 350, 256),
    (11.5, 350, 150), (13, 350, 360), (14, 400, 16), (19, 400, 41), (23, 300, 16),
)  # fmt: skip


def real_maps() -> None:
    print("\n| map | threshold | voxels | CC 0.95 | CC 0.99 | CC 0.95 about mean | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (file, threshold) in _MAPS.items():
        density = read_map(SHARED / "maps" / file)
        threshold = threshold or estimate_threshold(density)
        start = time.process_time()
        fits = [fit_map(density, target_cc=cc, threshold=threshold) for cc in (0.95, 0.99)]
        about_mean = least_about_mean(density, threshold, 0.95)
        counts = " | ".join(f"{len(f.mixture)} ({f.cc:.4f})" for f in fits)
        print(
            f"| {name} | {threshold:.4g} | {fits[0].voxels} | {counts} | {about_mean} | "
            f"{time.process_time() - start:.1f} |",
            flush=True,
        )


def least_about_mean(density, threshold: float, target: float) -> str:
    """The first power of two whose correlation about the mean reaches the target."""
    for power in range(13):
        fitted = fit_map(density, components=2**power, threshold=threshold, levels=False)
        if fitted.levels[-1].cc_mean >= target:
            return f"≤ {2**power} ({fitted.levels[-1].cc_mean:.4f})"
    return "> 4096"


def moved(mixture: Mixture, shift: np.ndarray) -> Mixture:
    return Mixture(mixture.means + shift, mixture.covariances, mixture.weights)


def correlation(grid, mixture: Mixture) -> float:
    return _core.measure(grid, mixture.means, mixture.covariances, mixture.weights)["cc"]


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
    print(f"\nseries shifted by {shift} Å")
    print("\n| EMD-5739 | published CC | mean | box | emgmm CC | mean | box | least for its CC |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    series = folder.glob("*.txt")
    for path in sorted(series, key=lambda p: int(re.sub(r"\D", "", p.stem))):
        components = int(path.stem)
        ours = fit_map(density, components=components, threshold=threshold, levels=False).levels[-1]
        try:
            theirs = measure(density, moved(read_gmm(path), shift), threshold)
        except InputError as error:
            print(f"| {components} | not readable: {error.found} | | | {ours.cc:.4f} | "
                  f"{ours.cc_mean:.4f} | {ours.cc_box:.4f} | |")  # fmt: skip
            continue
        least = len(fit_map(density, target_cc=theirs.cc, threshold=threshold).mixture)
        print(
            f"| {components} | {theirs.cc:.4f} | {theirs.cc_mean:.4f} | {theirs.cc_box:.4f} | "
            f"{ours.cc:.4f} | {ours.cc_mean:.4f} | {ours.cc_box:.4f} | {least} |",
            flush=True,
        )


def paper(resolution: float) -> float:
    """Components per kDa of Table 1 at a resolution, straight in logarithms between rows."""
    table = sorted((r, n / m) for r, m, n in _TABLE_1)
    x, y = np.log([r for r, _ in table]), np.log([d for _, d in table])
    return float(np.exp(np.interp(np.log(resolution), x, y)))


def by_resolution(resolutions: list[float]) -> None:
    print("\n| structure | resolution Å | threshold | components | per kDa | Table 1 | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
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
            fitted = fit_map(made.density, target_cc=0.95, threshold=threshold)
            per_kda = len(fitted.mixture) / mass
            found.append((resolution, per_kda))
            print(
                f"| {name} | {resolution:g} | {threshold:.3g} | {len(fitted.mixture)} | "
                f"{per_kda:.4f} | {paper(resolution):.4f} | {per_kda / paper(resolution):.2f} |",
                flush=True,
            )
    x, y = np.array(found).T
    if len(set(x)) > 2:
        # Stretched exponential of the paper's Fig. 4, a exp(-b R^c), by least squares of log.
        best = min(
            (
                (residual[0] if len(residual) else 0.0, c, coefficients)
                for c in np.linspace(0.1, 2, 39)
                for coefficients, residual, *_ in [
                    np.linalg.lstsq(np.stack([np.ones_like(x), -(x**c)], 1), np.log(y), rcond=None)
                ]
            ),
            key=lambda fit: fit[0],
        )
        _, c, (log_a, b) = best
        print(f"\nper kDa = {np.exp(log_a):.3g} exp(-{b:.3g} R^{c:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolutions", nargs="*", type=float, default=[4, 6, 8, 11, 15, 20])
    parser.add_argument("--no-maps", action="store_true")
    arguments = parser.parse_args()
    if not arguments.no_maps:
        real_maps()
    published_series()
    by_resolution(arguments.resolutions)


if __name__ == "__main__":
    main()

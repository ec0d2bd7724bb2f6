"""Noise of components estimated from two half maps, beside the noise that `simulate` put in.

    python benchmark/native/fit_noise.py [--seeds 3]

The true standard deviation of the overlap of a component (normalised, covariance C) with noise of
deviation s_0, white before a Gaussian of width s: s_0 ((4 pi s²)^(3/2) N(0; 2 C + 2 s² 1))^(1/2).
"""

from __future__ import annotations

import argparse

import numpy as np
from complexes import SHARED
from emgmm import _core
from emgmm.fitting import fit_map, voxel_grid
from emgmm.fitting.fit_error import component_errors
from emgmm.io.structures import Structure, read_structure
from emgmm.maps.simulate import simulate
from emgmm.mixture import SIGMA_PER_RESOLUTION


def true_noise(covariances: np.ndarray, noise: float, resolution: float) -> np.ndarray:
    """(n,) standard deviations of the overlaps with the noise."""
    s2 = (SIGMA_PER_RESOLUTION * resolution) ** 2
    spread = 2 * covariances + 2 * s2 * np.eye(3)
    return noise * np.sqrt((4 * np.pi * s2) ** 1.5 / np.sqrt(np.linalg.det(2 * np.pi * spread)))


def ratios(
    structure: Structure, resolution: float, snr: float, components: int, seed: int
) -> np.ndarray:
    """(n,) estimated / true noise of each component."""
    made = simulate(structure, resolution, snr=snr, seed=seed)
    threshold = 2 * made.threshold
    mixture = fit_map(made.density, components=components, threshold=threshold).mixture
    found = component_errors(made.density, mixture, threshold, half_maps=made.half_maps)
    grid = voxel_grid(made.density, threshold)
    overlap = _core.component_overlaps(grid, mixture)[:, 1]
    return found.noise * overlap / true_noise(mixture.covariances, made.noise, resolution)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print("| complex | resolution Å | SNR | components | estimated / true: median | 5 % | 95 % | "
          "within 20 % |")  # fmt: skip
    print("| --- |" + " --- |" * 7)
    for name in ("1z5s", "3sfd", "1oel_7mer"):
        structure = read_structure(SHARED / "complexes" / f"{name}.pdb.gz")
        for resolution, snr, components in ((6, 1, 300), (10, 2, 64), (10, 2, 300), (15, 5, 40)):
            r = np.concatenate(
                [ratios(structure, resolution, snr, components, s) for s in range(arguments.seeds)]
            )
            low, middle, high = np.quantile(r, (0.05, 0.5, 0.95))
            print(
                f"| {name} | {resolution} | {snr} | {components} | {middle:.3f} | {low:.3f} | "
                f"{high:.3f} | {np.mean(np.abs(r - 1) < 0.2):.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

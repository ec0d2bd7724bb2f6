"""Cost of a move against the size of the map and the number of bodies: does it grow with what is
in range, or with the whole?

    python benchmark/native/cost.py [--seconds 1] [--plot benchmark/results/cost.svg]

Bodies of 40 components, one body a move, density alone, one thread, single precision. First the map
grows and the bodies with it, so that they fill it; then the map stays as it is and the bodies
become more. The last columns say what the dense sum over all pairs would be beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from emgmm.sampling import benchmark

COMPONENTS = 40
FILLED = (100, 262, 1_000, 4_000, 16_000, 100_000)
BODIES = (2, 6, 20, 60, 200)
FIXED = 4_000  # data components while the bodies become more


def row(data_components: int, bodies: int, seconds: float) -> float:
    """Prints a line of the table; returns microseconds a move."""
    result = benchmark(
        1,
        bodies=bodies,
        components=COMPONENTS,
        data_components=data_components,
        seconds=seconds,
    )
    micro = 1e6 / result.moves_per_second
    pairs = COMPONENTS * data_components
    print(
        f"| {data_components:,} | {bodies:,} | {result.moves_per_second:,.0f} | {micro:.1f} | "
        f"{pairs:,} | {1e3 * micro / pairs:.3f} |",
        flush=True,
    )
    return micro


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    print("| N_D | bodies | moves/s | µs a move | pairs of a dense move | ns a dense pair |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    filled = [row(n, max(2, round(n / 44)), arguments.seconds) for n in FILLED]
    more = [row(FIXED, n, arguments.seconds) for n in BODIES]
    if arguments.plot is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
    dense = [filled[1] * n / FILLED[1] for n in FILLED]
    left.loglog(FILLED, filled, "o-", label="this engine")
    left.loglog(FILLED, dense, "--", color="0.6", label="in proportion to $N_D$")
    left.set(xlabel="components of the data GMM, filled by bodies", ylabel="µs a move")
    left.legend(frameon=False)
    right.loglog(BODIES, more, "o-")
    right.set(xlabel=f"bodies in a map of {FIXED:,} components")
    for axes in (left, right):
        axes.grid(True, which="major", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(arguments.plot)


if __name__ == "__main__":
    main()

"""The paper's protocol for one complex: 40 replicas, 1.2e8 one-body moves, from random poses.

    python benchmark/native/protocol.py [3sfd] [--steps 3000000] [--replicas 40]

Density (data GMM of the native structure), connectivity and excluded volume; the run is the
command's (`emgmm run`), frames and checkpoints on disk included, on all cores. Prints time, moves a
second, peak memory, and what came out of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from complexes import SHARED, native_mixture, prepare_complex, settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="?", default="3sfd")
    parser.add_argument("--steps", type=int, default=3_000_000)
    parser.add_argument("--replicas", type=int, default=40)
    parser.add_argument("--start", default="random")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emgmm-protocol-") as name:
        folder = Path(name)
        chains = prepare_complex(SHARED / "complexes" / f"{arguments.entry}.pdb.gz", folder)
        n_data = native_mixture(folder)
        path = settings(
            folder,
            'gmm = "data_gmm.txt"',
            f'replicas = {arguments.replicas}\nsteps = {arguments.steps}\nprecision = "single"\n'
            f'start = "{arguments.start}"\nframe_interval = 1000',
        )
        command = Path(sys.executable).with_name("emgmm")
        began = time.monotonic()
        subprocess.run(
            [command, "run", path, "-o", folder / "out", "--engine", "native"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        subprocess.run(
            [command, "analyze", folder / "out", "--reference", folder / "complex.pdb"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        report = json.loads((folder / "out" / "analysis.json").read_text())
        best = report["clusters"][0]
        moves = arguments.steps * arguments.replicas
        print("| entry | subunits | N_D | replicas | moves | s | moves/s | peak MB | rmsd(80) Å |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        print(
            f"| {arguments.entry} | {len(chains)} | {n_data} | {arguments.replicas} | {moves:,} | "
            f"{seconds:.0f} | {moves / seconds:,.0f} | {peak:.0f} | {best['rmsd80']:.1f} |"
        )


if __name__ == "__main__":
    main()

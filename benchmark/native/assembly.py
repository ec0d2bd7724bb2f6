"""Complexes from nothing: the columns of Table 2 (bioRxiv 113951), several seeds each.

    python benchmark/native/assembly.py [--complexes 1z5s,3sfd] [--seeds 5] [--start placed]
        [--resolution 8 --snr 5]

Without --resolution the data GMM is that of the native structure, mass / 1.09 kDa components (the
paper's setting); with it, a map is simulated with noise and fitted. Every run starts from nothing:
"placed" is emgmm's global search, "random" the paper's random poses.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from complexes import SHARED, native_mixture, prepare_complex, settings
from emgmm.analysis.analyze import analyze
from emgmm.run import run

COMPLEXES = {
    "1z5s": SHARED / "complexes" / "1z5s.pdb.gz",
    "3sfd": SHARED / "complexes" / "3sfd.pdb.gz",
    "1oel": SHARED / "complexes" / "1oel_7mer.pdb.gz",
    "1wcm": SHARED / "crosslinks" / "rnapolii" / "1WCM.pdb.gz",
    "1clv": SHARED / "complexes" / "1clv.pdb.gz",
    "1dfj": SHARED / "complexes" / "1dfj.pdb.gz",
    "1kxp": SHARED / "complexes" / "1kxp.pdb.gz",
    "2hle": SHARED / "complexes" / "2hle.pdb.gz",
    "1bd2": Path(__file__).resolve().parents[2] / "examples" / "1bd2" / "complex.pdb.gz",
}


def simulated_map(folder: Path, resolution: float, snr: float) -> str:
    from emgmm.io.maps import write_map
    from emgmm.io.structures import read_structure
    from emgmm.simulation import simulate_map

    density = simulate_map(read_structure(folder / "complex.pdb"), resolution, snr=snr, seed=1)
    write_map(folder / "map.mrc", density, force=True)
    return 'map = "map.mrc"\ntarget_cc = 0.95'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--complexes", default="1z5s,3sfd,1clv,1dfj,1kxp,2hle,1bd2,1oel")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--start", default="placed", choices=["placed", "random"])
    parser.add_argument("--resolution", type=float)
    parser.add_argument("--snr", type=float, default=5.0)
    arguments = parser.parse_args()
    print(
        "| complex | subunits | N_D | seed | result | rmsd80 A | p10 | position A | angle deg | "
        "score error % | CC | s |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    totals = []
    for name in arguments.complexes.split(","):
        folder = Path(tempfile.mkdtemp(prefix=f"emgmm-{name}-"))
        prepare_complex(COMPLEXES[name], folder)
        if arguments.resolution:
            em = simulated_map(folder, arguments.resolution, arguments.snr)
        else:
            native_mixture(folder)
            em = 'gmm = "data_gmm.txt"'
        full = []
        for seed in range(1, arguments.seeds + 1):
            path = settings(
                folder,
                em,
                f'start = "{arguments.start}"\nseed = {seed}\nsteps = {arguments.steps}\n'
                f"replicas = {arguments.replicas}",
            )
            began = time.monotonic()
            summary = run(path, folder / f"out{seed}", engine="native")
            seconds = time.monotonic() - began
            report = analyze(folder / f"out{seed}", folder / "complex.pdb").report()
            best = report["clusters"][0]
            units = best["subunits"]
            full.append(report["result"] == "full positive")
            totals.append((full[-1], best["p10"]))
            print(
                f"| {name} | {len(units)} | {summary['data_components']} | {seed} | "
                f"{report['result']} | {best['rmsd80']:.1f} | {best['p10']:.2f} | "
                f"{np.mean([u['position_error'] for u in units]):.1f} | "
                f"{np.mean([u['angle_error'] for u in units]):.1f} | "
                f"{report['score_error_percent']:.1f} | {best['cc']:.3f} | {seconds:.0f} |",
                flush=True,
            )
        print(f"{name}: full positive in {sum(full)} of {len(full)} seeds", flush=True)
        shutil.rmtree(folder)
    print(
        f"all: full positive {sum(t[0] for t in totals)} of {len(totals)}, mean p(10) "
        f"{np.mean([t[1] for t in totals]):.3f}"
    )


if __name__ == "__main__":
    main()

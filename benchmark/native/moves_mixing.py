"""How fast moves mix about the native pose: independent frames in an hour of CPU time.

    python benchmark/native/moves_mixing.py [ENTRY ...] [--seeds 3] [--steps 100000] [--beads 30]
        [--shares 0,0.02,0.1] [--set KEY=VALUE]

One replica at 1 kT from the native structure, data GMM as in moves_found.py, a share of the steps
Hamiltonian moves. With --beads so many residues at the end of the first chain are flexible beads
of ten residues. Independent frames: frames over the integrated autocorrelation time (Sokal's
window), the least of the score and of each body's place and turn away from the native pose; what is
not of the second half of a run is left out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from assembly import source
from complexes import native_mixture, prepare_complex, settings
from emgmm.config.settings import load_config
from emgmm.posterior import Posterior
from emgmm.runs.folder import load_output
from emgmm.runs.run import run
from emgmm.sampling import Callbacks, run_native


def independent(values: np.ndarray) -> float:
    """Number of independent values in a series (n,)."""
    away = values - values.mean()
    n = len(away)
    power = np.abs(np.fft.rfft(away, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:n]
    if correlation[0] <= 0:
        return 0.0
    times = 2 * np.cumsum(correlation / correlation[0]) - 1
    window = np.argmax(np.arange(n) >= 5 * times)
    return n / max(times[window], 1.0)


def one_run(
    folder: Path, seed: int, share: float, steps: int, extra: str
) -> tuple[dict[str, float], dict]:
    """Independent frames of the score, the bodies and the beads; acceptance."""
    text = (
        f'start = "asis"\nreplicas = 1\nthreads = 1\nseed = {seed}\nsteps = {steps}\n'
        f"frame_interval = 20\nhamiltonian_moves = {share}\n{extra}\n"
    )
    config = load_config(settings(folder, 'gmm = "data_gmm.txt"', text))
    own = load_output(folder / "out")
    system = own.system
    totals, places, turns = [], [], []

    def keep(frames) -> None:
        totals.append(frames.totals)
        places.append(frames.translations)
        turns.append(np.einsum("nbij,bij->nb", frames.rotations, system.bodies.rotation))

    began = time.process_time()
    summary = run_native(Posterior(config, system, own.data), Callbacks(frames=keep))
    seconds = time.process_time() - began
    half = sum(map(len, totals)) // 2
    place, turn = np.concatenate(places)[half:], np.concatenate(turns)[half:]
    rigid = np.flatnonzero(system.bodies.rotatable)
    beads = np.flatnonzero(~system.bodies.rotatable)
    found = {
        "score": independent(np.concatenate(totals)[half:]),
        "bodies": min(
            *(independent(place[:, b, i]) for b in rigid for i in range(3)),
            *(independent(turn[:, b]) for b in rigid),
        ),
    }
    if len(beads):
        found["beads"] = min(independent(place[:, b, i]) for b in beads for i in range(3))
    return {key: 2 * 3600 * n / seconds for key, n in found.items()}, summary.acceptance


def with_beads(folder: Path, residues: int) -> None:
    """The last residues of the first chain lose their structure."""
    import gemmi

    structure = gemmi.read_structure(str(folder / "complex.pdb"))
    chain = structure[0][0]
    for _ in range(residues):
        del chain[-1]
    structure.write_pdb(str(folder / "complex.pdb"))
    path = folder / "topology.txt"
    head, first, *rest = path.read_text().splitlines()
    cells = first.split("|")
    cells[9] = "10"  # residues a bead
    path.write_text("\n".join([head, "|".join(cells), *rest]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="*", default=["1z5s", "3sfd"], metavar="ENTRY")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--beads", type=int, default=0)
    parser.add_argument("--shares", default="0,0.02,0.1")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(
        "| entry | Hamiltonian share | accepted: steps, Hamiltonian | independent frames in an "
        "hour of CPU: score, bodies, beads |\n| --- | --- | --- | --- |",
        flush=True,
    )
    for name in arguments.entry:
        folder = Path(tempfile.mkdtemp(prefix=f"emgmm-{name}-"))
        prepare_complex(source(name, Path("."))[0], folder)
        native_mixture(folder)
        if arguments.beads:
            with_beads(folder, arguments.beads)
        short = 'start = "asis"\nreplicas = 1\nsteps = 1\n'
        run(settings(folder, 'gmm = "data_gmm.txt"', short), folder / "out", engine="native")
        for share in map(float, arguments.shares.split(",")):
            runs = [
                one_run(folder, seed, share, arguments.steps, "\n".join(arguments.set))
                for seed in range(1, arguments.seeds + 1)
            ]
            rates = {key: np.mean([found[key] for found, _ in runs]) for key in runs[0][0]}
            accepted = [
                np.mean([r for n, r in acceptance.items() if (n == "Hamiltonian") == special])
                for _, acceptance in runs
                for special in ((False, True) if share else (False,))
            ]
            shown = np.reshape(accepted, (len(runs), -1)).mean(axis=0)
            print(
                f"| {name} | {share:g} | {', '.join(f'{100 * r:.0f} %' for r in shown)} | "
                f"{', '.join(f'{rate:,.0f}' for rate in rates.values())} |",
                flush=True,
            )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

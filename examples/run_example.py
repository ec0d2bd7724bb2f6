"""From a density map and four subunits to models of a complex: the whole way, on real coordinates.

    python examples/run_example.py [--seed N] [--output FOLDER]

We take a crystal structure apart, blur it to the map an electron microscope might give, forget
where everything was, and ask emgmm to put it together again. Since we know the answer, we can say
how well it did. Every step is one command of the command line; it is printed before it runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

if "--run_quick_test" in sys.argv:  # IMP's ctest starts all examples; this one is pytest's
    sys.exit(0)

import gemmi
import numpy as np
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ENTRY = HERE / "1bd2"
EMGMM = Path(sys.executable).with_name("emgmm")
RESOLUTION, SNR = 8.0, 5.0  # Å; variance of the signal over that of the noise
PLACED = 10.0  # Å: a subunit is in place below this rmsd(80)
# Chains of each subunit that moves as one: the peptide lies in the groove of HLA.
SUBUNITS = {"mhc": "AC", "b2m": "B", "tcra": "D", "tcrb": "E"}

console = Console(highlight=False)


def take_apart(complex_file: Path, folder: Path, seed: int) -> None:
    """Writes every subunit to a file of its own, turned and shifted at random."""
    random = np.random.default_rng(seed)
    folder.mkdir()
    for name, chains in SUBUNITS.items():
        structure = gemmi.read_structure(str(complex_file))
        for chain in [c.name for c in structure[0] if c.name not in chains]:
            structure[0].remove_chain(chain)
        turn, _ = np.linalg.qr(random.standard_normal((3, 3)))
        turn *= np.sign(np.linalg.det(turn))  # a rotation, not a mirror
        center = np.array(structure[0].calculate_center_of_mass().tolist())
        shift = random.uniform(-50, 50, 3)
        for chain in structure[0]:
            for residue in chain:
                for atom in residue:
                    at = turn @ (np.array(atom.pos.tolist()) - center) + shift
                    atom.pos = gemmi.Position(*at)
        structure.write_minimal_pdb(str(folder / f"{name}.pdb"))


def emgmm(folder: Path, *arguments: object) -> None:
    """Runs one command in the folder, and shows it."""
    words = [str(a) for a in arguments]
    console.print(f"  [bold green]$ emgmm {' '.join(words)}[/]")
    start = time.perf_counter()
    hidden = subprocess.DEVNULL if console.quiet else None
    subprocess.run([str(EMGMM), *words], cwd=folder, check=True, stdout=hidden, stderr=hidden)
    console.print(f"  [dim]{time.perf_counter() - start:.1f} s[/]")


def reconstruct(folder: Path, seed: int, threads: int = 0, engine: str = "native") -> dict:
    """The whole example in a new folder; what ``analysis.json`` says, with the seconds it took."""
    start = time.perf_counter()
    folder.mkdir(parents=True)
    for name in ("complex.pdb.gz", "topology.txt", "sequences.fasta", "system.toml"):
        shutil.copy(ENTRY / name, folder)

    console.rule("[bold]1  A complex and its map")
    console.print(
        "PDB entry 1BD2 is a T-cell receptor bound to a viral peptide on HLA-A2: five chains, "
        f"95 kDa. We compute its density at {RESOLUTION:g} Å and add noise (signal-to-noise ratio "
        f"{SNR:g})."
    )
    emgmm(
        folder, "simulate", "complex.pdb.gz", "-o", "map.mrc", "--resolution", RESOLUTION,
        "--snr", SNR, "--seed", seed,
    )  # fmt: skip
    console.print(
        "\nThe subunits go into files of their own, each turned and shifted at random: nothing is "
        "left of where they were."
    )
    take_apart(folder / "complex.pdb.gz", folder / "subunits", seed)

    console.rule("[bold]2  Models")
    console.print(
        "The map becomes a few hundred Gaussians. The score compares them one by one with the "
        "Gaussians of the model, and infers the noise instead of asking for it. A global search "
        "places the subunits in the map; from its best answers four replicas sample the "
        "posterior, the hottest at 2.5 kT."
    )
    emgmm(
        folder, "run", "system.toml", "-o", "out", "--engine", engine, "--seed", seed,
        "--threads", threads,
    )  # fmt: skip

    console.rule("[bold]3  What they are worth")
    emgmm(folder, "analyze", "out", "--reference", "complex.pdb.gz")

    emgmm(folder, "report", "out")
    analysis = json.loads((folder / "out" / "analysis.json").read_text())
    return analysis | {"seconds": time.perf_counter() - start}


def show(analysis: dict) -> int:
    """Prints the accuracy of the best cluster; how many subunits are in place."""
    best = analysis["clusters"][0]
    table = Table(title="Centre of the best cluster against the crystal structure")
    for head in ("subunit", "position off, Å", "angle off, °", "rmsd(80), Å", ""):
        table.add_column(head, justify="left" if head == "subunit" else "right")
    placed = 0
    for unit in best["subunits"]:
        good = unit["rmsd80"] < PLACED
        placed += good
        angle = unit["angle_error"]
        table.add_row(
            unit["name"],
            f"{unit['position_error']:.1f}",
            "-" if angle is None else f"{angle:.0f}",
            f"{unit['rmsd80']:.1f}",
            "[green]in place[/]" if good else "[red]elsewhere[/]",
        )
    console.print(table)
    console.print(
        f"{placed} of {len(best['subunits'])} subunits in place; all residues: rmsd(80) "
        f"{best['rmsd80']:.1f} Å, p(10) {best['p10']:.2f}, CC with the map {best['cc']:.3f}; "
        f"cluster precision {best['precision']:.1f} Å"
    )
    return placed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--engine", default="native", choices=("auto", "imp", "native"))
    parser.add_argument("--output", type=Path, default=HERE / "output" / "1bd2")
    options = parser.parse_args()
    if options.output.exists():  # an output of ours: nothing but this script writes there
        if not (options.output / "map.mrc").is_file() and any(options.output.iterdir()):
            sys.exit(f"{options.output}: not an output of this example; give another --output")
        shutil.rmtree(options.output)
    try:
        analysis = reconstruct(options.output, options.seed, options.threads, options.engine)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    show(analysis)
    console.print(f"\n{analysis['seconds']:.0f} s in all. The report, for a browser:")
    console.print(f"  [bold]{options.output / 'out' / 'report.html'}[/]", soft_wrap=True)


if __name__ == "__main__":
    main()

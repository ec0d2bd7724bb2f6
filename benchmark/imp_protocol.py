"""A PMI run from start to deposition: RNA polymerase II, its map EMD-1883 and its cross-links.

    imp_protocol.py [--replicas 4] [--steps 20000] [--keep FOLDER]

`mpirun -np 4` samples with IMP.emgmm.macros, in two independent runs, of which the first is killed
halfway and restarted. imp_sampcon reads the output (show_stat, select_good, plot_score, and exhaust
where pyRMSD can be imported), and the best model becomes an mmCIF file that python-ihm reads back
with its EM restraint. Data: EMGMM_SHARED_DATA, or ../shared/data beside the checkout. Prints what
was found as JSON; a step that fails ends it with an error.
"""

import argparse
import ast
import contextlib
import gzip
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

KILLED_AT = 0.4  # of the frames


def prepare(shared, folder, molecules):
    """Topology table, sequences and structure under the names that the published table uses."""
    source = shared / "crosslinks" / "rnapolii"
    table = [
        # PMI slices the sequence with a negative index where a range starts before residue 1.
        line.replace("|1,END        |-3 ", "|4,END        |-3 ") if "|Rpb4 " in line else line
        for line in (source / "topology.txt").read_text().splitlines()
    ]
    if molecules:
        table = table[:1] + [row for row in table if row.split("|")[1].strip() in molecules]
    (folder / "topology.txt").write_text("\n".join(table) + "\n")
    shutil.copy(source / "1WCM_new.fasta.txt", folder / "1WCM.fasta")
    structure = gzip.decompress((source / "1WCM_map_fitted.pdb.gz").read_bytes())
    (folder / "1WCM_map_fitted.pdb").write_bytes(structure)
    shutil.copy(source / "polii_juri.csv", folder / "crosslinks.csv")
    gmm = shared / "gmm" / "rnapolii_emd1883" / "emd_1883.map.mrc.gmm.50.txt"
    # With the map that the file names, so that the deposition can name it too.
    shutil.copy(gmm, folder / "map_gmm.txt")
    packed = shared / "maps" / "emd_1883_rnapolii.mrc.gz"
    (folder / "emd_1883.map.mrc").write_bytes(gzip.decompress(packed.read_bytes()))


def build(folder):
    import IMP
    import IMP.emgmm.macros as macros

    IMP.set_log_level(IMP.SILENT)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return macros.build_system(
            folder / "topology.txt",
            em_gmm=folder / "map_gmm.txt",
            crosslinks=[macros.CrossLinks(str(folder / "crosslinks.csv"), label="juri")],
            pdb_dir=folder,
            fasta_dir=folder,
            gmm_dir=folder,
            residues_per_gaussian=40,
            em_options={"noise_model": "outliers"},
            output_dir=folder,
        )


def work(folder, run, steps, restart):
    """One process of the run."""
    import IMP.emgmm.macros as macros
    from IMP.emgmm.sampling import Annealing

    result = macros.sample(
        build(folder),
        folder / f"run{run}" / "output",
        steps=steps,
        seed=run,
        frame_interval=100,
        annealing=Annealing(0.1, 1000, 10000),
        moves={"swaps": 0.01, "turns": 0.01},
        restart=restart,
        progress=None,
    )
    if result["rank"] == 0:
        (folder / "result.json").write_text(json.dumps(result))


def start(folder, run, replicas, steps, restart=False):
    command = ["mpirun", "-np", str(replicas)]
    version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=True)
    if "Open MPI" in version.stdout:
        command += ["--oversubscribe"] + ["--allow-run-as-root"] * (os.geteuid() == 0)
    command += [sys.executable, __file__, "--work", str(folder), "--steps", str(steps)]
    command += ["--run", str(run)]
    log = open(folder / "log.txt", "ab")
    return subprocess.Popen(
        command + ["--restart"] * restart, stdout=log, stderr=log, start_new_session=True
    )


def read_stat(path):
    with open(path) as fh:
        header, *lines = fh.read().splitlines()
    names = {k: v for k, v in ast.literal_eval(header).items() if isinstance(k, int)}
    return [{names[k]: v for k, v in ast.literal_eval(line).items()} for line in lines]


def read_frames(output):
    """The stat lines of every rank."""
    return [line for path in sorted(output.glob("*stat.*.out")) for line in read_stat(path)]


def run_and_kill(folder, replicas, steps):
    """Frames that were there when all processes were killed."""
    process = start(folder, 1, replicas, steps)
    wanted = KILLED_AT * steps / 100
    output = folder / "run1" / "output"
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            if len(read_frames(output)) >= wanted:
                break
        time.sleep(0.02)
    else:
        raise SystemExit((folder / "log.txt").read_text()[-2000:])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # The ranks have sessions of their own.
    processes = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True)
    for line in processes.stdout.splitlines():
        if f"--work {folder}" in line:
            with contextlib.suppress(OSError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
    time.sleep(1)
    return len(read_frames(output))


def call_sampcon(folder, lines, molecules):
    """What each command of imp_sampcon made of the runs."""

    def call(*arguments, cwd=folder):
        done = subprocess.run(
            ["imp_sampcon", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"imp_sampcon {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    shown = call("show_stat", folder / "run1" / "output" / "stat.0.out").split("\n")
    scores = sorted(float(line["Total_Score"]) for line in lines)
    threshold = scores[len(scores) // 2]
    options = "-sl Total_Score GaussianEMRestraint_em -pl GaussianEMRestraint_em_CCC"
    options += " ConnectivityRestraint_Score_Rpb4 -alt -1000000.0 -1000000.0"
    options += f" -aut {threshold} 1000000.0 -mlt 0 0 -mut 0 0 -e"
    call("select_good", "-rd", folder, "-rp", "run", *options.split())
    good = folder / "good_scoring_models"
    selected = (good / "model_ids_scores.txt").read_text().splitlines()[1:]
    call("plot_score", good / "model_ids_scores.txt", "all", cwd=good)
    return {
        "show_stat: fields": len([name for name in shown if name]),
        "select_good: models of frames": [len(selected), len(lines)],
        "select_good: RMF files": [
            len(list((good / f"sample_{sample}").glob("*.rmf3"))) for sample in "AB"
        ],
        "plot_score: plots": sorted(path.stem for path in good.glob("*.png")),
        "exhaust": call_exhaust(folder, good, molecules, call),
    }


def call_exhaust(folder, good, molecules, call):
    """Sampling precision by imp_sampcon, between the two runs."""
    if importlib.util.find_spec("pyRMSD") is None:
        return "not run: it needs pyRMSD"
    place = folder / "exhaust"
    place.mkdir(exist_ok=True)
    ranges = {name: [(1, 2000, name)] for name in sorted(molecules)}
    (place / "ranges.txt").write_text(f"density_custom_ranges={ranges!r}\n")
    options = "-n emgmm -m cpu_omp -c 2 -r 10 -g 2.0 -d ranges.txt -sa scoresA.txt -sb scoresB.txt"
    call("exhaust", "-p", good, *options.split(), cwd=place)
    told = (place / "emgmm.Sampling_Precision_Stats.txt").read_text().splitlines()
    precision, _, cramers_v, clustered = map(float, told[1 + told[0].endswith("A.")].split())
    population = (place / "emgmm.Cluster_Population.txt").read_text().split("\n")
    return {
        "sampling precision A": precision,
        "Cramer's V": cramers_v,
        "clustered %": clustered,
        "clusters": len([row for row in population if row]),
        "density maps": len(list(place.glob("cluster.*/*.mrc"))),
    }


def deposit(folder, lines):
    """The best model as mmCIF, read back by python-ihm."""
    import ihm.reader
    import ihm.restraint
    import IMP.mmcif

    best = min(lines, key=lambda line: float(line["Total_Score"]))
    # The table's offset of Rpb4 does not suit its sequence: hundreds of warnings.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        writer = IMP.mmcif.Writer()
        writer.add_rmf(best["rmf_file"], frame=int(best["rmf_frame_index"]))
        writer.write(str(folder / "best.cif"))
    with open(folder / "best.cif") as fh:
        (system,) = ihm.reader.read(fh)
    (em,) = (r for r in system.restraints if isinstance(r, ihm.restraint.EM3DRestraint))
    (fit,) = em.fits.values()
    return {
        "components of the map": em.number_of_gaussians,
        "map": str(em.dataset.location.path),
        "parent of the map": [
            getattr(p.location, "access_code", None) or str(p.location.path)
            for p in em.dataset.parents
        ],
        "CC in the file": fit.cross_correlation_coefficient,
        "CC in the stat file": float(best["GaussianEMRestraint_em_CCC"]),
        "cross-link restraints": sum(
            len(r.cross_links)
            for r in system.restraints
            if isinstance(r, ihm.restraint.CrossLinkRestraint)
        ),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--run", type=int)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--run_quick_test", action="store_true")
    arguments, _ = parser.parse_known_args()
    if arguments.work:
        return work(arguments.work, arguments.run, arguments.steps, arguments.restart)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    shared = Path(os.environ.get("EMGMM_SHARED_DATA", beside))
    if not (shared / "crosslinks" / "rnapolii").is_dir():
        return print(f"not run: no shared data in {shared}")
    missing = [name for name in ("mpirun", "imp_sampcon") if not shutil.which(name)]
    try:
        import IMP.mpi  # noqa: F401
    except ImportError:
        missing.append("IMP.mpi")
    if missing:
        return print("not run: no " + ", no ".join(missing))
    steps, molecules = arguments.steps, None
    if arguments.run_quick_test:
        steps, molecules = 2000, {"Rpb4", "Rpb5", "Rpb7"}
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="imp-protocol-"))
    for run in ("run1", "run2"):
        (folder / run).mkdir(parents=True, exist_ok=True)
    prepare(shared, folder, molecules)
    build(folder)  # fits the mixtures of the bodies, once for all processes
    found = {"replicas": arguments.replicas, "steps of each": steps}
    found["frames when killed"] = run_and_kill(folder, arguments.replicas, steps)
    for run in (1, 2):
        process = start(folder, run, arguments.replicas, steps, restart=run == 1)
        if process.wait() != 0:
            raise SystemExit((folder / "log.txt").read_text()[-2000:])
        if run == 1:
            result = json.loads((folder / "result.json").read_text())
    lines, others = (read_frames(folder / run / "output") for run in ("run1", "run2"))
    everywhere = [*lines, *others]
    molecules = molecules or {
        row.split("|")[1].strip()
        for row in (folder / "topology.txt").read_text().splitlines()[1:]
        if row.startswith("|")
    }
    found |= {
        "frames at the end": len(lines),
        "steps a second after the restart": round(result["steps_per_second"]),
        "frames of the second run": len(others),
        "best score": min(float(line["Total_Score"]) for line in everywhere),
        "imp_sampcon": call_sampcon(folder, everywhere, molecules),
        "mmCIF": deposit(folder, everywhere),
    }
    print(json.dumps(found, indent=2))
    # The frame that was due when the run was killed may be missing. A short run may have written
    # all of its frames before the kill arrives; then only the restart itself is seen.
    assert found["frames when killed"] <= found["frames at the end"] >= steps / 100 - 1
    em = found["mmCIF"]
    assert em["components of the map"] == 50
    assert abs(em["CC in the file"] - em["CC in the stat file"]) < 1e-3
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

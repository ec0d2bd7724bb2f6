"""``emgmm run --engine imp``: the output folder is that of the native engine, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from command_line import TOPOLOGY, assert_refused, emgmm, settings
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.rmf import read_rmf
from emgmm.io.stat import read_stat
from emgmm.posterior import Posterior
from emgmm.search.starts import input_poses

pytest.importorskip("IMP.emgmm", reason="needs IMP.emgmm, which cannot be imported")

from emgmm.imp.find import find_imp, find_mpi

HAS_MPI = find_imp().mpi and find_mpi()["mpirun"] is not None
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason="needs mpirun and IMP.mpi")
FRAMES, INTERVAL = 30, 20


@pytest.fixture
def short(native_gmm, tmp_path) -> Path:
    """Settings of a run of a few seconds."""
    extra = "moves = {swaps = 0.1, turns = 0.1}\nprecision = 'single'\n"
    path = settings(tmp_path, native_gmm, extra)
    text = path.read_text().replace("steps = 4000", f"steps = {FRAMES * INTERVAL}")
    path.write_text(text + "exchange_interval = 10\n")
    return path


def shell(path: Path, out: Path, *more: object) -> list[str]:
    arguments = ["run", path, "-o", out, "--engine", "imp", *more]
    code = "from emgmm.cli import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def check_folder(out: Path, replicas: int, *more: str) -> None:
    """One frame for each interval, in the order of the steps, the same in all three files."""
    stat = read_stat(out / "stat.0.out")
    steps = INTERVAL * np.arange(1, FRAMES + 1)
    np.testing.assert_array_equal(stat.column("MonteCarlo_Nframe"), steps)
    np.testing.assert_array_equal(stat.column("rmf_frame_index"), np.arange(FRAMES))
    assert set(stat.column("ReplicaExchange_CurrentTemp")) == {1.0}
    whose = read_stat(out / "stat_replica.0.out")
    np.testing.assert_array_equal(whose.column("MonteCarlo_Nframe"), steps)
    np.testing.assert_array_equal(whose.column("score"), stat.column("Total_Score"))
    assert set(whose.column("Replica")) <= set(range(replicas))
    for name in ("stat.0.out", "stat_replica.0.out"):
        assert "PATH" not in (out / name).read_text(), "the environment of the run"
    assert read_rmf(out / "rmfs" / "0.rmf3").coordinates().shape[0] == FRAMES
    common = {"system.toml", "data_gmm.txt", "gmm", "run.json", "inputs", "inputs.json", "best.cif"}
    left = {p.name for p in out.iterdir()} - common
    assert left == {"rmfs", "stat.0.out", "stat_replica.0.out", "restart", "imp.log", *more}
    summary = json.loads((out / "run.json").read_text())
    assert summary["engine"] == "imp"
    assert summary["frames"] == FRAMES
    assert summary["replicas"] == replicas
    assert len(summary["exchange"]) == replicas - 1
    assert all(0 <= share <= 1 for share in summary["exchange"])
    assert summary["found"].keys() == summary["acceptance"].keys()
    assert sum(summary["found"].values()) > 0
    kinds = {name.split(" ")[0] for name in summary["acceptance"]}
    assert {"swap", "turn"} <= kinds
    assert summary["best_score"] == pytest.approx(stat.column("Total_Score").min())


def test_one_replica_is_judged_and_shown(short, tmp_path):
    """With the numbers of the settings, analyze and report read the folder."""
    out = tmp_path / "out"
    told = emgmm("run", short, "-o", out, "--engine", "imp", "--replicas", 1)
    assert told.returncode == 0, told.stderr
    check_folder(out, 1)
    summary = json.loads((out / "run.json").read_text())
    fitted = sum(len(read_gmm(path)) for path in (out / "gmm").glob("*..0.txt"))  # PMI's names
    assert summary["model_components"] == fitted + summary["bodies"] - summary["rigid_bodies"]
    for command in ("analyze", "report"):
        told = emgmm(command, out)
        assert told.returncode == 0, told.stderr
    assert "IMP engine" in (out / "report.html").read_text()


def test_both_engines_score_a_map_alike(short, tmp_path):
    """Random poses: a mixture; with the model blurred to a resolution; a map, which is as heavy as
    what has a structure. The scores of coarse moves, too."""
    from emgmm.config import load_config
    from emgmm.imp.system import build_imp_system, set_poses
    from emgmm.search.starts import random_starts

    text = short.read_text()
    gmm = load_config(short).em.gmm
    (short.parent / "map.mrc").touch()  # its mixture is there, so nobody reads it
    scores = []
    for section in (
        f'gmm = "{gmm}"',
        f'gmm = "{gmm}"\nresolution = 15.0',
        'map = "map.mrc"\nresolution = 15.0',
        f'gmm = "{gmm}"\nmap_mass = 90000.0',
    ):
        short.write_text(text.replace(f'gmm = "{gmm}"', section))
        config = load_config(short)
        out = tmp_path / f"out{len(scores)}"
        (out / "gmm").mkdir(parents=True)
        data = read_gmm(gmm)
        write_gmm(out / "data_gmm.txt", data)
        system, native = build_imp_system(config, out)
        (term,) = [
            s.term for s in Posterior.of_run(config, native, data).terms if s.term.name == "em"
        ]
        poses = random_starts(native, data, config.sampling)[0]
        set_poses(system, native, poses)
        scores.append(system.em.evaluate())
        assert scores[-1] == pytest.approx(term.evaluate(poses), rel=1e-6)
    apart = np.abs(np.subtract.outer(scores, scores)) + np.eye(len(scores))
    assert apart.min() > 0.1


@pytest.mark.parametrize(
    ("forward", "per_gaussian", "resolutions"),
    [("residue", 0, (1, 10)), ("residue", 0, (10,)), ("mixture", 1, (1, 10))],
)
def test_both_engines_have_the_same_gaussians(short, tmp_path, forward, per_gaussian, resolutions):
    """One a residue, or a bead where there are none of one residue, whatever number PMI expects;
    flexible beads as well. IMP reads 32-bit coordinates of structures, so beads are 1e-6 Å off."""
    from emgmm.config import load_config
    from emgmm.imp.system import build_imp_system, set_poses
    from emgmm.search.starts import random_starts
    from IMP.emgmm.gmm import get_component

    table = tmp_path / "topology.txt"
    header, *rows = TOPOLOGY.read_text().splitlines()
    column = header.split("|").index("em_residues_per_gaussian")
    cells = [row.split("|") for row in rows if row.strip()]
    for row in cells:
        row[column] = str(per_gaussian)
    table.write_text("\n".join([header, *("|".join(row) for row in cells)]) + "\n")
    shutil.copy(TOPOLOGY.parent / "sequences.fasta", tmp_path)
    text = short.read_text().replace(str(TOPOLOGY), str(table))
    text = text.replace("[em]", f"resolutions = {list(resolutions)}\n[em]")
    short.write_text(text + f'[em.model]\nforward = "{forward}"\n')
    config = load_config(short)
    config = msgspec.structs.replace(
        config, sampling=msgspec.structs.replace(config.sampling, precision="double")
    )
    out = tmp_path / "out"
    (out / "gmm").mkdir(parents=True)
    data = read_gmm(config.em.gmm)
    write_gmm(out / "data_gmm.txt", data)
    system, native = build_imp_system(config, out)
    assert len(system.em.model_ps) == len(native.gaussians)
    (term,) = [s.term for s in Posterior.of_run(config, native, data).terms if s.term.name == "em"]
    for poses in (input_poses(native), random_starts(native, data, config.sampling)[0]):
        set_poses(system, native, poses)
        assert system.em.evaluate() == pytest.approx(term.evaluate(poses), rel=1e-9)
    own = native.gaussians.placed(poses)
    ours = np.column_stack([own.means, own.weights, own.covariances.reshape(-1, 9)])
    left = list(range(len(ours)))
    for p in system.em.model_ps:
        weight, mean, covariance = get_component(p)
        row = np.r_[mean, weight, covariance.ravel()]
        nearest = left[np.abs(ours[left] - row).max(axis=1).argmin()]
        np.testing.assert_allclose(row, ours[nearest], rtol=1e-9, atol=1e-5)
        left.remove(nearest)


def test_minimised_starts_and_places_of_the_map(short, tmp_path):
    """As in the native engine."""
    text = short.read_text()
    short.write_text(
        text.replace("turns = 0.1}", "turns = 0.1, independence = 0.2}") + "minimize = 60\n"
    )
    out = tmp_path / "out"
    told = emgmm("run", short, "-o", out, "--engine", "imp", "--replicas", 1)
    assert told.returncode == 0, told.stderr
    check_folder(out, 1)
    summary = json.loads((out / "run.json").read_text())
    assert 0 <= summary["acceptance"]["independence"] < 1
    minimised = summary["best_score"]
    short.write_text(text.replace(f"steps = {FRAMES * INTERVAL}", f"steps = {INTERVAL}"))
    told = emgmm("run", short, "-o", out, "--engine", "imp", "--replicas", 1, "--force")
    assert told.returncode == 0, told.stderr
    assert minimised < json.loads((out / "run.json").read_text())["best_score"]


@needs_mpi
def test_replicas_share_one_trajectory(short, tmp_path):
    """Placed starts, as in the native engine; frames of the ranks are in the order of the steps."""
    short.write_text(short.read_text().replace("'random'", "'placed'"))
    out = tmp_path / "out"
    told = emgmm("run", short, "-o", out, "--engine", "imp")
    assert told.returncode == 0, told.stderr
    check_folder(out, 2, "search.json")
    assert emgmm("report", out).returncode == 0


@needs_mpi
def test_killed_run_goes_on(short, tmp_path):
    """SIGKILL of the program ends the processes that it started, and no frame comes twice."""
    out = tmp_path / "out"
    long = 20 * FRAMES * INTERVAL
    process = subprocess.Popen(shell(short, out, "--steps", long), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    stats = [out / "stat.0.out", out / "stat.1.out"]
    while not all(path.is_file() for path in stats) or (
        sum(len(path.read_text().splitlines()) for path in stats) < 10
    ):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while any(str(out) in command for command in _commands()):
        assert time.monotonic() < deadline, "processes were left behind"
        time.sleep(0.1)
    assert_refused(
        emgmm("run", short, "-o", out, "--engine", "native", "--resume"), "--engine", "imp"
    )
    lines = sum(len(path.read_text().splitlines()) - 1 for path in stats)
    steps = (lines + 10) * INTERVAL
    told = emgmm("run", short, "-o", out, "--resume", "--steps", steps)
    assert told.returncode == 0, told.stderr
    done = read_stat(out / "stat.0.out").column("MonteCarlo_Nframe")
    assert len(set(done)) == len(done) >= lines + 9  # the one that was due may be missing
    assert (np.diff(done) > 0).all()
    assert done[-1] == steps
    assert read_rmf(out / "rmfs" / "0.rmf3").coordinates().shape[0] == len(done)
    # A new run in the folder has nothing of the old one.
    text = short.read_text().replace("'random'", "'asis'")
    short.write_text(text)
    told = emgmm("run", short, "-o", out, "--engine", "imp", "--replicas", 1, "--force")
    assert told.returncode == 0, told.stderr
    check_folder(out, 1)
    assert not (out / "restart" / "starts.npy").exists()


def _commands() -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            found.append(Path("/proc", pid, "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_mixtures_are_there_before_the_ranks_start(short, tmp_path):
    """Several ranks that all fit them would get in each other's way."""
    from emgmm.config import load_config
    from emgmm.imp.system import build_imp_system, fit_bodies

    out = tmp_path / "out"
    (out / "gmm").mkdir(parents=True)
    config = load_config(short)
    (out / "data_gmm.txt").write_bytes(Path(config.em.gmm).read_bytes())
    fit_bodies(config, out)
    written = {path.name: path.stat().st_mtime_ns for path in (out / "gmm").iterdir()}
    build_imp_system(config, out)
    assert written == {path.name: path.stat().st_mtime_ns for path in (out / "gmm").iterdir()}
    assert len(written) == 5  # of the five chains


def test_three_replicas_are_refused_not_waited_for(short, tmp_path):
    """IMP.mpi would wait forever; "auto" takes the native engine."""
    out = tmp_path / "out"
    refused = emgmm("run", short, "-o", out, "--engine", "imp", "--replicas", 3)
    assert_refused(refused, "sampling.replicas", "even")
    told = emgmm("run", short, "-o", out, "--replicas", 3, "--force")
    assert told.returncode == 0, told.stderr
    assert json.loads((out / "run.json").read_text())["engine"] == "native"

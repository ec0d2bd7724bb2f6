"""A run of ``emgmm run --engine imp``: IMP.pmi's representation and sampler with IMP.emgmm.

The work is done in a process of its own (``python -m emgmm.imp.run OUT``), under ``mpirun`` where
there are several replicas; IMP's messages go to ``OUT/imp.log``.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from ..config.settings import Config
from ..errors import InputError
from ..posterior import Posterior
from ..runs.folder import own_settings, write_settings
from ..runs.summary import summary_report, write_search, write_summary
from ..sampling.records import Progress
from ..sampling.sampler import burn_in, starts_of
from ..search.place import SearchProgress
from .system import build_imp_system, fit_bodies, set_poses, write_axes

_LOG = "imp.log"
_RESULT, _STARTS = "restart/result.%d.json", "restart/starts.npy"


def run_imp(
    posterior: Posterior,
    out: Path,
    *,
    resume: bool = False,
    stage: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda progress: None,
    searching: Callable[[SearchProgress], None] = lambda progress: None,
) -> dict:
    """Sample with IMP into a folder that has been set up, and write its ``run.json``.

    Raises
    ------
    InputError
        IMP cannot do what the settings ask for (`imp_lacks`); or it failed, with its last message.
    KeyboardInterrupt
        After Ctrl-C; the folder can be resumed.
    """
    config = posterior.config
    lacks = imp_lacks(config)
    if lacks is not None:
        raise InputError(out, *lacks)
    report = summary_report(posterior, "imp", out)
    command = _command(config, out, resume)
    (out / "restart").mkdir(exist_ok=True)
    if resume:
        write_settings(out, config)
    # The processes that sample take the axes that are found here.
    posterior = replace(posterior, config=write_axes(config, out, posterior.data))
    if not resume and (config.sampling.start != "asis" or config.sampling.minimize):
        stage("placing the subunits" if config.sampling.start == "placed" else "starts")
        starts, search = starts_of(posterior, searching=searching)
        np.save(out / _STARTS, starts)
        if search is not None:
            write_search(out, search)
    stage("fitting Gaussians to the bodies as IMP has them")
    fit_bodies(config, out)
    stage("sampling with IMP")
    code = _call(command, out, config, progress)
    if code != 0:
        raise InputError(out / _LOG, _last_line(out / _LOG), "a run of IMP that ends well")
    from IMP.emgmm.restart import merge_ranks

    merge_ranks(str(out), config.sampling.replicas)
    _remove_extras(out)
    frames, best = _frames(out)
    report |= _results(out, config.sampling.replicas)
    report |= {"frames": frames, "best_score": best}
    write_summary(out, report)
    return report


def _remove_extras(out: Path) -> None:
    """Remove what IMP.pmi writes besides: the start once more, a folder for files not asked for."""
    for path in out.glob("initial.*.rmf3"):
        path.unlink()
    with contextlib.suppress(OSError):
        (out / "pdbs").rmdir()


def imp_lacks(config: Config) -> tuple[str, str, str] | None:
    """Setting of a run that IMP cannot do here: found, expected and the key; None for nothing.

    IMP.mpi exchanges replicas in pairs, all at a time, and waits forever where one is left over.
    """
    from .find import find_imp

    sampling = config.sampling
    key, replicas = "sampling.replicas", sampling.replicas
    if replicas == 1:
        return None
    if replicas % 2:
        return f"{replicas} replicas with IMP", "1 or an even number", key
    if shutil.which("mpirun") is None:
        return f"{replicas} replicas and no mpirun", "1 replica, or mpirun and IMP.mpi", key
    if not find_imp().mpi:
        return f"{replicas} replicas and no IMP.mpi", "1 replica, or mpirun and IMP.mpi", key
    return None


def _call(command: list[str], out: Path, config: Config, progress: Callable) -> int:
    """The status of the processes that sample, which end when this one does."""
    began = time.monotonic()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def end_with_parent() -> None:
        if libc is not None:
            libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG; mpirun passes it on to its ranks

    with open(out / _LOG, "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=0.5)
                done = _done(out)
                if done is not None:
                    seconds = time.monotonic() - began
                    progress(
                        Progress(
                            done, config.sampling.steps, seconds, *_shown(out), math.nan, math.nan
                        )
                    )
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def _done(out: Path) -> int | None:
    """Steps that the first process has done; None before its first state."""
    try:
        with np.load(out / "restart" / "0.npz") as state:
            return int(state["run"][1])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _shown(out: Path) -> tuple[int, float]:
    """Frames so far and their best score, not known before all are joined."""
    return sum(_lines(path) for path in out.glob("*stat.*.out")), math.inf


def _lines(stat: Path) -> int:
    with open(stat, "rb") as file:
        return max(0, sum(1 for _ in file) - 1)


def _results(out: Path, replicas: int) -> dict:
    """Results of all processes: acceptance is that of all, temperatures included."""
    parts = [
        json.loads((out / (_RESULT % rank)).read_text(encoding="utf-8")) for rank in range(replicas)
    ]
    result = {key: value for key, value in parts[0].items() if key != "rank"}
    result["moves"] = sum(part["moves"] for part in parts)
    result["acceptance"] = {
        name: float(np.mean([part["acceptance"][name] for part in parts]))
        for name in result["acceptance"]
    }
    result["found"] = {name: sum(part["found"][name] for part in parts) for name in result["found"]}
    return result


def _command(config: Config, out: Path, resume: bool) -> list[str]:
    command = [sys.executable, "-m", "emgmm.imp.run", str(out)] + ["--resume"] * resume
    replicas = config.sampling.replicas
    if replicas == 1:
        return command
    launcher = shutil.which("mpirun")
    return [launcher, *_mpirun_options(launcher), "-np", str(replicas), *command]


def _mpirun_options(launcher: str) -> list[str]:
    """Open MPI refuses more processes than cores, and root, unless told."""
    version = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False)
    if "Open MPI" not in version.stdout:
        return []
    return ["--oversubscribe"] + ["--allow-run-as-root"] * (os.geteuid() == 0)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return (errors or lines or ["nothing"])[-1].strip()[:200]


def _frames(out: Path) -> tuple[int, float]:
    from ..io.stat import read_stat

    scores = read_stat(out / "stat.0.out").column("Total_Score")
    return len(scores), float(np.min(scores)) if len(scores) else math.inf


def main() -> None:
    """One process of a run: builds the system and samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    config = own_settings(out)

    from IMP.emgmm.sampling import Annealing, get_replica_exchange, sample

    system, native = build_imp_system(config, out)
    sampling = config.sampling
    annealing = sampling.annealing
    exchange = get_replica_exchange()
    if exchange.get_number_of_replicas() != sampling.replicas:
        raise ValueError(
            f"Error: {exchange.get_number_of_replicas()} of {sampling.replicas} replicas know of "
            "each other; is mpirun of the MPI that IMP.mpi was built with?"
        )
    going_on = arguments.resume and (out / "restart" / "0.npz").is_file()
    if not going_on and (out / _STARTS).is_file():
        set_poses(system, native, np.load(out / _STARTS)[exchange.get_my_index()])
    result = sample(
        system,
        str(out),
        steps=sampling.steps,
        frame_interval=sampling.frame_interval,
        exchange_interval=sampling.exchange_interval,
        temperature_min=sampling.temperature_min,
        temperature_max=sampling.temperature_max,
        annealing=Annealing(annealing.low_weight, sampling.low_steps, annealing.high_steps),
        start="asis",
        seed=sampling.seed,
        adapt_steps=burn_in(sampling, len(system.dof.get_movers()), config.em is not None),
        moves={k: v for k, v in msgspec.to_builtins(sampling.moves).items() if v},
        restart=going_on,
        exchange=exchange,
    )
    result["model_components"] = len(system.em.model_ps) if system.em is not None else 0
    (out / (_RESULT % result["rank"])).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()

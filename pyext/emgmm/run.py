"""One run: from ``system.toml`` to an output folder that ``analyze`` and ``report`` read.

Everything a run needs later is set up beside the output folder and moved into it when all input has
proved good, so that a typing error neither leaves half a folder nor costs an older result.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import numpy as np

from . import __version__
from .checkpoint import read_checkpoint
from .config import Config, dump_config, load_config
from .errors import InputError
from .io.files import replacing
from .io.gmm import read_gmm
from .mixture import Mixture
from .processes import Processes, world
from .representation import System, build_system
from .run_data import write_data
from .run_output import Outputs
from .sampler_setup import scaled_data
from .sampling import Callbacks, Progress, run_native

ENGINES = ("auto", "imp", "native")
SETTINGS, DATA, BODIES, SUMMARY, CHECKPOINT = (
    "system.toml",
    "data_gmm.txt",
    "gmm",
    "run.json",
    "checkpoint.bin",
)
# What a run, its analysis and its report write: all that --force takes away.
_OWN = (
    SETTINGS,
    DATA,
    BODIES,
    SUMMARY,
    CHECKPOINT,
    "stat.0.out",
    "stat_replica.0.out",
    "rmfs",
    "analysis.json",
    "clusters",
    "report.html",
    "restart",  # these two of the IMP engine
    "imp.log",
)
# Settings that may change when a run is resumed: they do not change what was sampled before.
_FREE_ON_RESUME = ("sampling.threads", "sampling.steps")


def run(
    settings: str | os.PathLike | Config,
    out: str | os.PathLike,
    *,
    engine: str = "auto",
    replicas: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    resume: bool = False,
    force: bool = False,
    stage: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> dict:
    """Sample models of a complex and write them to a folder.

    Parameters
    ----------
    settings
        ``system.toml`` or what `load_config` made of it.
    out
        Folder of the output; must be new or empty unless ``force`` or ``resume``.
    engine
        "native"; "imp" for IMP.pmi's sampler with IMP.emgmm; "auto" takes IMP where it is.
    replicas, steps, seed, threads
        In place of those of the settings.
    resume
        Go on where a stopped or killed run was; more ``steps`` lengthen it.
    force
        Remove an earlier output from the folder first.
    stage, progress
        Told what is being set up, and how far the sampling is.

    Returns
    -------
    dict
        Content of ``run.json``; empty in all but the first of several processes (``mpirun``).

    Raises
    ------
    InputError
        Bad input; nothing was written.
    KeyboardInterrupt
        After Ctrl-C; the folder can be resumed.
    """
    processes = world()
    config = settings if isinstance(settings, Config) else load_config(settings)
    config = _with_options(config, replicas, steps, seed, threads)
    out = Path(out)
    engine = choose_engine(_engine_to_resume(engine, out) if resume else engine, processes, config)
    with ExitStack() as stack:
        with _root_first(processes) as is_root:
            if is_root:
                _prepare(config, out, resume, force, stage, stack)
        stage("reading the set-up")
        system, data = load_output(out, config)
        if engine == "imp":
            from .run_imp import run_imp

            return run_imp(config, out, system, data, resume=resume, stage=stage, progress=progress)
        if not processes.is_root:
            run_native(
                system, data, config, checkpoint=out / CHECKPOINT, resume=_goes_on(out, resume)
            )
            return {}
        return _run_native(config, out, system, data, resume, stage, progress)


def _prepare(
    config: Config,
    out: Path,
    resume: bool,
    force: bool,
    stage: Callable[[str], None],
    stack: ExitStack,
) -> None:
    """Checks the folder, keeps others out of it, and writes what the run starts from."""
    if resume and force:
        raise InputError("--force", "--resume too", "one of them")
    _refuse_used(out, resume, force)
    if resume:
        _refuse_changes(out, config)
    stack.enter_context(locked(out))
    if not resume:
        _set_up(config, out, stage)


class OtherProcessFailed(Exception):
    """Process 0 of several has failed, and says why."""


@contextmanager
def _root_first(processes: Processes) -> Iterator[bool]:
    """The block is for process 0; the others wait for it, and end where it fails."""
    failed = False
    try:
        yield processes.is_root
    except BaseException:
        failed = True
        raise
    finally:
        if processes.broadcast(failed) and not processes.is_root:
            raise OtherProcessFailed


def _goes_on(out: Path, resume: bool) -> bool:
    """Whether there is a state to go on from: killed before the first checkpoint, a run starts
    again from the same starts."""
    return resume and (out / CHECKPOINT).is_file()


def _engine_to_resume(engine: str, out: Path) -> str:
    """The engine that the run in a folder began with: neither goes on where the other stopped."""
    began = (
        "imp" if (out / "restart").is_dir() else "native" if (out / CHECKPOINT).is_file() else ""
    )
    if began and engine not in ("auto", began):
        raise InputError("--engine", f"{engine} with --resume", f"{began}, which began the run")
    return began or engine


def choose_engine(engine: str, processes: Processes, config: Config) -> str:
    """ "imp" or "native": "auto" takes IMP where it is and can do what the settings ask for.

    Raises
    ------
    InputError
        "imp" is asked for and cannot be imported, or asked for under ``mpirun``.
    """
    if engine not in ENGINES:
        raise InputError("--engine", repr(engine), "one of " + ", ".join(ENGINES))
    if engine == "imp" and processes.size > 1:
        raise InputError("--engine", "imp under mpirun", "no mpirun: the run starts it by itself")
    if engine == "native" or processes.size > 1:
        return "native"
    from .imp_engine import find_imp

    found = find_imp()
    if engine == "imp" and found.macros:
        return "imp"
    if engine == "auto" and found.macros:
        from .run_imp import imp_lacks

        return "native" if imp_lacks(config) else "imp"
    if engine == "imp":
        raise InputError("--engine", f"imp, but {found.problem}", "IMP with the module IMP.emgmm")
    return "native"


def load_output(out: str | os.PathLike, config: Config | None = None) -> tuple[System, Mixture]:
    """System and data GMM (as scored) of an output folder.

    Raises
    ------
    InputError
        No such folder, or not one of a run.
    """
    out = Path(out)
    if config is None:
        if not (out / SETTINGS).is_file():
            found = f"no {SETTINGS}" if out.is_dir() else "no such folder"
            raise InputError(out, found, "the output folder of emgmm run")
        config = load_config(out / SETTINGS)
    system = build_system(config, config.system.gmm_dir or out / BODIES)
    data = None
    if config.em is not None:
        data = scaled_data(read_gmm(out / DATA), system, config.em)
    return system, data


def _with_options(config: Config, replicas, steps, seed, threads) -> Config:
    given = {"replicas": replicas, "steps": steps, "seed": seed, "threads": threads}
    given = {key: value for key, value in given.items() if value is not None}
    return msgspec.structs.replace(
        config, sampling=msgspec.structs.replace(config.sampling, **given)
    )


def _refuse_used(out: Path, resume: bool, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(out, "a file", "a folder to write to")
    if resume:
        if not (out / SETTINGS).is_file():
            raise InputError(out, f"no {SETTINGS}", "the folder of a run to resume")
    elif not force and out.is_dir() and any(out.iterdir()):
        raise InputError(
            out, "a folder in use", "a new folder, --resume to go on, or --force to overwrite"
        )


def _refuse_changes(out: Path, config: Config) -> None:
    stored = _flat(msgspec.to_builtins(load_config(out / SETTINGS)))
    given = _flat(msgspec.to_builtins(config))
    for key in stored.keys() | given.keys():
        if key not in _FREE_ON_RESUME and stored.get(key) != given.get(key):
            raise InputError(
                out / SETTINGS,
                f"{stored.get(key)!r}",
                f"{given.get(key)!r} as the settings say (resume with those of the start)",
                key,
            )


def _flat(value, name: str = "") -> dict[str, object]:
    if not isinstance(value, dict):
        return {name: list(value) if isinstance(value, tuple) else value}
    prefix = f"{name}." if name else ""
    return {k: v for key, item in value.items() for k, v in _flat(item, prefix + key).items()}


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps a second run out of the folder; the lock ends with the process, however that ends."""
    lock = out.parent / f".{out.name}.lock"
    if not out.parent.is_dir():
        raise InputError(out, f"no folder {out.parent}", "a path in an existing folder")
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(out, "another run writing to it", "a folder of its own") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _set_up(config: Config, out: Path, stage: Callable[[str], None]) -> None:
    """Settings, data GMM and GMMs of the bodies, all or nothing."""
    draft = out.parent / f".{out.name}.{os.getpid()}.new"
    draft.mkdir()
    try:
        stage("reading structures, fitting Gaussians to the bodies")
        (draft / BODIES).mkdir()
        system = build_system(config, config.system.gmm_dir or draft / BODIES)
        write_data(config, system, draft / DATA, stage)
        (draft / SETTINGS).write_text(dump_config(config), encoding="utf-8")
        (draft / "rmfs").mkdir()
        if out.is_dir():
            for name in _OWN:
                _remove(out / name)
        else:
            out.mkdir()
        # The settings come last: a folder that has them has everything.
        for name in (DATA, BODIES, "rmfs", SETTINGS):
            if (draft / name).exists():
                os.replace(draft / name, out / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _run_native(
    config: Config,
    out: Path,
    system: System,
    data: Mixture | None,
    resume: bool,
    stage: Callable[[str], None],
    progress: Callable[[Progress], None],
) -> dict:
    checkpoint = out / CHECKPOINT
    going_on = _goes_on(out, resume)
    if resume:
        (out / SETTINGS).write_text(dump_config(config), encoding="utf-8")
    offsets = read_checkpoint(checkpoint).offsets if going_on else None
    searched = config.sampling.start == "placed" and data is not None and not going_on
    stage("placing the subunits in the map" if searched else "sampling")
    with Outputs(out, system, data, config, offsets) as outputs:
        callbacks = Callbacks(outputs.write, progress, outputs.offsets)
        try:
            summary = run_native(
                system, data, config, callbacks, checkpoint=checkpoint, resume=going_on
            )
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(out / SETTINGS, str(error), "settings that can be sampled") from error
    report = summary_report(config, system, data, "native") | summary._asdict()
    write_summary(out, report)
    return report


def summary_report(config: Config, system: System, data: Mixture | None, engine: str) -> dict:
    """What ``run.json`` says of a run besides the numbers of its sampler."""
    return {
        "engine": engine,
        "version": __version__,
        "seed": config.sampling.seed,
        "data_components": 0 if data is None else len(data),
        "model_components": len(system.gaussians),
        "bodies": len(system.bodies),
        "rigid_bodies": int(np.count_nonzero(system.bodies.rotatable)),
        "residues": int(sum(len(m.sequence) for m in system.molecules)),
        "mass": system.mass,
        "notes": list(system.notes),
    }


def write_summary(out: Path, report: dict) -> None:
    """``run.json``, replaced in one step."""
    with replacing(out / SUMMARY, force=True) as draft:
        draft.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")

"""One run: from ``system.toml`` to an output folder that ``analyze`` and ``report`` read.

Everything a run needs later is set up beside the output folder and moved into it when all input has
proved good, so that a typing error neither leaves half a folder nor costs an older result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from ..config import Config, load_config
from ..errors import InputError
from ..io.streams import STANDARD, is_piped
from ..io.targets import refuse_clashes
from ..posterior import Posterior
from ..sampling.checkpoint import read_checkpoint
from ..sampling.processes import Processes, world
from ..sampling.records import Callbacks, Progress
from ..sampling.sampler import run_native
from ..search.place import SearchProgress
from .folder import (
    load_output,
    locked,
    own_files,
    own_settings,
    refuse_changes,
    refuse_inputs,
    refuse_used,
    set_up,
    write_settings,
)
from .frames import Outputs
from .inputs import input_files
from .names import CHECKPOINT, SETTINGS
from .summary import summary_report, write_search, write_summary

ENGINES = ("auto", "imp", "native")


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
    written: Iterable[str | None] = (),
    stage: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda progress: None,
    searching: Callable[[SearchProgress], None] = lambda progress: None,
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
        Go on where a stopped or killed run was; more ``steps`` lengthen it. The run reads the
        copies of its inputs in the folder; other ones in the settings are refused.
    force
        Remove an earlier output from the folder first; files of no run stay.
    written
        What the caller is going to write with the result: no input, and no file of the folder.
    stage, progress
        Told what is being set up, and how far the sampling is.
    searching
        Told how far the global search is.

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

    Examples
    --------
    >>> import emgmm
    >>> summary = emgmm.run("system.toml", "out", engine="native", steps=400, force=True)
    >>> summary["frames"]
    20
    """
    processes = world()
    out = Path(out)
    path = None if isinstance(settings, Config) else Path(settings)
    if path is None:
        config = settings
    elif os.fspath(path) == STANDARD or (path.exists() and is_piped(path)):
        config, path = load_config(path), None
    elif resume and path.exists() and path.resolve() == (out / SETTINGS).resolve():
        config, path = own_settings(out), None
    else:
        config = load_config(path)
    config = _with_options(config, replicas, steps, seed, threads)
    engine = choose_engine(_engine_to_resume(engine, out) if resume else engine, processes, config)
    with ExitStack() as stack:
        posterior = None
        with _root_first(processes) as is_root:
            if is_root:
                posterior = _prepare(config, path, out, written, resume, force, stage, stack)
        if resume:  # go on with what the run read
            config = msgspec.structs.replace(own_settings(out), sampling=config.sampling)
        if posterior is None:
            stage("reading the set-up")
            posterior = load_output(out, config)
        if engine == "imp":
            from ..imp.run import run_imp

            report = run_imp(
                posterior, out, resume=resume, stage=stage, progress=progress, searching=searching
            )
            return _concluded(report, posterior, out, stage)
        if not processes.is_root:
            run_native(posterior, checkpoint=out / CHECKPOINT, resume=_goes_on(out, resume))
            return {}
        report = _run_native(posterior, out, resume, stage, progress, searching)
        return _concluded(report, posterior, out, stage)


def _concluded(report: dict, posterior: Posterior, out: Path, stage: Callable[[str], None]) -> dict:
    """``run.json`` with the verdict on the run and the CC of its best model, and that model as
    ``best.cif``; both None without a frame."""
    report |= {"cc": None, "verdict": None}
    if report["frames"]:
        from ..analysis.analyze import examined, write_best
        from ..analysis.models import open_run

        stage("judging the models")
        found = open_run(out, posterior)
        verdict = examined(found)[0].verdict
        write_best(found, verdict)
        report |= {"cc": verdict.evidence.best.cc, "verdict": verdict.report()}
    write_summary(out, report)
    return report


def _prepare(
    config: Config,
    settings: Path | None,
    out: Path,
    written: Iterable[str | None],
    resume: bool,
    force: bool,
    stage: Callable[[str], None],
    stack: ExitStack,
) -> Posterior | None:
    """Checks the folder, keeps others out of it, and writes what the run starts from; the run's
    problem, None where it stands in the folder already."""
    if resume and force:
        raise InputError("--force", "--resume too", "one of them")
    if resume:
        refuse_used(out, resume, force)
        refuse_changes(out, config)
        refuse_clashes([*(path for _, path in input_files(config)), *own_files(out)], written)
    else:
        refuse_inputs(out, config, settings, written)
        refuse_used(out, resume, force)
    stack.enter_context(locked(out))
    return None if resume else set_up(config, out, stage, settings)


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
    from ..imp.find import find_imp

    found = find_imp()
    if engine == "imp" and found.macros:
        return "imp"
    if engine == "auto" and found.macros:
        from ..imp.run import imp_lacks

        return "native" if imp_lacks(config) else "imp"
    if engine == "imp":
        raise InputError("--engine", f"imp, but {found.problem}", "IMP with the module IMP.emgmm")
    return "native"


def _with_options(config: Config, replicas, steps, seed, threads) -> Config:
    given = {"replicas": replicas, "steps": steps, "seed": seed, "threads": threads}
    given = {key: value for key, value in given.items() if value is not None}
    return msgspec.structs.replace(
        config, sampling=msgspec.structs.replace(config.sampling, **given)
    )


def _run_native(
    posterior: Posterior,
    out: Path,
    resume: bool,
    stage: Callable[[str], None],
    progress: Callable[[Progress], None],
    searching: Callable[[SearchProgress], None],
) -> dict:
    config, checkpoint = posterior.config, out / CHECKPOINT
    going_on = _goes_on(out, resume)
    if resume:
        write_settings(out, config)
    report = summary_report(posterior, "native", out)
    offsets = read_checkpoint(checkpoint).offsets if going_on else None
    searched = config.sampling.start == "placed" and posterior.data is not None and not going_on
    stage("placing the subunits in the map" if searched else "sampling")
    with Outputs(out, posterior, offsets) as outputs:
        callbacks = Callbacks(
            outputs.write,
            progress,
            outputs.offsets,
            lambda found: write_search(out, found),
            searching,
        )
        try:
            summary = run_native(posterior, callbacks, checkpoint=checkpoint, resume=going_on)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(out / SETTINGS, str(error), "settings that can be sampled") from error
    report |= summary._asdict()
    write_summary(out, report)
    return report

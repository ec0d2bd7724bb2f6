"""The output folder of a run: what is in it, who may write to it, and how it is set up."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..config import Config, dump_config, load_config
from ..errors import InputError
from ..io.gmm import read_gmm
from ..posterior import Posterior
from ..representation import build_system
from .data import write_data

SETTINGS, DATA, BODIES, SEARCH, SUMMARY, CHECKPOINT = (
    "system.toml",
    "data_gmm.txt",
    "gmm",
    "search.json",
    "run.json",
    "checkpoint.bin",
)
# What a run, its analysis and its report write: all that --force takes away.
_OWN = (
    SETTINGS,
    DATA,
    BODIES,
    SEARCH,
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


def load_output(out: str | os.PathLike, config: Config | None = None) -> Posterior:
    """The problem of the run in an output folder.

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
    data = None if config.em is None else read_gmm(out / DATA)
    return Posterior.of_run(config, system, data)


def refuse_used(out: Path, resume: bool, force: bool) -> None:
    """Refuses a folder that holds something else, or nothing to resume (`InputError`)."""
    if out.exists() and not out.is_dir():
        raise InputError(out, "a file", "a folder to write to")
    if resume:
        if not (out / SETTINGS).is_file():
            raise InputError(out, f"no {SETTINGS}", "the folder of a run to resume")
    elif not force and out.is_dir() and any(out.iterdir()):
        raise InputError(
            out, "a folder in use", "a new folder, --resume to go on, or --force to overwrite"
        )


def refuse_changes(out: Path, config: Config) -> None:
    """Refuses settings by which a resumed run would no longer be one run (`InputError`)."""
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


def set_up(config: Config, out: Path, stage: Callable[[str], None]) -> Posterior:
    """Writes settings, data GMM and GMMs of the bodies, all or nothing; the problem of the run."""
    draft = out.parent / f".{out.name}.{os.getpid()}.new"
    draft.mkdir()
    try:
        stage("reading structures, fitting Gaussians to the bodies")
        (draft / BODIES).mkdir()
        system = build_system(config, config.system.gmm_dir or draft / BODIES)
        posterior = Posterior.of_run(
            config, system, write_data(config, system, draft / DATA, stage)
        )
        _ = posterior.links  # read here, so that a fault in them leaves no folder behind
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
    return posterior


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

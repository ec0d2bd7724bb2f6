"""The output folder of a run: what is in it, who may write to it, and how it is set up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..config import Config, dump_config, load_config, with_paths
from ..errors import InputError
from ..io.files import printable, replacing
from ..io.gmm import read_gmm, wrote_mixture
from ..io.targets import refuse_clashes
from ..io.topology import read_topology
from ..posterior import Posterior
from ..representation import System, build_system
from ..representation.densities import mixture_file
from .data import write_data
from .inputs import check_copies, input_files, keep_inputs, read_record, refuse_other_inputs
from .names import (
    BODIES,
    CHECKPOINT,
    DATA,
    FILES,
    FOLDERS,
    PATTERNS,
    RECORD,
    REPLICA_STAT,
    RMF,
    RMFS,
    SEARCH,
    SETTINGS,
    STAT,
    SUMMARY,
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


def own_settings(out: str | os.PathLike) -> Config:
    """The settings in an output folder, with paths of its copies of the inputs.

    Raises
    ------
    InputError
        No such folder, not one of a run, or copies that are not those of the run.
    """
    out = Path(out)
    if not (out / SETTINGS).is_file():
        found = f"no {SETTINGS}" if out.is_dir() else "no such folder"
        raise InputError(out, found, "the output folder of emgmm run")
    check_copies(out)
    return load_config(out / SETTINGS, absent=("em.map", "analysis.reference"))


def write_settings(out: Path, config: Config) -> None:
    """Settings of a run with the folder's own copies, whose paths become relative to it."""
    home = out.resolve()

    def relative(_key: str, value: str) -> str:
        path = Path(value)
        inside = path.is_relative_to(home)
        return path.relative_to(home).as_posix() if inside else printable(value)

    text = dump_config(with_paths(config, relative))
    with replacing(out / SETTINGS, force=True) as draft:
        draft.write_text(text, encoding="utf-8")


def load_output(out: str | os.PathLike, config: Config | None = None) -> Posterior:
    """The problem of the run in an output folder.

    Raises
    ------
    InputError
        No such folder, or not one of a run.
    """
    out = Path(out)
    config = own_settings(out) if config is None else config
    system = build_system(config, config.system.gmm_dir or out / BODIES)
    data = None if config.em is None else read_gmm(out / DATA)
    return Posterior.of_run(config, system, data)


def refuse_used(out: Path, resume: bool, force: bool) -> None:
    """Refuses a folder that holds something else, or nothing to resume (`InputError`)."""
    if os.fspath(out) == "-" or (out.exists() and not out.is_dir()):
        found = "standard output" if os.fspath(out) == "-" else "a file"
        raise InputError(out, found, "a folder to write to")
    if resume:
        if not (out / SETTINGS).is_file():
            raise InputError(out, f"no {SETTINGS}", "the folder of a run to resume")
    elif not force and out.is_dir() and any(out.iterdir()):
        raise InputError(
            out, "a folder in use", "a new folder, --resume to go on, or --force to overwrite"
        )


def refuse_inputs(
    out: Path, config: Config, settings: str | os.PathLike | None, others: Iterable[str | None]
) -> None:
    """Refuses a folder that holds an input of the run, and other outputs of the command that are
    inputs or files of the folder (`InputError`)."""
    inputs = [path for _, path in input_files(config, settings)]
    inputs += [Path(config.system.gmm_dir) / "any"] if config.system.gmm_dir else []
    home = out.resolve()
    for path in inputs:
        if path.resolve().is_relative_to(home):
            raise InputError(out, f"the folder of the input {path}", "a folder without inputs")
    refuse_clashes([*inputs, *own_files(out)], others)


def refuse_changes(out: Path, config: Config) -> None:
    """Refuses settings or inputs by which a resumed run would no longer be one run
    (`InputError`)."""
    record = read_record(out)
    stored, given = own_settings(out), config
    if record is not None:
        stored, given = (with_paths(c, lambda key, value: None) for c in (stored, given))
    stored, given = (_flat(msgspec.to_builtins(c)) for c in (stored, given))
    for key in stored.keys() | given.keys():
        if key not in _FREE_ON_RESUME and stored.get(key) != given.get(key):
            raise InputError(
                out / SETTINGS,
                f"{stored.get(key)!r}",
                f"{given.get(key)!r} as the settings say (resume with those of the start)",
                key,
            )
    if record is not None:
        refuse_other_inputs(out, record, config)


def _flat(value, name: str = "") -> dict[str, object]:
    if not isinstance(value, dict):
        return {name: list(value) if isinstance(value, tuple) else value}
    prefix = f"{name}." if name else ""
    return {k: v for key, item in value.items() for k, v in _flat(item, prefix + key).items()}


def is_run(folder: Path) -> bool:
    """Whether a folder is the output of a run."""
    return (folder / RECORD).is_file() or (
        (folder / SETTINGS).is_file() and (folder / RMFS).is_dir()
    )


def own_files(folder: Path) -> list[Path]:
    """Regular files that a run, its analysis and its report wrote into a folder."""
    if not is_run(folder):
        return []
    record = read_record(folder)
    copies = record.copies if record is not None else {}
    found = []
    for name in ("", *FOLDERS):
        place = folder / name
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_symlink() or not path.is_file():
                continue
            known = re.fullmatch(PATTERNS.get(name, r"(?!)"), path.name) is not None
            if name == BODIES:  # nobody else's mixture of such a name
                known = known and wrote_mixture(path)
            if known or (not name and path.name in FILES) or f"{name}/{path.name}" in copies:
                found.append(path)
    return found


def set_up(
    config: Config,
    out: Path,
    stage: Callable[[str], None],
    settings: str | os.PathLike | None = None,
) -> Posterior:
    """Writes settings, data GMM, GMMs of the bodies and copies of the inputs, all or nothing; the
    problem of the run.

    Of what is in the folder only files of an earlier run are removed.

    Raises
    ------
    InputError
        In an input, or the folder holds a file of somebody else by the name of one of these.
    """
    home = out.resolve()
    draft = home.parent / f".{home.name}.{os.getpid()}.new"
    draft.mkdir()
    try:
        stage("reading structures, fitting Gaussians to the bodies")
        (draft / BODIES).mkdir()
        system = build_system(config, config.system.gmm_dir or draft / BODIES)
        posterior = Posterior.of_run(
            config, system, write_data(config, system, draft / DATA, stage)
        )
        try:  # made here, so that a fault in them leaves no folder behind
            _ = posterior.terms
        except InputError:
            raise
        except ValueError as error:
            raise InputError(out, str(error), "settings that can be sampled") from error
        kept = keep_inputs(config, settings, draft, _copy_mixtures(config, system, draft))
        write_settings(draft, kept)
        _replace_run(home, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return posterior


def _copy_mixtures(config: Config, system: System, draft: Path) -> list[str]:
    """Mixtures of the bodies from the folder of the settings, if they name one."""
    paths = config.system
    if paths.gmm_dir is None:
        return []
    rows = read_topology(paths.topology, paths.pdb_dir, paths.fasta_dir, paths.gmm_dir)
    names = [*system.bodies.names, *(row.gmm_file.stem for row in rows)]
    files = [Path(paths.gmm_dir) / mixture_file(name) for name in dict.fromkeys(names)]
    found = [path for path in files if path.is_file()]
    for path in found:
        shutil.copyfile(path, draft / BODIES / path.name)
    return [f"{BODIES}/{path.name}" for path in found]


def _replace_run(out: Path, draft: Path) -> None:
    """Moves what was set up to its place, after files of an earlier run are gone."""
    new = [path.relative_to(draft) for path in draft.rglob("*") if path.is_file()]
    earlier = own_files(out)
    later = [Path(name) for name in (STAT, REPLICA_STAT, RMF, SUMMARY, SEARCH, CHECKPOINT)]
    for name in (*new, *later):
        if os.path.lexists(out / name) and out / name not in earlier:
            raise InputError(out / name, "a file of no run", "a folder without it")
    # The record comes last and first: as long as it is there, the folder is known as a run's.
    first = out / RECORD
    for path in sorted(earlier, key=lambda path: path == first):
        path.unlink()
    for name in FOLDERS:
        with contextlib.suppress(OSError):  # something of the user's is in it, or it is a link
            (out / name).rmdir()
    (out / RMFS).mkdir(parents=True, exist_ok=True)
    # The settings come last: a folder that has them has everything.
    order = {Path(RECORD): -1, Path(SETTINGS): 1}
    for name in sorted(new, key=lambda name: order.get(name, 0)):
        (out / name).parent.mkdir(exist_ok=True)
        os.replace(draft / name, out / name)
    (out / BODIES).mkdir(exist_ok=True)

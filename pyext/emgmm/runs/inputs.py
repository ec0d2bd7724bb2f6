"""The inputs of a run, kept in its folder: it can be moved or sent, and they may change.

``inputs.json`` says of each where it was and what it held; ``inputs/`` has copies of all but the
map, whose Gaussians are in the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..config import Config, with_paths
from ..errors import InputError
from ..io.files import printable, read_text, write_json
from ..io.structures import find_file
from ..io.topology import TopologyRow, read_topology
from .names import BODIES, COPIES, DATA, RECORD, SETTINGS

_FOLDERS = ("system.pdb_dir", "system.fasta_dir", "system.gmm_dir")
# Inputs of which the folder has something else than a copy; None: nothing.
_STAND_INS = {"settings": None, "em.map": None, "em.gmm": DATA}
_AS_RUN = "the copy that the run made of it"


class Input(NamedTuple):
    """A file that a run reads: the key of the settings or column of the table that names it."""

    key: str
    path: Path


class KeptInput(msgspec.Struct, frozen=True):
    """An input as ``inputs.json`` describes it."""

    key: str
    path: str  # where it was
    sha256: str
    bytes: int
    changed: int  # time of its last change, ns since 1970
    copy: str | None = None  # what stands for it, relative to the folder


class Record(msgspec.Struct, frozen=True):
    """The content of ``inputs.json``."""

    inputs: list[KeptInput]
    copies: dict[str, str]  # files of the folder, relative to it -> their sha256


def input_files(config: Config, settings: str | os.PathLike | None = None) -> list[Input]:
    """All files that a run of these settings reads, each once.

    Raises
    ------
    InputError
        In the topology table.
    """
    found = [] if settings is None else [Input("settings", Path(settings).absolute())]

    def add(key: str, value: str) -> str:
        if key not in _FOLDERS:
            found.append(Input(key, Path(value)))
        return value

    with_paths(config, add)
    for row in _rows(config):
        found.append(Input("fasta_fn", _found(row.fasta_file)))
        if row.structured:
            found.append(Input("pdb_fn", _found(row.pdb)))
    return list(dict.fromkeys(found))


def _rows(config: Config) -> list[TopologyRow]:
    paths = config.system
    return read_topology(paths.topology, paths.pdb_dir, paths.fasta_dir, paths.gmm_dir)


def _found(path: Path) -> Path:
    """Without detours, and with the ending .gz where the file has it; the reader says what is
    missing."""
    with contextlib.suppress(InputError):
        path = find_file(path, "a file of the topology table")
    return path.parent.resolve() / path.name


def keep_inputs(
    config: Config,
    settings: str | os.PathLike | None,
    folder: Path,
    cached: Iterable[str] = (),
) -> Config:
    """Copies the inputs into a folder that has its data GMM, and records them.

    Parameters
    ----------
    cached
        Mixtures that were copied into the folder before, relative to it.

    Returns
    -------
    Config
        The settings with paths of the copies, relative to the folder.
    """
    inputs = input_files(config, settings)
    (folder / COPIES).mkdir()
    copies: dict[Path, str] = {}
    for key, path in inputs:
        if key not in _STAND_INS and path not in copies:
            copies[path] = _free_name(path.name, copies.values())
            shutil.copyfile(path, folder / COPIES / copies[path])
    table = folder / COPIES / copies[Path(config.system.topology)]
    _rename_files(table, _rows(config), copies)

    kept = []
    for key, path in inputs:
        copy = f"{COPIES}/{copies[path]}" if path in copies else _STAND_INS[key]
        found = path.stat()
        sha256 = _sha256(path)
        kept.append(KeptInput(key, printable(path), sha256, found.st_size, found.st_mtime_ns, copy))
    stored = [*(folder / COPIES).iterdir(), *(folder / name for name in cached)]
    stored += [folder / DATA] if (folder / DATA).is_file() else []
    names = [path.relative_to(folder).as_posix() for path in sorted(stored)]
    record = Record(kept, {name: _sha256(folder / name) for name in names})
    write_json(folder / RECORD, msgspec.to_builtins(record))

    of_key = {k.key: k.copy or k.path for k in kept}
    of_key |= {"system.pdb_dir": COPIES, "system.fasta_dir": COPIES, "system.gmm_dir": None}
    moved = with_paths(config, lambda key, value: of_key[key])
    folders = msgspec.structs.replace(moved.system, pdb_dir=COPIES, fasta_dir=COPIES)
    return msgspec.structs.replace(moved, system=folders)


def _free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or one with a number where another file has it, also on disks that do not tell
    capitals from small letters."""
    name = printable(name)
    used = {other.lower() for other in taken}
    stem, dot, endings = name.partition(".")
    number, free = 2, name
    while free.lower() in used:
        free = f"{stem}-{number}{dot}{endings}"
        number += 1
    return free


def _rename_files(table: Path, rows: list[TopologyRow], copies: dict[Path, str]) -> None:
    """Puts the names of the copies into a topology table, and leaves all else as it is."""
    lines = read_text(table, "a PMI topology table").split("\n")
    of_line = {row.line: row for row in rows}
    header: list[str] = []
    changed = False
    for number, line in enumerate(lines, 1):
        cells = line.split("|")
        names = [cell.strip() for cell in cells]
        if {"molecule_name", "component_name"} & set(names):
            header = names
        row = of_line.get(number)
        if row is None:
            continue
        files = {"fasta_fn": row.fasta_file, "pdb_fn": row.pdb}
        for at, (name, cell) in enumerate(zip(header, names, strict=False)):
            if cell and isinstance(path := files.get(name), Path):
                new = copies[_found(path)]
                changed = changed or new != cell
                cells[at] = new
        lines[number - 1] = "|".join(cells)
    if changed:
        table.write_text("\n".join(lines), encoding="utf-8")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(folder: Path) -> Record | None:
    """Record that the folder has of its inputs; None in folders of versions that kept none.

    Raises
    ------
    InputError
        The record is broken.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(path, f"no record of inputs ({error})", "that of a run") from None


def check_copies(folder: Path) -> None:
    """Refuses a folder whose copies are not those of the run (`InputError`)."""
    record = read_record(folder)
    for name, sha256 in record.copies.items() if record is not None else ():
        if name.startswith(f"{BODIES}/"):
            continue  # PMI may fit them anew
        path = folder / name
        if not path.is_file():
            raise InputError(path, "no such file", _AS_RUN)
        if _sha256(path) != sha256:
            raise InputError(path, "other content than in the run", _AS_RUN)


def changed_inputs(folder: Path) -> list[str]:
    """Inputs that are still where they were and are no longer what they were."""
    record = read_record(folder)
    return [k.path for k in record.inputs if not _is_same(k, _recorded(k.path))] if record else []


def input_notes(folder: Path) -> list[str]:
    """One line on inputs that have changed, and one on a map that is gone."""
    notes = []
    if changed := changed_inputs(folder):
        notes.append(
            f"since the run {'these inputs have' if len(changed) > 1 else 'an input has'} changed: "
            f"{', '.join(changed)}; what the run read is in {folder}"
        )
    record = read_record(folder)
    for kept in record.inputs if record is not None else ():
        if kept.key == "em.map" and not _recorded(kept.path).exists():
            notes.append(f"the map {kept.path} is not here; its Gaussians ({DATA}) stand for it")
    return notes


def _recorded(name: str) -> Path:
    """The path of which `printable` made this name."""
    path = Path(name)
    if path.exists():
        return path
    return Path(os.fsdecode(re.sub(rb"\\x([0-9a-f]{2})", _byte, name.encode())))


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())


def _is_same(kept: KeptInput, path: Path) -> bool:
    """Whether a file has the recorded content; one that is not there has not changed."""
    try:
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) == (kept.bytes, kept.changed):
            return True
        return found.st_size == kept.bytes and _sha256(path) == kept.sha256
    except OSError:
        return True


def refuse_other_inputs(folder: Path, record: Record, config: Config) -> None:
    """Refuses to go on with a run with other inputs than it began with (`InputError`)."""
    kept = [k for k in record.inputs if k.key != "settings"]
    given = input_files(config)
    if [k.key for k in kept] != [i.key for i in given]:
        raise InputError(
            folder / RECORD, f"{len(kept)} inputs", f"the {len(given)} that the settings name"
        )
    for former, now in zip(kept, given, strict=True):
        if former.copy is not None and now.path == (folder / former.copy).resolve():
            continue
        if former.key == "em.map" and str(now.path) == former.path and not now.path.exists():
            continue
        if not (_is_same(former, now.path) and now.path.is_file()):
            raise InputError(
                now.path,
                "another content than in the run",
                f"the file as it was (to go on without it: emgmm run {folder / SETTINGS} -o "
                f"{folder} --resume)",
            )

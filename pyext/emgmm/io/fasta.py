"""Sequences of FASTA files, named as IMP.pmi names them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .files import read_text


@dataclass(frozen=True)
class FastaRecord:
    """One sequence; ``line`` is that of its header, ``uniprot`` the accession if there is one."""

    name: str
    sequence: str
    uniprot: str | None
    line: int
    header: str = ""  # the whole of it


def meant_header(name: str, records: Iterable[FastaRecord]) -> FastaRecord | None:
    """The one record whose header holds ``name`` as a word or a field, if there is just one."""
    wanted = name.casefold()
    found = [r for r in records if wanted in re.split(r"[\s|]+", r.header.casefold())]
    return found[0] if len(found) == 1 else None


def read_fasta_records(
    path: str | os.PathLike, name_map: Mapping[str, str] | None = None
) -> list[FastaRecord]:
    """All sequences of a FASTA file, in order.

    A header may hold fields split by ``|``: the first is the name, the second the UniProt accession
    (``>cop9|Q13098``). ``name_map`` renames. A ``*`` at either end of a sequence is dropped.

    Raises
    ------
    InputError
        No such file, no sequence, text before the first header, a header without a name, a
        character that is no residue code, or a name twice with different sequences.
    """
    path = Path(path)
    lines = read_text(path, "a FASTA file").split("\n")
    entries: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            entries.append((number, line[1:], []))
            continue
        line = line.strip()
        if not line:
            continue
        if not entries:
            raise InputError(path, f"{line[:20]!r}", "a header starting with '>'", f"line {number}")
        letters = "".join(line.split()).upper()
        bad = next((c for c in letters if not ("A" <= c <= "Z" or c in "*-")), None)
        if bad is not None:
            raise InputError(path, f"{bad!r}", "one-letter residue codes", f"line {number}")
        entries[-1][2].append(letters)
    if not entries:
        raise InputError(path, "no sequence", "a FASTA file with headers starting with '>'")
    records: dict[str, FastaRecord] = {}
    for number, header, parts in entries:
        cells = [" ".join(cell.split()) for cell in header.split("|")]
        name = (name_map or {}).get(cells[0], cells[0])
        uniprot = cells[1] if len(cells) > 1 and cells[1] else None
        if not name:
            raise InputError(path, "a header without a name", ">name", f"line {number}")
        sequence = "".join(parts).strip("*")
        record = FastaRecord(name, sequence, uniprot, number, " ".join(header.split()))
        if not record.sequence:
            raise InputError(path, f"no sequence for {name!r}", "residue codes", f"line {number}")
        if name in records and records[name].sequence != record.sequence:
            raise InputError(
                path,
                f"a second sequence named {name!r}, unlike that of line {records[name].line}",
                "one sequence a name (what stands before the first '|')",
                f"line {number}",
            )
        records[name] = record
    return list(records.values())


def read_fasta(
    path: str | os.PathLike, name_map: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Sequences by name; see ``read_fasta_records``."""
    return {record.name: record.sequence for record in read_fasta_records(path, name_map)}

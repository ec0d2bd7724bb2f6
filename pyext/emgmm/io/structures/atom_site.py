"""The table ``atom_site`` of mmCIF files."""

from __future__ import annotations

import os
import re

import gemmi
import numpy as np

from ...errors import InputError
from .raw_atoms import RawAtoms, RawFile, translated

_EXPECTED = "a PDB or mmCIF file"


def read_mmcif(data: bytes, path: str | os.PathLike) -> RawFile:
    """Atoms of the first model of an mmCIF file, or of mmJSON.

    Chains, residues and numbers are the author's where the file has them, else the archive's.

    Raises
    ------
    InputError
        No such syntax, no atoms, or, with the line or row: a coordinate, an occupancy or a residue
        number that is none.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    try:
        if text.lstrip().startswith("{"):
            document = gemmi.cif.read_mmjson_string(text)
        else:
            document = gemmi.cif.read_string(text)
    except (RuntimeError, ValueError, IndexError) as error:
        message = " ".join(str(error).split())
        raise InputError(path, f"an unreadable file ({message})", _EXPECTED) from None
    blocks = [block for block in document if len(block.find_values("_atom_site.Cartn_x"))]
    if not blocks:
        raise InputError(path, "no atoms", "a PDB or mmCIF file with coordinates")
    found = _Table(blocks[0], text, path).read()
    found.models += len(blocks) - 1
    found.elsewhere += sum(len(block.find_values("_atom_site.Cartn_x")) for block in blocks[1:])
    return found


def _plain(token: str) -> str:
    """The value of a token of the file; "" for one that is unknown or does not apply."""
    return "" if token in ("?", ".") else gemmi.cif.as_string(token)


class _Table:
    def __init__(self, block: gemmi.cif.Block, text: str, path: str | os.PathLike) -> None:
        self._block = block
        self._text = text
        self._path = path
        self._count = len(block.find_values("_atom_site.Cartn_x"))
        self._rows = np.arange(self._count)

    def read(self) -> RawFile:
        models = self._text_of("pdbx_PDB_model_num")
        own = models == models[0]
        count = len(set(models.tolist()))
        self._rows = np.flatnonzero(own)
        number, in_sequence = self._numbers()
        hetero = np.char.upper(self._text_of("group_PDB")) == "HETATM"
        xyz = np.stack(
            [self._floats(f"Cartn_{axis}", "coordinate", None) for axis in "xyz"], axis=1
        )
        atoms = RawAtoms(
            chain=self._text_of("auth_asym_id", "label_asym_id"),
            segment=np.zeros(len(self._rows), dtype=np.int64),
            number=number,
            insertion=self._text_of("pdbx_PDB_ins_code"),
            residue_name=self._text_of("label_comp_id", "auth_comp_id", upper=True),
            name=self._text_of("label_atom_id", "auth_atom_id", upper=True),
            padded=np.full(len(self._rows), ""),
            altloc=self._text_of("label_alt_id"),
            element=self._text_of("type_symbol"),
            hetero=hetero,
            in_sequence=in_sequence,
            xyz=xyz,
            occupancy=self._floats("occupancy", "occupancy", 1.0),
            b_factor=self._floats("B_iso_or_equiv", "B factor", 0.0),
            line=self._rows + 1,
        )
        return RawFile(
            atoms,
            place=self._place,
            models=count,
            elsewhere=int((~own).sum()),
            header=self._header(),
            measured=self._measured(),
            confidence=self._confidence(),
            notes=[],
        )

    def _column(self, *names: str) -> list[str] | None:
        """Tokens of the first of the columns that is there and says something."""
        for name in names:
            column = self._block.find_values(f"_atom_site.{name}")
            if len(column):
                if len(column) != self._count:  # of another loop
                    found = f"{len(column)} values of _atom_site.{name}"
                    raise InputError(self._path, found, f"{self._count}, one an atom")
                try:
                    tokens = list(column)
                except UnicodeDecodeError:
                    raise InputError(self._path, "a name that is not text", _EXPECTED) from None
                if any(token not in ("?", ".") for token in tokens) or name == names[-1]:
                    return [tokens[i] for i in self._rows] if len(self._rows) else []
        return None

    def _text_of(self, *names: str, upper: bool = False) -> np.ndarray:
        tokens = self._column(*names)
        if tokens is None:
            return np.full(len(self._rows), "")
        return translated(tokens, lambda token: _plain(token).upper() if upper else _plain(token))

    def _floats(self, name: str, what: str, default: float | None) -> np.ndarray:
        tokens = self._column(name)
        if tokens is None:
            if default is None:
                raise InputError(self._path, f"no column _atom_site.{name}", _EXPECTED)
            return np.full(len(self._rows), default)
        try:
            numbers = np.array(tokens).astype(np.float64)
        except ValueError:
            numbers = np.array([self._float(token, default) for token in tokens])
        bad = ~np.isfinite(numbers)
        if bad.any():
            row = int(np.argmax(bad))
            found = f"a {what} that is not finite or no number ({_plain(tokens[row]) or '?'!r})"
            raise InputError(self._path, found, "a number", self._place(int(self._rows[row]) + 1))
        return numbers

    @staticmethod
    def _float(token: str, default: float | None) -> float:
        text = _plain(token)
        if not text:
            return np.nan if default is None else default
        text = re.sub(r"\(\d+\)$", "", text)  # 12.34(5): with its standard deviation
        try:
            return float(text)
        except ValueError:
            return np.nan

    def _numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Residue numbers, and whether the archive counts them in a sequence."""
        author, archive = self._column("auth_seq_id"), self._column("label_seq_id")
        count = len(self._rows)
        sequence = np.full(count, -1)
        if archive is not None and any(token not in ("?", ".") for token in archive):
            sequence = np.array([token not in ("?", ".") for token in archive], dtype=np.int64)
        if author is not None:
            try:
                numbers = np.array(author).astype(np.int64)
            except (ValueError, OverflowError):
                pass  # one by one
            else:
                if (np.abs(numbers) < 10**9).all():
                    return numbers, sequence
        number = np.zeros(count, dtype=np.int64)
        hetero = self._text_of("group_PDB")
        for i in range(count):
            token = author[i] if author is not None else "?"
            if token in ("?", ".") and archive is not None:
                token = archive[i]
            text = _plain(token)
            if re.fullmatch(r"[+-]?\d{1,9}", text):
                number[i] = int(text)
            elif text or hetero[i].upper() != "HETATM":
                found = f"a residue number that is none ({text!r})" if text else "no residue number"
                where = self._place(int(self._rows[i]) + 1)
                raise InputError(self._path, found, "residue numbers", where)
        return number, sequence

    def _place(self, row: int) -> str:
        """The line of a row, where every row has one of its own; else the row."""
        loop = self._block.find_loop("_atom_site.Cartn_x").get_loop()
        if loop is not None:
            start = self._text.lower().find("_atom_site.")
            line = self._text.count("\n", 0, start) + 1 + len(loop.tags) + row - 1
            lines = self._text.split("\n")
            tokens = [loop[row - 1, column] for column in range(len(loop.tags))]
            if line <= len(lines) and lines[line - 1].split() == tokens:
                return f"line {line}"
        return f"row {row} of atom_site"

    def _header(self) -> str:
        tags = (
            "_struct.title _struct.entry_id _entry.id _software.name _struct.pdbx_descriptor "
            "_ma_model_list.model_name _ma_qa_metric.name _ma_qa_metric.description "
            "_citation.title _pdbx_database_related.details"
        )
        values = [self._block.name]
        for tag in tags.split():
            values += [gemmi.cif.as_string(token) for token in self._block.find_values(tag)]
        return "\n".join(values).upper()

    def _measured(self) -> bool:
        return any(
            not re.search("theoretical|predict|model", gemmi.cif.as_string(token), re.IGNORECASE)
            for token in self._block.find_values("_exptl.method")
            if token not in ("?", ".")
        )

    def _confidence(self) -> bool:
        names = [
            gemmi.cif.as_string(token).upper()
            for tag in ("_ma_qa_metric.name", "_ma_qa_metric.type")
            for token in self._block.find_values(tag)
        ]
        local = len(self._block.find_values("_ma_qa_metric_local.metric_value")) > 0
        return local or any("LDDT" in name for name in names)

"""Gaussian mixtures as text: IMP's, gmconvert's and PLUMED's formats.

IMP (`IMP.isd.gmm_tools`)
    ``|number|weight|x y z|nine covariances|`` a line, Å and Å², after comments ``# key: value``
    (``data_fn``, ``ncenters``, ``covar_type``) that may be missing.
gmconvert (``.gmm``)
    Lines ``REMARK GAUSS k W|M|CovM ...``, Å and Å²; the HETATM lines are for viewers.
PLUMED (the data file of its action EMMI)
    A table under ``#! FIELDS Id Weight Mean_0 ... Cov_22 Beta``, nm and nm².
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..mixture import ComponentError, Mixture
from . import gmm_rows
from .files import printable, read_text, replacing
from .gmm_rows import Component
from .streams import is_stream

FORMATS = ("imp", "gmconvert", "plumed")

_EXPECTED = "a Gaussian mixture as text (IMP, gmconvert or PLUMED)"
_CREATED = "# Created by emgmm"
_ROWS = {
    "imp": gmm_rows.imp_rows,
    "gmconvert": gmm_rows.gmconvert_rows,
    "plumed": gmm_rows.plumed_rows,
}


class GmmFile(NamedTuple):
    """Content of a mixture's file."""

    mixture: Mixture
    format: str  # one of FORMATS
    comments: dict[str, str]  # the "# key: value" lines of IMP's format


def read_gmm(path: str | os.PathLike) -> Mixture:
    """Mixture of a file in any of the three formats, told apart by content, plain or gzip.

    Returns
    -------
    Mixture
        In Å and Å² whatever the file's unit; weights as they stand in the file.

    Raises
    ------
    InputError
        A file that is missing, in none of the formats, cut short, or with a component that is no
        Gaussian; the message names the line.

    Examples
    --------
    >>> import emgmm
    >>> emgmm.read_mixture("map_gmm.txt")
    Mixture of 20 Gaussians, 83.7 kDa
    """
    return read_gmm_file(path).mixture


def read_gmm_file(path: str | os.PathLike) -> GmmFile:
    """As `read_gmm`, with the format and the comments of the file."""
    lines = read_text(path, _EXPECTED).splitlines()
    format = _format(path, lines)
    components, promised = _ROWS[format](path, lines)
    if not components:
        raise InputError(path, "no component", _EXPECTED)
    if promised is not None and promised.value != len(components):
        raise InputError(
            path,
            f"{len(components)} components",
            f"{promised.value}, as its header says ({promised.text})",
            f"line {promised.line}",
        )
    return GmmFile(_mixture(path, components), format, _comments(lines))


def data_path(path: str | os.PathLike) -> Path | None:
    """The map or structure that the mixture in the file was made from (its ``data_fn``), if told.

    Raises
    ------
    InputError
        As `read_gmm`.
    """
    name = read_gmm_file(path).comments.get("data_fn")
    return Path(path).parent / name if name else None


def write_gmm(
    path: str | os.PathLike,
    mixture: Mixture,
    format: str = "imp",
    data_fn: str | os.PathLike | None = None,
    comments: Sequence[str] = (),
    force: bool = False,
) -> None:
    """Write a mixture; the file reads back as exactly the same numbers.

    Parameters
    ----------
    format
        "imp", "gmconvert" or "plumed".
    data_fn
        Map or structure that the mixture was made from; IMP's format keeps its path relative to
        the folder of ``path``.
    comments
        Lines for the head of the file, ``key: value`` by IMP's habit.

    Raises
    ------
    InputError
        The file exists and ``force`` is false, its folder is missing, or ``format`` is unknown.
    """
    writers = {"imp": _imp_lines, "gmconvert": _gmconvert_lines, "plumed": _plumed_lines}
    if format not in writers:
        raise InputError("format", repr(format), " or ".join(FORMATS))
    heads = [line for comment in comments for line in comment.splitlines()]
    if data_fn is not None and not is_stream(data_fn):
        folder = Path() if is_stream(path) else Path(path).parent
        heads.insert(0, f"data_fn: {printable(os.path.relpath(data_fn, folder))}")
    with replacing(path, force) as draft, open(draft, "w", encoding="utf-8") as file:
        for line in writers[format](mixture, heads, printable(Path(path).name)):
            file.write(line + "\n")


def wrote_mixture(path: Path) -> bool:
    """Whether a regular file, and no link to one, starts as `write_gmm` begins IMP's format."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.readline(80).rstrip() == _CREATED.encode()


def _format(path: str | os.PathLike, lines: list[str]) -> str:
    for number, line in enumerate(lines, 1):
        if line.startswith("#! FIELDS"):
            return "plumed"
        if line.startswith("|"):
            return "imp"
        if line.startswith(("HEADER", "REMARK", "HETATM")):
            return "gmconvert"
        if line.strip() and not line.startswith("#"):
            raise InputError(path, repr(line[:40]), _EXPECTED, f"line {number}")
    raise InputError(path, "no component", _EXPECTED)


def _comments(lines: list[str]) -> dict[str, str]:
    pairs = (line[2:].split(": ", 1) for line in lines if line.startswith("# ") and ": " in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _mixture(path: str | os.PathLike, components: list[Component]) -> Mixture:
    try:
        return Mixture(
            np.array([c.mean for c in components]),
            np.array([c.covariance for c in components]).reshape(-1, 3, 3),
            np.array([c.weight for c in components]),
        )
    except ComponentError as error:
        line = components[error.component].lines[error.quantity]
        raise InputError(
            path, f"a {error.quantity} that is {error.found}", error.expected, f"line {line}"
        ) from None


def _imp_lines(mixture: Mixture, heads: list[str], _name: str) -> Iterator[str]:
    yield _CREATED
    for head in heads:
        yield f"# {head}"
    yield f"# ncenters: {len(mixture)}"
    yield "# covar_type: full"
    yield "#|num|weight|mean|covariance matrix|"
    for k, (weight, mean, c) in enumerate(_numbers(mixture)):
        row = " ".join(map(repr, c[0] + c[1] + c[2]))
        yield f"|{k}|{weight!r}|{' '.join(map(repr, mean))}|{row}|"


def _gmconvert_lines(mixture: Mixture, heads: list[str], name: str) -> Iterator[str]:
    yield "HEADER 3D Gaussian Mixture Model"
    yield "REMARK COMMAND emgmm"
    yield f"REMARK FILENAME {name}"
    yield f"REMARK NGAUSS {len(mixture)}"
    for head in heads:
        yield f"REMARK COMMENT {head}"
    shares = mixture.weights / mixture.mass
    determinants = np.linalg.det(mixture.covariances)
    for k, (weight, mean, c) in enumerate(_numbers(mixture)):
        g = k + 1
        x, y, z = mean
        constant = (2 * np.pi) ** -1.5 / np.sqrt(determinants[k])
        yield (
            f"HETATM{g % 100000:5d}  GAU GAU G{g % 10000:4d}    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}{shares[k]:6.3f}{shares[k]:6.3f}"
        )
        yield f"REMARK GAUSS{g:6d} W {weight!r}"
        yield f"REMARK GAUSS{g:6d} det  {determinants[k]:.10g}"
        yield f"REMARK GAUSS{g:6d} Cons {constant:.10g}"
        yield f"REMARK GAUSS{g:6d} M {x!r} {y!r} {z!r}"
        yield f"REMARK GAUSS{g:6d} CovM  xx {c[0][0]!r} xy {c[0][1]!r} xz {c[0][2]!r}"
        yield f"REMARK GAUSS{g:6d} CovM  yy {c[1][1]!r} yz {c[1][2]!r} zz {c[2][2]!r}"
    yield "TER"


def _plumed_lines(mixture: Mixture, heads: list[str], _name: str) -> Iterator[str]:
    # PLUMED wants FIELDS first; it skips other comments.
    yield f"#! FIELDS {' '.join(gmm_rows.PLUMED_FIELDS)}"
    for head in heads:
        yield f"# {head}"
    for k, (weight, mean, c) in enumerate(_numbers(mixture)):
        upper = (c[0][0], c[0][1], c[0][2], c[1][1], c[1][2], c[2][2])
        means = " ".join(gmm_rows.shifted(repr(x), -1) for x in mean)
        covariances = " ".join(gmm_rows.shifted(repr(x), -2) for x in upper)
        yield f"{k} {weight!r} {means} {covariances} 0"


def _numbers(mixture: Mixture) -> Iterator[tuple[float, list[float], list[list[float]]]]:
    """Weight, mean and covariance of each component as Python floats: their repr is exact."""
    return zip(
        mixture.weights.tolist(),
        mixture.means.tolist(),
        mixture.covariances.tolist(),
        strict=True,
    )

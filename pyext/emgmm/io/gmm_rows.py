"""From the lines of a mixture's file to its components, one function a format."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..errors import InputError

PLUMED_FIELDS = (
    "Id Weight Mean_0 Mean_1 Mean_2 Cov_00 Cov_01 Cov_02 Cov_11 Cov_12 Cov_22 Beta".split()
)
_UPPER = ("xx", "xy", "xz", "yy", "yz", "zz")


@dataclass
class Component:
    """One Gaussian as it stands in the file, not yet checked."""

    weight: float | None = None
    mean: list[float] | None = None  # (3,) Å
    covariance: list[float] | None = None  # (9,) Å²
    lines: dict[str, int] = field(default_factory=dict)  # of each quantity


class Promise(NamedTuple):
    """The number of components that a header states."""

    value: int
    line: int
    text: str


Rows = tuple[list[Component], Promise | None]


def imp_rows(path: str | os.PathLike, lines: list[str]) -> Rows:
    """Components of IMP's format."""
    components, promised = [], None
    for number, line in enumerate(lines, 1):
        where = f"line {number}"
        if line.startswith("#"):
            if match := re.match(r"# ncenters: *(\d{1,9}) *$", line):
                promised = Promise(int(match[1]), number, line[2:])
            continue
        if not line.strip():
            continue
        cells = line.strip().split("|")
        if len(cells) != 6 or cells[0] or cells[5]:
            raise InputError(
                path, repr(line[:60]), "|number|weight|three means|nine covariances|", where
            )
        components.append(
            Component(
                *_numbers(path, cells[2].split(), 1, "weight", where),
                _numbers(path, cells[3].split(), 3, "means", where),
                _numbers(path, cells[4].split(), 9, "covariances", where),
                dict.fromkeys(("weight", "mean", "covariance"), number),
            )
        )
    return components, promised


def gmconvert_rows(path: str | os.PathLike, lines: list[str]) -> Rows:
    """Components of gmconvert's format."""
    by_name: dict[str, Component] = {}
    parts: dict[str, dict[str, float]] = {}
    promised = None
    for number, line in enumerate(lines, 1):
        where = f"line {number}"
        if match := re.match(r"REMARK NGAUSS +(\d{1,9})\b", line):
            promised = Promise(int(match[1]), number, match[0])
            continue
        # From the 10,000th (older versions) the number touches the word before it.
        match = re.match(r"REMARK GAUSS *(\d+) +(W|M|CovM) (.*)", line)
        if not match:
            continue
        name, quantity, words = match[1], match[2], match[3].split()
        component = by_name.setdefault(name, Component())
        if quantity == "W":
            if component.weight is not None:
                raise InputError(path, f"component {name} twice", "one of each", where)
            (component.weight,) = _numbers(path, words, 1, "weight", where)
            component.lines["weight"] = number
        elif quantity == "M":
            component.mean = _numbers(path, words, 3, "means", where)
            component.lines["mean"] = number
        else:
            values = _numbers(path, words[1::2], 3, "covariances", where)
            keys = words[0::2]
            if len(keys) != 3 or not set(keys) <= set(_UPPER):
                raise InputError(
                    path, " ".join(words)[:60], "xx . xy . xz . or yy . yz . zz .", where
                )
            parts.setdefault(name, {}).update(zip(keys, values, strict=True))
            component.lines["covariance"] = number
    for name, component in by_name.items():
        upper = parts.get(name, {})
        if component.weight is None or component.mean is None or set(upper) != set(_UPPER):
            raise InputError(
                path,
                f"component {name} without all its numbers",
                "W, M and six CovM",
                f"line {max(component.lines.values())}",
            )
        component.covariance = _full([upper[k] for k in _UPPER])
    return list(by_name.values()), promised


def plumed_rows(path: str | os.PathLike, lines: list[str]) -> Rows:
    """Components of PLUMED's format, turned from nm to Å."""
    components: list[Component] = []
    fields: list[str] = []
    for number, line in enumerate(lines, 1):
        where = f"line {number}"
        if line.startswith("#! FIELDS"):
            fields = line.split()[2:]
            missing = [name for name in PLUMED_FIELDS[1:-1] if name not in fields]
            if missing:
                raise InputError(path, f"no field {missing[0]}", " ".join(PLUMED_FIELDS), where)
        if line.startswith("#") or not line.strip():
            continue
        words = line.split()
        if len(words) != len(fields):
            raise InputError(path, f"{len(words)} columns", f"{len(fields)}, as FIELDS says", where)
        row = dict(zip(fields, words, strict=True))
        upper = [row[name] for name in PLUMED_FIELDS if name.startswith("Cov_")]
        means = [row[name] for name in PLUMED_FIELDS if name.startswith("Mean_")]
        components.append(
            Component(
                *_numbers(path, [row["Weight"]], 1, "weight", where),
                _numbers(path, means, 3, "means", where, shift=1),
                _full(_numbers(path, upper, 6, "covariances", where, shift=2)),
                dict.fromkeys(("weight", "mean", "covariance"), number),
            )
        )
    return components, None


def shifted(text: str, places: int) -> str:
    """The decimal number times 10 to the power ``places``, without rounding in binary.

    A product with 10 is not exact, and a mixture written in nm must read back as it was.
    """
    return str(Decimal(text).scaleb(places))


def _full(upper: list[float]) -> list[float]:
    xx, xy, xz, yy, yz, zz = upper
    return [xx, xy, xz, xy, yy, yz, xz, yz, zz]


def _numbers(
    path: str | os.PathLike,
    words: list[str],
    count: int,
    what: str,
    where: str,
    shift: int = 0,
) -> list[float]:
    if len(words) != count:
        raise InputError(path, f"{len(words)} {what}", f"{count}", where)
    numbers = []
    for word in words:
        try:
            number = float(word)
            if shift and abs(number) < float("inf"):  # not NaN either
                number = float(shifted(word, shift))
        except (ValueError, ArithmeticError):
            raise InputError(path, f"{what} {word[:30]!r}", "a number", where) from None
        numbers.append(number)
    return numbers

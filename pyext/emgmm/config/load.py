"""``system.toml``: one run, described in one file, read and checked.

Paths in the file are relative to the file. Every key is checked once, here; an error names the key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from ..errors import InputError
from ..io.files import read_text
from ..moves.registry import KINDS
from .earlier import with_keys_of_now
from .messages import refuse_long_keys, refuse_odd_numbers, syntax_error, validation_error
from .settings import DALTON_PER_COMPONENT, PROTEIN_VOLUME, Config

# Of a map of better resolution R a component stands for so much of R³, but not for less mass. 1Z5S
# comes out right with 0.55 and 0.75 kDa at 11 Å, at 15 Å with 1.09 but not 0.55 (noise), and with
# 0.42 at 8 Å.
_SHARE_OF_CUBE, _LEAST_DALTON = 0.7, 400.0

# Keys that hold paths of files or folders that must be there.
_PATHS = {
    "system": {"topology": "file", "pdb_dir": "folder", "fasta_dir": "folder", "gmm_dir": None},
    "em": {"gmm": "file", "map": "file", "errors": "file"},
    "crosslinks": {"file": "file"},
    "analysis": {"reference": "file"},
}


def with_paths(config: Config, change: Callable[[str, str], str | None]) -> Config:
    """The settings with each path as ``change`` makes it of its key (``crosslinks[0].file``) and
    its value."""

    def changed(section, where: str):
        if section is None:
            return None
        keys = _PATHS[where.partition("[")[0]]
        given = {key: getattr(section, key) for key in keys}
        return msgspec.structs.replace(
            section, **{k: change(f"{where}.{k}", v) for k, v in given.items() if v is not None}
        )

    return msgspec.structs.replace(
        config,
        system=changed(config.system, "system"),
        em=changed(config.em, "em"),
        crosslinks=tuple(changed(c, f"crosslinks[{i}]") for i, c in enumerate(config.crosslinks)),
        analysis=changed(config.analysis, "analysis"),
    )


def load_config(path: str | os.PathLike, absent: Collection[str] = ()) -> Config:
    """The settings of a run, with defaults filled in and paths made absolute.

    Parameters
    ----------
    absent
        Keys of files that need not be there: a finished run can be read without its map.

    Raises
    ------
    InputError
        No such file, no TOML, an unknown key, a value of the wrong type or out of range, keys that
        exclude each other, or a file that is not there; the error names the line or the key.
    """
    path = Path(path)
    text = read_text(path, "a TOML file of settings")
    refuse_long_keys(path, text)
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise syntax_error(path, text, error) from error
    refuse_odd_numbers(path, content)
    content = with_keys_of_now(path, content)
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        raise validation_error(path, str(error), content, Config) from error
    _check(path, config)
    return _absolute(path, _settled(config), absent)


def dump_config(config: Config) -> str:
    """The settings as TOML, every value stated; keys that are None are left out."""
    return msgspec.toml.encode(_without_none(msgspec.to_builtins(config))).decode()


def _without_none(value):
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _check(path: Path, config: Config) -> None:
    """Refuses what the types cannot: keys that exclude each other or need another."""
    em, sampling = config.em, config.sampling
    if em is not None:
        if (em.gmm is None) == (em.map is None):
            found = "neither" if em.gmm is None else "both"
            raise InputError(path, f"{found} of gmm and map", "exactly one of them", "em")
        fit_keys = [k for k in ("components", "target_cc") if getattr(em, k) is not None]
        if em.gmm is not None:
            fit_keys += ["threshold"] if em.threshold is not None else []
            if fit_keys:
                raise InputError(
                    path, "gmm as well", "map (the key is of its fit)", f"em.{fit_keys[0]}"
                )
        elif em.errors is not None:
            raise InputError(path, "map", "gmm, whose components they are of", "em.errors")
        elif len(fit_keys) == 2:
            raise InputError(path, "both of components and target_cc", "one of them, or none", "em")
    symmetry = config.symmetry
    for key in ("axis", "second_axis") if symmetry is not None else ():
        value = getattr(symmetry, key)
        if value is not None and not any(value):
            raise InputError(path, "0, 0, 0", "a direction", f"symmetry.{key}")
        if key == "second_axis" and value is not None and symmetry.group[0] == "C":
            raise InputError(path, f"one for {symmetry.group}", "none", "symmetry.second_axis")
    if sampling.temperature_max < sampling.temperature_min:
        raise InputError(
            path,
            f"{sampling.temperature_max:g}",
            f"at least temperature_min ({sampling.temperature_min:g})",
            "sampling.temperature_max",
        )
    if sampling.moves.share >= 1:
        found = f"shares of {sampling.moves.share:g} together"
        raise InputError(path, found, "less than 1", "sampling.moves")
    for kind in KINDS:
        if kind.needs_density and getattr(sampling.moves, kind.name) and em is None:
            raise InputError(path, "no [em]", "data for them", f"sampling.moves.{kind.name}")
    if len(set(config.system.resolutions)) != len(config.system.resolutions):
        found = str(list(config.system.resolutions))
        raise InputError(path, found, "each resolution once", "system.resolutions")


def _settled(config: Config) -> Config:
    """Defaults that depend on other settings, stated."""
    sampling = config.sampling
    annealing = msgspec.structs.replace(sampling.annealing, low_steps=sampling.low_steps)
    minimize = sampling.minimize
    if minimize is None:
        minimize = 1000 if sampling.start == "placed" and config.em is not None else 0
    sampling = msgspec.structs.replace(sampling, annealing=annealing, minimize=minimize)
    em = config.em
    if em is not None and em.model.dalton_per_component is None:
        mass = DALTON_PER_COMPONENT
        if em.map is not None and em.resolution is not None:
            cube = em.resolution**3 / PROTEIN_VOLUME
            mass = min(mass, max(_SHARE_OF_CUBE * cube, _LEAST_DALTON))
        model = msgspec.structs.replace(em.model, dalton_per_component=mass)
        em = msgspec.structs.replace(em, model=model)
    return msgspec.structs.replace(config, em=em, sampling=sampling)


def _absolute(path: Path, config: Config, absent: Collection[str]) -> Config:
    """Resolves the paths and makes sure that something is there."""
    base = path.resolve().parent

    def resolved(key: str, value: str) -> str:
        section, _, name = key.partition(".")
        kind = _PATHS[section.partition("[")[0]][name]
        if "\0" in value or not value.strip():
            raise InputError(path, repr(value), f"the path of a {kind}", key)
        try:
            target = (base / value).resolve()
            there = {"file": target.is_file(), "folder": target.is_dir()}.get(kind, True)
        except (OSError, RuntimeError) as error:  # a name too long, links in a circle
            found = f"{value} ({getattr(error, 'strerror', None) or error})"
            raise InputError(path, found, f"the path of a {kind}", key) from None
        if not there and key not in absent:
            raise InputError(path, f"no {kind} {value}", f"the path of a {kind}", key)
        return str(target)

    return with_paths(config, resolved)

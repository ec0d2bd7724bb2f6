"""What is wrong with a key of the settings, in one line."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import msgspec

from .errors import InputError


def validation_error(path: Path, message: str, content: dict, kind: type) -> InputError:
    """msgspec's message about settings (TOML content, of a struct) as ours, with the full name of
    the key."""
    text, _, place = message.partition(" - at `")
    key = place.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", text)
    if unknown:
        name = unknown[1]
        known = _known_keys(kind, key)
        near = difflib.get_close_matches(name, known, 1)
        expected = f"{near[0]!r}" if near else "one of " + ", ".join(known)
        return InputError(path, "an unknown key", expected, f"{key}.{name}" if key else name)
    missing = re.fullmatch(r"Object missing required field `(.+)`", text)
    if missing:
        name = missing[1]
        return InputError(path, "no such key", "a value", f"{key}.{name}" if key else name)
    wrong = re.fullmatch(r"Expected `(.+?)`(.*?)(?:, got `(.+)`)?", text)
    found = _value_at(content, key)
    expected = f"{wrong[1]}{wrong[2]}" if wrong else text
    if not wrong and text.startswith("Invalid enum value"):
        expected = "one of " + ", ".join(_choices(kind, key))
    return InputError(path, found, expected, key or None)


def _section_type(kind: type, key: str) -> type:
    """The struct of a dotted key such as ``sampling.annealing`` or ``crosslinks[0]``."""
    for part in filter(None, re.sub(r"\[.*?\]", "", key).split(".")):
        field = next(f for f in msgspec.structs.fields(kind) if f.name == part)
        kind = next(
            t for t in _leaves(field.type) if isinstance(t, type) and issubclass(t, msgspec.Struct)
        )
    return kind


def _leaves(kind):
    arguments = getattr(kind, "__args__", ())
    return [leaf for a in arguments for leaf in _leaves(a)] if arguments else [kind]


def _known_keys(kind: type, key: str) -> list[str]:
    return [f.name for f in msgspec.structs.fields(_section_type(kind, key))]


def _choices(kind: type, key: str) -> list[str]:
    section, _, name = key.rpartition(".")
    field = next(f for f in msgspec.structs.fields(_section_type(kind, section)) if f.name == name)
    return [repr(leaf) for leaf in _leaves(field.type)]


def _value_at(content: dict, key: str) -> str:
    value = content
    for part in re.findall(r"[^.\[\]]+", key):
        try:
            value = value[int(part) if isinstance(value, list | tuple) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            return "a value of the wrong kind"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

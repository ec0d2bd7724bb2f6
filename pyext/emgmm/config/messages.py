"""Messages about wrong settings, one line each."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec

from ..errors import InputError, nearest

# A dotted key of fifty parts; ours have three. From the start of a word on, so that no character
# is looked at twice.
_LONG_KEY = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){50}")
_LARGEST = 2**63 - 1
_LEAST = 1e-30
# tomllib's words for mistakes that it does not explain, and ours.
_SYNTAX = (
    (r"Cannot overwrite a value", "a key for the second time", "each key once"),
    (r"Cannot declare \(?(.+?),?\)? twice", "the section {} twice", "each section once"),
    (r"Unescaped '\\' in a string", "a backslash in a string", "'/' between folders"),
)
# Characters that word processors put in place of plain ones.
_LOOKALIKES = {
    "\u00a0": "a non-breaking space",
    "\u2018": "a curly quote",
    "\u2019": "a curly quote",
    "\u201c": "a curly quote",
    "\u201d": "a curly quote",
    "\u2013": "a dash",
    "\u2014": "a dash",
    "\u2212": "a dash",
}


def syntax_error(path: Path, text: str, error: Exception) -> InputError:
    """tomllib's error in a text as ours, with the line."""
    message, _, place = str(error).rpartition(" (at ")
    message, place = (message or place), place.rstrip(")") if message else None
    for pattern, found, expected in _SYNTAX:
        match = re.match(pattern, message)
        if match:
            named = ".".join(
                part.strip(" '") for part in match.groups() for part in part.split(",")
            )
            return InputError(path, found.format(named), expected, place)
    at = re.match(r"line (\d+)", place or "")
    line = text.split("\n")[int(at[1]) - 1] if at else ""
    odd = next((name for c, name in _LOOKALIKES.items() if c in line), None)
    found = f"no TOML ({message}{f'; the line has {odd}' if odd else ''})"
    return InputError(path, found, "TOML", place)


def refuse_long_keys(path: Path, text: str) -> None:
    """Raises `InputError` for a dotted key that the parser would need minutes or gigabytes for."""
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(path, "a key of fifty parts", "a known key", f"line {line}")


def refuse_odd_numbers(path: Path, content: object, key: str = "") -> None:
    """Raises `InputError` for a number of more than 64 bits or whose cube is infinite or 0."""
    if isinstance(content, dict):
        for name, value in content.items():
            refuse_odd_numbers(path, value, f"{key}.{name}" if key else name)
    elif isinstance(content, list):
        for i, value in enumerate(content):
            refuse_odd_numbers(path, value, f"{key}[{i}]")
    elif isinstance(content, float) and not math.isfinite(content):
        raise InputError(path, str(content), "a finite number", key)
    elif isinstance(content, float) and content and not _LEAST <= abs(content) <= 1 / _LEAST:
        expected = f"0, or a number of {_LEAST:g} to {1 / _LEAST:g}"
        raise InputError(path, str(content), expected, key)
    elif isinstance(content, int) and abs(content) > _LARGEST:
        raise InputError(path, "a number of more than 64 bits", "a smaller one", key)


def validation_error(path: Path, message: str, content: dict, kind: type) -> InputError:
    """msgspec's message about settings (TOML content, of a struct) as ours, with the full name of
    the key."""
    text, _, place = message.partition(" - at `")
    key = place.rstrip("`").removeprefix("$").removeprefix(".")
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", text)
    if unknown:
        name = unknown[1]
        known = _known_keys(kind, key)
        near, home = nearest(name, known), _home(kind, name)
        expected = f"{near!r}" if near else "one of " + ", ".join(known)
        if home and near != name:
            expected = f"it in {home}" if not near else f"{expected}, or {name!r} in {home}"
        return InputError(path, "an unknown key", expected, f"{key}.{name}" if key else name)
    missing = re.fullmatch(r"Object missing required field `(.+)`", text)
    if missing:
        name = missing[1]
        return InputError(path, "no such key", "a value", f"{key}.{name}" if key else name)
    wrong = re.fullmatch(r"Expected `(.+?)`(.*?)(?:, got `(.+)`)?", text)
    found = _value_at(content, key)
    expected = f"{wrong[1]}{wrong[2]}" if wrong else text
    if wrong and (wrong[1], wrong[3]) == ("array", "object"):
        found, expected = f"one section [{key}]", f"[[{key}]], with two brackets, for each of them"
    elif wrong and (wrong[1].split(" ")[0], wrong[3]) == ("object", "array"):
        found, expected = f"a list of sections [[{key}]]", f"one section [{key}]"
    elif wrong and wrong[3] == "str" and _is_number(found.strip("'\"")):
        expected += ", without quotes"
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


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _home(kind: type, name: str) -> str | None:
    """The one section that has a key of this name, in brackets."""
    found = []
    for field in msgspec.structs.fields(kind):
        for leaf in _leaves(field.type):
            if isinstance(leaf, type) and issubclass(leaf, msgspec.Struct):
                many = getattr(field.type, "__origin__", None) is tuple
                if name in (f.name for f in msgspec.structs.fields(leaf)):
                    found.append(f"[[{field.name}]]" if many else f"[{field.name}]")
    return found[0] if len(found) == 1 else None

"""Writes settings.md and commands.md, the pages that follow from the code.

    python doc/generate.py           # writes them
    python doc/generate.py --check   # status 1 where they are not up to date

Settings come from the structs of emgmm.config: name, type, default, and the string below each
field, which may begin with a unit in brackets. Commands come from the help of each command.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import click
import msgspec
from emgmm.cli.program import commands
from emgmm.config import settings as config
from emgmm.moves.registry import KINDS

HERE = Path(__file__).resolve().parent
NOTE = "<!-- Written by doc/generate.py: change what it reads, not this page. -->\n\n"


def settings_page() -> str:
    """The page of all settings of ``system.toml``, a table for each section."""
    text = [
        "# Settings",
        "",
        "A run is described by one TOML file, `system.toml` as a rule. Paths in it are relative to "
        "the file. Only `topology` has to be given; everything else has a default, which "
        "`system.toml` in the output folder states for each run. An unknown key or a value out of "
        "range is refused with its name.",
        "",
        "```toml",
        "[system]",
        'topology = "topology.txt"',
        "",
        "[em]",
        'map = "map.mrc"',
        "resolution = 8.0",
        "```",
        "",
    ]
    for struct in _sections():
        head, _, rest = inspect.getdoc(struct).partition(": ")
        text += [f"## {head.removesuffix('.')}", ""]
        if rest:
            text += [rest[0].upper() + rest[1:], ""]
        text += ["| key | type | default | unit | meaning |", "| --- | --- | --- | --- | --- |"]
        text += [_row(struct, *field) for field in _fields(struct)]
        text.append("")
    return NOTE + "\n".join(text)


def _sections() -> list[type]:
    """The structs in the order of their definition, nested ones behind what holds them."""
    structs = [
        value
        for value in vars(config).values()
        if inspect.isclass(value)
        and issubclass(value, config._Section)
        and value not in (config._Section, config._Moves, config.Config)
    ]
    order = ["SystemConfig", "EmConfig", "ModelConfig", "SamplingConfig", "MovesConfig"]
    order += ["AnnealingConfig"]
    return sorted(structs, key=lambda s: order.index(s.__name__) if s.__name__ in order else 9)


def _fields(struct: type) -> list[tuple[msgspec.inspect.Field, str]]:
    """Fields that hold values, not sections, each with the string below it."""
    if struct is config.MovesConfig:
        meanings = {kind.name: kind.explanation for kind in KINDS}
        return [(field, meanings[field.name]) for field in msgspec.inspect.type_info(struct).fields]
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0].body
    meanings = {}
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            meanings[field.target.id] = " ".join(below.value.value.split())
    info = msgspec.inspect.type_info(struct).fields
    return [
        (field, meanings[field.name])
        for field in info
        if not isinstance(field.type, msgspec.inspect.StructType) and field.name in meanings
    ]


def _row(struct: type, field: msgspec.inspect.Field, meaning: str) -> str:
    unit = ""
    if meaning.startswith("["):
        unit, _, meaning = meaning[1:].partition("] ")
    meaning = meaning.replace("|", "\\|")
    return f"| `{field.name}` | {_type(field.type)} | {_default(field)} | {unit} | {meaning} |"


def _default(field: msgspec.inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None:
        return ""
    written = json.dumps(value, ensure_ascii=False)
    return f"`{written}`" if value or isinstance(value, bool | int | float) else ""


def _type(kind) -> str:
    """A type in words, with its bounds."""
    inspected = msgspec.inspect
    match kind:
        case inspected.UnionType():
            return " or ".join(_type(t) for t in kind.types if t != inspected.NoneType())
        case inspected.LiteralType():
            written = sorted(kind.values)
            return ", ".join(f"`{v}`" for v in written)
        case inspected.IntType():
            return "whole number" + _bounds(kind)
        case inspected.FloatType():
            return "number" + _bounds(kind)
        case inspected.BoolType():
            return "true or false"
        case inspected.VarTupleType():
            return f"list of: {_type(kind.item_type)}"
        case inspected.TupleType():
            return f"list of {len(kind.item_types)} numbers"
        case inspected.DictType():
            return "table of text"
    return "text"


def _bounds(kind) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    limits = [(sign, getattr(kind, name)) for name, sign in signs.items()]
    both = ", ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)
    return f" {both}" if both else ""


def commands_page() -> str:
    """The help of every command."""
    text = [
        "# Commands",
        "",
        "Every command takes `--report FILE.json` for its numbers (`-`: standard output) and "
        "`--force` to replace what is there. The exit status is 0 for done, 1 for failed or "
        "stopped, and 2 for bad usage or input. Bad input gives one line: the file, the place "
        "in it, what was found and what was expected. Lines that begin with `emgmm: note:` "
        "say what was left out or guessed. Long work shows its progress on a terminal and is "
        "silent in a pipe. Where a file is read or written, `-` stands for standard input or "
        "output.",
        "",
    ]
    parent = click.Context(commands, info_name="emgmm", **commands.context_settings)
    parent.terminal_width = 88
    for name in commands.list_commands(parent):
        command = commands.get_command(parent, name)
        help_text = command.get_help(click.Context(command, parent, name))
        text += [f"## emgmm {name}", "", "```text", help_text, "```", ""]
    return NOTE + "\n".join(text)


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


def main() -> None:
    stale = []
    for name, page in PAGES.items():
        path, text = HERE / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"not up to date: {', '.join(stale)}; run python doc/generate.py")


if __name__ == "__main__":
    main()

"""README and manual: every block of code runs, and generated pages are up to date.

Blocks of a page run in their order in one folder, which has the repository's `examples`:

- ``sh`` as a script of the shell, ``python`` in one name space a page;
- a block with a title is written to the file of that name;
- ``toml`` has to be settings of a run, but for files that are not there;
- ``text`` behind a block that ran is what it prints, but for the numbers.

``<!-- not run: REASON -->`` before a block leaves it out; `NOT_RUN` lists how many there are.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from emgmm.config.settings import Config
from emgmm.imp.find import find_imp

ROOT = Path(__file__).resolve().parents[4]
DOC = ROOT / "doc"
PAGES = [ROOT / "README.md", *sorted(DOC.rglob("*.md"))]
# Blocks of each page that do not run, so that a new one is a decision.
NOT_RUN = {
    "README.md": 3,
    "index.md": 2,
    "start.md": 1,
    "imp.md": 5,
    "developing.md": 5,
    "tutorials/place.md": 2,
}
NEEDS_IMP = DOC / "tutorials" / "imp.md"

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+?) -->\n)?^```(?P<language>\w+)(?P<info>[^\n]*)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")
# What one short trajectory decides, and so the processor's rounding.
_CHANCE = re.compile(r"clusters?\b")
_REASON = re.compile(r"^  - .*\n?", re.MULTILINE)  # of a verdict: which ones, chance decides, too


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    title: str | None
    text: str
    reason: str | None  # why it does not run


def blocks(page: Path) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        title = re.search(r'title="(.+?)"', match["info"])
        found.append(Block(match["language"], title and title[1], match["text"], match["reason"]))
    return found


def _shape(text: str) -> list[str]:
    """Lines without what may differ between two machines: numbers, chance, spaces."""
    told = _REASON.sub("", text).strip().splitlines()
    lines = [_CHANCE.sub("~", _NUMBER.sub("#", line)) for line in told]
    return [" ".join(line.split()) for line in lines]


def _run_shell(text: str) -> str:
    binaries = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        ["bash", "-euc", text], capture_output=True, text=True, env=environment, timeout=600
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


def _run_python(text: str, names: dict) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "<page>", "exec"), names)
    return printed.getvalue()


def _name(page: Path) -> str:
    return str(page.relative_to(DOC)) if page.is_relative_to(DOC) else page.name


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_run(page, tmp_path, monkeypatch):
    if page == NEEDS_IMP and not find_imp().macros:
        pytest.skip("this tutorial is about IMP, which this Python does not have")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict = {"__name__": "__main__"}
    printed = None
    for block in blocks(page):
        if block.language == "toml":
            settings = {"system": {"topology": "topology.txt"}} | tomllib.loads(block.text)
            msgspec.convert(settings, Config)
        if block.reason is not None:
            printed = None
        elif block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            printed = _run_shell(block.text)
        elif block.language == "python":
            printed = _run_python(block.text, names)
        elif block.language == "text" and printed is not None:
            assert _shape(printed) == _shape(block.text)


def test_blocks_that_do_not_run_are_few_and_known():
    found = {_name(page): sum(b.reason is not None for b in blocks(page)) for page in PAGES}
    assert {name: count for name, count in found.items() if count} == NOT_RUN


def test_every_page_is_in_the_contents():
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f": {page.relative_to(DOC)}" in contents


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{_name(page)}: {target}"


def test_generated_pages_are_up_to_date():
    done = subprocess.run(
        [sys.executable, DOC / "generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_is_explained():
    from emgmm.config import settings as config

    page = (DOC / "settings.md").read_text(encoding="utf-8")
    sections = {*config._Section.__subclasses__(), config.MovesConfig}
    for struct in sections - {config.Config, config._Moves}:
        for name in struct.__struct_fields__:
            assert f"| `{name}` |" in page or f"[{name}]" in page or f".{name}]" in page, name


def test_readme_is_short_and_has_what_imp_asks_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("\\brief ")
    assert len(text.split()) <= 500
    info = text[text.index("# Info") :]
    for word in ("_Author(s)_", "_Maintainer_", "_License_", "_Publications_"):
        assert word in info

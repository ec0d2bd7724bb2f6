"""Prints what the manual is built with: the extra [docs] of pyproject.toml, a line each.

Installing the extra itself would build the package anew.
"""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
print(*extras["docs"], sep="\n")

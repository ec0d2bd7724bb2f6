"""The command line: each file with a command's name is that command."""

from .program import main

__all__ = ["main"]

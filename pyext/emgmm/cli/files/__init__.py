"""Longer work of commands with files."""

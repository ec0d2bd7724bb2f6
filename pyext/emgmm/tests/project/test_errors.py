"""The message of bad input: one readable line, whatever the file held."""

from __future__ import annotations

import os

import pytest
from emgmm import InputError


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb\x85c", "\x1b[31mred", "\x00", "\u2028\u202e", "\udcff"]
)
def test_nothing_in_the_message_moves_the_terminal(text):
    for error in (
        InputError("a.txt", text, "b", "line 1"),
        InputError("a.txt", "a", text, "line 1"),
        InputError("a.txt", "a", "b", text),
        InputError(text, "a", "b"),
    ):
        assert str(error).isprintable()
        assert len(str(error).splitlines()) == 1


def test_names_of_any_bytes_are_told():
    error = InputError(os.fsdecode(b"caf\xe9.mrc"), "no such file", "a map")
    assert str(error) == "caf\\udce9.mrc: found no such file, expected a map"
    assert error.path == os.fsdecode(b"caf\xe9.mrc")


def test_a_long_cell_is_cut():
    error = InputError("a" * 2000, "b" * 50_000, "c" * 50_000, "d" * 50_000)
    assert 2000 < len(str(error)) < 3500
    assert "bbb..., expected ccc" in str(error)


def test_a_plain_message_stands_as_it_is():
    error = InputError("é.txt", "'a b'", "1 Å", "line 2")
    assert str(error) == "é.txt, line 2: found 'a b', expected 1 Å"

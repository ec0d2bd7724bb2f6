"""Damaged files: every reader gives a right answer or one line, within bounds of time and memory.

Seconds of what ``tools/fuzz.py`` does for as long as one likes.
"""

from __future__ import annotations

import pytest
from fuzzing.guard import message_fault, outcome
from fuzzing.readers import FORMATS, random_for

FILES = 150  # of each format


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    format = FORMATS[name]
    valid = format.specimens(tmp_path)
    path = tmp_path / format.file
    for data in valid:
        if format.packed:
            data = format.packed_file(data)
        assert outcome(format.check, path, data) == ("accepted", "")
    seen = {"accepted": 0, "refused": 0}
    for number in range(FILES):
        data = format.damaged(valid, random_for(0, name, number))
        kind, said = outcome(format.check, path, data)
        assert kind != "wrong", f"tools/fuzz.py --format '{name}' --repeat {number}: {said}"
        seen[kind] += 1
    assert min(seen.values()) > FILES // 20


def test_the_guard_sees_what_is_wrong(tmp_path):
    def hungry(path, data):
        b"x" * (1 << 30)

    def broken(path, data):
        raise KeyError("a")

    for check, said in ((hungry, "MemoryError"), (broken, "KeyError")):
        kind, text = outcome(check, tmp_path / "a", b"")
        assert kind == "wrong" and text.startswith(said)
    assert message_fault("a\nb") and message_fault("\x1b") and message_fault("a" * 9999)
    assert message_fault("a: found b, expected c") is None

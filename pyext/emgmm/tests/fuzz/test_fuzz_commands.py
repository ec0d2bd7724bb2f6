"""Damaged files given to the program: it does its work, or ends with one line and status 2."""

from __future__ import annotations

import sys

import pytest
from emgmm.cli import main
from fuzzing.guard import message_fault
from fuzzing.readers import FORMATS, random_for
from fuzzing.specimens import gmm_file

FILES = 15  # for each command

COMMANDS = {
    "MRC": "fit {file} -o {out}.txt --components 2 --threshold 1 --force",
    "PDB": "simulate {file} -o {out}.mrc --resolution 20 --force",
    "PDB.gz": "score {gmm} {file}",
    "mmCIF": "fit {file} -o {out}.txt --components 1 --force",
    "GMM IMP": "convert {file} {out}.gmm --force",
    "GMM gmconvert": "convert {file} {out}.txt --force",
    "GMM PLUMED": "score {gmm} {file}",
    "settings": "run {file} -o {out}",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_work_or_say_why_not(tmp_path, monkeypatch, capsys, name):
    format = FORMATS[name]
    (tmp_path / "data.txt").write_bytes(gmm_file(tmp_path, "imp"))
    path = tmp_path / format.file
    valid = format.specimens(tmp_path)
    places = {"file": path, "out": tmp_path / "out", "gmm": tmp_path / "data.txt"}
    words = [word.format(**places) for word in COMMANDS[name].split()]
    statuses = set()
    for number in range(FILES):
        path.write_bytes(format.damaged(valid, random_for(7, name, number)))
        monkeypatch.setattr(sys, "argv", ["emgmm", *words])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        repeat = f"seed 7, number {number}: {told.err}"
        statuses.add(end.value.code)
        if end.value.code == 2:
            assert message_fault(told.err.rstrip("\n")) is None, repeat
            assert told.err.startswith("emgmm: ") and told.out == "", repeat
        else:
            assert end.value.code == 0, repeat
    assert 2 in statuses

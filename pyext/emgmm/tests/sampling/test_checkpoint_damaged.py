"""Checkpoints that are whole, and whose content no run can go on from."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from emgmm import InputError
from emgmm.sampling.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from fuzzing.readers import check_checkpoint
from fuzzing.specimens import small_sampler

TOTALS = {"frames": 1, "best_score": 2.0, "seconds": 3.0}


def resume(path):
    """Resume a run from the file."""
    check_checkpoint(path, b"")


def store(tmp_path, change=lambda replica: replica, **totals):
    """A checkpoint of a small run with the state of one replica changed."""
    sampler = small_sampler()
    sampler.advance(20, 60.0)
    sampler.take_frames()
    replicas = [sampler.save_replica(r) for r in range(2)]
    replicas[1] = change(replicas[1])
    path = tmp_path / "checkpoint.bin"
    write_checkpoint(path, Checkpoint(sampler.save(replicas), {"a": 1}, TOTALS | totals))
    return path


def test_a_whole_one_goes_on(tmp_path):
    resume(store(tmp_path))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda r: r[:-32] + bytes(32), "broken: random numbers"),
        (lambda r: r[:8] + bytes(32) + r[40:], "broken: a pose"),
        (lambda r: r[:8] + np.full(4, np.nan).tobytes() + r[40:], "broken: a pose"),
        (lambda r: r[:40] + np.full(3, np.inf).tobytes() + r[64:], "broken: a pose"),
        (lambda r: (3).to_bytes(8, "little") + r[8:], "stored state has 3 bodies|ends|longer"),
        (lambda r: b"\xff" * 8 + r[8:], "ends"),
        (lambda r: r[:-1], "ends"),
    ],
)
def test_states_that_are_none(tmp_path, change, message):
    path = store(tmp_path, change)
    with pytest.raises(InputError, match=message):
        resume(path)


@pytest.mark.parametrize(
    "totals", [{"frames": -1}, {"frames": float("inf")}, {"seconds": float("nan")}]
)
def test_sums_that_are_none(tmp_path, totals):
    path = store(tmp_path, **totals)
    with pytest.raises(InputError, match="the sums of this run"):
        resume(path)


@pytest.mark.parametrize(
    "change",
    [
        {"offsets": None},
        {"offsets": {"a": -1}},
        {"offsets": {"a": "1"}},
        {"totals": []},
        {"totals": {"frames": "many"}},
        {"crc32": 1},
        {"bytes": -1},
        {"more": 1},
    ],
)
def test_headers_that_are_none(tmp_path, change):
    path = tmp_path / "checkpoint.bin"
    write_checkpoint(path, Checkpoint(b"state", {}, {}))
    magic = path.read_bytes().partition(b"\n")[0]
    header = {"offsets": {}, "totals": {}, "bytes": 5, "crc32": zlib.crc32(b"state")}

    def write(header):
        path.write_bytes(magic + b"\n" + json.dumps(header).encode() + b"\nstate")

    write(header)
    assert read_checkpoint(path).state == b"state"
    write(header | change)
    with pytest.raises(InputError, match="a whole checkpoint"):
        read_checkpoint(path)


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="Is a directory"):
        read_checkpoint(tmp_path)

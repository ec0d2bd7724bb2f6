"""``emgmm fit`` on maps that cannot be fitted: status 2 and one line, or a correct answer."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from command_line import assert_refused, emgmm
from emgmm.io.gmm import read_gmm
from map_files import SIDE, ball, file_of

FITTED = ("--components", "5", "--threshold", "0.1")


def with_value(value: float) -> np.ndarray:
    values = ball()
    values[1, 2, 3] = value
    return values


def with_words(at: int, *words: int) -> bytes:
    data = file_of(ball())
    return data[: 4 * at] + struct.pack(f"<{len(words)}i", *words) + data[4 * (at + len(words)) :]


def swapped_voxels() -> bytes:
    data = file_of(ball())
    return data[:1024] + np.frombuffer(data[1024:], "<f4").byteswap().tobytes()


CASES = {
    "constant, no threshold": (file_of(np.ones((SIDE,) * 3)), (), "same density"),
    "zero": (file_of(np.zeros((SIDE,) * 3)), FITTED, "no voxel is above the threshold"),
    "negative": (file_of(-1 - ball()), ("--components", "5"), "no voxel is above the threshold"),
    "one voxel": (file_of(np.ones((1, 1, 1))), FITTED, "the 1 voxels above the threshold"),
    "all below": (file_of(ball()), ("--components", "2", "--threshold", "2"), "maximum of the map"),
    "NaN": (file_of(with_value(np.nan)), FITTED, "1 of 1728 voxels NaN"),
    "infinity": (file_of(with_value(np.inf)), FITTED, "1 of 1728 voxels NaN or infinite"),
    "truncated": (file_of(ball())[:3000], FITTED, "truncated file of 3000 bytes"),
    "truncated header": (file_of(ball())[:500], FITTED, "at least 1024 bytes"),
    "empty": (b"", FITTED, "an empty file"),
    "stamp of the other order": (
        file_of(ball(), stamp=b"\x11\x11\0\0"),
        FITTED,
        "one byte order",
    ),
    "voxels of the other order": (swapped_voxels(), FITTED, "NaN or infinite"),
    "larger than the file": (with_words(0, 13), FITTED, "13 x 12 x 12 voxels"),
    "smaller than the file": (with_words(0, 11), FITTED, "11 x 12 x 12 voxels"),
    "petabytes": (with_words(0, 2_000_000_000), FITTED, "2000000000 x 12 x 12 voxels"),
    "petabytes, packed": (
        gzip.compress(with_words(0, 1 << 20, 1 << 20) + bytes(1 << 20)),
        FITTED,
        "truncated",
    ),
    "more components than voxels": (
        file_of(ball()),
        ("--components", "2000", "--threshold", "0.01"),
        "922 voxels",
    ),
    "no map": (b"hello " * 1000, FITTED, "no MRC header"),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_in_one_line(tmp_path, case):
    data, arguments, told = CASES[case]
    path = tmp_path / "map.mrc"
    path.write_bytes(data)
    result = emgmm("fit", path, "-o", tmp_path / "gmm.txt", *arguments)
    assert_refused(result, "map.mrc", told)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("values", "components"),
    [
        (np.ones((SIDE,) * 3), 5),
        (np.full((1, 1, 1), 3.0), 1),
        (1e38 * ball(), 4),
        (with_value(1e30), 4),
    ],
    ids=["constant", "one voxel", "near the greatest float", "one voxel outshines all"],
)
def test_odd_but_fitted(tmp_path, values, components):
    path = tmp_path / "map.mrc"
    path.write_bytes(file_of(values))
    out = tmp_path / "gmm.txt"
    result = emgmm("fit", path, "-o", out, "--components", components, "--threshold", 0.1)
    assert result.returncode == 0, result.stderr
    mixture = read_gmm(out)  # refuses what is no Gaussian
    assert len(mixture) == components
    assert np.linalg.eigvalsh(mixture.covariances).min() > 0.3

"""MRC files built word by word, and densities for them."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.io.maps import DensityMap

VOXEL = np.array([1.5, 2.0, 2.5])
ORIGIN = np.array([-12.0, 30.0, 7.5])  # whole voxels from zero, so that NSTART can say it too
SIZES = (9, 7, 8)  # x, y, z: no two alike
BLOB = np.array([-6.0, 36.0, 17.5])  # Å, off-centre on every axis


def blob() -> DensityMap:
    """A peak at BLOB with a different width along each axis."""
    empty = DensityMap(np.zeros(SIZES[::-1], np.float32), VOXEL, ORIGIN)
    x, y, z = empty.grid_coordinates()
    d = [(c - b) / w for c, b, w in zip((x, y, z), BLOB, (2.0, 3.0, 4.0), strict=True)]
    squares = d[2][:, None, None] ** 2 + d[1][None, :, None] ** 2 + d[0] ** 2
    return DensityMap((100 * np.exp(-squares / 2)).astype(np.float32), VOXEL, ORIGIN)


def encode(
    density: DensityMap,
    axes=(1, 2, 3),
    frame="origin",
    mode=2,
    order="<",
    extended=b"",
    stamp=None,
    cell_intervals=None,
) -> bytes:
    """An MRC file built word by word, independent of the code under test.

    ``frame`` is "origin", "nstart" or "both" (as IMP writes: the same shift said twice).
    """
    dtype = np.dtype({0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}[mode]).newbyteorder(order)
    by_axis = {1: 2, 2: 1, 3: 0}  # x is the last axis of values
    stored = density.values.transpose([by_axis[a] for a in (axes[2], axes[1], axes[0])])
    words = np.zeros(256, np.dtype("i4").newbyteorder(order))
    reals = words.view(np.dtype("f4").newbyteorder(order))
    words[0:3] = stored.shape[::-1]
    words[3] = mode
    start = np.rint(density.origin / density.voxel).astype(int)
    if frame in ("nstart", "both"):
        words[4:7] = [start[a - 1] for a in axes]
    intervals = np.array(cell_intervals or density.shape)
    words[7:10] = intervals
    reals[10:13] = intervals * density.voxel
    reals[13:16] = 90
    words[16:19] = axes
    words[22] = 1
    words[23] = len(extended)
    if frame in ("origin", "both"):
        reals[49:52] = density.origin
    header = bytearray(words.tobytes())
    header[208:212] = b"MAP "
    header[212:216] = stamp or (b"\x44\x44\x00\x00" if order == "<" else b"\x11\x11\x00\x00")
    return bytes(header) + extended + stored.astype(dtype).tobytes()


def assert_blob_in_place(density: DensityMap) -> None:
    z, y, x = np.unravel_index(np.argmax(density.values), density.values.shape)
    assert density.position([x, y, z]) == pytest.approx(BLOB)
    # Neighbours tell axes apart that the peak alone does not.
    assert np.allclose(density.values, blob().values, atol=1)
    assert density.voxel == pytest.approx(VOXEL)
    assert density.origin == pytest.approx(ORIGIN)
    assert density.values.flags.c_contiguous and density.values.dtype.isnative


SIDE = 12


def ball() -> np.ndarray:
    z, y, x = np.indices((SIDE,) * 3)
    return np.exp(-((x - 5) ** 2 + (y - 6) ** 2 + (z - 6) ** 2) / 8).astype(np.float32)


def file_of(values: np.ndarray, **options) -> bytes:
    return encode(DensityMap(values.astype(np.float32), 2.0, [4.0, 2.0, 6.0]), **options)

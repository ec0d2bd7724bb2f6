"""Density maps: MRC/CCP4 files in the frame they were made in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import mrcfile
import numpy as np

from ..errors import InputError
from .files import opened, replacing, stored_size
from .map_values import blocks, is_byte_swapped, kind_of_bytes, notes_on_values, value_range
from .mrc_header import HEADER_BYTES, MapLayout, parse_header

_EXPECTED = "an MRC or CCP4 map"
_MAPPED_BYTES = 64 << 20  # larger files stay on disk until their voxels are asked for
_GZIP_MAX_RATIO = 1100  # deflate packs no tighter than 1032:1


@dataclass(frozen=True, eq=False, repr=False)
class DensityMap:
    """Density on an orthogonal grid.

    Attributes
    ----------
    values
        (nz, ny, nx), C order, native byte order. A map from a file keeps the file's type (float32,
        float16, int8, uint8, int16 or uint16) and, if large, stays mapped from disk, read-only;
        `float32` and `above` give numbers to compute with.
    voxel
        (3,) Å, sides of a voxel along x, y, z.
    origin
        (3,) Å, position x, y, z of the centre of voxel ``values[0, 0, 0]``.
    notes
        What was guessed of the file, or is odd in it, in sentences.

    Raises
    ------
    ValueError
        Values that are no three-dimensional array of real numbers with at least one voxel, or a
        voxel or origin that is not three finite numbers (the voxel positive).

    Examples
    --------
    >>> import emgmm
    >>> import numpy as np
    >>> emgmm.DensityMap(np.ones((4, 5, 6)), voxel=2.0, origin=0.0)
    DensityMap of 6 x 5 x 4 voxels of 2 x 2 x 2 Å
    """

    values: np.ndarray
    voxel: np.ndarray
    origin: np.ndarray
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim != 3 or not values.size or values.dtype.kind not in "fiu":
            raise ValueError(
                "a map needs real values (nz, ny, nx) with at least one voxel, "
                f"got {values.dtype} {values.shape}"
            )
        voxel = np.array(np.broadcast_to(self.voxel, 3), dtype=np.float64)
        origin = np.array(np.broadcast_to(self.origin, 3), dtype=np.float64)
        if not (np.isfinite(voxel) & (voxel > 0)).all():
            raise ValueError(f"voxel must be positive, got {voxel} Å")
        if not np.isfinite(origin).all():
            raise ValueError(f"origin must be finite, got {origin} Å")
        native = values.dtype.newbyteorder("=")
        object.__setattr__(self, "values", np.require(values, native, "CA"))
        object.__setattr__(self, "voxel", voxel)
        object.__setattr__(self, "origin", origin)

    def __repr__(self) -> str:
        sides = " x ".join(f"{side:g}" for side in self.voxel)
        return f"DensityMap of {' x '.join(map(str, self.shape))} voxels of {sides} Å"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along x, y, z (the reverse of ``values.shape``)."""
        nz, ny, nx = self.values.shape
        return nx, ny, nz

    def float32(self) -> np.ndarray:
        """The values (nz, ny, nx) as float32; no copy where they are float32 already."""
        return np.ascontiguousarray(self.values, dtype=np.float32)

    def grid_coordinates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Centres of the voxels along x (nx,), y (ny,) and z (nz,), Å."""
        return tuple(
            o + v * np.arange(n)
            for o, v, n in zip(self.origin, self.voxel, self.shape, strict=True)
        )

    def position(self, indices: np.ndarray) -> np.ndarray:
        """Positions (..., 3) Å of voxel indices (..., 3), both in the order x, y, z."""
        return self.origin + self.voxel * np.asarray(indices)

    def index(self, positions: np.ndarray) -> np.ndarray:
        """Fractional voxel indices (..., 3) of positions (..., 3) Å, both in the order x, y, z."""
        return (np.asarray(positions) - self.origin) / self.voxel

    def above(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """The voxels whose value is greater than ``threshold``.

        Returns
        -------
        indices
            (m, 3) int32, voxel indices in the order x, y, z, sorted by z, then y, then x.
        values
            (m,) float32.

        Memory grows with the voxels found, not with the box.
        """
        indices, values = [], []
        for first, block in blocks(self.values):
            z, y, x = np.nonzero(block > threshold)
            values.append(block[z, y, x].astype(np.float32))
            indices.append(np.stack([x, y, z + first], axis=1).astype(np.int32))
        return np.concatenate(indices), np.concatenate(values)

    def density_at(self, positions: np.ndarray) -> np.ndarray:
        """Density (n,) at positions (n, 3) Å: trilinear between voxel centres, 0 outside."""
        cell = self.index(positions)
        corner = np.floor(cell).astype(np.int64)
        part = cell - corner
        total = np.zeros(len(cell))
        for step in np.ndindex(2, 2, 2):
            at = corner + step
            inside = ((at >= 0) & (at < self.shape)).all(axis=1)
            share = np.where(step, part, 1 - part).prod(axis=1)
            x, y, z = at[inside].T
            total[inside] += share[inside] * self.values[z, y, x]
        return total


def read_map(path: str | os.PathLike) -> DensityMap:
    """Read an MRC or CCP4 map, plain or gzip, in any axis order, byte order and real mode.

    The frame is that of ChimeraX and IMP (see `mrc_header`); axes are turned to x, y, z.

    Raises
    ------
    InputError
        A file that is missing, no map, truncated or longer than its header says, without voxels,
        with a cell that is not orthogonal, or with voxels that are NaN or infinite.

    Examples
    --------
    >>> import emgmm
    >>> density = emgmm.read_map("map.mrc")
    >>> density.shape == density.values.shape[::-1]
    True
    """
    path = Path(path)
    with opened(path, _EXPECTED) as file:
        head = file.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES:
            found = f"a file of {len(head)} bytes" if head else "an empty file"
            raise InputError(path, found, f"{_EXPECTED}, at least {HEADER_BYTES} bytes")
        layout = parse_header(path, head)
        stored = _stored(path, file, layout)
    notes = list(layout.notes)
    if not layout.sign_is_told:
        kind, note = kind_of_bytes(stored, layout.statistics)
        stored = stored.view(kind)
        notes += [note] if note else []
    low, high = _range(path, stored, layout)
    notes += notes_on_values(stored, low, high, layout.statistics)
    return DensityMap(stored.transpose(layout.to_zyx), layout.voxel, layout.origin, tuple(notes))


def _stored(path: Path, file: BinaryIO, layout: MapLayout) -> np.ndarray:
    """The voxels as they stand in the file: sections, rows, columns."""
    size, packed = stored_size(file)
    # Before any memory is asked for: a wrong header can promise petabytes.
    if layout.file_bytes > size * (_GZIP_MAX_RATIO if packed else 1):
        raise _wrong_length(path, size, layout, packed)
    if not packed and size > layout.file_bytes:
        raise _wrong_length(path, size, layout, packed)
    if not packed and size >= _MAPPED_BYTES and path.is_file():
        return np.memmap(path, layout.dtype, "r", layout.offset, layout.shape)
    if len(file.read(layout.offset - HEADER_BYTES)) < layout.offset - HEADER_BYTES:
        raise _wrong_length(path, file.tell(), layout)
    stored = np.empty(layout.shape, layout.dtype)
    view = memoryview(stored).cast("B")
    done = 0
    while done < len(view) and (got := file.readinto(view[done : done + (1 << 24)])):
        done += got
    if done < len(view):
        raise _wrong_length(path, layout.offset + done, layout)
    if file.read(1):
        raise InputError(path, f"more than {layout.file_bytes} bytes", _promise(layout))
    if not layout.dtype.isnative:  # in place: no second copy of the box
        stored = stored.byteswap(inplace=True).view(layout.dtype.newbyteorder("="))
    return stored


def _wrong_length(path: Path, size: int, layout: MapLayout, packed: bool = False) -> InputError:
    kind = "gzip bytes" if packed else "bytes"
    short = "a truncated file of " if size < layout.file_bytes else ""
    return InputError(path, f"{short}{size} {kind}", _promise(layout))


def _promise(layout: MapLayout) -> str:
    ns, nr, nc = layout.shape
    return (
        f"{layout.file_bytes} bytes, as its header says "
        f"({nc} x {nr} x {ns} voxels of {layout.dtype.itemsize} bytes after {layout.offset})"
    )


def _range(path: Path, stored: np.ndarray, layout: MapLayout) -> tuple[float, float]:
    """Least and greatest voxel.

    Raises
    ------
    InputError
        Voxels that are NaN or infinite, or in another byte order than the header.
    """
    low, high = value_range(stored)
    if is_byte_swapped(stored, low, high, layout.statistics):
        expected = "the voxels in the byte order of the header, whose minimum and maximum they have"
        raise InputError(path, "voxels in the other byte order", expected)
    if not np.isfinite([low, high]).all():
        bad = sum(b.size - np.count_nonzero(np.isfinite(b)) for _, b in blocks(stored))
        raise InputError(path, f"{bad} of {stored.size} voxels NaN or infinite", "finite density")
    return low, high


def write_map(path: str | os.PathLike, density: DensityMap, force: bool = False) -> None:
    """Write a map as MRC2014, mode 2 (float32), gzip where the name ends in ``.gz``.

    The frame goes into the ORIGIN words, with NSTART zero and as many cell intervals as voxels,
    so that programs that read only one of these conventions agree on it.

    Raises
    ------
    InputError
        The file exists and ``force`` is false, or its folder is missing.
    """
    with replacing(path, force) as draft, mrcfile.new(draft) as file:
        with np.errstate(over="ignore"):  # the header's rms of values beyond 1e19 is infinite
            file.set_data(density.float32())
        file.voxel_size = tuple(density.voxel)
        file.header.origin = tuple(density.origin)
        file.header.label[:] = b""  # mrcfile writes the time: the same map, the same file
        file.header.label[0] = b"emgmm"
        file.header.nlabl = 1

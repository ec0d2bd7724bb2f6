"""The MRC/CCP4 header: where a map lies and how its voxels are stored.

The frame is read as ChimeraX and IMP read it: the ORIGIN words where any of them is set, else
NSTART times the voxel size; never their sum. ORIGIN counts, as IMP reads it, also where word 53 is
not exactly "MAP ", as long as it can be a place. MRC2014 (Cheng et al., J. Struct. Biol. 192 (2015)
146) counts ORIGIN from the first voxel, and files that carry both mean the same shift twice.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from mrcfile.constants import MAP_ID
from mrcfile.dtypes import HEADER_DTYPE

from ..errors import InputError

HEADER_BYTES = HEADER_DTYPE.itemsize

_DTYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_OTHER_MODES = {3: "complex of int16", 4: "complex of float32", 101: "4 bits a voxel"}
_MAX_SIDE = 1 << 20  # voxels: what tells a header from noise or from the other byte order
_VOXEL_RANGE = (1e-3, 1e4)  # Å
_MAX_ORIGIN = 1e8  # Å: beyond, float32 no longer resolves a voxel
_IMOD_STAMP = 1146047817
_PLAUSIBLE_ORIGIN = (1e-3, 1e5)  # Å: what no words of another meaning hold but by chance


class MapLayout(NamedTuple):
    """Layout of the voxels in the file, and of the grid in space."""

    dtype: np.dtype  # with the file's byte order
    shape: tuple[int, int, int]  # sections, rows, columns: as stored
    offset: int  # bytes before the voxels
    to_zyx: tuple[int, int, int]  # stored.transpose(to_zyx) has the axes z, y, x
    voxel: np.ndarray  # (3,) Å along x, y, z
    origin: np.ndarray  # (3,) Å, centre of the first voxel, x, y, z
    sign_is_told: bool  # False: bytes of which nothing but the statistics tells whether signed
    statistics: tuple[float, float, float] | None  # minimum, maximum and mean, where they are set
    notes: tuple[str, ...]  # what was guessed

    @property
    def count(self) -> int:
        """Number of voxels (a Python integer: a header can promise more than 2⁶³)."""
        sections, rows, columns = self.shape
        return sections * rows * columns

    @property
    def file_bytes(self) -> int:
        """Length that the file must have."""
        return self.offset + self.count * self.dtype.itemsize


@np.errstate(invalid="ignore")  # NaN of any kind is refused by the bounds of each number
def parse_header(path: str | os.PathLike, data: bytes) -> MapLayout:
    """Layout and frame of a map from the first 1024 bytes of its file.

    Raises
    ------
    InputError
        Not an MRC/CCP4 header, or one that names no orthogonal box of real voxels.
    """
    header = _in_byte_order(path, data)
    nc, nr, ns = (int(header[k]) for k in ("nx", "ny", "nz"))
    if min(nc, nr, ns) < 1:
        raise InputError(
            path, f"an empty map of {nc} x {nr} x {ns} voxels", "positive sizes", "header NC NR NS"
        )
    if 401 <= header["ispg"] <= 630:
        raise InputError(path, "a stack of volumes", "one volume", "header ISPG")
    extended = int(header["nsymbt"])
    if extended < 0:
        raise InputError(path, f"{extended}", "a length in bytes", "header NSYMBT")
    axes = _axes(path, header)
    voxel = _voxel(path, header)
    origin, notes = _origin(path, header, axes, voxel)
    dtype, sign_is_told = _dtype(path, header)
    return MapLayout(
        dtype=dtype,
        shape=(ns, nr, nc),
        offset=HEADER_BYTES + extended,
        # axes counts columns, rows, sections; the array's first axis is sections.
        to_zyx=tuple(2 - axes.index(axis) for axis in (3, 2, 1)),
        voxel=voxel,
        origin=origin,
        sign_is_told=sign_is_told,
        statistics=_statistics(header),
        notes=notes,
    )


def _in_byte_order(path: str | os.PathLike, data: bytes) -> np.ndarray:
    little, big = (np.frombuffer(data, dtype=HEADER_DTYPE.newbyteorder(order))[0] for order in "<>")
    stamp = bytes(little["machst"])[:2]
    stamped = {b"\x44\x44": "little", b"\x44\x41": "little", b"\x11\x11": "big"}.get(stamp)
    sensible = [name for name, h in (("little", little), ("big", big)) if _looks_right(h)]
    if not sensible:
        if not _is_named(little):
            raise InputError(path, "no MRC header", "an MRC or CCP4 map")
        # It says that it is a map: the checks of each field say what is wrong with it.
        return big if stamped == "big" else little
    # Many programs leave the stamp empty; the sizes then tell the order. A stamp that says the
    # opposite of the sizes leaves the voxels' own order unknown.
    if stamped and stamped not in sensible:
        raise InputError(
            path,
            f"the stamp of {stamped}-endian numbers before {sensible[0]}-endian sizes",
            "one byte order",
            "header MACHST",
        )
    return {"little": little, "big": big}[stamped or sensible[0]]


def _looks_right(header: np.ndarray) -> bool:
    sizes = [int(header[k]) for k in ("nx", "ny", "nz")]
    mode = int(header["mode"])
    axes = sorted(int(header[k]) for k in ("mapc", "mapr", "maps"))
    return (
        all(0 <= n <= _MAX_SIDE for n in sizes)
        and (mode in _DTYPES or mode in _OTHER_MODES)
        and axes in ([1, 2, 3], [0, 0, 0])
    )


def _is_named(header: np.ndarray) -> bool:
    """Whether word 53 says that it is a map, however it is padded."""
    return bytes(header["map"])[:3].upper() == MAP_ID[:3]


def _statistics(header: np.ndarray) -> tuple[float, float, float] | None:
    low, high, mean = (float(header[k]) for k in ("dmin", "dmax", "dmean"))
    is_set = low < high and np.isfinite([low, high, mean]).all()  # MRC2014: else not determined
    return (low, high, mean) if is_set else None


def _dtype(path: str | os.PathLike, header: np.ndarray) -> tuple[np.dtype, bool]:
    """Type of the voxels, and whether its sign is certain."""
    mode = int(header["mode"])
    if mode not in _DTYPES:
        found = f"mode {mode}" + (f" ({_OTHER_MODES[mode]})" if mode in _OTHER_MODES else "")
        raise InputError(path, found, "mode 0, 1, 2, 6 or 12", "header MODE")
    code, sign_is_told = _DTYPES[mode], mode != 0
    if mode == 0:
        # Bytes are signed (MRC2014), except where IMOD wrote them and says otherwise; programs
        # older than that wrote them unsigned.
        imod_stamp, imod_flags = np.frombuffer(header.tobytes()[152:160], header.dtype["mode"])
        sign_is_told = imod_stamp == _IMOD_STAMP
        if sign_is_told and not imod_flags & 1:
            code = "u1"
    return np.dtype(code).newbyteorder(header.dtype["mode"].byteorder), bool(sign_is_told)


def _axes(path: str | os.PathLike, header: np.ndarray) -> list[int]:
    axes = [int(header[k]) for k in ("mapc", "mapr", "maps")]
    if axes == [0, 0, 0]:  # not set, by old programs
        return [1, 2, 3]
    if sorted(axes) != [1, 2, 3]:
        raise InputError(
            path, "{} {} {}".format(*axes), "1, 2, 3 in any order", "header MAPC MAPR MAPS"
        )
    return axes


def _voxel(path: str | os.PathLike, header: np.ndarray) -> np.ndarray:
    angles = np.array([header["cellb"][k] for k in ("alpha", "beta", "gamma")], dtype=np.float64)
    # All zero: not set, by old programs.
    if angles.any() and not (np.abs(angles - 90) < 0.01).all():
        raise InputError(
            path,
            "angles of {:g}, {:g}, {:g}°".format(*angles),
            "an orthogonal cell (90°)",
            "header CELLB",
        )
    cell = np.array([header["cella"][k] for k in ("x", "y", "z")], dtype=np.float64)
    # The cell has M intervals, which need not be the size N of the stored box.
    intervals = np.array([int(header[k]) for k in ("mx", "my", "mz")])
    if (intervals < 1).any():
        raise InputError(path, "{} {} {}".format(*intervals), "positive numbers", "header MX MY MZ")
    voxel = cell / intervals
    low, high = _VOXEL_RANGE
    if not ((voxel >= low) & (voxel <= high)).all():  # written so that NaN fails too
        raise InputError(
            path,
            "a voxel of {:g} x {:g} x {:g} Å".format(*voxel),
            f"sides of {low:g} to {high:g} Å",
            "header CELLA / M",
        )
    return voxel


def _origin(
    path: str | os.PathLike, header: np.ndarray, axes: list[int], voxel: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Å, and what was guessed."""
    origin = np.array([header["origin"][k] for k in ("x", "y", "z")], dtype=np.float64)
    notes = []
    is_zero = (np.abs(origin) < 1e-6).all()  # IMP's bound for zero
    if not is_zero and bytes(header["map"]) != MAP_ID:
        # Before MRC2000 (no "MAP ") these words meant something else.
        low, high = _PLAUSIBLE_ORIGIN
        size = np.abs(origin)
        plausible = ((size == 0) | ((size >= low) & (size <= high))).all()
        is_zero = not (_is_named(header) or plausible)
        own = repr(bytes(header["map"]).ljust(len(MAP_ID), b"\0")).removeprefix("b")
        word = f"word 53 of its header is {own}, not 'MAP '"
        if is_zero:
            notes.append(f"{word}, and its ORIGIN words hold no place; NSTART says where it lies")
        else:
            place = "{:g}, {:g}, {:g} Å".format(*origin)
            notes.append(f"{word}; its ORIGIN ({place}) is read all the same")
    if is_zero:
        start = [int(header[k]) for k in ("nxstart", "nystart", "nzstart")]
        # NSTART counts along columns, rows, sections; ORIGIN, CELLA and M along x, y, z.
        origin = np.array([start[axes.index(axis)] for axis in (1, 2, 3)]) * voxel
    if not (np.abs(origin) <= _MAX_ORIGIN).all():
        raise InputError(
            path,
            "{:g}, {:g}, {:g} Å".format(*origin),
            f"at most {_MAX_ORIGIN:g} Å",
            "header ORIGIN",
        )
    return origin + 0.0, tuple(notes)  # no -0

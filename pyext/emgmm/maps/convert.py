"""Conversion between the formats of a mixture, and to a map."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from ..io.gmm import FORMATS, GmmFile, read_gmm_file, write_gmm
from ..io.maps import DensityMap, read_map, write_map
from ..io.targets import refuse_clashes, refuse_existing
from .rasterize import enclosing_grid, rasterize

_SUFFIXES = {
    ".txt": "imp",
    ".gmm": "gmconvert",
    ".dat": "plumed",
    ".mrc": "map",
    ".map": "map",
    ".ccp4": "map",
}
# Written anew for every file.
_OWN_COMMENTS = ("data_fn", "ncenters", "covar_type")


def convert(
    source: str | os.PathLike,
    target: str | os.PathLike,
    format: str | None = None,
    like: str | os.PathLike | None = None,
    voxel: float | None = None,
    force: bool = False,
) -> dict:
    """Rewrite the mixture in ``source`` as ``target``.

    Parameters
    ----------
    source
        Mixture in any of the three formats, told apart by content.
    target
        File to write; ``.gz`` is compressed.
    format
        "imp", "gmconvert", "plumed" or "map". Default: by the ending of ``target``: txt, gmm, dat;
        mrc, map or ccp4.
    like
        For a map: one whose grid to take. Default: the map that the mixture was made from where
        its file says so and it is there, else a box around the mixture.
    voxel
        For a map: sides of a voxel, Å, in a box around the mixture.

    Returns
    -------
    dict
        ``path``, ``format``, ``components``; for a map also ``shape``, ``voxel`` and ``origin``
        (x, y, z; Å) and ``grid``, where its grid comes from.

    Raises
    ------
    InputError
        Bad input, an ending that names no format, or ``target`` exists and ``force`` is false.
    """
    source, target = Path(source), Path(target)
    format = format or _SUFFIXES.get(Path(target.name.removesuffix(".gz")).suffix.lower())
    if format not in (*FORMATS, "map"):
        raise InputError(
            target,
            f"format {format!r}" if format else "no ending that names a format",
            "one of " + ", ".join(_SUFFIXES) + ", or a format: " + ", ".join((*FORMATS, "map")),
        )
    for name, value in (("like", like), ("voxel", voxel)):
        if value is not None and format != "map":
            raise InputError(f"--{name}", f"a mixture to write ({target.name})", "a map to write")
    if like is not None and voxel is not None:
        raise InputError("--voxel", "--like too", "one of them: a map's grid has its own voxel")
    refuse_existing(target, force)
    file = read_gmm_file(source)
    report = {"path": str(target), "format": format, "components": len(file.mixture)}
    origin = _data_path(file, source)
    if format != "map":
        kept = [f"{k}: {v}" for k, v in file.comments.items() if k not in _OWN_COMMENTS]
        write_gmm(target, file.mixture, format, origin, kept, force)
        return report
    if like is None and voxel is None:
        refuse_clashes([origin], [target])
    grid, told = _grid(file, origin, like, voxel)
    density = rasterize(file.mixture, grid)
    write_map(target, density, force)
    return report | {
        "shape": list(density.shape),
        "voxel": density.voxel.tolist(),
        "origin": density.origin.tolist(),
        "grid": told,
        "notes": [f"{told}: {note}" for note in grid.notes],
    }


def _data_path(file: GmmFile, source: Path) -> Path | None:
    name = file.comments.get("data_fn")
    return source.parent / name if name else None


def _grid(
    file: GmmFile,
    origin: Path | None,
    like: str | os.PathLike | None,
    voxel: float | None,
) -> tuple[DensityMap, str]:
    if like is not None:
        return read_map(like), str(like)
    if voxel is None and origin is not None and origin.is_file():
        try:
            return read_map(origin), str(origin)
        except InputError:
            pass  # made from a structure
    try:
        return enclosing_grid(file.mixture, voxel), "box around the mixture"
    except ValueError as error:
        raise InputError("--voxel", str(error), "a box of fewer than 2³¹ voxels") from None

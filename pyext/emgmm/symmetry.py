"""Cyclic and dihedral symmetry: operations, their axis, and which body is the image of which.

One copy moves and the others follow exactly, so that a ring of seven has the freedom of one
subunit. Operations act in the frame of the map: x -> R (x - center) + center.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import _core
from .config.settings import SymmetryConfig
from .errors import InputError
from .mixture import Mixture
from .poses import composed, superpose, to_poses
from .representation.system import System
from .scoring.mixture_score import ScoreOptions, make_score

# Å: copies that differ by more than this in the input structures are no images of each other.
_SAME_STRUCTURE = 3.0


@dataclass(frozen=True)
class Symmetry:
    """Operations and the bodies they tie together: pose(image) = operation pose(source) frame.

    Attributes
    ----------
    group
        ``C7``, ``D2``, ...
    operations
        (order, 7) poses, the identity first.
    source, image
        (n,) int, bodies.
    operation, frame
        (n, 7) poses, of each image: global to global, and its local frame to the source's.
    """

    group: str
    operations: np.ndarray
    source: np.ndarray
    image: np.ndarray
    operation: np.ndarray
    frame: np.ndarray

    def symmetric(self, poses: np.ndarray) -> np.ndarray:
        """(..., bodies, 7) poses with the images where the sources say."""
        result = np.array(poses, dtype=np.float64)
        placed = composed(self.operation, composed(result[..., self.source, :], self.frame))
        result[..., self.image, :] = placed
        return result

    def mover(self, mover: _core.Mover) -> _core.Mover:
        """The mover of sources, with their images in tow."""
        return _core.symmetric_mover(mover, self)


def operations(
    group: str, center: np.ndarray, axis: np.ndarray, second_axis: np.ndarray | None = None
) -> np.ndarray:
    """(order, 7) poses of the operations of C_n or D_n, the identity first.

    Parameters
    ----------
    center
        (3,) Å, a point on the axis; for D_n where the axes meet.
    axis, second_axis
        (3,) directions of the n-fold axis and, for D_n, of a two-fold one; what of it is
        perpendicular to the first counts.
    """
    second = np.zeros(3) if second_axis is None else second_axis
    return _core.symmetry_operations(group, np.array([center, axis, second], dtype=np.float64))


def find_axes(
    data: Mixture, group: str, center: np.ndarray | None = None, axis: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float]:
    """Axes of a symmetric density: the largest overlap with itself when turned.

    Parameters
    ----------
    data
        Data GMM.
    center, axis
        Kept where given.

    Returns
    -------
    tuple
        Center (3,) Å, axis (3,), second axis (3,) or None for C_n, and the smallest
        cross-correlation of the density with its turned self (1: perfectly symmetric).
    """
    turn, half_turn = f"C{group[1:]}", "C2"
    core = make_score(data, ScoreOptions())

    def likeness(center: np.ndarray, direction: np.ndarray, of: str) -> float:
        moved = data.moved(operations(of, center, direction)[1])
        return core.cross_correlation(moved)

    middle = data.weights @ data.means / data.weights.sum() if center is None else center
    middle = np.asarray(middle, dtype=float)
    extent = np.sqrt(data.weights @ ((data.means - middle) ** 2).sum(axis=1) / data.weights.sum())
    if axis is None:
        grid = _hemisphere(600)
        values = np.array([likeness(middle, d, turn) for d in grid])
        tried = [
            _climbed(lambda c, d: likeness(c, d, turn), middle, grid[i], extent, center is None)
            for i in np.argsort(-values)[:4]
        ]
        best, middle, axis = max(tried, key=lambda t: t[0])
    else:
        axis = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
        best = likeness(middle, axis, turn)
    if group[0] == "C":
        return middle, axis, None, best
    x, y = _across(axis)
    angles = np.linspace(0, np.pi, 180, endpoint=False)
    values = [likeness(middle, np.cos(a) * x + np.sin(a) * y, half_turn) for a in angles]
    start, step = angles[int(np.argmax(values))], np.pi / 180
    fine = np.linspace(start - step, start + step, 41)
    values = [likeness(middle, np.cos(a) * x + np.sin(a) * y, half_turn) for a in fine]
    found = fine[int(np.argmax(values))]
    return middle, axis, np.cos(found) * x + np.sin(found) * y, min(best, float(max(values)))


def _climbed(value, center, direction, extent, free_center):
    """Pattern search from one start: (value, center, direction)."""
    best, step = value(center, direction), 0.08
    while step > 2e-4:
        x, y = _across(direction)
        trials = [(center, direction + s * step * u) for u in (x, y) for s in (1, -1)]
        if free_center:
            trials += [(center + s * step * extent * u, direction) for u in (x, y) for s in (1, -1)]
        scored = [(value(c, d / np.linalg.norm(d)), c, d / np.linalg.norm(d)) for c, d in trials]
        top = max(scored, key=lambda t: t[0])
        if top[0] > best:
            best, center, direction = top
        else:
            step /= 2
    return best, center, direction


def find_symmetry(system: System, data: Mixture | None, config) -> Symmetry | None:
    """The symmetry that the settings ask for, its axis taken from them or found in the data.

    Raises
    ------
    InputError
        Molecules without the copies that the group needs, copies that are not alike, or no axis and
        no data to find it in.
    """
    section = config.symmetry
    if section is None:
        return None
    try:
        poses = operations(section.group, *symmetry_axes(section, data))
    except ValueError as error:
        raise InputError("[symmetry]", str(error), "axes across each other", "axis") from None
    return Symmetry(section.group, poses, *_images(system, poses, section.molecules))


def symmetry_axes(
    section: SymmetryConfig, data: Mixture | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Center (3,) Å, axis (3,) and second axis (3,) or None for C_n: those of the settings, what
    they leave open from the data.

    Raises
    ------
    InputError
        No axis and no data to find it in.
    """
    center, axis, second = (
        None if value is None else np.asarray(value, dtype=float)
        for value in (section.center, section.axis, section.second_axis)
    )
    if center is not None and axis is not None and (section.group[0] == "C" or second is not None):
        return center, axis, second
    if data is None:
        raise InputError("[symmetry]", "no axis and no map", "axis and center, or a map", "axis")
    return find_axes(data, section.group, center, axis)[:3]


def _images(
    system: System, operations: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    order = len(operations)
    copies: dict[str, list[int]] = {}
    for m, molecule in enumerate(system.molecules):
        copies.setdefault(molecule.name, []).append(m)
    names = names or [n for n, members in copies.items() if len(members) % order == 0]
    for name in names:
        if len(copies.get(name, ())) % order or name not in copies:
            found = f"{len(copies.get(name, ()))} copies of {name}"
            raise InputError("[symmetry]", found, f"a multiple of {order}", "molecules")
    if not names:
        expected = f"a molecule with {order} copies, or a multiple"
        raise InputError("[symmetry]", "none", expected, "molecules")
    beads = system.finest
    rows: dict[tuple[int, int], list[tuple[int, int]]] = {}  # particles by (source, image)
    numbers: dict[tuple[int, int], int] = {}
    for name in names:
        members = copies[name]
        for start in range(0, len(members), order):
            source = members[start]
            for k in range(1, order):
                for i, j in _alike(system, source, members[start + k]):
                    pair = int(beads.body[i]), int(beads.body[j])
                    rows.setdefault(pair, []).append((i, j))
                    if numbers.setdefault(pair, k) != k:
                        raise _refused(system, pair, "images of each other twice over")
    _check_pairs(system, rows)
    source, image = np.array(list(rows), dtype=np.int64).T
    frames = np.array([_frame(system, pair, pairs) for pair, pairs in rows.items()])
    return source, image, operations[[numbers[pair] for pair in rows]], frames


def _alike(system: System, source: int, image: int) -> list[tuple[int, int]]:
    beads = system.finest
    keys = [
        {
            (int(beads.first[i]), int(beads.last[i])): int(i)
            for i in np.flatnonzero(beads.molecule == m)
        }
        for m in (source, image)
    ]
    if keys[0].keys() != keys[1].keys():
        labels = " and ".join(system.molecules[m].label for m in (source, image))
        raise InputError(
            "[symmetry]", f"{labels} with unlike beads", "copies modelled alike", "molecules"
        )
    return [(i, keys[1][key]) for key, i in keys[0].items()]


def _check_pairs(system: System, rows: dict) -> None:
    beads, bodies = system.finest, system.bodies
    sources = {pair[0] for pair in rows}
    seen: set[int] = set()
    for pair, pairs in rows.items():
        source, image = pair
        if image in sources or image in seen:
            raise _refused(system, pair, "not bodies of their own")
        seen.add(image)
        if not bodies.movable[[source, image]].all():
            raise _refused(system, pair, "not in rigid bodies (nothing moves them)")
        if not len(pairs) == (beads.body == source).sum() == (beads.body == image).sum():
            raise _refused(system, pair, "sharing bodies with molecules that are no copies")


def _refused(system: System, pair: tuple[int, int], why: str) -> InputError:
    names = " and ".join(system.bodies.names[b] for b in pair)
    expected = "bodies that each belong to one copy"
    return InputError("[symmetry]", f"{names}: {why}", expected, "molecules")


def _frame(system: System, pair: tuple[int, int], pairs: list[tuple[int, int]]) -> np.ndarray:
    """(7,) pose: from the local frame of the image to that of the source."""
    beads = system.finest
    i, j = np.array(pairs).T
    source, image = beads.local[i], beads.local[j]
    if not system.bodies.rotatable[pair[0]] or len(i) < 3:
        return np.r_[1.0, 0, 0, 0, (source - image).mean(axis=0)]
    rotation, shift = superpose(image, source)
    off = np.sqrt((((image @ rotation.T + shift) - source) ** 2).sum(axis=1).mean())
    if off > _SAME_STRUCTURE:
        raise _refused(system, pair, f"copies that differ by {off:.1f} Å rmsd")
    return to_poses(rotation, shift)


def _across(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions that make a right-handed frame with the axis."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    x = np.cross(axis, helper)
    x /= np.linalg.norm(x)
    return x, np.cross(axis, x)


def _hemisphere(n: int) -> np.ndarray:
    """(n, 3) directions, evenly spread (a Fibonacci spiral), each axis once."""
    z = (np.arange(n) + 0.5) / n
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(n)
    across = np.sqrt(1 - z * z)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)

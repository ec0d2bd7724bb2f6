"""Cyclic and dihedral symmetry: operations, their axis, and which body is the image of which.

One copy moves and the others follow exactly, so that a ring of seven has the freedom of one
subunit. Operations act in the frame of the map: x -> R (x - center) + center.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import _core
from .analysis.deviations import superpose
from .errors import InputError
from .mixture import Mixture
from .poses import to_matrices, to_poses, turned
from .representation.system import System
from .scoring import ScoreOptions, make_score

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
        return _core.symmetric_mover(mover, self.source, self.image, self.operation, self.frame)


def composed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 7) poses: first b, then a."""
    rotation, shift = to_matrices(a)
    place = np.einsum("...ij,...j->...i", rotation, b[..., 4:]) + shift
    turn = turned(a[..., :4], b[..., :4])
    turn = turn / np.linalg.norm(turn, axis=-1, keepdims=True)
    return np.concatenate([turn, place], axis=-1)


def operations(
    group: str, center: np.ndarray, axis: np.ndarray, second_axis: np.ndarray | None = None
) -> np.ndarray:
    """(order, 7) poses of the operations of C_n or D_n, the identity first.

    Parameters
    ----------
    center
        (3,) Å, a point on the axis; for D_n where the axes meet.
    axis, second_axis
        (3,) directions of the n-fold axis and, for D_n, of a two-fold one perpendicular to it.
    """
    kind, n = group[0], int(group[1:])
    turns = [_about(axis, 2 * np.pi * k / n) for k in range(n)]
    if kind == "D":
        flip = _about(second_axis, np.pi)
        turns += [turn @ flip for turn in turns]
    rotation = np.array(turns)
    return to_poses(rotation, center - rotation @ center)


def find_axes(
    data: Mixture, group: str, center: np.ndarray | None = None, axis: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float]:
    """Where the axes of a symmetric density lie: the largest overlap with itself when turned.

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
    n = int(group[1:])
    core = make_score(data, ScoreOptions())

    def likeness(center: np.ndarray, direction: np.ndarray, angle: float) -> float:
        turn = _about(direction, angle)
        moved = data.transformed(turn, center - turn @ center)
        return core.cross_correlation(moved.means, moved.covariances, moved.weights)

    middle = data.weights @ data.means / data.weights.sum() if center is None else center
    middle = np.asarray(middle, dtype=float)
    extent = np.sqrt(data.weights @ ((data.means - middle) ** 2).sum(axis=1) / data.weights.sum())
    angle = 2 * np.pi / n
    if axis is None:
        grid = _hemisphere(600)
        values = np.array([likeness(middle, d, angle) for d in grid])
        tried = [
            _climbed(lambda c, d: likeness(c, d, angle), middle, grid[i], extent, center is None)
            for i in np.argsort(-values)[:4]
        ]
        best, middle, axis = max(tried, key=lambda t: t[0])
    else:
        axis = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
        best = likeness(middle, axis, angle)
    if group[0] == "C":
        return middle, axis, None, best
    x, y = _across(axis)
    angles = np.linspace(0, np.pi, 180, endpoint=False)
    values = [likeness(middle, np.cos(a) * x + np.sin(a) * y, np.pi) for a in angles]
    start, step = angles[int(np.argmax(values))], np.pi / 180
    fine = np.linspace(start - step, start + step, 41)
    values = [likeness(middle, np.cos(a) * x + np.sin(a) * y, np.pi) for a in fine]
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
    given = {
        key: None if value is None else np.asarray(value, dtype=float)
        for key, value in (("center", section.center), ("axis", section.axis))
    }
    second = section.second_axis
    complete = all(v is not None for v in given.values())
    if complete and (section.group[0] == "C" or second is not None):
        center, axis = given["center"], given["axis"] / np.linalg.norm(given["axis"])
        second = None if second is None else np.asarray(second, dtype=float)
    elif data is None:
        raise InputError("[symmetry]", "no axis and no map", "axis and center, or a map", "axis")
    else:
        center, axis, second, _ = find_axes(data, section.group, **given)
    if second is not None:
        second = second - axis * (axis @ second)
        second = second / np.linalg.norm(second)
    poses = operations(section.group, center, axis, second)
    return Symmetry(section.group, poses, *_images(system, poses, section.molecules))


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


def symmetric_search(
    system: System,
    data: Mixture,
    options: ScoreOptions,
    symmetry: Symmetry,
    seed: int = 0,
    threads: int = 0,
    solutions: int = 6,
) -> list[np.ndarray] | None:
    """Symmetric arrangements from nothing, best EM score first: one copy searches, all follow.

    The heaviest source comes first, each into what those before it, with their images, leave of
    the data. Every candidate is scored with all its images in place.

    Returns
    -------
    list
        (bodies, 7) poses each; None where a rigid body takes no part in the symmetry.
    """
    core = make_score(data, options)
    g, bodies = system.gaussians, system.bodies
    dense = np.unique(g.body[bodies.rotatable[g.body] & bodies.movable[g.body]])
    sources = [int(b) for b in np.unique(symmetry.source) if b in dense]
    if not sources or not np.isin(dense, np.union1d(symmetry.source, symmetry.image)).all():
        return None
    weight = {b: g.mixture.weights[g.body == b].sum() for b in sources}
    states = [(0.0, symmetry.symmetric(to_poses(bodies.rotation, bodies.translation)))]
    done: list[int] = []
    for source in sorted(sources, key=lambda b: -weight[b]):
        mine = g.body == source
        arrays = (g.mixture.means[mine], g.mixture.covariances[mine], g.mixture.weights[mine])
        found = []
        for _, poses in states:
            before = np.isin(g.body, done)
            placed = g.placed(*to_matrices(poses))
            fixed = (placed.means[before], placed.covariances[before], placed.weights[before])
            candidates, _ = _core.placement_candidates(
                core, *arrays, *fixed, seed=seed, threads=threads
            )
            group = [source, *symmetry.image[symmetry.source == source].tolist()]
            now = np.isin(g.body, [*done, *group])
            for candidate in candidates:
                trial = symmetry.symmetric(_with_source(system, poses, source, candidate))
                model = g.placed(*to_matrices(trial))
                part = model.means[now], model.covariances[now], model.weights[now]
                # Eq. 13 would swell an incomplete model to cover what the others will.
                complete = len(done) + len(group) >= len(dense)
                value = core.evaluate(*part) if complete else -core.cross_correlation(*part)
                found.append((value if np.isfinite(value) else np.inf, trial))
        done += group
        found.sort(key=lambda f: f[0])
        states = found[:solutions]
    return [poses for _, poses in states]


def symmetric_placements(
    system: System,
    data: Mixture,
    options: ScoreOptions,
    symmetry: Symmetry,
    placements: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Symmetric arrangements made of ones that need not be, best EM score first.

    Each source takes the pose of whichever of its copies, in whichever arrangement, scores best
    with all images in place.

    Parameters
    ----------
    placements
        (bodies, 7) poses each.
    """
    core = make_score(data, options)
    inverse = _inverse(symmetry.frame)

    def score(poses: np.ndarray) -> float:
        g = system.gaussians.placed(*to_matrices(poses))
        value = core.evaluate(g.means, g.covariances, g.weights)
        return value if np.isfinite(value) else np.inf

    sources = [s for s in np.unique(symmetry.source) if system.bodies.rotatable[s]]
    found = []
    for start in placements:
        poses = symmetry.symmetric(start)
        best = score(poses)
        for _ in range(2):
            for source in sources:
                own = np.flatnonzero(symmetry.source == source)
                candidates = [
                    pose
                    for other in placements
                    for pose in [
                        other[source],
                        *composed(other[symmetry.image[own]], inverse[own]),
                    ]
                ]
                for pose in candidates:
                    trial = _with_source(system, poses, source, pose)
                    trial = symmetry.symmetric(trial)
                    if (value := score(trial)) < best:
                        best, poses = value, trial
        found.append((best, len(found), poses))
    return [poses for _, _, poses in sorted(found, key=lambda f: f[:2])]


def _with_source(system: System, poses: np.ndarray, body: int, pose: np.ndarray) -> np.ndarray:
    from .sampler_setup import carry_along

    result = poses.copy()
    carry_along(system, result, body, pose[:4], pose[4:])
    return result


def _inverse(poses: np.ndarray) -> np.ndarray:
    rotation, shift = to_matrices(poses)
    back = np.swapaxes(rotation, -1, -2)
    return to_poses(back, -np.einsum("...ij,...j->...i", back, shift))


def _about(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rotation matrix (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


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

"""Poses as in the core: rows of seven, w x y z of a unit quaternion and a translation in Å."""

from __future__ import annotations

import numpy as np


def to_poses(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """(..., 7) poses of rotation matrices (..., 3, 3) and translations (..., 3) Å."""
    r = np.asarray(rotation, dtype=np.float64)
    # The largest of the four squared components is divided by, so that nothing is lost
    # (Shepperd 1978).
    xx, yy, zz = r[..., 0, 0], r[..., 1, 1], r[..., 2, 2]
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], -1)
    w, x, y, z = np.moveaxis(squares, -1, 0)
    yz = r[..., 2, 1] - r[..., 1, 2], r[..., 2, 1] + r[..., 1, 2]
    xz = r[..., 0, 2] - r[..., 2, 0], r[..., 0, 2] + r[..., 2, 0]
    xy = r[..., 1, 0] - r[..., 0, 1], r[..., 1, 0] + r[..., 0, 1]
    candidates = np.stack(
        [
            np.stack([w, yz[0], xz[0], xy[0]], -1),
            np.stack([yz[0], x, xy[1], xz[1]], -1),
            np.stack([xz[0], xy[1], y, yz[1]], -1),
            np.stack([xy[0], xz[1], yz[1], z], -1),
        ],
        -2,
    )
    best = np.argmax(squares, axis=-1)[..., None, None]
    q = np.take_along_axis(candidates, best, axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.concatenate([q, np.asarray(translation, dtype=np.float64)], axis=-1)


def to_matrices(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation matrices (..., 3, 3) and translations (..., 3) Å of poses (..., 7)."""
    w, x, y, z = np.moveaxis(np.asarray(poses, dtype=np.float64)[..., :4], -1, 0)
    rotation = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )
    return rotation, poses[..., 4:].copy()


def random_rotations(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 4) quaternions, uniform over all rotations."""
    q = rng.standard_normal((n, 4))
    return q / np.linalg.norm(q, axis=1, keepdims=True)


def turned(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Hamilton product q p of quaternions (..., 4)."""
    a, b, c, d = np.moveaxis(q, -1, 0)
    e, f, g, h = np.moveaxis(p, -1, 0)
    return np.stack(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ],
        -1,
    )


def composed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 7) poses: first b, then a."""
    rotation, shift = to_matrices(a)
    place = np.einsum("...ij,...j->...i", rotation, b[..., 4:]) + shift
    turn = turned(a[..., :4], b[..., :4])
    turn = turn / np.linalg.norm(turn, axis=-1, keepdims=True)
    return np.concatenate([turn, place], axis=-1)


def inverted(poses: np.ndarray) -> np.ndarray:
    """(..., 7) poses that undo these."""
    rotation, shift = to_matrices(poses)
    back = np.swapaxes(rotation, -1, -2)
    return to_poses(back, -np.einsum("...ij,...j->...i", back, shift))


def canonical(poses: np.ndarray) -> np.ndarray:
    """(..., 7) the same poses, with unit quaternions whose largest component is positive."""
    q = poses[..., :4]
    largest = np.take_along_axis(q, np.abs(q).argmax(axis=-1, keepdims=True), axis=-1)
    unit = np.copysign(1.0, largest) * q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.concatenate([unit, poses[..., 4:]], axis=-1)


def superpose(moving: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (..., 3, 3) and translation (..., 3) Å that take ``moving`` (n, 3) closest to
    ``target`` (..., n, 3) in the least-squares sense (Kabsch 1976), without reflection."""
    from_center, to_center = moving.mean(axis=-2), target.mean(axis=-2)
    correlation = np.einsum(
        "...ni,nj->...ij", target - to_center[..., None, :], moving - from_center
    )
    u, _, vt = np.linalg.svd(correlation)
    u[..., :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None]
    rotation = u @ vt
    return rotation, to_center - rotation @ from_center


def rotation_angle(rotation: np.ndarray) -> np.ndarray:
    """Angle (...), degrees from 0 to 180, of rotations (..., 3, 3)."""
    # From sine and cosine: the arc cosine alone loses small angles to rounding.
    r = rotation
    axis = np.stack(
        [
            r[..., 2, 1] - r[..., 1, 2],
            r[..., 0, 2] - r[..., 2, 0],
            r[..., 1, 0] - r[..., 0, 1],
        ],
        axis=-1,
    )
    sine = np.linalg.norm(axis, axis=-1)
    cosine = np.trace(r, axis1=-2, axis2=-1) - 1
    return np.degrees(np.arctan2(sine, cosine))

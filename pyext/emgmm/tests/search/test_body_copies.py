"""Copies of a subunit in one frame: what is a copy, and that nothing moves."""

import numpy as np
import pytest
from emgmm.poses import composed, to_poses
from emgmm.search import place_system
from emgmm.search.copies import _turned_frames, aligned_copies
from emgmm.search.starts import input_poses
from search_options import search_options
from toy_system import random_rotations, toy_system

pytestmark = pytest.mark.instruction_sets


def in_own_frames(system, seed=4):
    """The same system, every rigid body read in an orientation of its own."""
    generator = np.random.default_rng(seed)
    n = len(system.bodies)
    turns = np.repeat(np.eye(3)[None], n, axis=0)
    rigid = system.bodies.rotatable
    turns[rigid] = random_rotations(generator, rigid.sum())
    return _turned_frames(system, turns, np.zeros((n, 3)))


def positions(system, poses):
    means = system.gaussians.placed(poses)
    beads = [p.positions(poses) for p in system.particles.values()]
    return np.concatenate([*beads, means.means, means.covariances.reshape(-1, 3)])


def test_copies_come_into_one_frame_and_nothing_moves():
    plain = toy_system(names=("A", "B", "A", "B", "A"), tail=4)
    system = in_own_frames(plain)
    bodies = np.flatnonzero(system.bodies.rotatable)
    aligned, kinds, frames = aligned_copies(system, bodies)
    assert kinds == [0, 1, 0, 1, 0]
    np.testing.assert_allclose(
        positions(aligned, input_poses(aligned)), positions(system, input_poses(system)), atol=1e-9
    )
    beads = aligned.finest
    for body in bodies[[2, 4]]:
        np.testing.assert_allclose(
            beads.local[beads.body == body], beads.local[beads.body == bodies[0]], atol=1e-9
        )
    # Poses of the aligned system are those of the other after its frames.
    generator = np.random.default_rng(1)
    n = len(system.bodies)
    poses = to_poses(random_rotations(generator, n), generator.normal(size=(n, 3)) * 30)
    own = poses.copy()
    own[bodies] = composed(poses[bodies], frames)
    rigid = np.isin(system.gaussians.body, bodies)
    np.testing.assert_allclose(
        aligned.gaussians.placed(poses).means[rigid],
        system.gaussians.placed(own).means[rigid],
        atol=1e-9,
    )


def test_same_sequence_in_another_shape_is_no_copy():
    system = toy_system(names=("A", "A"), tail=0)
    beads = system.finest
    beads.local[beads.body == 1] *= 1.2
    assert aligned_copies(system, np.array([0, 1])).kinds == [0, 1]


def test_global_search_of_copies_in_frames_of_their_own():
    """The answer does not depend on how the copies were read."""
    plain = toy_system(names=("A", "A", "B"), tail=0)
    data = plain.gaussians.placed(plain.bodies.poses)
    scores = []
    for system in (plain, in_own_frames(plain)):
        best = place_system(system, data, search=search_options(threads=1))[0]
        scores.append(best.score)
        assert best.found == 2
        means = system.gaussians.placed(best.poses).means
        off = np.linalg.norm(means[:, None] - data.means[None], axis=2).min(axis=1)
        assert off.max() < 1
    assert abs(scores[0] - scores[1]) < 0.05

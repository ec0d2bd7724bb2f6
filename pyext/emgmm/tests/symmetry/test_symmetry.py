"""Symmetric complexes: axes found in the density, images in place after a run, bad input."""

import msgspec
import numpy as np
import pytest
from emgmm.config import (
    Config,
    EmConfig,
    SamplingConfig,
    SystemConfig,
    load_config,
)
from emgmm.errors import InputError
from emgmm.poses import rotation_angle, to_matrices
from emgmm.posterior import Posterior
from emgmm.sampling import Callbacks, make_sampler, run_native
from emgmm.scoring.mixture_score import ScoreOptions, make_score
from emgmm.search.starts import input_poses
from emgmm.search.symmetric import symmetric_search
from emgmm.symmetry import find_axes, find_symmetry, operations
from symmetric_ring import CENTER, ring, settings

pytestmark = pytest.mark.instruction_sets


def test_operations_are_a_group():
    axis, second = np.array([0.0, 0, 2.0]), np.array([0.0, 3.0, 0])
    rotation, shift = to_matrices(operations("D3", CENTER, axis, second))
    assert len(rotation) == 6
    np.testing.assert_allclose(rotation @ CENTER + shift, np.tile(CENTER, (6, 1)), atol=1e-9)
    products = np.einsum("aij,bjk->abik", rotation, rotation).reshape(-1, 3, 3)
    for product in products:
        assert np.abs(rotation - product).max(axis=(1, 2)).min() < 1e-12
    angles = np.sort(rotation_angle(rotation))
    np.testing.assert_allclose(angles, [0, 120, 120, 180, 180, 180], atol=1e-5)


@pytest.mark.parametrize("group", ["C3", "C7", "D2", "D3"])
def test_axes_are_found_in_the_density(group):
    _, data, axis, second = ring(group)
    center, found, flip, likeness = find_axes(data, group)
    assert likeness > 0.999
    off = center - CENTER
    if group[0] == "C":
        assert flip is None
        off -= found * (found @ off)  # anywhere on the axis
    assert np.linalg.norm(off) < 0.2
    if group == "D2":  # three equal axes
        three = np.array([axis, second, np.cross(axis, second)])
        assert np.abs(three @ found).max() > 0.9999 and np.abs(three @ flip).max() > 0.9999
    else:
        assert abs(found @ axis) > 0.9999
    if group == "D3":
        turns = [operations("C3", np.zeros(3), axis)[k] for k in range(3)]
        twofold = [to_matrices(t)[0] @ second for t in turns]
        assert max(abs(t @ flip) for t in twofold) > 0.9999


@pytest.mark.parametrize("group", ["C4", "D2"])
def test_images_follow_through_a_run(group):
    system, _, axis, second = ring(group, tail=4)
    given = {"axis": tuple(axis), "center": tuple(CENTER)}
    if group[0] == "D":
        given["second_axis"] = tuple(second)
    config = settings(group, **given)
    batches = []
    summary = run_native(Posterior.of_run(config, system, None), Callbacks(frames=batches.append))
    assert 0 < summary.acceptance["RigidBody A.0"] <= 1
    assert "RigidBody A.1" not in summary.acceptance
    turns, shifts = to_matrices(operations(group, CENTER, axis, second))
    beads = system.finest
    for batch in batches:
        for poses in batch.poses:
            xyz = beads.positions(poses)
            first = xyz[beads.molecule == 0]
            for k in range(1, len(turns)):
                expected = first @ turns[k].T + shifts[k]
                np.testing.assert_allclose(xyz[beads.molecule == k], expected, atol=1e-6)
    moved = batches[-1].poses[-1, :, 4:] - batches[0].poses[0, :, 4:]
    assert np.linalg.norm(moved[0]) > 1


def test_global_search_finds_a_ring():
    system, data, _, _ = ring("C3", tail=0)
    config = settings("C3")
    config = msgspec.structs.replace(
        config,
        em=EmConfig(gmm="g"),
        sampling=SamplingConfig(replicas=1, steps=1, start="placed", threads=1),
    )
    named = make_sampler(Posterior.of_run(config, system, data))
    poses = named.sampler.poses(0)
    placed = system.gaussians.placed(poses)
    gap = np.linalg.norm(placed.means[:, None] - data.means[None], axis=2).min(axis=1)
    assert gap.max() < 2
    symmetry = find_symmetry(system, data, config)
    np.testing.assert_allclose(symmetry.symmetric(poses)[:, 4:], poses[:, 4:], atol=1e-6)


def test_symmetric_search_puts_the_best_first():
    system, data, _, _ = ring("C3", tail=0)
    symmetry = find_symmetry(system, data, settings("C3"))
    data = data.scaled_to(system.mass)
    core = make_score(data, ScoreOptions())

    def score(poses):
        g = system.gaussians.placed(poses)
        return core.evaluate(g)

    found = symmetric_search(system, data, ScoreOptions(), symmetry, seed=2, threads=1)
    scores = [value for value, _ in found]
    assert scores == sorted(scores)
    assert scores == [pytest.approx(score(poses), rel=1e-9) for _, poses in found]
    again = symmetric_search(system, data, ScoreOptions(), symmetry, seed=2, threads=2)
    np.testing.assert_array_equal(found[0][1], again[0][1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "C4"}, "found none, expected a molecule with 4 copies"),
        ({"group": "C4", "molecules": ("A",)}, "found 3 copies of A, expected a multiple of 4"),
        ({"group": "C3", "molecules": ("B",)}, "found 0 copies of B"),
        ({"group": "D3", "second_axis": (0, 0, 2), "axis": (0, 0, 1)}, "the second axis is no"),
    ],
)
def test_too_few_copies_are_refused(changes, message):
    system, _, axis, _ = ring("C3", tail=0)
    config = settings(**{"axis": tuple(axis), "center": tuple(CENTER), **changes})
    with pytest.raises(InputError, match=message):
        find_symmetry(system, None, config)


def test_axis_without_density_is_refused():
    system, _, _, _ = ring("C3", tail=0)
    with pytest.raises(InputError, match="no axis and no map"):
        find_symmetry(system, None, settings("C3"))
    assert find_symmetry(system, None, Config(system=SystemConfig(topology="t"))) is None
    assert input_poses(system).shape == (3, 7)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('group = "T"', "symmetry.group"),
        ('group = "C1"', "symmetry.group"),
        ('group = "C3"\naxis = [0, 0, 0]', "symmetry.axis"),
        ('group = "C3"\nsecond_axis = [0, 0, 1]', "symmetry.second_axis"),
    ],
)
def test_settings_are_checked(tmp_path, lines, key):
    (tmp_path / "t.txt").write_text("")
    path = tmp_path / "system.toml"
    path.write_text(f'[system]\ntopology = "t.txt"\n[symmetry]\n{lines}\n')
    with pytest.raises(InputError, match=key):
        load_config(path)

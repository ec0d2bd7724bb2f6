"""RMF3: written and read back, resumed, refused; and against the RMF library where there is one."""

import numpy as np
import pytest
from emgmm.errors import InputError
from emgmm.io.rmf import Node, RmfWriter, copy_frames, read_rmf
from emgmm.io.rmf.blocks import Blocks
from emgmm.io.rmf.system import system_tree
from emgmm.poses import to_poses
from toy_system import random_poses, random_rotations, toy_system

FEATURES = ("Total_Score", "ExcludedVolumeSphere")


def _trajectory(path, system, frames=5, seed=1, count=None):
    """Random poses of the system; returns them with the size after ``count`` frames."""
    generator = np.random.default_rng(seed)
    tree = system_tree(system, FEATURES)
    poses = [random_poses(system, generator) for _ in range(frames)]
    size = None
    with RmfWriter(path, tree.root, tree.frame_keys, "a test") as writer:
        for i, pose in enumerate(poses):
            if i == count:
                size = writer.byte_size()
            scores = {"Total_Score": -10.0 * i, "ExcludedVolumeSphere": 0.5}
            writer.write_frame(tree.frame_values(pose, scores), f"f{i}")
    return tree, poses, size


@pytest.mark.parametrize("resolution", [1, 10])
def test_coordinates_come_back(tmp_path, resolution):
    system = toy_system()
    _, poses, _ = _trajectory(tmp_path / "a.rmf3", system)
    rmf = read_rmf(tmp_path / "a.rmf3")
    leaves = rmf.leaves(resolution)
    particles = system.particles[resolution]
    assert rmf.frames == 5
    np.testing.assert_array_equal(leaves.first, particles.first)
    np.testing.assert_array_equal(leaves.last, particles.last)
    np.testing.assert_allclose(leaves.radius, particles.radius, rtol=1e-6)
    np.testing.assert_allclose(leaves.mass, particles.mass, rtol=1e-6)
    chains = [system.molecules[m].chain for m in particles.molecule]
    assert leaves.chain.tolist() == chains
    expected = np.array([particles.positions(pose) for pose in poses])
    np.testing.assert_allclose(rmf.coordinates(None, leaves), expected, atol=2e-4)
    np.testing.assert_allclose(rmf.coordinates(3, leaves), expected[3], atol=2e-4)
    # In the order asked for, repeated where asked twice.
    np.testing.assert_allclose(rmf.coordinates([4, 0, 4], leaves), expected[[4, 0, 4]], atol=2e-4)


def test_densities_come_back(tmp_path):
    system = toy_system(tail=0)
    _, poses, _ = _trajectory(tmp_path / "a.rmf3", system)
    expected = system.gaussians.placed(poses[2])
    found = read_rmf(tmp_path / "a.rmf3").densities(2)
    np.testing.assert_allclose(found.means, expected.means, atol=2e-4)
    np.testing.assert_allclose(found.covariances, expected.covariances, atol=2e-3)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-6)


def test_tree_and_scores(tmp_path):
    tree, _, _ = _trajectory(tmp_path / "a.rmf3", toy_system())
    rmf = read_rmf(tmp_path / "a.rmf3")
    assert rmf.description == "a test" and rmf.producer.startswith("emgmm")
    assert [n.name for n in rmf.root.children] == ["System", *FEATURES]
    state = rmf.root.children[0].children[0]
    assert [m.name for m in state.children] == ["A", "B", "B"]
    assert [m.values["sequence/copy index"] for m in state.children] == [0, 0, 1]
    assert state.children[0].values["sequence/chain type"] == "LPolypeptide"
    fragment = state.children[0].children[0]
    assert [kind for kind, _ in fragment.alternatives] == [0, 1]
    residue = fragment.children[0].children[0]
    assert residue.values["sequence/residue type"] == "GLY"
    values = rmf.frame_values(2)
    assert values["stat/Total_Score"] == {0: "-20.0"}
    assert values["feature/score"][tree.features["ExcludedVolumeSphere"]] == 0.5


def test_frames_within_frames(tmp_path):
    """A reference frame below another, below none: composed from the outside in."""
    generator = np.random.default_rng(2)
    turns = random_rotations(generator, 2)
    shifts = generator.normal(size=(2, 3)) * 10
    point = np.array([1.0, 2.0, 3.0])
    leaf = Node("p", values={"physics/radius": 1.0, "physics/mass": 1.0})
    leaf.values["physics/coordinates"] = point
    inner = Node("inner", children=[leaf])
    inner.values["physics/rotation"] = to_poses(turns, shifts)[1, :4]
    inner.values["physics/translation"] = shifts[1]
    outer = Node("outer", "organizational", children=[inner])
    root = Node("root", "root", children=[outer])
    keys = ("physics/rotation", "physics/translation")
    with RmfWriter(tmp_path / "a.rmf3", root, keys) as writer:
        values = {keys[0]: ([1], to_poses(turns, shifts)[:1, :4]), keys[1]: ([1], shifts[:1])}
        writer.write_frame(values)
    expected = turns[0] @ (turns[1] @ point + shifts[1]) + shifts[0]
    found = read_rmf(tmp_path / "a.rmf3").coordinates(0)
    np.testing.assert_allclose(found, expected[None], atol=1e-5)


def test_a_value_that_a_frame_lacks_is_the_static_one(tmp_path):
    leaf = Node("p", values={"physics/coordinates": (1.0, 2.0, 3.0), "physics/radius": 1.0})
    root = Node("root", "root", children=[leaf])
    with RmfWriter(tmp_path / "a.rmf3", root) as writer:
        writer.write_frame({})
        writer.write_frame({"physics/coordinates": ([1], [(4.0, 5.0, 6.0)])})
    found = read_rmf(tmp_path / "a.rmf3").coordinates()
    np.testing.assert_array_equal(found[:, 0], [(1, 2, 3), (4, 5, 6)])


def test_same_input_same_bytes(tmp_path):
    for name in ("a.rmf3", "b.rmf3"):
        _trajectory(tmp_path / name, toy_system())
    assert (tmp_path / "a.rmf3").read_bytes() == (tmp_path / "b.rmf3").read_bytes()


@pytest.mark.parametrize("residues", [10, 600])
def test_no_block_is_empty(tmp_path, residues):
    """The RMF library takes a block without records for the end of the file."""
    _trajectory(tmp_path / "a.rmf3", toy_system(residues=residues))
    blocks = Blocks(tmp_path / "a.rmf3")
    assert blocks.counts[0] == 1 and min(blocks.counts) > 0 and sum(blocks.counts) == 6


def test_what_was_flushed_can_be_read_while_writing(tmp_path):
    system = toy_system()
    tree = system_tree(system)
    writer = RmfWriter(tmp_path / "a.rmf3", tree.root, tree.frame_keys)
    for count in (1, 2, 3):
        writer.write_frame(tree.frame_values(system.bodies.poses))
        writer.flush()
        assert read_rmf(tmp_path / "a.rmf3").frames == count
    writer.close()


@pytest.mark.parametrize("garbage", [b"", b"\x02\xf0\x01half a block"])
def test_resume_after_kill(tmp_path, garbage):
    """Frames after the checkpoint are cut off, and those written again are the same ones."""
    system = toy_system()
    whole, path = tmp_path / "whole.rmf3", tmp_path / "a.rmf3"
    tree, poses, size = _trajectory(whole, system, frames=8, count=5)
    path.write_bytes(whole.read_bytes() + garbage)
    with RmfWriter.resume(path, size, tree.root, tree.frame_keys) as writer:
        assert writer.frames == 5
        for pose in poses[5:]:
            writer.write_frame(tree.frame_values(pose))
    found, expected = read_rmf(path), read_rmf(whole)
    assert found.frames == 8
    np.testing.assert_array_equal(found.coordinates(), expected.coordinates())


def test_resume_refuses_what_is_not_its_file(tmp_path):
    system = toy_system()
    path = tmp_path / "a.rmf3"
    tree, _, size = _trajectory(path, system, count=2)
    other = system_tree(toy_system(names=("A",)), FEATURES)
    with pytest.raises(InputError, match="another system"):
        RmfWriter.resume(path, size, other.root, other.frame_keys)
    with pytest.raises(InputError, match="block that ends at byte 10"):
        RmfWriter.resume(path, 10, tree.root, tree.frame_keys)
    with pytest.raises(InputError, match="at least 1000000"):
        RmfWriter.resume(path, 1000000, tree.root, tree.frame_keys)


def test_copied_frames(tmp_path):
    path = tmp_path / "a.rmf3"
    _trajectory(path, toy_system(), frames=6)
    whole = read_rmf(path)
    assert copy_frames(whole, tmp_path / "b.rmf3", [5, 1, 1]) == 3
    part = read_rmf(tmp_path / "b.rmf3")
    np.testing.assert_array_equal(part.coordinates(), whole.coordinates([5, 1, 1]))
    assert part.frame_values(0)["stat/Total_Score"] == {0: "-50.0"}
    with pytest.raises(IndexError, match="frames 2 to 6 of 6"):
        copy_frames(whole, tmp_path / "c.rmf3", [2, 6])
    assert not (tmp_path / "c.rmf3").exists()


def test_truncated_file_keeps_its_whole_blocks(tmp_path):
    path = tmp_path / "a.rmf3"
    _, _, size = _trajectory(path, toy_system(), frames=6, count=4)
    path.write_bytes(path.read_bytes()[: size + 20])
    assert read_rmf(path).frames == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"HEADER    TRANSFERASE", "a file that starts with b'HEAD'"),
        (b"Obj\x01\x04\x14avro", "a broken header"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "a.rmf3"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_rmf(path)


def test_a_byte_changed_on_disk_is_told(tmp_path):
    path = tmp_path / "a.rmf3"
    _trajectory(path, toy_system())
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF  # of the marker after the last block
    path.write_bytes(content)
    with pytest.raises(InputError, match="broken block"):
        read_rmf(path)


def test_nothing_is_overwritten_without_force(tmp_path):
    path = tmp_path / "a.rmf3"
    tree, _, _ = _trajectory(path, toy_system())
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists"):
        RmfWriter(path, tree.root)
    assert path.read_bytes() == before


def test_undeclared_and_malformed_keys(tmp_path):
    root = Node("root", "root")
    with RmfWriter(tmp_path / "a.rmf3", root) as writer, pytest.raises(KeyError, match="declared"):
        writer.write_frame({"stat/x": ([0], ["1"])})
    with pytest.raises(ValueError, match="category/name"):
        RmfWriter(tmp_path / "b.rmf3", root, ["mass"])
    with pytest.raises(ValueError, match="node name"):
        RmfWriter(tmp_path / "b.rmf3", Node("root", "root", children=[Node('a "b"')]))
    with pytest.raises(ValueError, match="type 'root'"):
        RmfWriter(tmp_path / "b.rmf3", Node("root"))


def test_rmf_library_reads_the_same(tmp_path):
    """The RMF library, where installed, walks the tree and finds our coordinates."""
    library = pytest.importorskip("RMF")
    system = toy_system()
    _, poses, _ = _trajectory(tmp_path / "a.rmf3", system)
    file = library.open_rmf_file_read_only(str(tmp_path / "a.rmf3"))
    assert file.get_number_of_frames() == len(poses)
    frame = 3
    file.set_current_frame(library.FrameID(frame))
    assert file.get_producer().startswith("emgmm")
    frames = library.ReferenceFrameFactory(file)
    particles = library.ParticleFactory(file)
    found = []

    def visit(node, transform):
        if frames.get_is(node):
            transform = library.CoordinateTransformer(transform, frames.get(node))
        if particles.get_is(node):
            local = particles.get(node).get_coordinates()
            found.append(list(transform.get_global_coordinates(local)))
        for child in node.get_children():
            visit(child, transform)

    visit(file.get_root_node(), library.CoordinateTransformer())
    expected = system.finest.positions(poses[frame])
    np.testing.assert_allclose(found, expected, atol=1e-3)

"""Files read back as they were written, in every format, whatever the numbers."""

from __future__ import annotations

import math
import string

import msgspec
import numpy as np
from emgmm.config import Config, dump_config, load_config
from emgmm.fitting.fit_error import ComponentErrors, read_component_errors, write_component_errors
from emgmm.io.fasta import read_fasta_records
from emgmm.io.gmm import FORMATS, read_gmm_file, write_gmm
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.io.rmf import Node, RmfWriter, read_rmf
from emgmm.io.stat import StatWriter, read_stat
from emgmm.io.topology import COLUMNS, read_topology
from emgmm.mixture import Mixture
from emgmm.sampling.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from few_examples import few
from hypothesis import given
from hypothesis import strategies as st
from map_files import encode

finite = st.floats(-1e6, 1e6)
singles = st.floats(-1e6, 1e6, width=32)
counts = st.integers(-(2**31), 2**31 - 1)
words = st.text(string.ascii_letters + string.digits + "_-+ .é中'\\", min_size=1, max_size=12)


@st.composite
def mixtures(draw):
    """From flat to needle-shaped, from far to near, from 1e-30 to 1e30 Da."""
    n = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    turns, _ = np.linalg.qr(random.normal(size=(n, 3, 3)))
    widths = 10.0 ** random.uniform(-1, draw(st.integers(0, 3)), size=(n, 3))
    covariances = np.einsum("nij,nj,nkj->nik", turns, widths**2, turns)
    weights = 10.0 ** random.uniform(-1, 1, n) * 10.0 ** draw(st.integers(-30, 30))
    return Mixture(
        random.normal(size=(n, 3)) * 10.0 ** draw(st.integers(-8, 6)), covariances, weights
    )


@few
@given(mixture=mixtures(), format=st.sampled_from(FORMATS), packed=st.booleans())
def test_mixtures(tmp_path, mixture, format, packed):
    path = tmp_path / ("a.txt" + ".gz" * packed)
    write_gmm(path, mixture, format, comments=["threshold: 1e-3"], force=True)
    found = read_gmm_file(path)
    assert found.format == format
    assert format != "imp" or found.comments["threshold"] == "1e-3"
    for name in ("means", "covariances", "weights"):
        np.testing.assert_array_equal(getattr(found.mixture, name), getattr(mixture, name))


@few
@given(
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    voxel=st.tuples(*[st.floats(0.125, 20, width=32)] * 3),
    origin=st.tuples(*[st.floats(-5000, 5000, width=32)] * 3),
    values=st.lists(singles, min_size=1, max_size=9),
    packed=st.booleans(),
)
def test_maps(tmp_path, shape, voxel, origin, values, packed):
    density = DensityMap(np.resize(np.float32(values), shape), voxel, origin)
    path = tmp_path / ("a.mrc" + ".gz" * packed)
    write_map(path, density, force=True)
    found = read_map(path)
    np.testing.assert_array_equal(found.values, density.values)
    np.testing.assert_allclose(found.voxel, density.voxel, rtol=1e-6)
    np.testing.assert_allclose(found.origin, density.origin, rtol=1e-6, atol=1e-5)


@few
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 3),
    start=st.tuples(*[st.integers(-50, 50)] * 3),
    axes=st.permutations((1, 2, 3)),
    frame=st.sampled_from(("origin", "nstart", "both")),
    mode=st.sampled_from((0, 1, 2, 6, 12)),
    order=st.sampled_from("<>"),
    extended=st.binary(max_size=200),
    values=st.lists(st.integers(0, 120), min_size=1, max_size=9),
)
def test_maps_of_other_programs(tmp_path, shape, start, axes, frame, mode, order, extended, values):
    voxel = np.array([1.5, 2.0, 2.5])
    density = DensityMap(np.resize(np.float32(values), shape), voxel, start * voxel)
    path = tmp_path / "a.mrc"
    path.write_bytes(encode(density, tuple(axes), frame, mode, order, extended))
    found = read_map(path)
    np.testing.assert_array_equal(found.values, density.values)
    np.testing.assert_allclose(found.voxel, voxel)
    np.testing.assert_allclose(found.origin, density.origin)


@st.composite
def trees(draw):
    """A tree with values of every kind, and the beads that move."""
    scalars = {
        "physics/radius": singles,
        "physics/mass": singles,
        "sequence/residue index": counts,
        "sequence/chain id": words,
        "sequence/residue indexes": st.lists(counts, min_size=1, max_size=4),
        "shape/rgb color": st.tuples(*[st.floats(0, 1, width=32)] * 3),
        "my category/my word": words,
        "my category/my number": counts,
    }
    names = words.filter(lambda name: '"' not in name)
    root = Node("root", "root")
    nodes = [root]
    for _ in range(draw(st.integers(0, 6))):
        keys = draw(st.lists(st.sampled_from(sorted(scalars)), unique=True, max_size=4))
        node = Node(draw(names), values={key: draw(scalars[key]) for key in keys})
        draw(st.sampled_from(nodes)).children.append(node)
        nodes.append(node)
    return root, nodes[1:]


@few
@given(tree=trees(), data=st.data())
def test_trajectories(tmp_path, tree, data):
    root, beads = tree
    vectors = st.tuples(*[singles] * 3)
    frames = data.draw(
        st.lists(st.lists(vectors, min_size=len(beads), max_size=len(beads)), max_size=3)
    )
    path = tmp_path / "a.rmf3"
    with RmfWriter(path, root, ["physics/coordinates"], "words", force=True) as writer:
        ids = [bead.id for bead in beads]
        for places in frames:
            writer.write_frame({"physics/coordinates": (ids, np.array(places).reshape(-1, 3))})
    found = read_rmf(path)
    assert found.description == "words" and found.frames == len(frames)
    for (old, above), (new, same) in zip(root.walk(), found.root.walk(), strict=True):
        assert (old.id, old.name, old.type) == (new.id, new.name, new.type)
        assert (above and above.id) == (same and same.id)
        assert old.values == new.values
    for number, places in enumerate(frames):
        moving = found.frame_values(number).get("physics/coordinates", {})
        assert moving == dict(zip(ids, places, strict=True))


@few
@given(
    keys=st.lists(words, unique=True, min_size=1, max_size=5),
    rows=st.lists(
        st.lists(st.one_of(finite, counts, words, st.booleans()), max_size=5), max_size=4
    ),
)
def test_stat_files(tmp_path, keys, rows):
    path = tmp_path / "stat.out"
    with StatWriter(path, keys, {"emgmm": "1"}, force=True) as writer:
        for row in rows:
            writer.write(dict(zip(keys, row, strict=False)))
    found = read_stat(path)
    assert found.keys == tuple(keys) and len(found) == len(rows)
    for i, key in enumerate(keys):
        for text, row in zip(found.text(key), rows, strict=True):
            value = row[i] if i < len(row) else None
            number = isinstance(value, float)
            assert float(text) == value if number else text == str(value)


@few
@given(
    state=st.binary(max_size=300),
    offsets=st.dictionaries(words, st.integers(0, 2**53), max_size=3),
    totals=st.dictionaries(words, st.one_of(finite, st.just(math.inf), counts), max_size=3),
)
def test_checkpoints(tmp_path, state, offsets, totals):
    checkpoint = Checkpoint(state, offsets, totals)
    write_checkpoint(tmp_path / "c", checkpoint)
    assert read_checkpoint(tmp_path / "c") == checkpoint


@few
@given(misfit=st.lists(st.floats(-10, 10), min_size=1, max_size=6), has_noise=st.booleans())
def test_errors_of_components(tmp_path, misfit, has_noise):
    noise = np.abs(misfit)[::-1] if has_noise else None
    errors = ComponentErrors(np.array(misfit), noise)
    write_component_errors(tmp_path / "e.csv", errors, force=True)
    found = read_component_errors(tmp_path / "e.csv", len(misfit))
    np.testing.assert_allclose(found, errors.total, rtol=1e-5)


names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)


@few
@given(
    records=st.dictionaries(
        names, st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=200), min_size=1, max_size=4
    ),
    width=st.integers(1, 80),
    end=st.sampled_from(("\n", "\r\n")),
    star=st.booleans(),
)
def test_sequences(tmp_path, records, width, end, star):
    lines = []
    for name, sequence in records.items():
        sequence += "*" * star
        lines += [f">{name}|P1", *(sequence[i : i + width] for i in range(0, len(sequence), width))]
    (tmp_path / "a.fasta").write_bytes((end.join(lines) + end).encode())
    found = read_fasta_records(tmp_path / "a.fasta")
    assert {record.name: record.sequence for record in found} == records
    assert {record.uniprot for record in found} == {"P1"}


@st.composite
def rows(draw):
    first = draw(st.integers(1, 500))
    last = draw(st.one_of(st.just("END"), st.integers(first, 900)))
    numbers = st.lists(st.integers(1, 9), unique=True, max_size=3)
    return {
        "molecule_name": draw(names),
        "color": draw(st.sampled_from(("red", "#00ff00", "0.25,0.5,1"))),
        "fasta_fn": draw(names) + ".fasta",
        "fasta_id": draw(names),
        "pdb_fn": draw(st.one_of(st.just("BEADS"), names.map(lambda name: name + ".pdb"))),
        "chain": draw(st.sampled_from(("A", "b", "AA"))),
        "residue_range": f"{first},{last}",
        "pdb_offset": str(draw(st.integers(-99, 99))),
        "bead_size": str(draw(st.integers(1, 50))),
        "em_residues_per_gaussian": str(draw(st.integers(0, 20))),
        "rigid_body": draw(st.sampled_from(("", "1", "12"))),
        "super_rigid_body": ",".join(map(str, draw(numbers))),
        "chain_of_super_rigid_bodies": ",".join(map(str, draw(numbers))),
    }


@few
@given(
    table=st.lists(rows(), min_size=1, max_size=4, unique_by=lambda row: row["molecule_name"]),
    order=st.permutations(COLUMNS[1:-1]),
    pad=st.sampled_from(("", " ")),
)
def test_topology_tables(tmp_path, table, order, pad):
    order = ["molecule_name", *order]  # what tells the header
    lines = [order, *([row[c] for c in order] for row in table)]
    lines = ["|" + "|".join(pad + cell + pad for cell in cells) + "|" for cells in lines]
    (tmp_path / "t.txt").write_text("\n".join(lines) + "\n")
    for line, (found, row) in enumerate(
        zip(read_topology(tmp_path / "t.txt"), table, strict=True), 2
    ):
        assert found.line == line
        assert (found.molecule, found.copy) == (row["molecule_name"], 0)
        assert found.fasta_file == tmp_path.resolve() / row["fasta_fn"]
        assert found.fasta_id == row["fasta_id"]
        assert ",".join(map(str, found.residue_range)) == row["residue_range"]
        assert str(found.pdb_offset) == row["pdb_offset"]
        assert str(found.bead_size) == row["bead_size"]
        assert str(found.em_residues_per_gaussian) == row["em_residues_per_gaussian"]
        assert str(found.rigid_body or "") == row["rigid_body"]
        assert ",".join(map(str, found.super_rigid_bodies)) == row["super_rigid_body"]
        assert found.structured == (row["pdb_fn"] != "BEADS")


@few
@given(
    sampling=st.fixed_dictionaries(
        {},
        optional={
            "replicas": st.integers(1, 64),
            "steps": st.integers(1, 2**40),
            "temperature_min": st.floats(0.1, 1),
            "max_translation": st.one_of(st.just(0.0), st.floats(1e-30, 100)),
            "seed": st.integers(0, 2**31),
            "start": st.sampled_from(("placed", "random", "asis")),
        },
    ),
    fasta_names=st.dictionaries(words, words, max_size=3),
)
def test_settings(tmp_path, sampling, fasta_names):
    (tmp_path / "t.txt").touch()
    settings = {"system": {"topology": "t.txt", "fasta_names": fasta_names}, "sampling": sampling}
    path = tmp_path / "system.toml"
    path.write_bytes(msgspec.toml.encode(settings))
    found = load_config(path)
    for key, value in sampling.items():
        assert getattr(found.sampling, key) == value
    assert found.system.fasta_names == fasta_names and isinstance(found, Config)
    path.write_text(dump_config(found), encoding="utf-8")
    assert load_config(path) == found

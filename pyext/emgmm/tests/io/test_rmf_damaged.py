"""RMF3 files that are no trees, or ask for more than any reader can give."""

from __future__ import annotations

import json

import numpy as np
import pytest
from emgmm import InputError
from emgmm.io.rmf import GAUSSIAN_PARTICLE, Node, RmfWriter, copy_frames, read_rmf
from emgmm.io.rmf.schema import empty_data, frame_schema
from fuzzing.containers import change_records, container, decoded, encoded
from fuzzing.guard import bounded

COORDINATES, TRANSLATION, ROTATION = (
    f"physics/{key}" for key in ("coordinates", "translation", "rotation")
)


@pytest.fixture
def trajectory(tmp_path):
    """Two beads in a reference frame and a Gaussian; two frames."""
    bead = {COORDINATES: (1.0, 2.0, 3.0), "physics/radius": 3.0, "physics/mass": 110.0}
    gaussian = bead | {"physics/variances": (4.0, 5.0, 6.0)}
    body = Node("body", children=[Node("a", values=bead), Node("b", values=bead)])
    body.alternatives = [(GAUSSIAN_PARTICLE, Node("g", values=gaussian))]
    root = Node("root", "root", children=[body])
    path = tmp_path / "a.rmf3"
    with RmfWriter(path, root, [TRANSLATION, ROTATION]) as writer:
        for frame in range(2):
            place = {
                TRANSLATION: ([body.id], [(0, 0, frame)]),
                ROTATION: ([body.id], [(1, 0, 0, 0)]),
            }
            writer.write_frame(place)
    return path


def changed(path, change):
    """The file with its records changed, all marks made anew."""
    path.write_bytes(change_records(path.read_bytes(), change))
    return path


def table(record, key, records):
    """The values of a key in a record."""
    keys = {k["name"]: k for k in records[0]["keys"]}
    field = f"{keys[key]['type'].lower()}_data"
    return next(t["values"] for t in record["data"][field] if t["key"] == keys[key]["id"])


def test_the_changed_file_is_still_read(trajectory):
    found = read_rmf(changed(trajectory, lambda records: None))
    np.testing.assert_array_equal(found.coordinates(1), [(1, 2, 4)] * 2)
    assert found.densities(1).mass == 110


def nodes_in_a_row(records, count):
    records[0]["nodes"] += [
        {"id": 100 + i, "name": "n", "type": 1, "parents": [99 + i if i else 0]}
        for i in range(count)
    ]


def diamonds(records):
    for i in range(40):  # two to the power of forty ways from the root to the last
        for side in (0, 1):
            above = [100 + 2 * i - 2, 100 + 2 * i - 1] if i else [0]
            records[0]["nodes"].append(
                {"id": 100 + 2 * i + side, "name": "n", "type": 1, "parents": above}
            )


def circle(records):
    records[0]["nodes"][1]["parents"] = [0, 2]


def one_root_less(records):
    del records[0]["nodes"][0]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda records: nodes_in_a_row(records, 20_000), "nodes below each other"),
        (diamonds, "many parents"),
        (circle, "below itself"),
        (one_root_less, "no"),
        (lambda r: r[0]["nodes"][2]["parents"].append(77), "no node 77"),
        (lambda r: table(r[0], "radius", r)[0].update(id=77), "value of node 77"),
    ],
)
def test_what_is_no_tree(trajectory, change, message):
    path = changed(trajectory, change)
    with bounded(path.stat().st_size), pytest.raises(InputError, match=message):
        read_rmf(path)


def test_a_deep_tree_within_reason_is_read(trajectory):
    found = read_rmf(changed(trajectory, lambda records: nodes_in_a_row(records, 150)))
    assert len(found.leaves()) == 2


def test_a_node_told_twice_is_one_child(trajectory):
    found = read_rmf(changed(trajectory, lambda records: records.insert(0, records[0])))
    assert [len(node.children) for node in (found.root, found.nodes[1])] == [1, 2]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda r: table(r[1], "rotation", r)[0].update(value=dict.fromkeys("wxyz", 0.0)), "zero"),
        (lambda r: table(r[1], "rotation", r).clear(), "no physics/rotation"),
        (lambda r: table(r[2], "translation", r)[0].update(id=77), "node 77|no physics/trans"),
        (lambda r: table(r[0], "coordinates", r)[0]["value"].update(x=np.nan), "no physics/coord"),
    ],
)
def test_places_that_are_none(trajectory, change, message):
    path = changed(trajectory, change)
    with pytest.raises(InputError, match=message):
        read_rmf(path).coordinates(None)


def test_densities_that_are_none(trajectory):
    def change(records):
        table(records[0], "variances", records)[0]["value"]["x"] = -1.0

    with pytest.raises(InputError, match="node 4: found a covariance"):
        read_rmf(changed(trajectory, change)).densities(0)


def test_a_key_of_another_type(trajectory):
    def change(records):
        key = next(k for k in records[0]["keys"] if k["name"] == "coordinates")
        key["type"] = "FLOAT"

    with pytest.raises(InputError, match="key physics/coordinates of type FLOAT"):
        read_rmf(changed(trajectory, change))


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_tree_told_between_frames(trajectory, tmp_path, at):
    """Whoever wrote the file: IMP tells more of the tree wherever it has more to tell."""
    whole = read_rmf(trajectory).coordinates(None)
    found = read_rmf(changed(trajectory, lambda records: records.insert(at, records[0])))
    assert found.frames == 2
    np.testing.assert_array_equal(found.coordinates(None), whole)
    copy_frames(found, tmp_path / "b.rmf3", [1])
    copy = read_rmf(tmp_path / "b.rmf3")
    assert copy.frames == 1
    np.testing.assert_array_equal(copy.coordinates(0), whole[1])


def test_frames_of_one_block(trajectory, tmp_path):
    schema, records, parsed = decoded(trajectory.read_bytes())
    whole = read_rmf(trajectory).coordinates(None)
    content = b"".join(encoded(record, parsed) for record in records)
    for codec in (b"null", b"deflate"):
        trajectory.write_bytes(container(json.dumps(schema).encode(), codec, [[3, content]]))
        np.testing.assert_array_equal(read_rmf(trajectory).coordinates(None), whole)


_DEEP = '{"type":"array","items":' * 5000 + '"int"' + "}" * 5000  # beyond Python's recursion


def _field(kind):
    return [{"name": "more", "type": kind}]


def _doubling(depth):
    """A type whose parts double at each level and take no byte."""
    kind = {"type": "record", "name": "D0", "fields": []}
    for level in range(1, depth):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": f"D{level - 1}"}]
        kind = {"type": "record", "name": f"D{level}", "fields": fields}
    return kind


def _nested(depth):
    kind = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


@pytest.mark.parametrize(
    "kind, message",
    [
        ({"type": "array", "items": "Frame"}, "contains itself"),
        (["null", "Frame"], "contains itself"),
        ({"type": "array", "items": "null"}, "takes no bytes"),
        ({"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}}, "takes no bytes"),
        ({"type": "array", "items": {"type": "record", "name": "E", "fields": []}}, "no bytes"),
        (_doubling(40), "parts"),
        (_nested(100), "within each other"),
        ("DEEP", "broken header"),
        ("Missing", "broken header"),
    ],
)
def test_schemas_that_would_exhaust_the_reader(trajectory, kind, message):
    schema = frame_schema()
    schema["fields"] = schema["fields"] + _field(kind)
    text = json.dumps(schema).replace('"DEEP"', _DEEP)
    trajectory.write_bytes(container(text.encode(), b"null", [[1, b"\x00" * 500]]))
    with bounded(10_000), pytest.raises(InputError, match=message):
        read_rmf(trajectory)


def test_a_field_more_is_read_past(trajectory):
    def change(records):
        for record in records:
            record["more"] = [1, 2, 3]

    schema = frame_schema()
    schema["fields"] = schema["fields"] + _field({"type": "array", "items": "int"})
    trajectory.write_bytes(change_records(trajectory.read_bytes(), change, schema))
    assert read_rmf(trajectory).coordinates(None).shape == (2, 2, 3)


@pytest.mark.parametrize("parts", ["xyzw", "zyx", "xy"])
def test_vectors_of_other_parts(trajectory, parts):
    text = json.dumps(frame_schema())
    fields = [{"name": part, "type": "float"} for part in parts]
    own = json.dumps([{"name": part, "type": "float"} for part in "xyz"])
    assert own in text
    text = text.replace(own, json.dumps(fields))
    trajectory.write_bytes(container(text.encode(), b"null", [[1, bytes(500)]]))
    with pytest.raises(InputError, match="found records without x/y/z in "):
        read_rmf(trajectory)


def test_a_file_without_a_table_is_copied(trajectory, tmp_path):
    schema = frame_schema()
    data = schema["fields"][3]["type"]
    data["fields"] = [f for f in data["fields"] if f["name"] != "strings_data"]
    trajectory.write_bytes(change_records(trajectory.read_bytes(), lambda r: None, schema))
    assert "strings_data" in empty_data()
    copy_frames(read_rmf(trajectory), tmp_path / "b.rmf3", [1])
    np.testing.assert_array_equal(
        read_rmf(tmp_path / "b.rmf3").coordinates(0), read_rmf(trajectory).coordinates(1)
    )


@pytest.mark.parametrize("count", [2, 10**6, 2**62, -1])
@pytest.mark.parametrize("codec", [b"null", b"deflate"])
def test_blocks_that_promise_more_records_than_they_hold(trajectory, count, codec):
    schema, records, parsed = decoded(trajectory.read_bytes())
    blocks = [[1, encoded(record, parsed)] for record in records]
    blocks[1][0] = count
    trajectory.write_bytes(container(json.dumps(schema).encode(), codec, blocks))
    with bounded(trajectory.stat().st_size), pytest.raises(InputError):
        read_rmf(trajectory).coordinates(None)

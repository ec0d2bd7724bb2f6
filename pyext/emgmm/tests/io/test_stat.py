"""Stat files: what PMI's reader needs, resuming, and bad input."""

import ast

import numpy as np
import pytest
from emgmm.errors import InputError
from emgmm.io.stat import StatWriter, read_stat
from fuzzing.guard import bounded

KEYS = ["Total_Score", "ConnectivityRestraint_A", "rmf_file", "rmf_frame_index"]


def _write(path, frames=3):
    with StatWriter(path, KEYS, {"emgmm": "0.1"}) as writer:
        for i in range(frames):
            writer.write({"Total_Score": -1.5 * i, "rmf_file": "rmfs/0.rmf3", "rmf_frame_index": i})
    return path


def test_lines_are_what_pmi_writes(tmp_path):
    header, *lines = _write(tmp_path / "stat.0.out").read_text().splitlines()
    header = ast.literal_eval(header.strip())
    assert header["STAT2HEADER"] == "STAT2HEADER"
    assert [header[i] for i in range(4)] == KEYS
    # Numbers as strings, the frame's index as a number, a missing entry as 'None'.
    assert ast.literal_eval(lines[2].strip()) == {0: "-3.0", 1: "None", 2: "rmfs/0.rmf3", 3: 2}


def test_read_back(tmp_path):
    stat = read_stat(_write(tmp_path / "stat.0.out"))
    assert stat.keys == tuple(KEYS) and len(stat) == 3
    np.testing.assert_array_equal(stat.column("Total_Score"), [0.0, -1.5, -3.0])
    np.testing.assert_array_equal(stat.column("rmf_frame_index"), [0, 1, 2])
    assert np.isnan(stat.column("ConnectivityRestraint_A")).all()
    assert stat.text("rmf_file") == ["rmfs/0.rmf3"] * 3
    assert stat.matching("Connectivity") == ["ConnectivityRestraint_A"]


def test_floats_survive_exactly(tmp_path):
    values = np.random.default_rng(0).normal(size=50) * 10.0 ** np.arange(-25, 25)
    with StatWriter(tmp_path / "s", ["x"]) as writer:
        for value in values:
            writer.write({"x": value})
    np.testing.assert_array_equal(read_stat(tmp_path / "s").column("x"), values)


def test_resume_cuts_off_what_came_after_the_checkpoint(tmp_path):
    path = tmp_path / "stat.0.out"
    writer = StatWriter(path, KEYS)
    writer.write({"Total_Score": 1.0})
    size = writer.byte_size()
    writer.write({"Total_Score": 2.0})
    writer.close()
    with open(path, "a") as file:
        file.write("{0: '3.")  # killed in the middle of a line
    with StatWriter.resume(path, size) as writer:
        writer.write({"Total_Score": 4.0, "rmf_frame_index": 1})
    np.testing.assert_array_equal(read_stat(path).column("Total_Score"), [1.0, 4.0])


def test_resume_of_a_file_shorter_than_the_checkpoint(tmp_path):
    path = _write(tmp_path / "stat.0.out")
    with pytest.raises(InputError, match="at least 100000"):
        StatWriter.resume(path, 100000)


def test_line_in_the_making_is_left_out(tmp_path):
    path = _write(tmp_path / "stat.0.out")
    with open(path, "a") as file:
        file.write("{0: '3.")
    assert len(read_stat(path)) == 3


def test_unusual_but_valid_python(tmp_path):
    path = tmp_path / "s"
    path.write_text(
        "{'STAT2HEADER': 'STAT2HEADER', 0: 'a', 1: 'b'} \n"
        """{0: "it's", 1: -0.5} \n{1: 1e-05, 0: 'x, y: {z}'}\n"""
    )
    stat = read_stat(path)
    assert stat.text("a") == ["it's", "x, y: {z}"]
    np.testing.assert_array_equal(stat.column("b"), [-0.5, 1e-05])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty file"),
        ("hello\n", "line 1: found 'hello'"),
        ("{0: 'a'}\n", "line 1"),
        ("{'STAT2HEADER': 'STAT2HEADER', 0: 'a'} \nnonsense\n", "line 2: found 'nonsense'"),
        (
            "{'STAT2HEADER': 'STAT2HEADER', 0: 'a', 1: 'b'} \n{0: '1'} \n",
            "line 2: found no entry 1",
        ),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "s"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_stat(path)


def test_bad_keys_and_numbers(tmp_path):
    path = _write(tmp_path / "s")
    with pytest.raises(InputError, match="no key 'Total'"):
        read_stat(path).column("Total")
    with pytest.raises(InputError, match=r"line 2, rmf_file: found 'rmfs/0\.rmf3'"):
        read_stat(path).column("rmf_file")
    with StatWriter(path, ["x"], force=True) as writer, pytest.raises(KeyError, match="'y'"):
        writer.write({"y": 1})


def test_nothing_is_overwritten_without_force(tmp_path):
    path = _write(tmp_path / "s")
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists"):
        StatWriter(path, KEYS)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line, message",
    [
        ("1" * 50_000, "line 3: found '111"),  # without a hang
        ("{" * 5000, "line 3: found"),
        ("{0: 1e400, 1e400: 2}", "line 3: found no entry 1"),
        ("[0, 1, 2, 3]", "line 3: found"),
    ],
)
def test_lines_that_are_no_frames(tmp_path, line, message):
    path = _write(tmp_path / "s", 1)
    path.write_text(path.read_text() + line + "\n")
    with bounded(path.stat().st_size), pytest.raises(InputError, match=message):
        read_stat(path)


def test_two_keys_of_one_name(tmp_path):
    path = _write(tmp_path / "s", 1)
    path.write_text(path.read_text().replace("'rmf_file'", "'Total_Score'", 1))
    with pytest.raises(InputError, match="line 1: found key 'Total_Score' twice"):
        read_stat(path)


def test_going_on_with_what_is_no_text(tmp_path):
    (tmp_path / "s").write_bytes(b"\xff\xfe\x00" * 9)
    with pytest.raises(InputError, match="line 1"):
        StatWriter.resume(tmp_path / "s", 9)

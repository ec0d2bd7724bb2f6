"""Maps of other programs: unsigned bytes, other identifiers, statistics that tell what is wrong."""

from __future__ import annotations

import bz2
import json
import lzma
import os
import struct

import numpy as np
import pytest
from command_line import assert_refused, emgmm
from emgmm.errors import InputError
from emgmm.fitting.half_maps import check_half_maps
from emgmm.io.gmm import read_gmm
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.runs.run import run
from map_files import ORIGIN, VOXEL, assert_blob_in_place, ball, blob, encode, file_of
from numbered_pdb import SEQUENCE, of, pdb

SIGNED, UNSIGNED = (-100, 90, -2.5), (0, 255, 40)


def with_statistics(data: bytes, low: float, high: float, mean: float = 0.0, order="<") -> bytes:
    return data[:76] + struct.pack(f"{order}3f", low, high, mean) + data[88:]


def with_identifier(data: bytes, word: bytes) -> bytes:
    return data[:208] + word + data[212:]


@pytest.fixture
def read(tmp_path):
    def _read(data: bytes):
        (tmp_path / "a.mrc").write_bytes(data)
        return read_map(tmp_path / "a.mrc")

    return _read


def bytes_map(low: int, high: int) -> bytes:
    """A byte map from low to high (-128 to 255), mode 0, without statistics."""
    values = np.linspace(low, high, 60).round().astype(np.int16).astype(np.uint8).view(np.int8)
    return encode(DensityMap(values.reshape(3, 4, 5), VOXEL, ORIGIN), mode=0)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("low", "high", "statistics", "is_noted"),
    [
        (0, 255, (0, 255, 127), False),
        (0, 255, (0, 255, 0), False),  # the mean is not set
        (-128, 127, (-128, 127, -0.5), False),
        (-100, 90, (-100, 90, 0), False),
        (10, 200, (10, 200, 105), False),
        (10, 200, (0, 255, 100), True),  # cut from a larger map
        (-90, 70, (-128, 127, 0), True),
    ],
)
def test_bytes_have_the_sign_of_the_header(read, low, high, statistics, is_noted, order):
    density = read(with_statistics(_swapped(bytes_map(low, high), order), *statistics, order))
    assert (density.values.min(), density.values.max()) == (low, high)
    assert density.values.dtype == (np.uint8 if low >= 0 else np.int8)
    assert bool(density.notes) == is_noted
    if is_noted:
        assert f"read as {'unsigned' if low >= 0 else 'signed'}, nearer" in density.notes[0]


def _swapped(data: bytes, order: str) -> bytes:
    """The header's numbers in another byte order."""
    if order == "<":
        return data
    words = np.frombuffer(data[:1024], "<i4").byteswap().tobytes()
    return words[:208] + b"MAP \x11\x11\0\0" + words[216:] + data[1024:]


def test_bytes_without_statistics_are_signed_with_a_note(read):
    density = read(bytes_map(0, 255))
    assert density.values.min() < -120
    assert density.notes == ("its bytes are read as signed; the header has no minimum and maximum",)
    stale = read(with_statistics(bytes_map(0, 255), -0.5, 1.2))  # of before they were bytes
    assert stale.values.min() < -120 and "fit neither" in stale.notes[0]
    small = read(bytes_map(0, 127))
    assert small.values.max() == 127 and small.notes == ()


def test_the_flag_of_imod_counts_more_than_statistics(read):
    data = bytearray(with_statistics(bytes_map(-100, 100), -100, 100))
    data[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    assert read(bytes(data)).values.max() > 200
    data[152:160] = np.array([1146047817, 1], "<i4").tobytes()
    assert read(bytes(data)).values.min() == -100


@pytest.mark.parametrize(
    "word", [b"MAP\0", b"MAP\n", b"map ", b"Map\0", b"    ", b"\0\0\0\0", b"EMAN"]
)
@pytest.mark.parametrize("order", "<>")
def test_origin_counts_whatever_the_identifier(read, word, order):
    density = read(with_identifier(encode(blob(), order=order), word))
    assert_blob_in_place(density)
    (note,) = density.notes
    assert repr(word)[1:] in note and "its ORIGIN (-12, 30, 7.5 Å) is read all the same" in note


def test_an_identifier_without_an_origin_is_no_matter(read):
    density = read(with_identifier(encode(blob(), frame="nstart"), b"\0\0\0\0"))
    assert_blob_in_place(density)
    assert density.notes == ()


@pytest.mark.parametrize(
    "junk",
    [
        np.array([np.nan, 1, 1], "<f4").tobytes(),
        np.array([1e20, 0, 0], "<f4").tobytes(),
        np.array([3e-5, 12, 30], "<f4").tobytes(),
        b"text in here",
    ],
)
def test_words_of_another_meaning_are_no_origin(read, junk):
    data = encode(blob(), frame="nstart")
    density = read(with_identifier(data[:196] + junk + data[208:], b"\0\0\0\0"))
    assert_blob_in_place(density)
    assert "ORIGIN words hold no place; NSTART says" in density.notes[0]


def test_voxels_of_the_other_byte_order_are_told_by_the_statistics(read):
    data = file_of(ball())
    swapped = data[:1024] + np.frombuffer(data[1024:], "<f4").byteswap().tobytes()
    values = ball()
    with pytest.raises(InputError, match="voxels in the other byte order"):
        read(with_statistics(swapped, values.min(), values.max(), values.mean()))
    right = read(with_statistics(data, values.min(), values.max(), values.mean()))
    assert right.notes == () and np.array_equal(right.values, values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.full((4, 5, 6), 3.0), "every voxel has the density 3"),
        (np.zeros((4, 5, 6)), "every voxel has the density 0"),
        (ball() > 0.3, "it holds only the values 0 and 1: is it a mask?"),
        (1 - ball(), "its density lies below the background: is its sign inverted?"),
        (-ball(), "its density lies below the background: is its sign inverted?"),
        (ball() + 5, "its background is 5.00133, not 0"),
        (120 + 100 * ball(), "its background is 120.133, not 0"),
    ],
)
def test_odd_densities_are_noted(read, values, told):
    (note,) = read(file_of(values)).notes
    assert note.startswith(told)


def test_ordinary_densities_are_not(read):
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, (12, 12, 12))
    for values in (ball(), ball() + noise, noise, ball()[3:9, 3:9, 3:9], -0.01 + ball()):
        data = file_of(values)
        low, high = np.float32(values.min()), np.float32(values.max())
        assert read(data).notes == ()
        assert read(with_statistics(data, low, high, values.mean())).notes == ()
        # Scaled a little, or cut, after the header was made: what many programs do.
        assert read(with_statistics(data, 1.3 * low, 1.3 * high)).notes == ()
    (note,) = read(with_statistics(file_of(ball()), -3, 900)).notes
    assert note.startswith("its header says densities of -3 to 900, the voxels have ")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            bz2.compress(encode(blob())),
            "a file packed by bzip2, expected an MRC or CCP4 map, plain",
        ),
        (lzma.compress(encode(blob())), "a file packed by xz"),
        (b"PK\x03\x04" + encode(blob()), "a zip archive"),
    ],
)
def test_other_packers_are_named(read, data, told):
    with pytest.raises(InputError, match=told):
        read(data)


RNG = np.random.default_rng(7)
NOISE = [RNG.normal(0, 0.1, (12, 12, 12)) for _ in range(2)]
HALF_A, HALF_B = (ball() + noise for noise in NOISE)
MASK = np.clip(3 * ball(), 0, 1) * (ball() > 0.1)


def density_of(values, voxel=2.0, origin=(4.0, 2.0, 6.0)) -> DensityMap:
    return DensityMap(np.asarray(values, np.float32), voxel, origin)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (density_of(HALF_A), density_of(HALF_A), "b.mrc: found the density of a.mrc once more"),
        (density_of(HALF_A), density_of(3 * HALF_A + 1), "b.mrc: found the density of a.mrc once"),
        (density_of((HALF_A + HALF_B) / 2), density_of(HALF_B), "a.mrc: found the density of m."),
        (density_of(HALF_A), density_of(HALF_A + HALF_B), "b.mrc: found the density of m.mrc it"),
        (density_of(MASK), density_of(HALF_B), "a.mrc: found a mask"),
        (density_of(HALF_A), density_of(MASK > 0), "b.mrc: found a mask"),
        (density_of(HALF_A), density_of(0 * HALF_A), "b.mrc: found the same density everywhere"),
        (density_of(HALF_A), density_of(-HALF_B), "b.mrc: found density that runs against m.mrc"),
        (density_of(HALF_A[1:]), density_of(HALF_B), "a.mrc: found 12 x 12 x 11 voxels, "
         "expected 12 x 12 x 12 voxels, as m.mrc has"),
        (density_of(HALF_A), density_of(HALF_B, voxel=2.1), "b.mrc: found voxels of 2.1 x 2.1 x"),
        (density_of(HALF_A), density_of(HALF_B, origin=0.0), "b.mrc: found its origin at 0, 0, 0"),
    ],
)  # fmt: skip
def test_what_is_no_half_map_is_refused(a, b, told):
    whole = density_of((HALF_A + HALF_B) / 2)
    with pytest.raises(InputError) as caught:
        check_half_maps(whole, (a, b), "m.mrc", ("a.mrc", "b.mrc"))
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)


def test_half_maps_are_taken():
    whole = density_of((HALF_A + HALF_B) / 2)
    halves = density_of(HALF_A), density_of(HALF_B)
    check_half_maps(whole, halves, "m.mrc", ("a.mrc", "b.mrc"))
    sharpened = density_of(whole.values * (ball() > 0.1))
    check_half_maps(sharpened, halves, "m.mrc", ("a.mrc", "b.mrc"))


def test_fit_tells_its_notes_and_puts_the_mixture_in_place(tmp_path):
    """A name that is not UTF-8, an identifier with a NUL, bytes that are unsigned."""
    values = (200 * ball()).round().astype(np.uint8)
    data = encode(DensityMap(values.view(np.int8), 2.0, [4.0, 2.0, 6.0]), mode=0)
    data = with_statistics(with_identifier(data, b"MAP\0"), values.min(), values.max())
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mrc")
    with open(path, "wb") as file:
        file.write(data)
    out, report = tmp_path / "g.txt", tmp_path / "r.json"
    options = ("--components", 1, "--threshold", 20, "--report", report)
    result = emgmm("fit", path, "-o", out, *options)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") == 1 and "'MAP\\x00', not 'MAP '" in result.stderr
    assert "'MAP\\x00', not 'MAP '" in json.loads(report.read_text())["notes"][0]
    # The peak is voxel 5, 6, 6.
    assert read_gmm(out).means[0] == pytest.approx([14, 14, 18], abs=0.3)


def test_fit_refuses_a_half_map_given_twice(tmp_path):
    for name, values in (("m", (HALF_A + HALF_B) / 2), ("a", HALF_A)):
        write_map(tmp_path / f"{name}.mrc", density_of(values))
    a = tmp_path / "a.mrc"
    result = emgmm("fit", tmp_path / "m.mrc", "-o", tmp_path / "g.txt", "--half-maps", a, a)
    assert_refused(result, "a.mrc once more")
    assert not (tmp_path / "g.txt").exists()


def test_a_refusal_says_what_is_odd_about_the_map(tmp_path):
    write_map(tmp_path / "m.mrc", density_of(-ball()))
    result = emgmm("fit", tmp_path / "m.mrc", "-o", tmp_path / "g.txt", "--components", 2)
    assert_refused(result, "its density lies below the background: is its sign inverted?")


def test_a_run_keeps_the_notes_on_its_map(tmp_path):
    values = np.zeros((40, 24, 24), np.float32)
    values[5:35, 6:18, 6:18] = 1
    data = with_identifier(file_of(values), b"MAP\0")
    (tmp_path / "m.mrc").write_bytes(data)
    (tmp_path / "x.pdb").write_text(pdb(of(SEQUENCE)))
    (tmp_path / "s.fasta").write_text(f">a\n{SEQUENCE}\n")
    (tmp_path / "t.txt").write_text(
        "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|rigid_body|\n|A|s.fasta|a|x.pdb|A|1|\n"
    )
    (tmp_path / "s.toml").write_text(
        '[system]\ntopology = "t.txt"\n[em]\nmap = "m.mrc"\nthreshold = 0.5\n'
        "[sampling]\nstart = 'asis'\nreplicas = 1\nsteps = 40\nframe_interval = 10\n"
    )
    out = tmp_path / "out"
    run(tmp_path / "s.toml", out, engine="native", threads=1)
    longer = run(tmp_path / "s.toml", out, engine="native", threads=1, steps=80, resume=True)
    (note, _) = longer["notes"]
    assert note.startswith("m.mrc: word 53 of its header is 'MAP\\x00', not 'MAP '; its ORIGIN")

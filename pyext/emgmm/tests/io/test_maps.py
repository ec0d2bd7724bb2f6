"""Maps: the same density lies at the same place, however its file says where."""

from __future__ import annotations

import gzip
import itertools
import warnings

import mrcfile
import numpy as np
import pytest
from emgmm import InputError
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.io.structures import read_structure
from map_files import ORIGIN, SIZES, VOXEL, assert_blob_in_place, blob, encode


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name="a.mrc"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("frame", ["origin", "nstart", "both"])
@pytest.mark.parametrize("axes", list(itertools.permutations((1, 2, 3))))
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_frame_convention_puts_the_density_in_one_place(write, axes, frame, order):
    assert_blob_in_place(read_map(write(encode(blob(), axes, frame, order=order))))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mode", [0, 1, 2, 6, 12])
@pytest.mark.parametrize("extended", [b"", b"x" * 160])
def test_every_mode_and_byte_order(write, mode, order, packed, extended):
    data = encode(blob(), (3, 1, 2), "nstart", mode, order, extended)
    density = read_map(write(gzip.compress(data) if packed else data))
    assert_blob_in_place(density)
    assert density.values.dtype.itemsize == {0: 1, 1: 2, 2: 4, 6: 2, 12: 2}[mode]
    assert density.float32().dtype == np.float32


def test_cell_of_more_intervals_than_the_box(write):
    assert_blob_in_place(read_map(write(encode(blob(), cell_intervals=(20, 7, 31)))))


def test_unset_stamp_is_read_by_the_sizes(write):
    for order in "<>":
        assert_blob_in_place(read_map(write(encode(blob(), order=order, stamp=b"\0\0\0\0"))))


def test_bytes_of_imod_without_the_signed_flag_are_unsigned(write):
    bright = DensityMap(np.full((2, 2, 2), -56, np.int8), VOXEL, ORIGIN)
    data = bytearray(encode(bright, mode=0))
    assert read_map(write(data)).values.max() == -56
    data[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    assert read_map(write(data)).values.max() == 200


def test_large_maps_stay_on_disk(write, monkeypatch):
    monkeypatch.setattr("emgmm.io.maps._MAPPED_BYTES", 0)
    for axes, order in itertools.product([(1, 2, 3), (2, 3, 1)], "<>"):
        density = read_map(write(encode(blob(), axes, order=order, extended=b"y" * 80)))
        assert_blob_in_place(density)
        on_disk = not density.values.flags.writeable
        assert on_disk == (axes == (1, 2, 3) and order == "<")


@pytest.mark.parametrize("name", ["b.mrc", "b.mrc.gz"])
def test_written_maps_read_back_and_say_their_frame_once(tmp_path, name):
    write_map(tmp_path / name, blob())
    density = read_map(tmp_path / name)
    assert np.array_equal(density.values, blob().values)
    assert_blob_in_place(density)
    with mrcfile.open(tmp_path / name) as file:
        header = file.header
        assert [header.nxstart, header.nystart, header.nzstart] == [0, 0, 0]
        assert [header.mx, header.my, header.mz] == list(SIZES)
        assert header.origin.tolist() == pytest.approx(ORIGIN)
        assert header.mode == 2 and header.dmax == pytest.approx(100)
    assert mrcfile.validate(tmp_path / name)


def test_writing_is_reproducible_and_overwrites_only_by_force(tmp_path):
    write_map(tmp_path / "a.mrc.gz", blob())
    first = (tmp_path / "a.mrc.gz").read_bytes()
    with pytest.raises(InputError, match="exists"):
        write_map(tmp_path / "a.mrc.gz", blob())
    write_map(tmp_path / "a.mrc.gz", blob(), force=True)
    assert (tmp_path / "a.mrc.gz").read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["a.mrc.gz"]
    with pytest.raises(InputError, match="folder"):
        write_map(tmp_path / "none" / "a.mrc", blob())


def test_above_finds_what_a_mask_finds(monkeypatch):
    monkeypatch.setattr("emgmm.io.map_values._BLOCK_VOXELS", 100)  # more than one slab
    density = blob()
    indices, values = density.above(20)
    assert len(values) == np.count_nonzero(density.values > 20) > 10
    assert np.array_equal(density.values[tuple(indices[:, ::-1].T)], values)
    flat = np.ravel_multi_index(tuple(indices[:, ::-1].T), density.values.shape)
    assert (np.diff(flat) > 0).all()
    assert density.index(density.position(indices)) == pytest.approx(indices)
    none, _ = density.above(1e9)
    assert none.shape == (0, 3)


def test_density_between_voxels_is_linear():
    x, y, z = np.meshgrid(*blob().grid_coordinates(), indexing="ij")
    values = (2 * x - 3 * y + z + 1).transpose(2, 1, 0)
    density = DensityMap(values.astype(np.float32), VOXEL, ORIGIN)
    points = np.array([[-11.9, 30.1, 7.6], [-3.3, 39.0, 20.0], [-20.0, 30.0, 7.0]])
    expected = points @ [2, -3, 1] + 1
    expected[2] = 0  # outside
    assert density.density_at(points) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "values", [np.zeros((0, 2, 2)), np.zeros((2, 2)), np.zeros((2, 2, 2), complex)]
)
def test_a_map_needs_real_voxels(values):
    with pytest.raises(ValueError, match="at least one voxel"):
        DensityMap(values, VOXEL, ORIGIN)


def changed(offset: int, value, dtype: str) -> bytes:
    data = bytearray(encode(blob()))
    data[offset : offset + 4] = np.array(value, dtype).tobytes()
    return bytes(data)


def with_voxel(value: float) -> bytes:
    data = bytearray(encode(blob()))
    data[-8:] = np.array([value, value], "<f4").tobytes()
    return bytes(data)


FAULTS = {
    "empty": (b"", "empty file"),
    "short": (encode(blob())[:600], "600 bytes.*at least 1024"),
    "text": (b"HEADER    COMPLEX\n" * 100, "no MRC header"),
    "truncated": (encode(blob())[:-5], "truncated file of 3035 bytes.*3040 bytes"),
    "truncated extended": (encode(blob(), extended=b"x" * 3000)[:1100], "truncated"),
    "long": (encode(blob()) + b"more", "3044 bytes.*3040 bytes"),
    "gzip long": (gzip.compress(encode(blob()) + b"more"), "more than 3040 bytes"),
    "gzip short": (gzip.compress(encode(blob())[:-5]), "truncated file of 3035"),
    "gzip cut": (gzip.compress(encode(blob()))[:-400], "broken or cut short"),
    "gzip of nothing": (gzip.compress(b""), "empty file"),
    "huge": (changed(0, [1 << 20], "<i4"), "truncated"),
    "huge gzip": (gzip.compress(changed(0, [1 << 20], "<i4")), "truncated"),
    "no voxels": (changed(4, [0], "<i4"), "empty map of 9 x 0 x 8"),
    "negative size": (changed(4, [-7], "<i4"), "empty map of 9 x -7 x 8"),
    "complex": (changed(12, [4], "<i4"), "mode 4 .complex.*expected mode 0"),
    "unknown mode": (changed(12, [9], "<i4"), "mode 9"),
    "axes": (changed(64, [2], "<i4"), "found 2 2 3"),
    "angle": (changed(56, [100], "<f4"), "orthogonal"),
    "no cell": (changed(40, [0], "<f4"), "voxel of 0 x 2 x 2.5"),
    "NaN cell": (changed(40, [np.nan], "<f4"), "voxel of nan"),
    "no intervals": (changed(28, [0], "<i4"), "found 0 7 8"),
    "far origin": (changed(196, [1e30], "<f4"), "header ORIGIN"),
    "NaN origin": (changed(196, [np.nan], "<f4"), "header ORIGIN"),
    "stack": (changed(88, [401], "<i4"), "stack"),
    "extended length": (changed(92, [-80], "<i4"), "header NSYMBT: found -80"),
    "stamp": (encode(blob(), order=">", stamp=b"\x44\x44\0\0"), "one byte order"),
    "NaN": (with_voxel(np.nan), "2 of 504 voxels NaN"),
    "infinity": (with_voxel(np.inf), "2 of 504 voxels NaN or infinite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_files_are_refused_in_one_line(write, fault):
    data, message = FAULTS[fault]
    path = write(data)
    with pytest.raises(InputError, match=message) as error:
        read_map(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_signalling_nan_is_refused_without_a_warning(write):
    data = encode(blob())[:-4] + np.array([0x7F800001], "<u4").tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="1 of 504 voxels NaN"):
            read_map(write(data))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_map(tmp_path / "a.mrc")
    with pytest.raises(InputError, match="a folder"):
        read_map(tmp_path)


# Real maps. The atoms' density says whether the frame is right.


@pytest.mark.parametrize(
    ("map_file", "model"),
    [
        ("emd_1883_rnapolii.mrc.gz", "crosslinks/rnapolii/1WCM_map_fitted.pdb.gz"),
        ("emd_1080_groel.mrc.gz", "maps/emd_1080_1oel_14mer_fitted.pdb.gz"),
        ("sim_1z5s_10.mrc.gz", "complexes/1z5s.pdb.gz"),
        ("sim_3sfd_15.mrc.gz", "complexes/3sfd.pdb.gz"),
        ("sim_1oel_10.mrc.gz", "complexes/1oel_7mer.pdb.gz"),
    ],
)
def test_fitted_models_lie_in_their_maps(shared_data, map_file, model):
    density = read_map(shared_data / "maps" / map_file)
    atoms = read_structure(shared_data / model).xyz
    spread = density.values.std()

    def score(positions):
        return (density.density_at(positions).mean() - density.values.mean()) / spread

    in_place = score(atoms)
    assert in_place > 1.5
    for shift in 10 * np.vstack([np.eye(3), -np.eye(3)]):
        assert score(atoms + shift) < 0.9 * in_place
        # ORIGIN is the centre of the first voxel, not its corner.
        assert score(atoms + shift / 20 * density.voxel) < in_place
    middle = density.position((np.array(density.shape) - 1) / 2)
    if density.origin.any():  # where the atoms would lie with the shift forgotten or added twice
        assert score(atoms - density.origin) < 0.7 * in_place
        assert score(atoms + density.origin) < 0.7 * in_place
    for axis in range(3):
        mirrored = atoms.copy()
        mirrored[:, axis] = 2 * middle[axis] - mirrored[:, axis]
        assert score(mirrored) < 0.85 * in_place


def test_real_headers(shared_data):
    groel = read_map(shared_data / "maps" / "emd_1080_groel.mrc.gz")  # 99 intervals, 100 voxels
    assert groel.voxel == pytest.approx([2.7] * 3)
    assert groel.origin == pytest.approx([-135] * 3)
    big_endian = read_map(shared_data / "maps" / "emd_5739_t6ss.map.gz")
    assert big_endian.values.max() == pytest.approx(0.1316401)
    with pytest.raises(InputError, match=r"94\.326.*orthogonal"):
        read_map(shared_data / "maps" / "emd_3001_tiny.map.gz")

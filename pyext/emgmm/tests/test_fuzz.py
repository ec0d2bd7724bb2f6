"""Damaged files: every reader gives a valid object or one clear line, and neither hangs nor warns.

Seconds in `make test`; ``EMGMM_FUZZ_SECONDS=3600 pytest -s .../test_fuzz.py`` goes on for that long
(shared among the readers) with new seeds, and prints how many files each reader saw.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import signal
import time
import warnings

import fastavro
import numpy as np
import pytest
from emgmm import InputError
from emgmm.fitting.fit_error import read_component_errors
from emgmm.io.fasta import read_fasta
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.maps import DensityMap, read_map
from emgmm.io.rmf import Node, RmfWriter, read_rmf
from emgmm.io.stat import StatWriter, read_stat
from emgmm.io.structures import read_structure
from emgmm.io.topology import read_topology
from emgmm.mixture import Mixture
from test_maps import encode

CASES = 250  # a reader, in make test
SECONDS_A_FILE = 10  # a reader that takes longer on these few kilobytes hangs


def map_files() -> list[bytes]:
    values = np.random.default_rng(1).integers(-90, 90, (3, 4, 5))
    density = DensityMap(values, [2, 3, 4], [-4, 9, 8])
    plain = [
        encode(density, axes, frame, mode, order, extended)
        for axes, frame, mode, order, extended in [
            ((1, 2, 3), "origin", 2, "<", b""),
            ((3, 1, 2), "nstart", 2, ">", b"x" * 80),
            ((2, 1, 3), "both", 0, "<", b""),
            ((1, 3, 2), "nstart", 1, ">", b""),
            ((1, 2, 3), "origin", 12, "<", b""),
        ]
    ]
    return [*plain, gzip.compress(plain[1])]


def gmm_files(folder) -> list[bytes]:
    random = np.random.default_rng(2)
    a = random.normal(size=(4, 3, 3))
    covariances = a @ a.transpose(0, 2, 1) + np.eye(3)
    mixture = Mixture(random.normal(size=(4, 3)), covariances, random.uniform(1, 9, 4))
    files = []
    for name in ("imp", "gmconvert", "plumed"):
        write_gmm(folder / "a", mixture, name, comments=["threshold: 1"], force=True)
        files.append((folder / "a").read_bytes())
    return [*files, gzip.compress(files[0])]


TOPOLOGY = b"""|directories|
|pdb_dir|./|
|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size|\
em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|
|Rpb1|blue|a.fasta|P1|a.pdb|A|1,20|-3|10|0|1|1,3||
|Rpb1.1|red|a.fasta|P1|BEADS|A|21,END|0|5|0||1||
"""
FASTA = b">A|first\nMKVLAA\nGHW\n\n>B\nMNKLYY*\n"
ERRORS = b"num,misfit,noise,total\n0,0.1,0.2,0.223607\n1,-0.3,,0.3\n2,0,0.5,0.5\n"
ATOM = "ATOM  {0:5d}  {1:<3s} ALA A{2:4d}    {3:8.3f}{4:8.3f}{5:8.3f}  1.00 20.00           {6}\n"


def pdb_file() -> bytes:
    atoms = "".join(
        ATOM.format(4 * r + i, name, r + 1, 3.8 * r, i, 2.5, name[0])
        for r in range(6)
        for i, name in enumerate(("N", "CA", "C", "O"))
    )
    return (atoms + "END\n").encode()


def mmcif_file() -> bytes:
    keys = "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id"
    keys += (
        " label_seq_id Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv auth_seq_id auth_asym_id"
    )
    loop = "data_x\nloop_\n" + "".join(f"_atom_site.{key}\n" for key in keys.split())
    rows = "".join(f"ATOM {i} C CA . ALA A {i} {i}.5 2.25 -3 1 20 {i} A\n" for i in range(1, 9))
    return (loop + rows).encode()


def stat_file(folder) -> bytes:
    with StatWriter(folder / "s", ["a", "b"]) as writer:
        for frame in range(3):
            writer.write({"a": frame, "b": 0.5 * frame})
    return (folder / "s").read_bytes()


def trajectory_files(folder) -> list[bytes]:
    bead = {"physics/radius": 3.0, "physics/mass": 110.0, "sequence/residue index": 1}
    beads = [Node(f"bead {i}", values=bead) for i in range(3)]
    root = Node("root", "root", children=[Node("A", values={"sequence/copy index": 0})])
    root.children[0].children = beads
    key = "physics/coordinates"
    with RmfWriter(folder / "t", root, [key], force=True) as writer:
        for frame in range(3):
            places = np.random.default_rng(frame).normal(size=(3, 3))
            writer.write_frame({key: ([n.id for n in beads], places)})
    packed = (folder / "t").read_bytes()
    reader = fastavro.reader(io.BytesIO(packed))
    plain = io.BytesIO()
    fastavro.writer(plain, reader.writer_schema, list(reader), codec="null")
    return [packed, plain.getvalue()]


def read_trajectory(path) -> None:
    file = read_rmf(path)
    file.leaves()
    if file.frames:
        file.coordinates(0)


READERS = {
    "map.mrc": (read_map, lambda _: map_files()),
    "mixture.txt": (read_gmm, gmm_files),
    "model.pdb": (read_structure, lambda _: [pdb_file()]),
    "model.pdb.gz": (read_structure, lambda _: [gzip.compress(pdb_file())]),
    "model.cif": (read_structure, lambda _: [mmcif_file()]),
    "table.txt": (read_topology, lambda _: [TOPOLOGY]),
    "a.rmf3": (read_trajectory, trajectory_files),
    "stat.0.out": (read_stat, lambda folder: [stat_file(folder)]),
    "a.fasta": (read_fasta, lambda _: [FASTA]),
    "errors.csv": (read_component_errors, lambda _: [ERRORS]),
}

WORDS = [
    b"nan",
    b"-inf",
    b"1e999",
    b"-1",
    b"0",
    b"1e-320",
    b"99999999999999999999",
    b"|",
    b"#",
    b"",
]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31), 1 << 20, 0x7FC00000, 0x7F800000, 0x00000001, 0x7F7FFFFF]


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """The file after one or two accidents."""
    data = bytearray(data)
    for _ in range(random.integers(1, 3)):
        size = len(data)
        at = int(random.integers(size)) if size else 0
        # Headers decide most: half of the accidents happen there.
        if random.random() < 0.5:
            at = min(at, int(random.integers(1, 300)))
        upto = at + int(random.integers(1, 40))
        match random.integers(8):
            case 0 if size:
                data[at] ^= 1 << int(random.integers(8))
            case 1:
                data = data[:at]
            case 2:
                del data[at:upto]
            case 3:
                data[at:at] = random.bytes(upto - at)
            case 4:
                data[at:at] = data[at:upto]
            case 5:
                word = at - at % 4
                order = "<i4" if random.random() < 0.5 else ">i4"
                number = NUMBERS[random.integers(len(NUMBERS))]
                data[word : word + 4] = np.array(number).astype(order).tobytes()
            case 6:
                words = bytes(data).split(b" ")
                words[random.integers(len(words))] = WORDS[random.integers(len(WORDS))]
                data = bytearray(b" ".join(words))
            case 7:
                lines = bytes(data).split(b"\n")
                del lines[random.integers(len(lines))]
                data = bytearray(b"\n".join(lines))
    return bytes(data)


def check(reader, path) -> bool:
    """Whether the reader took the file; anything but a value or an `InputError` fails."""

    def hang(*_):
        raise TimeoutError(f"{path.name} took more than {SECONDS_A_FILE} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS_A_FILE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader(path)
        return True
    except InputError as error:
        assert "\n" not in str(error) and str(path) in str(error)
        return False
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    reader, files = READERS[name]
    valid = files(tmp_path)
    path = tmp_path / name
    for data in valid:
        path.write_bytes(data)
        assert check(reader, path)
    seconds = float(os.environ.get("EMGMM_FUZZ_SECONDS", "0")) / len(READERS)
    end = time.monotonic() + seconds
    taken = 0
    for seed in itertools.count():
        if seed >= CASES and time.monotonic() >= end:
            break
        random = np.random.default_rng([sum(name.encode()), seed])
        path.write_bytes(damaged(valid[seed % len(valid)], random))
        try:
            taken += check(reader, path)
        except Exception as error:
            pytest.fail(f"seed {seed} ({path}): {type(error).__name__}: {error}")
    print(f"{name}: {seed} damaged files, {taken} still valid")
    assert 0 < taken < seed


def test_a_trajectory_whose_tree_is_none(tmp_path):
    reader = fastavro.reader(io.BytesIO(trajectory_files(tmp_path)[0]))
    records = list(reader)
    assert records[0]["nodes"][1]["parents"] == [0]
    records[0]["nodes"][1]["parents"] = [0, 2]
    for record in records:
        name = "FileInfo" if "categories" in record["info"] else "FrameInfo"
        record["info"] = (name, record["info"])
    with open(tmp_path / "a.rmf3", "wb") as file:
        fastavro.writer(file, reader.writer_schema, records)
    with pytest.raises(InputError, match="below itself"):
        read_rmf(tmp_path / "a.rmf3")

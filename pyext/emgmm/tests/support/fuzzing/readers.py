"""Readers, one a format, and what must hold of whatever they take."""

from __future__ import annotations

import atexit
import gzip
import re
import struct
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from emgmm import InputError
from emgmm.config import (
    Config,
    CrosslinksConfig,
    SamplingConfig,
    SystemConfig,
    dump_config,
)
from emgmm.config import load_config as load
from emgmm.fitting.fit_error import ComponentErrors, read_component_errors, write_component_errors
from emgmm.io.fasta import read_fasta_records
from emgmm.io.gmm import FORMATS as GMM_FORMATS
from emgmm.io.gmm import read_gmm, read_gmm_file, write_gmm
from emgmm.io.maps import read_map, write_map
from emgmm.io.rmf import GAUSSIAN_PARTICLE, RmfWriter, copy_frames, read_rmf
from emgmm.io.stat import StatWriter, read_stat
from emgmm.io.structures import read_structure
from emgmm.io.topology import read_topology
from emgmm.mixture import Mixture
from emgmm.sampling.checkpoint import read_checkpoint, write_checkpoint
from emgmm.sampling.loop import Run
from emgmm.sampling.processes import Processes
from emgmm.sampling.records import Callbacks, NamedSampler
from emgmm.scoring.crosslinks import read_crosslinks
from toy_system import toy_system

from . import specimens
from .containers import mutated_checkpoint, mutated_container
from .guard import message_fault
from .mutations import mutated


class Format(NamedTuple):
    """A format: the name of its files, valid specimens, and the check of one file."""

    file: str
    specimens: Callable[[Path], list[bytes]]
    check: Callable[[Path, bytes], None]
    within: Callable[[bytes, list[bytes], Random], bytes] | None = None  # changes behind checksums
    packed: bool = False

    def damaged(self, files: list[bytes], random: Random) -> bytes:
        """One of the files after accidents; of packed ones the content for most."""
        data = random.choice(files)
        if self.within is not None and random.random() < 0.6:
            return self.within(data, files, random)
        data = mutated(data, files, random)
        if not self.packed:
            return data
        data = self.packed_file(data)
        return mutated(data, [data], random) if random.random() < 0.3 else data

    @staticmethod
    def packed_file(data: bytes) -> bytes:
        return gzip.compress(data, 1, mtime=0)


def check_map(path: Path, data: bytes) -> None:
    density = read_map(path)
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    values = density.values
    assert values.ndim == 3 and values.size and np.isfinite(density.float32()).all()
    assert (density.voxel > 0).all() and np.isfinite(density.origin).all()
    assert_notes(density.notes)
    # The same numbers, whatever their order: decoded here by the header alone.
    order = "<" if struct.unpack("<i", plain[12:16])[0] in (0, 1, 2, 6, 12) else ">"
    (mode,) = struct.unpack(order + "i", plain[12:16])
    (extended,) = struct.unpack(order + "i", plain[92:96])
    kinds = {0: ("i1", "u1"), 1: ("i2",), 2: ("f4",), 6: ("u2",), 12: ("f2",)}[mode]
    stored = [np.frombuffer(plain, order + kind, offset=1024 + extended) for kind in kinds]
    ours = np.sort(values, axis=None)
    assert any(np.array_equal(np.sort(s), ours) for s in stored), "voxels that the file lacks"
    assert sorted(values.shape) == sorted(struct.unpack(order + "3i", plain[:12]))
    copy = path.with_name("copy.mrc")
    write_map(copy, density, force=True)
    again = read_map(copy)
    assert np.array_equal(again.values, density.float32())
    assert np.allclose(again.voxel, density.voxel, rtol=1e-6)
    assert np.allclose(again.origin, density.origin, rtol=1e-6, atol=1e-5)


def check_gmm(path: Path, data: bytes) -> None:
    mixture, format, _ = read_gmm_file(path)
    assert len(mixture) and format in GMM_FORMATS
    assert_mixture(mixture)
    for other in GMM_FORMATS:
        copy = path.with_name("copy.txt")
        write_gmm(copy, mixture, other, force=True)
        again = read_gmm(copy)
        for name in ("means", "covariances", "weights"):
            assert np.array_equal(getattr(again, name), getattr(mixture, name)), f"{other} {name}"


def assert_mixture(mixture: Mixture) -> None:
    assert np.isfinite(mixture.means).all() and np.isfinite(mixture.covariances).all()
    assert (mixture.weights > 0).all() and np.isfinite(mixture.mass)
    assert (np.linalg.eigvalsh(mixture.covariances / np.abs(mixture.covariances).max()) >= 0).all()


def assert_notes(notes: Iterable[str]) -> None:
    for note in notes:
        assert note.strip() and "\n" not in note


def check_structure(path: Path, data: bytes) -> None:
    structure = read_structure(path)
    count = len(structure)
    assert count and structure.xyz.shape == (count, 3)
    for array in vars(structure).values():
        if isinstance(array, np.ndarray):
            assert len(array) == count
            assert array.dtype.kind != "f" or np.isfinite(array).all()
    assert (structure.mass > 0).all() and (structure.vdw_radius > 0).all()
    assert ((structure.occupancy > 0) & (structure.occupancy <= 1)).all()
    assert sum(len(structure.rows_of_chain(c)) for c in structure.chains()) == count
    account = structure.account
    assert account.used == count and min(account.left_out.values(), default=1) > 0
    assert account.mass == pytest.approx(structure.atom_mass().sum(), rel=1e-9)
    assert_notes(account.notes)
    centers = structure.central_atoms()
    assert len(np.unique(structure.residue[centers])) == len(centers)
    everything = read_structure(path, keep=("waters", "ions", "lipids"))
    assert everything.account.read == account.read and len(everything) >= count


def check_fasta(path: Path, data: bytes) -> None:
    records = read_fasta_records(path)
    names = [record.name for record in records]
    assert records and len(set(names)) == len(names)
    for record in records:
        assert re.fullmatch("[A-Z*-]+", record.sequence)
        assert record.sequence.strip("*") == record.sequence
    copy = path.with_name("copy.fasta")
    copy.write_text("".join(f">{r.name}|{r.uniprot or ''}\n{r.sequence}\n" for r in records))
    again = read_fasta_records(copy)
    assert [(r.name, r.sequence, r.uniprot) for r in again] == [
        (r.name, r.sequence, r.uniprot) for r in records
    ]


def check_topology(path: Path, data: bytes) -> None:
    rows = read_topology(path)
    assert rows
    for row in rows:
        assert row.molecule and row.bead_size >= 1 and row.em_residues_per_gaussian >= 0
        assert row.copy >= 0 and row.domain >= 0 and all(0 <= c <= 1 for c in row.color)
        assert not row.structured or row.chain
        if row.residue_range and row.residue_range[1] != "END":
            assert row.residue_range[0] <= row.residue_range[1]


@cache
def _system():
    return toy_system(names=("A", "A", "B"), residues=8, tail=2)


def check_links(path: Path, data: bytes) -> None:
    system = _system()
    for id, score in ((None, None), ("id", "score")):
        settings = CrosslinksConfig(file=str(path), id=id, score=score)
        links = read_crosslinks(system, settings)
        count, beads = len(links), len(system.nearest(settings.resolution).body)
        assert count and len(links.first) == len(links.second) == len(links.link)
        assert (np.unique(links.link) == np.arange(count)).all() and (
            np.diff(links.link) >= 0
        ).all()
        for ends in (links.first, links.second):
            assert ((ends >= 0) & (ends < beads)).all()
        assert all(links.names)
        assert links.id_scores is None or len(links.id_scores) == count
        assert_notes(links.notes)


def check_settings(path: Path, data: bytes) -> None:
    for name in ("topology.txt", "data.txt", "links.csv"):
        path.with_name(name).touch()
    config = load(path)
    copy = path.with_name("copy.toml")
    copy.write_text(dump_config(config), encoding="utf-8")
    assert load(copy) == config


@cache
def _tree():
    return specimens.small_tree()


def check_trajectory(path: Path, data: bytes) -> None:
    keys = _tree().frame_keys
    size = len(data) // (1 + len(data) % 2)
    check_resumed(lambda copy: RmfWriter.resume(copy, size, _tree().root, keys).close(), path, data)
    file = read_rmf(path)
    assert sum(1 for _ in file.root.walk()) <= 50 * len(file.nodes) + 1000
    leaves = {kind: file.leaves(10.0, kind) for kind in (0, GAUSSIAN_PARTICLE)}
    for found in leaves.values():
        assert (found.first <= found.last).all()
    if not file.frames:
        return
    coordinates = file.coordinates(None, leaves[0])
    assert coordinates.shape == (file.frames, len(leaves[0]), 3)
    assert np.isfinite(coordinates).all()
    for frame in {0, file.frames - 1}:
        file.frame_values(frame)
        for turn, shift in file.reference_frames([frame]).values():
            assert np.isfinite(turn).all() and np.isfinite(shift).all()
    if len(leaves[GAUSSIAN_PARTICLE]):
        assert_mixture(file.densities(0))
    copy = path.with_name("copy.rmf3")
    copy_frames(file, copy, [file.frames - 1], force=True)
    again = read_rmf(copy)
    assert again.frames == 1
    assert np.array_equal(again.coordinates(0, leaves[0]), coordinates[-1])


def check_resumed(resume: Callable[[Path], None], path: Path, data: bytes) -> None:
    """A writer goes on with the file or refuses it."""
    copy = path.with_name("resumed")
    copy.write_bytes(data)
    try:
        resume(copy)
        assert copy.stat().st_size <= len(data)
    except InputError as error:
        assert message_fault(str(error)) is None


def check_stat(path: Path, data: bytes) -> None:
    check_resumed(lambda copy: StatWriter.resume(copy, len(data) // 2).close(), path, data)
    stat = read_stat(path)
    columns = [stat.text(key) for key in stat.keys]
    assert all(len(column) == len(stat) for column in columns)
    copy = path.with_name("copy.out")
    with StatWriter(copy, stat.keys, force=True) as writer:
        for row in range(len(stat)):
            entries = (column[row] for column in columns)
            writer.write(dict(zip(stat.keys, entries, strict=True)))
    again = read_stat(copy)
    assert again.keys == stat.keys
    assert [again.text(key) for key in stat.keys] == columns
    for key in stat.keys:
        try:
            assert stat.column(key).shape == (len(stat),)
        except InputError as error:
            assert len(str(error).splitlines()) == 1


@cache
def _sampler():
    return specimens.small_sampler()


atexit.register(_sampler.cache_clear)  # before the core's types are torn down


def check_checkpoint(path: Path, data: bytes) -> None:
    sampler = _sampler()
    settings = Config(system=SystemConfig(topology="t"), sampling=SamplingConfig(replicas=2))
    named = NamedSampler(sampler, (), (), (), None)
    run = Run(named, settings, Callbacks(), path, Processes())
    run.restore()
    stored = read_checkpoint(path)
    assert sampler.save() == stored.state
    assert all(isinstance(v, int) and v >= 0 for v in stored.offsets.values())
    assert run.frames >= 0 and run.former_seconds >= 0
    copy = path.with_name("copy.bin")
    write_checkpoint(copy, stored)
    assert read_checkpoint(copy) == stored
    sampler.advance(10, 5.0)
    frames = sampler.take_frames()
    assert np.isfinite(frames["poses"]).all() and np.isfinite(frames["totals"]).all()


def check_errors(path: Path, data: bytes) -> None:
    errors = read_component_errors(path)
    assert len(errors) and np.isfinite(errors).all() and (errors >= 0).all()
    copy = path.with_name("copy.csv")
    write_component_errors(copy, ComponentErrors(errors), force=True)
    assert np.allclose(read_component_errors(copy, len(errors)), errors, rtol=1e-5)


def _gmm(format: str) -> Format:
    return Format("mixture.txt", lambda folder: [specimens.gmm_file(folder, format)], check_gmm)


FORMATS = {
    "MRC": Format("map.mrc", lambda _: specimens.map_files(), check_map),
    "MRC.gz": Format(
        "map.mrc.gz", lambda _: specimens.map_files(), check_map, packed=True
    ),
    "PDB": Format("model.pdb", lambda _: specimens.pdb_files(), check_structure),
    "PDB.gz": Format("model.pdb.gz", lambda _: specimens.pdb_files(), check_structure, packed=True),
    "mmCIF": Format("model.cif", lambda _: specimens.mmcif_files(), check_structure),
    "FASTA": Format("a.fasta", lambda _: [specimens.FASTA], check_fasta),
    "topology": Format("table.txt", lambda _: [specimens.TOPOLOGY], check_topology),
    "cross-links": Format("links.csv", lambda _: [specimens.LINKS], check_links),
    "settings": Format("system.toml", lambda _: specimens.SETTINGS, check_settings),
    "GMM IMP": _gmm("imp"),
    "GMM gmconvert": _gmm("gmconvert"),
    "GMM PLUMED": _gmm("plumed"),
    "RMF3": Format("a.rmf3", specimens.trajectory_files, check_trajectory, mutated_container),
    "stat": Format("stat.0.out", specimens.stat_files, check_stat),
    "checkpoint": Format(
        "checkpoint.bin", specimens.checkpoint_files, check_checkpoint, mutated_checkpoint
    ),
    "errors": Format("errors.csv", lambda _: [specimens.ERRORS], check_errors),
}  # fmt: skip


def random_for(seed: int, format: str, number: int) -> Random:
    """Generator that the damage of one file depends on."""
    return Random(f"{seed} {format} {number}")

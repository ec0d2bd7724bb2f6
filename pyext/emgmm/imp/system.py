"""The settings of a run as a system of IMP.pmi with the restraints of IMP.emgmm."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from pathlib import Path

import msgspec
import numpy as np

from ..config.settings import Config
from ..io.files import is_gzip, opened, read_text, replacing
from ..io.gmm import read_gmm, write_gmm
from ..io.structures import find_file, read_structure
from ..io.topology import TopologyRow, read_topology
from ..maps.contour import data_mass
from ..mixture import Mixture
from ..poses import composed, inverted
from ..posterior import Posterior
from ..representation.chains import read_chains
from ..representation.densities import spherical
from ..representation.system import System
from ..scoring.mixture_score import with_sigma
from ..symmetry import symmetry_axes
from .links import write_plain_links
from .structures import reads_alike, written_for_pmi

_TABLE = "topology_imp.txt"
_AXES = "restart/symmetry.json"
_DALTON_PER_RESIDUE = 109.0  # the paper: 1.09 kDa a component of about 10 residues


def residues_per_gaussian(config: Config) -> int:
    """Residues a component that come nearest to the mass a component of the settings."""
    model = config.em.model
    return max(1, round(model.component_mass / _DALTON_PER_RESIDUE))


def _plain_file(path: Path, folder: Path) -> Path:
    """The file as PMI opens it, a copy in the folder where it is packed: PMI reads no gzip, and
    mmCIF by its ending only."""
    found = find_file(path, "a file of the topology table")
    name = found.name.removesuffix(".gz").replace(".mmcif", ".cif")
    with open(found, "rb") as file:
        if name == found.name and not is_gzip(file):
            return found
    with opened(found, "a readable file") as packed:
        return _copy(found, folder, name, packed.read())


def _plain_text(path: Path, folder: Path) -> Path:
    """As `_plain_file`, a copy also where PMI would read a byte order mark or odd line endings."""
    found = find_file(path, "a file of the topology table")
    content = read_text(found, "a FASTA file").encode()
    if found.read_bytes() == content:
        return found
    return _copy(found, folder, found.name.removesuffix(".gz"), content)


def _structure(row: TopologyRow, folder: Path) -> Path:
    """The structure of a row, a copy where PMI would read it otherwise than emgmm does."""
    structure = read_structure(row.pdb)
    if reads_alike(structure):
        return _plain_file(row.pdb, folder)
    text, suffix = written_for_pmi(structure, row.chain or "A")
    name = f"{row.pdb.name.partition('.')[0]}-{row.chain}{suffix}"
    return _copy(row.pdb, folder, name, text.encode())


def _copy(found: Path, folder: Path, name: str, content: bytes) -> Path:
    copy = folder / f"{zlib.crc32(os.fsencode(found)):08x}-{name}"
    if not copy.is_file():  # several ranks write the same bytes
        with replacing(copy, force=True) as draft:
            draft.write_bytes(content)
    return copy


def write_table(path: Path, rows: list[TopologyRow], per_gaussian: int, copies: Path) -> None:
    """The rows as PMI's reader takes them: all columns in its order, absolute paths to files that
    are not packed (in the folder ``copies``), ranges that start at the first residue, and Gaussians
    for every row (0: none)."""
    columns = (
        "molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size"
        "|em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|"
    )
    lines = [f"|{columns}"]
    several = {row.molecule for row in rows if row.copy}
    for row in rows:
        name = f"{row.molecule}.{row.copy}" if row.molecule in several else row.molecule
        span = ""
        if row.residue_range is not None:
            first, last = row.residue_range
            # PMI slices with a negative index where a range starts before the sequence.
            span = f"{max(first, 1 - row.pdb_offset)},{last}"
        cells = [
            name,
            ",".join(f"{value:.6g}" for value in row.color),
            str(_plain_text(row.fasta_file, copies)),
            row.fasta_id + (f",{row.fasta_flag}" if row.fasta_flag else ""),
            str(_structure(row, copies) if row.structured else row.pdb),
            row.chain or "",
            span,
            str(row.pdb_offset),
            str(row.bead_size),
            str(per_gaussian and (row.em_residues_per_gaussian or per_gaussian)),
            str(row.rigid_body or ""),
            ",".join(map(str, row.super_rigid_bodies)),
            ",".join(map(str, row.chains_of_super_rigid_bodies)),
        ]
        lines.append("|" + "|".join(cells) + "|")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fit_bodies(config: Config, out: Path) -> None:
    """Mixtures of the bodies as PMI will ask for them, in ``OUT/gmm``: once, before several ranks
    would all write them."""
    table, _, _ = _build_native(config, out)
    table.unlink()


def _build_native(config: Config, out: Path) -> tuple[Path, System, dict[str, float]]:
    """A topology table for PMI (to be removed), the native system of it, and residues a Gaussian
    where they are not those of the table (`_residues_per_gaussian_of_files`)."""
    from ..representation import build_system as build_native

    paths = config.system
    rows = read_topology(paths.topology, paths.pdb_dir, paths.fasta_dir, paths.gmm_dir)
    # Of the files as they are; what is built below may be of copies.
    _, notes, structures = read_chains(
        Path(paths.topology), rows, paths.fasta_names, paths.check_residues
    )
    table = out / f".{_TABLE}.{os.getpid()}"
    (out / "restart").mkdir(exist_ok=True)
    per_gaussian = residues_per_gaussian(config) if config.em is not None else 0
    write_table(table, rows, per_gaussian, out / "restart")
    (out / "gmm").mkdir(exist_ok=True)
    native = build_native(
        msgspec.structs.replace(
            config, system=msgspec.structs.replace(paths, topology=str(table), gmm_dir=None)
        ),
        out / "gmm",
    )
    told = tuple(dict.fromkeys(notes))
    native = dataclasses.replace(native, notes=told, structures=tuple(structures))
    if config.em is None:
        return table, native, {}
    if config.em.model.forward == "residue":
        _write_residues(native, rows, out / "gmm")
    return table, native, _residues_per_gaussian_of_files(native, rows, per_gaussian, out / "gmm")


def _write_residues(native: System, rows: list[TopologyRow], folder: Path) -> None:
    """One sphere a bead of the finest resolution, a file for each row with structure: in the frame
    of the input, where PMI reads it."""
    beads, bodies = native.finest, native.bodies
    row = np.array([f.row if f.structured else -1 for f in native.fragments])[beads.fragment]
    for r in np.unique(row[row >= 0]):
        own = row == r
        xyz = beads.local[own] + bodies.poses[beads.body[own], 4:]
        mixture = spherical(xyz, beads.radius[own], beads.mass[own])
        path = folder / f"{rows[r].gmm_file.stem}.txt"
        if not path.is_file() or not _same_mixture(read_gmm(path), mixture):
            write_gmm(path, mixture, force=True)


def _same_mixture(a: Mixture, b: Mixture) -> bool:
    return (
        np.array_equal(a.means, b.means)
        and np.array_equal(a.covariances, b.covariances)
        and np.array_equal(a.weights, b.weights)
    )


def _residues_per_gaussian_of_files(
    native: System, rows: list[TopologyRow], per_gaussian: int, folder: Path
) -> dict[str, float]:
    """Numbers to tell PMI of rows whose file in ``folder`` it would else fit anew.

    PMI wants residues // em_residues_per_gaussian + 1 components and fits a file with any other
    number anew. No integer makes that the number of residues; residues / (components - 1/2) gives
    the number of the file, whatever it is.
    """
    residues = [0] * len(rows)
    for f in native.fragments:
        residues[f.row] += (f.last - f.first + 1) * f.structured
    told = {}
    for row, n in zip(rows, residues, strict=True):
        path = folder / f"{row.gmm_file.stem}.txt"
        if n == 0 or not path.is_file():
            continue
        components = len(read_gmm(path))
        if n // (row.em_residues_per_gaussian or per_gaussian) + 1 != components:
            told[row.gmm_file.stem] = n / (components - 0.5)
    return told


def write_axes(config: Config, out: Path, data: Mixture | None) -> Config:
    """The settings with the axes of their symmetry, found in the data where they are left open:
    once, for the other processes too."""
    if config.symmetry is None:
        return config
    found = zip(
        ("center", "axis", "second_axis"), symmetry_axes(config.symmetry, data), strict=True
    )
    axes = {name: tuple(v.tolist()) for name, v in found if v is not None}
    with replacing(out / _AXES, force=True) as draft:
        draft.write_text(json.dumps(axes), encoding="utf-8")
    symmetry = msgspec.structs.replace(config.symmetry, **axes)
    return msgspec.structs.replace(config, symmetry=symmetry)


def build_imp_system(config: Config, out: Path):
    """The ``IMP.emgmm.macros.System`` of a run's settings, and the native system of the same.

    The model GMMs are made by emgmm itself, in seconds, under the names by which PMI finds them in
    ``OUT/gmm``.
    """
    from IMP.emgmm.macros import CrossLinks, Symmetry, build_system

    paths = config.system
    table, native, per_gaussian = _build_native(config, out)
    em = config.em
    options = {}
    if em is not None:
        options = {
            "noise_model": em.noise_model,
            "sigma_min": em.sigma_min,
            "scale": em.scale,
            "background": em.background,
            "resolution": em.resolution,
            "single_precision": config.sampling.precision == "single",
        }
        if em.errors is not None:
            posterior = Posterior.of_run(config, native, read_gmm(out / "data_gmm.txt"))
            sigma = with_sigma(posterior.data, posterior.options)
            options["sigma_min"] = sigma.sigma_min
            options["component_sigmas"] = sigma.component_sigma
        if em.scale_to_mass and (em.map_mass or em.map):
            options["target_mass"] = data_mass(native, em)
    sampling, symmetry = config.sampling, None
    if config.symmetry is not None:
        symmetry = Symmetry(
            config.symmetry.group,
            molecules=config.symmetry.molecules,
            **json.loads((out / _AXES).read_text(encoding="utf-8")),
        )
    try:
        system = build_system(
            str(table),
            em_gmm=str(out / "data_gmm.txt") if em is not None else None,
            crosslinks=[
                _crosslinks(CrossLinks, section, out / "restart" / f"links_{number}.csv")
                for number, section in enumerate(config.crosslinks)
            ],
            pdb_dir="",
            fasta_dir="",
            gmm_dir=str(out / "gmm"),
            fasta_names=dict(paths.fasta_names) or None,
            resolutions=sorted(paths.resolutions),
            residues_per_gaussian=per_gaussian or None,
            em_options=options,
            em_weight=em.weight if em is not None else 1.0,
            scale_to_mass=em is None or (em.scale_to_mass and "target_mass" not in options),
            connectivity_scale=config.connectivity.scale,
            disordered_length=config.connectivity.disordered_length,
            excluded_volume_resolution=config.excluded_volume.resolution,
            excluded_volume_kappa=config.excluded_volume.kappa,
            max_translation=sampling.max_translation,
            max_rotation=sampling.max_rotation,
            symmetry=symmetry,
            output_dir=str(out / "restart"),
        )
    finally:
        table.unlink(missing_ok=True)
    return system, native


def set_poses(system, native: System, poses: np.ndarray) -> None:
    """Give an IMP system the poses (bodies, 7) of the native system of the same topology.

    Rigid bodies come in the same order; PMI puts the origin of a body elsewhere (it counts every
    resolution and the beads), so bodies get the motion since the input structure, where they must
    still be.
    """
    import IMP.algebra
    import IMP.atom
    import IMP.pmi.tools
    from IMP.emgmm.starts import set_bead_coordinates

    bodies = native.bodies
    motions = composed(poses, inverted(bodies.poses))
    rigid = np.flatnonzero(bodies.rotatable & bodies.movable)
    for b, imp_body in zip(rigid, system.dof.get_rigid_bodies(), strict=True):
        motion = IMP.algebra.Transformation3D(
            IMP.algebra.Rotation3D(*motions[b, :4].tolist()),
            IMP.algebra.Vector3D(*motions[b, 4:].tolist()),
        )
        frame = imp_body.get_reference_frame().get_transformation_to()
        imp_body.set_reference_frame(IMP.algebra.ReferenceFrame3D(motion * frame))
    system.model.update()
    beads = {name: b for b, name in enumerate(bodies.names) if not bodies.rotatable[b]}
    for bead in system.dof.get_flexible_beads():
        residues = IMP.pmi.tools.get_residue_indexes(bead)
        molecule = IMP.pmi.tools.get_molecules(bead)[0]
        copy = IMP.atom.Copy(molecule).get_copy_index()
        name = f"{molecule.get_name()}.{copy}:{residues[0]}-{residues[-1]}"
        xyz = IMP.algebra.Vector3D(*poses[beads[name], 4:])
        set_bead_coordinates(bead, xyz)
    system.model.update()


def _crosslinks(kind, section, plain: Path):
    return kind(
        file=str(write_plain_links(section, plain)),
        label=section.label or Path(section.file).stem,
        protein1=section.protein1,
        residue1=section.residue1,
        protein2=section.protein2,
        residue2=section.residue2,
        id=section.id,  # scores of identification do nothing in PMI, which refuses empty ones
        length=section.length,
        slope=section.slope,
        resolution=section.resolution,
        sigma=section.sigma,
        psi=section.psi,
        sigma_is_sampled=section.sigma_is_sampled,
        psi_is_sampled=section.psi_is_sampled,
        weight=section.weight,
    )

"""Real systems, built by emgmm and by PMI."""

from __future__ import annotations

import contextlib
import gzip
import io
import warnings
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from emgmm.config import load_config
from emgmm.io.structures import read_structure
from emgmm.poses import composed, inverted
from emgmm.representation import build_system, inputs

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
pmi = pytest.importorskip("IMP.pmi", reason="needs IMP.pmi, which cannot be imported")

HEADER = (
    "|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size"
    "|em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|\n"
)


def _rnapolii(source, folder):
    """Twelve subunits, domains, missing loops."""
    source = source / "rnapolii"
    table = (source / "topology.txt").read_text()
    # PMI slices the sequence with a negative index where a range starts before residue 1 and then
    # leaves most of Rpb4 without representation; emgmm starts at 1. With 4,END both do the same.
    rows = [
        line.replace("|1,END        |-3 ", "|4,END        |-3 ")
        if "|Rpb4 " in line
        else line
        # No mixtures: PMI would fit them for minutes.
        .replace("|40 ", "|0  ")
        for line in table.splitlines()
    ]
    (folder / "1WCM.fasta").write_text((source / "1WCM_new.fasta.txt").read_text())
    _unpack(source / "1WCM_map_fitted.pdb.gz", folder)
    return "\n".join(rows) + "\n"


def _actin(source, folder):
    """Offsets, a row of beads inside a rigid body, one chain in two rigid bodies."""
    source = source / "actin_4pki"
    table = (source / "topology.txt").read_text()
    rows = [line.replace("|1|10|", "|1|0|") for line in table.splitlines()[5:]]
    (folder / "4pkh.fasta.txt").write_text((source / "4pkh.fasta.txt").read_text())
    _unpack(source / "4pki.pdb.gz", folder)
    return "\n".join(rows) + "\n"


def _groel(source, folder):
    """Copies, flexible tails, beads of no rigid body, an ideal helix."""
    path = source.parent / "complexes" / "1oel_7mer.pdb.gz"
    atoms = read_structure(path)
    chain = atoms.select(atoms.chain == atoms.chains()[0])
    centers = chain.central_atoms()
    codes = {
        int(chain.residue_number[i]): gemmi.find_tabulated_residue(
            str(chain.residue_name[i])
        ).one_letter_code.upper()
        for i in centers
    }
    sequence = "".join(codes.get(i, "A") for i in range(1, 548))
    (folder / "groel.fasta").write_text(f">groel\n{sequence}\n")
    _unpack(path, folder)
    rows = []
    for k, name in enumerate(atoms.chains()):
        copy = f"|GroEL.{k}|red|groel.fasta|groel"
        pdb = f"1oel_7mer.pdb|{name}"
        rows += [
            f"{copy}|{pdb}|1,190|0|4|0|{2 * k + 1}|{k + 1},9||",
            f"{copy}|{pdb}|191,520|0|4|0|{2 * k + 2}|{k + 1}||",
            f"{copy}|BEADS||521,547|0|7|0||||",
        ]
    rows += [
        "|Helix|blue|groel.fasta|groel|BEADS||1,9|0|3|0||||",
        "|Helix|blue|groel.fasta|groel|IDEAL_HELIX||10,34|0|3|0|99|||",
    ]
    return HEADER + "\n".join(rows) + "\n"


def _unpack(path, folder):
    with gzip.open(path, "rt") as file:
        (folder / path.name.removesuffix(".gz")).write_text(file.read())


@pytest.fixture(scope="module", params=[_rnapolii, _actin, _groel], ids=lambda f: f.__name__[1:])
def folder(request, shared_data, tmp_path_factory):
    """Table, sequences and structure under the names the table uses."""
    folder = tmp_path_factory.mktemp("parity")
    table = request.param(shared_data / "crosslinks", folder)
    (folder / "topology.txt").write_text(table)
    (folder / "system.toml").write_text('[system]\ntopology = "topology.txt"\n')
    return folder


@pytest.fixture(scope="module")
def system(folder):
    """Built from what IMP reads: coordinates in single precision, one conformer, whole atoms, of
    modified residues MSE."""

    def read(path):
        atoms = read_structure(path)
        known = ~atoms.hetero | (atoms.residue_name == "MSE")
        atoms = atoms.select(known & np.isin(atoms.altloc, ("", "A")))
        one = np.ones(len(atoms))
        single = atoms.xyz.astype(np.float32).astype(np.float64)
        return replace(atoms, xyz=single, occupancy=one, share=one)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "read_structure", read)
        return build_system(load_config(folder / "system.toml"))


@pytest.fixture(scope="module")
def imp_system(folder):
    return build_with_imp(folder)


def build_with_imp(folder):
    """(model, root hierarchy, molecules by name, degrees of freedom) as PMI builds them."""
    import IMP.pmi.macros
    import IMP.pmi.topology

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = IMP.Model()
        reader = IMP.pmi.topology.TopologyReader(
            str(folder / "topology.txt"),
            pdb_dir=str(folder),
            fasta_dir=str(folder),
            gmm_dir=str(folder),
        )
        builder = IMP.pmi.macros.BuildSystem(model)
        builder.add_state(reader)
        root, dof = builder.execute_macro()
    return model, root, builder.get_molecules()[0], dof


def label(hierarchy):
    """``name.copy`` of the molecule."""
    import IMP.atom
    import IMP.pmi.tools

    molecule = IMP.pmi.tools.get_molecules(hierarchy)[0]
    return f"{molecule.get_name()}.{IMP.atom.Copy(molecule).get_copy_index()}"


def imp_particles(root, resolution):
    """(molecule name, first, last, xyz, radius, mass) of each bead, sorted."""
    import IMP.atom
    import IMP.core
    import IMP.pmi.tools

    rows = []
    for particle in IMP.atom.Selection(root, resolution=resolution).get_selected_particles():
        residues = IMP.pmi.tools.get_residue_indexes(IMP.atom.Hierarchy(particle))
        sphere = IMP.core.XYZR(particle)
        rows.append(
            (
                label(IMP.atom.Hierarchy(particle)),
                residues[0],
                residues[-1],
                np.array(sphere.get_coordinates()),
                sphere.get_radius(),
                IMP.atom.Mass(particle).get_mass(),
            )
        )
    return sorted(rows, key=lambda row: row[:2])


def shake(system, imp_system, seed):
    """Moves every body by the same random pose here and in IMP; returns (bodies, 7)."""
    import IMP.algebra
    import IMP.core
    import IMP.pmi.tools

    model, _, _, dof = imp_system
    random = np.random.default_rng(seed)
    n = len(system.bodies)
    poses = system.bodies.poses.copy()
    poses[:, 4:] += random.normal(0, 8, (n, 3))
    rigid = np.flatnonzero(system.bodies.rotatable)
    for body, imp_body in zip(rigid, dof.get_rigid_bodies(), strict=True):
        axis = random.normal(size=3)
        turn = IMP.algebra.get_rotation_about_axis(
            IMP.algebra.Vector3D(*(axis / np.linalg.norm(axis))), random.uniform(-0.3, 0.3)
        )
        poses[body, :4] = turn.get_quaternion()
        # PMI puts the origin of a body elsewhere (it counts every resolution and the beads).
        shift = composed(poses[body], inverted(system.bodies.poses[body]))[4:]
        motion = IMP.algebra.Transformation3D(turn, IMP.algebra.Vector3D(*shift))
        frame = imp_body.get_reference_frame().get_transformation_to()
        imp_body.set_reference_frame(IMP.algebra.ReferenceFrame3D(motion * frame))
    model.update()
    by_range = {
        name: body
        for body, name in enumerate(system.bodies.names)
        if not system.bodies.rotatable[body]
    }
    for bead in dof.get_flexible_beads():
        residues = IMP.pmi.tools.get_residue_indexes(bead)
        body = by_range[f"{label(bead)}:{residues[0]}-{residues[-1]}"]
        xyz = IMP.algebra.Vector3D(*poses[body, 4:])
        if IMP.core.NonRigidMember.get_is_setup(bead):
            member = IMP.core.NonRigidMember(bead)
            frame = member.get_rigid_body().get_reference_frame()
            member.set_internal_coordinates(frame.get_local_coordinates(xyz))
        else:
            IMP.core.XYZ(bead).set_coordinates(xyz)
    model.update()
    return poses

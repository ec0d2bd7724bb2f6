"""Beads, masses, connectivity and excluded volume of real systems: the numbers of IMP.pmi."""

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
from emgmm.representation import ExcludedVolume, build_system, inputs
from priors_reference import connectivity_energy, excluded_volume_energy

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
pmi = pytest.importorskip("IMP.pmi", reason="needs IMP.pmi, which cannot be imported")

RELATIVE = 1e-6
_PYROPHOSPHATE = 178.0  # Da, with the water of the bond
# IMP keeps the trees of rigid bodies under the address of what looks for close pairs: a restraint
# that took the place of a freed one would find its trees, of beads of another size.
_KEPT: list = []


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
    return _build_with_imp(folder)


def _build_with_imp(folder):
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


def _label(hierarchy):
    """``name.copy`` of the molecule."""
    import IMP.atom
    import IMP.pmi.tools

    molecule = IMP.pmi.tools.get_molecules(hierarchy)[0]
    return f"{molecule.get_name()}.{IMP.atom.Copy(molecule).get_copy_index()}"


def _imp_particles(root, resolution):
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
                _label(IMP.atom.Hierarchy(particle)),
                residues[0],
                residues[-1],
                np.array(sphere.get_coordinates()),
                sphere.get_radius(),
                IMP.atom.Mass(particle).get_mass(),
            )
        )
    return sorted(rows, key=lambda row: row[:2])


@pytest.mark.parametrize("resolution", [1, 10])
def test_beads(system, imp_system, resolution):
    expected = _imp_particles(imp_system[1], resolution)
    particles = system.particles[resolution]
    xyz = particles.positions(system.bodies.rotation, system.bodies.translation)
    names = [system.molecules[m].label for m in particles.molecule]
    order = sorted(range(len(particles)), key=lambda i: (names[i], particles.first[i]))
    found = [(names[i], particles.first[i], particles.last[i]) for i in order]
    assert found == [row[:3] for row in expected]
    np.testing.assert_allclose(xyz[order], [row[3] for row in expected], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(particles.radius[order], [row[4] for row in expected], rtol=RELATIVE)
    # PMI means 110 Da a residue of an ideal helix, but its copies of the atoms at resolution 10
    # weigh as much as carbon; emgmm keeps 110 Da.
    kept = [k for k, row in enumerate(expected) if resolution == 1 or row[0] != "Helix.0"]
    masses = np.array([row[5] for row in expected])[kept]
    np.testing.assert_allclose(particles.mass[order][kept], masses, rtol=RELATIVE)


def _shake(system, imp_system, seed):
    """Moves every body by the same random pose here and in IMP: rotations and translations."""
    import IMP.algebra
    import IMP.core
    import IMP.pmi.tools

    model, _, _, dof = imp_system
    random = np.random.default_rng(seed)
    n = len(system.bodies)
    rotation = system.bodies.rotation.copy()
    translation = system.bodies.translation.copy() + random.normal(0, 8, (n, 3))
    rigid = np.flatnonzero(system.bodies.rotatable)
    for body, imp_body in zip(rigid, dof.get_rigid_bodies(), strict=True):
        axis = random.normal(size=3)
        turn = IMP.algebra.get_rotation_about_axis(
            IMP.algebra.Vector3D(*(axis / np.linalg.norm(axis))), random.uniform(-0.3, 0.3)
        )
        rotation[body] = [
            [row[k] for k in range(3)] for row in map(turn.get_rotation_matrix_row, range(3))
        ]
        # PMI puts the origin of a body elsewhere (it counts every resolution and the beads).
        shift = translation[body] - rotation[body] @ system.bodies.translation[body]
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
        body = by_range[f"{_label(bead)}:{residues[0]}-{residues[-1]}"]
        xyz = IMP.algebra.Vector3D(*translation[body])
        if IMP.core.NonRigidMember.get_is_setup(bead):
            member = IMP.core.NonRigidMember(bead)
            frame = member.get_rigid_body().get_reference_frame()
            member.set_internal_coordinates(frame.get_local_coordinates(xyz))
        else:
            IMP.core.XYZ(bead).set_coordinates(xyz)
    model.update()
    return rotation, translation


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_connectivity_and_excluded_volume(system, imp_system, seed):
    import IMP.core
    import IMP.pmi.restraints.stereochemistry as stereochemistry

    model, root, molecules, dof = imp_system
    frames = [body.get_reference_frame() for body in dof.get_rigid_bodies()]
    if seed is None:
        rotation, translation = system.bodies.rotation, system.bodies.translation
    else:
        rotation, translation = _shake(system, imp_system, seed)
    finest = system.particles[1].positions(rotation, translation)
    expected = {row[:2]: row[3] for row in _imp_particles(root, 1)}
    names = [system.molecules[m].label for m in system.particles[1].molecule]
    keys = list(zip(names, system.particles[1].first.tolist(), strict=True))
    np.testing.assert_allclose(finest, [expected[key] for key in keys], RELATIVE, 1e-9)

    with contextlib.redirect_stdout(io.StringIO()):
        for index, molecule in enumerate(system.molecules):
            restraint = stereochemistry.ConnectivityRestraint(
                molecules[molecule.name][molecule.copy]
            )
            mine = system.connectivity.molecule == index
            assert len(restraint.get_particle_pairs()) == mine.sum()
            energy = connectivity_energy(system, rotation, translation, only=mine)
            assert energy == pytest.approx(restraint.evaluate(), rel=RELATIVE, abs=1e-9)
        for resolution in (1, 10):
            volume = stereochemistry.ExcludedVolumeSphere(root, resolution=resolution)
            _KEPT.append(volume)
            spheres = replace(system, excluded_volume=ExcludedVolume(resolution, 1.0))
            energy = excluded_volume_energy(spheres, rotation, translation)
            # PMI's own evaluate() leaves the list of close pairs as it is.
            function = IMP.core.RestraintsScoringFunction([volume.get_restraint()])
            assert energy == pytest.approx(function.evaluate(False), rel=RELATIVE)
            assert energy > 0
    for body, frame in zip(dof.get_rigid_bodies(), frames, strict=True):
        body.set_reference_frame(frame)
    model.update()


def test_super_rigid_bodies(system, imp_system):
    """As many moves; chains of them are left out, because PMI turns those into crankshaft moves."""
    dof = imp_system[3]
    movers = [m for m in dof.get_movers() if "Super rigid body" in m.get_name()]
    assert len(movers) == len(system.super_rigid_bodies)


def test_rna(tmp_path):
    """Beads at P of every nucleotide, masses of nucleotides.

    IMP.atom has the masses of the triphosphates, at resolution 1 only; emgmm has those of the
    nucleotides of a chain, at all resolutions. A nucleotide without phosphate, which PMI makes a
    flexible bead, is not compared.

    Radii at resolution 10 are not compared: where IMP.atom has no volume for a residue it adds
    those of its atoms with radii of a force field, which fill twice the volume of a nucleotide.
    """
    sequence = "AUGCAUGCAUGCAU"
    lines = []
    for number, code in enumerate(sequence, start=1):
        for name, x, y in [("P", 0.0, 0.0), ("C4'", 1.0, 0.5), ("N1", 2.0, 1.5)]:
            lines.append(
                f"ATOM  {len(lines) + 1:5d}  {name:<3s} {code:>3s} R{number:4d}    "
                f"{6 * number + x:8.3f}{y:8.3f}{0:8.3f}  1.00  0.00           {name[0]}\n"
            )
    (tmp_path / "rna.pdb").write_text("".join(lines))
    (tmp_path / "rna.fasta").write_text(f">r\n{sequence}\n")
    row = "|R|red|rna.fasta|r,RNA|rna.pdb|R|all|0|5|0|1|||\n"
    (tmp_path / "topology.txt").write_text(HEADER + row)
    (tmp_path / "system.toml").write_text('[system]\ntopology = "topology.txt"\n')
    system = build_system(load_config(tmp_path / "system.toml"))
    _, root, _, _ = _build_with_imp(tmp_path)
    for resolution in (1, 10):
        expected = _imp_particles(root, resolution)
        particles = system.particles[resolution]
        xyz = particles.positions(system.bodies.rotation, system.bodies.translation)
        assert [(r[1], r[2]) for r in expected] == list(
            zip(particles.first.tolist(), particles.last.tolist(), strict=True)
        )
        np.testing.assert_allclose(xyz, [r[3] for r in expected], rtol=RELATIVE, atol=1e-9)
        if resolution == 1:
            less = np.array([r[5] for r in expected]) - _PYROPHOSPHATE
            np.testing.assert_allclose(particles.mass, less, atol=0.1)
    radii = [r[4] for r in _imp_particles(root, 1)]
    np.testing.assert_allclose(system.particles[1].radius, radii, rtol=RELATIVE)

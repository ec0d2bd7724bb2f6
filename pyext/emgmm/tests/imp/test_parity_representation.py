"""Beads, masses, connectivity and excluded volume of real systems: the numbers of IMP.pmi."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from emgmm.config import load_config
from emgmm.representation import ExcludedVolume, build_system
from priors_reference import connectivity_energy, excluded_volume_energy

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
pmi = pytest.importorskip("IMP.pmi", reason="needs IMP.pmi, which cannot be imported")

from pmi_systems import HEADER, build_with_imp, folder, imp_particles, imp_system, shake, system  # noqa: E402

__all__ = ["folder", "imp_system", "system"]  # fixtures

RELATIVE = 1e-6
_PYROPHOSPHATE = 178.0  # Da, with the water of the bond
# IMP keeps the trees of rigid bodies under the address of what looks for close pairs: a restraint
# that took the place of a freed one would find its trees, of beads of another size.
_KEPT: list = []


@pytest.mark.parametrize("resolution", [1, 10])
def test_beads(system, imp_system, resolution):
    expected = imp_particles(imp_system[1], resolution)
    particles = system.particles[resolution]
    xyz = particles.positions(system.bodies.poses)
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


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_connectivity_and_excluded_volume(system, imp_system, seed):
    import IMP.core
    import IMP.pmi.restraints.stereochemistry as stereochemistry

    model, root, molecules, dof = imp_system
    frames = [body.get_reference_frame() for body in dof.get_rigid_bodies()]
    if seed is None:
        poses = system.bodies.poses
    else:
        poses = shake(system, imp_system, seed)
    finest = system.particles[1].positions(poses)
    expected = {row[:2]: row[3] for row in imp_particles(root, 1)}
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
            energy = connectivity_energy(system, poses, only=mine)
            assert energy == pytest.approx(restraint.evaluate(), rel=RELATIVE, abs=1e-9)
        for resolution in (1, 10):
            volume = stereochemistry.ExcludedVolumeSphere(root, resolution=resolution)
            _KEPT.append(volume)
            spheres = replace(system, excluded_volume=ExcludedVolume(resolution, 1.0))
            energy = excluded_volume_energy(spheres, poses)
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
    _, root, _, _ = build_with_imp(tmp_path)
    for resolution in (1, 10):
        expected = imp_particles(root, resolution)
        particles = system.particles[resolution]
        xyz = particles.positions(system.bodies.poses)
        assert [(r[1], r[2]) for r in expected] == list(
            zip(particles.first.tolist(), particles.last.tolist(), strict=True)
        )
        np.testing.assert_allclose(xyz, [r[3] for r in expected], rtol=RELATIVE, atol=1e-9)
        if resolution == 1:
            less = np.array([r[5] for r in expected]) - _PYROPHOSPHATE
            np.testing.assert_allclose(particles.mass, less, atol=0.1)
    radii = [r[4] for r in imp_particles(root, 1)]
    np.testing.assert_allclose(system.particles[1].radius, radii, rtol=RELATIVE)

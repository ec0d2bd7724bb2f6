"""From a topology table to bodies, beads, Gaussians and priors."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.mixture import Mixture
from emgmm.representation import build_system

HEADER = (
    "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size"
    "|em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|\n"
)
SEQUENCE = "MKVLAGHWYRDEQNSTCPIFMKVLAGHWYR"  # 30 residues
ROW = "|A|s.fasta|a|x.pdb|A|all||5||1|1||\n"


def _atom(serial, name, chain, number, xyz):
    return (
        f"ATOM  {serial:5d}  {name:<3s} ALA {chain}{number:4d}    "
        f"{xyz[0]:8.3f}{xyz[1]:8.3f}{xyz[2]:8.3f}  1.00  0.00           {name[0]}\n"
    )


def _pdb(residues):
    """N, CA, C of each (chain, number) along a line, 4 Å a residue."""
    lines = []
    for chain, number in residues:
        for k, name in enumerate(("N", "CA", "C")):
            xyz = (4.0 * number + 1.3 * k, 50.0 * (chain == "B"), float(k == 1))
            lines.append(_atom(len(lines) + 1, name, chain, number, xyz))
    return "".join(lines)


@pytest.fixture
def build(tmp_path):
    """``build(rows, settings)`` with residues 3 to 12 and 16 to 27 of chain A, all of chain B."""
    residues = [("A", i) for i in [*range(3, 13), *range(16, 28)]]
    residues += [("B", i) for i in range(1, 31)]
    (tmp_path / "x.pdb").write_text(_pdb(residues))
    (tmp_path / "s.fasta").write_text(f">a\n{SEQUENCE}\n>b\n{SEQUENCE[::-1]}\n>r\nAUGC\n>bad\nMJ\n")

    def _build(rows, settings="", **arguments):
        (tmp_path / "t.txt").write_text(HEADER + rows)
        (tmp_path / "s.toml").write_text(f'[system]\ntopology = "t.txt"\n{settings}')
        return build_system(load_config(tmp_path / "s.toml"), **arguments)

    return _build


def test_beads_of_one_molecule(build):
    system = build(ROW)
    finest, coarsest = system.particles[1], system.particles[10]
    ranges = list(zip(finest.first.tolist(), finest.last.tolist(), strict=True))
    expected = [(1, 2)]
    expected += [(i, i) for i in range(3, 13)] + [(13, 15)]
    expected += [(i, i) for i in range(16, 28)] + [(28, 30)]
    assert ranges == expected
    assert list(zip(coarsest.first.tolist(), coarsest.last.tolist(), strict=True)) == [
        (1, 2), (3, 12), (13, 15), (16, 25), (26, 27), (28, 30),
    ]  # fmt: skip
    assert finest.mass[1] == 99.133 and finest.radius[1] == pytest.approx(
        2.888, rel=2e-4
    )  # V3 of the sequence, not ALA
    assert finest.mass[0] == 220 and finest.mass[11] == 330
    assert finest.radius[0] == pytest.approx(0.8 * (3 / (4 * np.pi) * 220 / 0.625) ** (1 / 3))
    volume = sum(r**3 for r in finest.radius[1:11])
    assert coarsest.radius[1] == pytest.approx(volume ** (1 / 3), rel=2e-4)
    assert coarsest.mass[1] == pytest.approx(10 * (14.0067 + 2 * 12.0107))


def test_beads_stand_where_the_structure_has_them(build):
    system = build(ROW)
    bodies = system.bodies
    xyz = system.finest.positions(bodies.poses)
    np.testing.assert_allclose(xyz[1], [4 * 3 + 1.3, 0, 1])
    np.testing.assert_allclose(xyz[0], xyz[1])  # missing residues start at the nearest known one
    np.testing.assert_allclose(xyz[11], xyz[10])
    coarse = system.coarsest.positions(bodies.poses)
    np.testing.assert_allclose(coarse[1], [4 * 7.5 + 1.3, 0, 1 / 3], atol=1e-12)
    inside = system.finest.body == 0
    mass = system.finest.mass[inside]
    np.testing.assert_allclose(mass @ system.finest.local[inside], 0, atol=1e-9)


def test_missing_loops_are_free_beads_that_ride_on_their_body(build):
    bodies = build(ROW).bodies
    assert bodies.names == ("RigidBody 1", "A.0:1-2", "A.0:13-15", "A.0:28-30")
    assert bodies.rotatable.tolist() == [True, False, False, False]
    assert bodies.carrier.tolist() == [-1, 0, 0, 0]
    assert bodies.movable.all()
    assert bodies.mass.tolist()[1:] == [220, 330, 330]


def test_structured_rows_of_no_rigid_body_stay(build):
    system = build("|A|s.fasta|a|x.pdb|A|all|||||||\n")
    assert system.bodies.names[0] == "Fixed A.0.0"
    assert system.bodies.movable.tolist() == [False, True, True, True]
    assert system.bodies.carrier.tolist() == [-1] * 4


def test_a_molecule_of_beads_only(build):
    system = build("|A|s.fasta|a|BEADS||all||12|||||\n")
    assert [(a, b) for a, b in zip(system.finest.first, system.finest.last, strict=True)] == [
        (1, 12), (13, 24), (25, 30),
    ]  # fmt: skip
    assert system.particles[1].radius.tolist() == system.particles[10].radius.tolist()
    np.testing.assert_array_equal(system.bodies.poses[:, 4:], 0)
    assert system.gaussians.mixture.covariances[2] == pytest.approx(
        np.eye(3) * system.finest.radius[2] ** 2 / 5
    )


def test_an_ideal_helix(build):
    system = build("|A|s.fasta|a|IDEAL_HELIX||1,18|||||1|||\n".replace("|||||1|||", "||||1|||"))
    xyz = system.finest.positions(system.bodies.poses)
    steps = np.linalg.norm(np.diff(xyz, axis=0), axis=1)
    assert len(xyz) == 18 and steps == pytest.approx(np.full(17, steps[0]))
    assert 3.7 < steps[0] < 3.9


def test_copies_share_the_sequence(build):
    rows = ROW + "|A.1|||x.pdb|B|all||5||2|1||\n"
    system = build(rows)
    assert [m.label for m in system.molecules] == ["A.0", "A.1"]
    assert [m.chain for m in system.molecules] == ["A", "B"]
    assert system.copies() == [[0, 1]]
    assert len(system.super_rigid_bodies) == 1
    assert system.super_rigid_bodies[0].tolist() == [0, 1, 2, 3, 4]


def test_chains_of_super_rigid_bodies_join_neighbouring_rows(build):
    rows = "".join(
        f"|A|s.fasta|a|x.pdb|B|{a},{b}||5||{k}||1|\n"
        for k, (a, b) in enumerate([(1, 10), (11, 20), (21, 30)], start=1)
    )
    system = build(rows)
    assert [s.tolist() for s in system.super_rigid_bodies] == [[0, 1], [1, 2]]


def test_rna(build):
    system = build("|R|s.fasta|r,RNA|BEADS||all||1|||||\n")
    assert system.molecules[0].alphabet == "RNA"
    assert system.finest.mass.tolist() == [110] * 4  # PMI's beads weigh 110 Da a residue


def test_connectivity_skips_the_inside_of_a_rigid_body(build):
    system = build(ROW, "[connectivity]\nscale = 2.0\nforce_constant = 5.0\n")
    bonds = system.connectivity
    assert bonds.resolution == 1 and bonds.force_constant == 5
    pairs = list(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))
    assert pairs == [(0, 1), (10, 11), (11, 12), (23, 24)]
    assert bonds.threshold == pytest.approx(np.full(4, 7.2))


def test_connectivity_spans_residues_that_are_not_represented(build):
    rows = "|A|s.fasta|a|x.pdb|A|3,12||5||1|||\n|A|s.fasta|a|x.pdb|A|16,27||5||2|||\n"
    bonds = build(rows).connectivity
    assert len(bonds) == 1 and bonds.threshold[0] == pytest.approx((3 + 1) * 3.6)


def test_connectivity_over_a_disordered_length(build):
    rows = "|A|s.fasta|a|x.pdb|B|1,2||5||1|||\n|A|s.fasta|a|x.pdb|B|29,30||5||2|||\n"
    system = build(rows, "[connectivity]\ndisordered_length = true\n")
    coil = np.sqrt(5 / 3) * 1.93 * 27**0.6
    radii = system.finest.radius[1] + system.finest.radius[2]
    assert system.connectivity.threshold == pytest.approx([coil - radii])


def test_mixtures_of_bodies(build):
    model = '[em]\ngmm = "s.fasta"\n[em.model]\ndalton_per_component = 800.0\n'
    rows = "|A|s.fasta|a|x.pdb|A|all||5||1|||\n|B|s.fasta|b|x.pdb|B|all||5|10|2|||\n"
    system = build(rows, model)
    counts = np.bincount(system.gaussians.body).tolist()
    mass = system.bodies.mass
    assert counts == [round(mass[0] / 800), 30 // 10 + 1, 1, 1, 1]
    assert np.all(np.diff(system.gaussians.body) >= 0)
    for body in range(len(system.bodies)):
        weights = system.gaussians.mixture.weights[system.gaussians.body == body]
        assert weights.sum() == pytest.approx(mass[body])
    placed = system.gaussians.placed(system.bodies.poses)
    center = placed.means[system.gaussians.body == 1].mean(axis=0)
    np.testing.assert_allclose(center, system.bodies.poses[1, 4:], atol=3)


def test_residues_as_gaussians(build):
    system = build(ROW, '[em]\ngmm = "s.fasta"\n[em.model]\nforward = "residue"\n')
    assert len(system.gaussians) == len(system.finest)
    assert system.mass == pytest.approx(system.finest.mass.sum())


def test_mixtures_are_kept_and_used_again(build, tmp_path):
    rows = "|A|s.fasta|a|x.pdb|A|all||5||1|||\n|B|s.fasta|b|x.pdb|B|all||5|10|2|||\n"
    folder = tmp_path / "gmm"
    first = build(rows, gmm_dir=folder)
    assert sorted(p.name for p in folder.iterdir()) == ["B..0.txt", "RigidBody_1.txt"]
    # The same to the last bit: a resumed run goes on with the model it began with.
    again = build(rows, gmm_dir=folder)
    np.testing.assert_array_equal(again.gaussians.mixture.means, first.gaussians.mixture.means)
    np.testing.assert_array_equal(again.gaussians.mixture.weights, first.gaussians.mixture.weights)
    # Another number is told by the file and not by a new fit.
    kept = read_gmm(folder / "RigidBody_1.txt")
    other = Mixture(kept.means, kept.covariances * 1.01, kept.weights)
    write_gmm(folder / "RigidBody_1.txt", other, force=True)
    used = build(rows, gmm_dir=folder).gaussians
    np.testing.assert_allclose(
        used.mixture.covariances[used.body == 0], other.covariances, rtol=1e-12
    )


def test_mixtures_of_another_structure_are_fitted_anew(build, tmp_path):
    folder = tmp_path / "gmm"
    expected = build(ROW, gmm_dir=folder).gaussians.mixture
    path = folder / "RigidBody_1.txt"
    kept = read_gmm(path)
    quarter_turn = np.array([0.5**0.5, 0, 0, 0.5**0.5, 0, 0, 0])
    moved = kept.shifted(-kept.center).moved(quarter_turn).shifted(kept.center)
    write_gmm(path, moved, force=True)
    np.testing.assert_array_equal(
        build(ROW, gmm_dir=folder).gaussians.mixture.means, expected.means
    )
    np.testing.assert_allclose(read_gmm(path).means, moved.means)  # and nothing is overwritten


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("|A|none|a|BEADS||||||||||\n", "line 2, column fasta_fn: found no file"),
        ("|A|s.fasta|z|BEADS||||||||||\n", "fasta_id: found 'z', expected a name in s.fasta"),
        ("|A|s.fasta|bad|BEADS||||||||||\n", "s.fasta, line 7: found 'J' in 'bad'"),
        ("|A|s.fasta|a|y.pdb|A|||||||||\n", "line 2, column pdb_fn: found no file"),
        ("|A|s.fasta|a|x.pdb|C|||||||||\n", "chain: found 'C', expected a chain of x.pdb: A, B"),
        ("|A|s.fasta|a|x.pdb|A|13,15||||||||\n", "residue_range: found 13,15, where chain A"),
        ("|A|s.fasta|a|BEADS||20,31||||||||\n", "residue_range: found residues 20 to 31"),
        ("|A|s.fasta|a|x.pdb|A||-4|||||||\n", "column pdb_offset: found -4"),
        (ROW + "|A|||x.pdb|B|10,20||||||||\n", "line 3, column residue_range: found residues 10-"),
        ("|A|s.fasta|a|BEADS||||||3||||\n", "line 2, column rigid_body: found rigid body 3"),
    ],
)  # fmt: skip
def test_bad_tables_are_told(build, rows, message):
    rows = "".join(line[: _cut(line)] + "|\n" for line in rows.splitlines())
    with pytest.raises(InputError) as caught:
        build(rows)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _cut(line):
    """Position behind the twelfth cell."""
    return [i for i, c in enumerate(line) if c == "|"][12]


def test_what_does_not_agree_is_noted(build, tmp_path):
    (tmp_path / "x2.pdb").write_text(_pdb([("A", i) for i in range(5, 33)]))
    system = build("|A|s.fasta|a|x2.pdb|A|all||5||1|||\n")
    assert any("runs 2 residues beyond the sequence a" in note for note in system.notes)
    assert any("are not those of the sequence (residues 6-24, 26-30)" in n for n in system.notes)
    assert system.molecules[0].sequence == SEQUENCE + "AA"


def test_the_model_is_blurred_to_the_resolution_of_the_map(build, tmp_path):
    sharp = build(ROW, '[em]\ngmm = "s.fasta"\n', gmm_dir=tmp_path / "gmm").gaussians.mixture
    text = '[em]\ngmm = "s.fasta"\nresolution = 20.0\n'
    blurred = build(ROW, text, gmm_dir=tmp_path / "gmm").gaussians.mixture
    np.testing.assert_array_equal(blurred.means, sharp.means)
    np.testing.assert_array_equal(blurred.weights, sharp.weights)
    added = blurred.covariances - sharp.covariances
    np.testing.assert_allclose(added, np.tile(4.5**2 * np.eye(3), (len(sharp), 1, 1)), atol=1e-9)

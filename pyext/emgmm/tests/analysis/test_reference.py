"""A reference structure: which chain is which molecule, and how much of the model it has."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from chain_file import chain_of, random_walk, residue_of, write_chains, write_structure
from command_line import emgmm
from emgmm.analysis import analyze
from emgmm.analysis.reference import reference_coordinates
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.report import write_report
from emgmm.representation import build_system
from emgmm.runs.run import run

A = "MKVLAGHWYRDEQNSTCPIFMKVLAGHWYRDENQ"
B = "GSTWYDDEKRHILMFPACVNQQGSTWYDDERLHK"
PARALOG = B[:5] + "A" + B[6:20] + "A" + B[21:]  # 94 % of B
XYZ_A, XYZ_B = random_walk(34, 1), random_walk(34, 2) + np.array([30, 0, 0])
TABLE = (
    "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|rigid_body|\n"
    "|A|s.fasta|A|n.pdb|A|1,END|1|\n|B|s.fasta|B|n.pdb|B|1,END|2|\n"
)
SETTINGS = (
    '[system]\ntopology = "t.txt"\n[sampling]\nstart = "asis"\nreplicas = 1\nsteps = 20\n'
    "frame_interval = 10\nmax_translation = 0.1\nmax_rotation = 0.001\nthreads = 1\n"
)


@pytest.fixture
def complex_of_two(tmp_path):
    """The system of two chains, its native structure and settings in a folder."""
    write_chains(tmp_path / "n.pdb", [("A", A, XYZ_A), ("B", B, XYZ_B)])
    (tmp_path / "s.fasta").write_text(f">A\n{A}\n>B\n{B}\n")
    (tmp_path / "t.txt").write_text(TABLE)
    (tmp_path / "system.toml").write_text(SETTINGS)
    return tmp_path, build_system(load_config(tmp_path / "system.toml"))


def found(complex_of_two, chains):
    """Coordinates, what was compared and notes for a reference of these chains."""
    folder, system = complex_of_two
    write_structure(folder / "r.pdb", chains)
    xyz, compared, notes = reference_coordinates(system, folder / "r.pdb")
    return xyz, compared.report(), notes


def assert_native(xyz) -> None:
    np.testing.assert_allclose(xyz, np.concatenate([XYZ_A, XYZ_B]), atol=1e-3)


def test_the_native_structure(complex_of_two):
    xyz, compared, notes = found(complex_of_two, [chain_of("A", A, XYZ_A), chain_of("B", B, XYZ_B)])
    assert_native(xyz)
    assert notes == []
    chain = {"subunit": "A", "chain": "A", "by": "table", "residues": 34, "of": 34, "enough": True}
    assert compared["chains"][0] == chain
    assert compared["complete"] and compared["missing"] == compared["unused_chains"] == []
    assert (compared["residues"], compared["of"]) == (68, 68)


def test_whatever_else_a_chain_holds(complex_of_two):
    """Waters, a calcium, a ligand with an atom CA, a phosphate, all with numbers of residues."""
    chain = chain_of("A", A, XYZ_A)
    for name, atom_name, element, number in (
        ("HOH", "O", "O", 3),
        ("CA", "CA", "Ca", 4),
        ("PO4", "P", "P", 5),
        ("GOL", "C1", "C", 6),
        ("XYZ", "CA", "C", 7),
        ("SO4", "S", "S", 100),
    ):
        residue = residue_of(name, number, [99, 99, 99])
        residue.het_flag = "H"
        residue[0].name, residue[0].element = atom_name, gemmi.Element(element)
        chain.add_residue(residue)
    xyz, compared, _ = found(complex_of_two, [chain, chain_of("B", B, XYZ_B)])
    assert_native(xyz)
    assert compared["complete"] and compared["unused_chains"] == []


def test_alternate_locations_and_modified_residues(complex_of_two):
    """The location of the higher occupancy; MSE for M as HETATM; no residue counted twice."""
    chain = chain_of("A", A, XYZ_A)
    chain[0].name, chain[0].het_flag = "MSE", "H"
    other = gemmi.Atom()
    other.name, other.element, other.altloc, other.occ = "CA", gemmi.Element("C"), "B", 0.4
    other.pos = gemmi.Position(99, 99, 99)
    chain[5].add_atom(other)
    chain[5][0].altloc, chain[5][0].occ = "A", 0.6
    xyz, compared, _ = found(complex_of_two, [chain, chain_of("B", B, XYZ_B)])
    assert_native(xyz)
    assert compared["residues"] == 68


@pytest.mark.parametrize(
    ("numbers", "by"),
    [
        (range(1001, 1035), "number"),
        (range(-20, 14), "number"),
        ([*range(1, 18), *range(1018, 1035)], "alignment"),
        ([*range(1, 12), *range(51, 62), *range(101, 113)], "alignment"),
    ],
)
def test_other_numbers(complex_of_two, numbers, by):
    chains = [chain_of("A", A, XYZ_A), chain_of("B", B, XYZ_B, numbers)]
    xyz, compared, notes = found(complex_of_two, chains)
    assert_native(xyz)
    assert compared["chains"][1]["by"] == by
    assert notes == ["B.0: chain B of r.pdb" + (", by alignment" if by == "alignment" else "")]


def test_insertion_codes(complex_of_two):
    """Residues 10, 10A, 10B and on from 11: three residues, not one."""
    chain = gemmi.Chain("A")
    for i, letter in enumerate(A):
        number, code = (10, " AB"[i - 9]) if 9 <= i <= 11 else (i + 1 - 2 * (i > 11), " ")
        kind = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA)
        chain.add_residue(residue_of(kind, number, XYZ_A[i], code))
    xyz, compared, _ = found(complex_of_two, [chain, chain_of("B", B, XYZ_B)])
    assert_native(xyz)
    assert compared["chains"][0]["by"] == "alignment"


def test_other_names_of_chains(complex_of_two):
    """By the sequence, also where each bears the name of the other; a tag before the chain."""
    tagged, tag = "HHHHHH" + A, random_walk(6, 9) + 200
    chains = [
        chain_of("A", B, XYZ_B),
        chain_of("B", tagged, np.concatenate([tag, XYZ_A]), range(-5, 35)),
        chain_of("Q", "WWWWWWWWWWWW", random_walk(12)),
    ]
    xyz, compared, _ = found(complex_of_two, chains)
    assert_native(xyz)
    assert [c["chain"] for c in compared["chains"]] == ["B", "A"]
    assert compared["unused_chains"] == ["Q"]


def test_a_relative_does_not_take_the_place(complex_of_two):
    """A chain that is nearly B stands under B's name, B itself under another one."""
    chains = [chain_of("A", A, XYZ_A), chain_of("B", PARALOG, XYZ_B + 50), chain_of("C", B, XYZ_B)]
    xyz, compared, _ = found(complex_of_two, chains)
    assert_native(xyz)
    assert compared["chains"][1]["chain"] == "C" and compared["unused_chains"] == ["B"]


def test_two_copies_under_one_name(complex_of_two):
    """As models of an assembly written one after the other: no residue is the mean of two."""
    folder, system = complex_of_two
    chains = [("A", A, XYZ_A), ("B", B, XYZ_B), ("A", A, XYZ_A + 80), ("B", B, XYZ_B + 80)]
    write_chains(folder / "r.pdb", chains)
    xyz, compared, _ = reference_coordinates(system, folder / "r.pdb")
    assert_native(xyz)
    assert compared.is_complete and compared.unused == ["A", "B"]


def test_a_reference_of_something_else(complex_of_two):
    with pytest.raises(InputError, match="found chains Z"):
        found(complex_of_two, [chain_of("Z", "W" * 30, random_walk(30))])


@pytest.mark.parametrize(
    ("chains", "result", "missing", "residues"),
    [
        ([("A", A, XYZ_A), ("B", B, XYZ_B)], "full positive", [], 68),
        ([("A", A, XYZ_A)], "partial", ["B"], 34),
        ([("A", A, XYZ_A), ("B", B[:20], XYZ_B[:20])], "partial", [], 54),
        ([("A", A, XYZ_A), ("B", B[:30], XYZ_B[:30])], "full positive", [], 64),
        ([("A", A, XYZ_A + 60)], "negative", ["B"], 34),
    ],
)
def test_no_full_positive_for_a_part(complex_of_two, chains, result, missing, residues):
    folder, _ = complex_of_two
    run(folder / "system.toml", folder / "out", engine="native")
    write_chains(folder / "r.pdb", chains)
    told = analyze(folder / "out", folder / "r.pdb").report()
    assert told["result"] == result
    assert told["compared"]["missing"] == missing and told["compared"]["residues"] == residues
    assert bool(told["notes"]) is (residues < 64)
    page = write_report(folder / "out").read_text()
    assert ("cannot be judged by it" in page) is (residues < 64)


def test_what_was_compared_is_on_the_terminal(complex_of_two):
    folder, _ = complex_of_two
    run(folder / "system.toml", folder / "out", engine="native")
    write_chains(folder / "r.pdb", [("A", A, XYZ_A)])
    told = emgmm("analyze", folder / "out", "--reference", folder / "r.pdb")
    assert "(partial; compared: 1 of 2 subunits, 34 of 68 residues)" in told.stdout
    assert told.stderr == "emgmm: note: B.0: no chain of its sequence in r.pdb\n"

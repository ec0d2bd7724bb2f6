"""Columns of PDB files as programs really write them."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.errors import InputError
from emgmm.io.structures import read_structure
from toy_pdb import GLYCINE, atom, peptide


@pytest.fixture
def read(tmp_path):
    def _read(text):
        path = tmp_path / "x.pdb"
        path.write_text(text)
        return read_structure(path)

    return _read


CHAIN = peptide(["GLY"] * 4)


@pytest.mark.parametrize(
    "serial",
    ["A0000", "*****", "186a0", "     ", "99999"],
    ids=["hybrid-36", "stars", "hexadecimal", "blank", "last"],
)
def test_serial_numbers_say_nothing(read, serial):
    structure = read(peptide(["GLY"] * 4, serial=serial))
    np.testing.assert_array_equal(structure.xyz, read(CHAIN).xyz)
    assert structure.account.notes == []


@pytest.mark.parametrize("record", ["ATOM", "HETATM"])
@pytest.mark.parametrize("serial", ["100000", "1234567"])
def test_columns_moved_by_a_long_serial_are_moved_back(read, serial, record):
    structure = read(CHAIN + peptide(["GLY"] * 4, "B", serial=serial, record=record))
    assert len(structure) == 32 and structure.chains() == ["A", "B"]
    np.testing.assert_array_equal(structure.xyz[16:], structure.xyz[:16])
    (note,) = structure.account.notes
    assert "16 lines" in note and "line 17" in note


def test_a_serial_of_six_digits_may_take_the_blank_before_it_or_behind(read):
    lines = CHAIN.splitlines(keepends=True)
    before = "".join("ATOM 100000" + line[11:] for line in lines)
    behind = "".join("ATOM  100000" + line[12:] for line in lines)
    for text in (before, behind):
        structure = read(text)
        np.testing.assert_array_equal(structure.xyz, read(CHAIN).xyz)
        assert structure.account.notes == []


def test_residue_numbers_beyond_9999(read):
    lines = peptide(["GLY"] * 2, first=9999).replace("A10000    ", "A10000   ")
    assert read(lines).residue_number.tolist() == [9999] * 4 + [10000] * 4
    moved = peptide(["GLY"] * 2, first=9999)  # the number is a column too long
    assert read(moved).residue_number.tolist() == [9999] * 4 + [10000] * 4
    hybrid = lines.replace("A10000   ", "AA000    ")
    assert read(hybrid).residue_number.tolist() == [9999] * 4 + [10000] * 4


@pytest.mark.parametrize("bad", ["********", "     nan", "        ", "   1.2.3", "     inf"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_coordinate_that_is_none_is_refused_with_its_line(read, bad, column):
    lines = CHAIN.splitlines(keepends=True)
    start = 30 + 8 * column
    lines[6] = lines[6][:start] + bad + lines[6][start + 8 :]
    with pytest.raises(InputError, match=r"x\.pdb, line 7: found .*(coordinate|no number)"):
        read("".join(lines))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_coordinate_of_nine_columns_is_refused_with_its_line(read, column):
    xyz = [1.0, 2.0, 3.0]
    xyz[column] = -1234.567
    with pytest.raises(InputError, match="line 17: found numbers wider than their columns"):
        read(CHAIN + atom("CA", "GLY", "A", 9, xyz))


def test_coordinates_may_fill_their_columns(read):
    line = atom("CA", "GLY", "A", 9, (-123.456, -123.456, -123.456))
    assert read(line).xyz[0].tolist() == [-123.456] * 3
    finer = line.replace("-123.456-123.456-123.456", " 12.3456 -2.3456  1.0000")
    assert read(finer).xyz[0].tolist() == [12.3456, -2.3456, 1.0]


def test_coordinates_of_unknown_place_are_left_out(read):
    structure = read(CHAIN + atom("CB", "ALA", "A", 9, (9999.0, 9999.0, 9999.0)))
    assert len(structure) == 16 and "of unknown place" in structure.account.notes[0]


def test_an_occupancy_that_is_not_there_is_one(read):
    structure = read(peptide(["GLY"] * 4, occupancy="      "))
    assert structure.occupancy.tolist() == [1] * 16
    assert "no occupancies for 16 atoms" in structure.account.notes[0]
    short = "".join(line[:54] + "\n" for line in CHAIN.splitlines())
    assert read(short).account.mass == pytest.approx(4 * GLYCINE)
    with pytest.raises(InputError, match="line 1: found an occupancy that is no number"):
        read(peptide(["GLY"], occupancy="******"))


def test_an_occupancy_of_zero_is_none(read):
    gone = atom("CB", "ALA", "A", 4, (20, 5, 0), occupancy="  0.00")
    structure = read(CHAIN + gone)
    assert len(structure) == 16 and structure.account.left_out == {"of occupancy 0": 1}
    assert "1 atom of occupancy 0 left out" in structure.account.notes[0]
    # A program that knows of no occupancies may write 0 everywhere.
    all_zero = read(peptide(["GLY"] * 4, occupancy="  0.00"))
    assert all_zero.account.mass == pytest.approx(4 * GLYCINE)
    assert "all occupancies are 0" in all_zero.account.notes[0]
    above = read(CHAIN + gone.replace("  0.00", "  2.50"))
    assert above.occupancy.max() == 1 and "above 1" in above.account.notes[0]


def test_alternate_locations_count_by_their_occupancies(read):
    a = peptide(["GLY"] * 4, altloc="A", occupancy="  0.70")
    b = peptide(["GLY"] * 4, altloc="B", occupancy="  0.30", shift=0.4)
    mixed = "".join(
        x for pair in zip(a.splitlines(True), b.splitlines(True), strict=True) for x in pair
    )
    for text in (mixed, a + b):  # atom by atom, or one conformer after the other
        structure = read(text)
        assert structure.account.mass == pytest.approx(4 * GLYCINE)
        assert structure.account.notes == [] and len(structure) == 32
        centers = structure.central_atoms()
        assert structure.altloc[centers].tolist() == ["A"] * 4
        assert structure.share.sum() == pytest.approx(16)


def test_alternate_locations_that_add_up_to_more_than_one(read):
    text = peptide(["GLY"] * 4, altloc="A") + peptide(["GLY"] * 4, altloc="B", shift=0.4)
    structure = read(text)
    assert structure.account.mass == pytest.approx(4 * GLYCINE)
    assert structure.occupancy == pytest.approx(np.full(32, 0.5))
    assert "more than 1" in structure.account.notes[0]


def test_two_residue_types_at_one_place(read):
    serine = peptide(["SER"], first=2, altloc="A", occupancy="  0.40")
    glycine = peptide(["GLY"], first=2, altloc="B", occupancy="  0.60", shift=0.4)
    structure = read(peptide(["GLY"]) + serine + glycine)
    assert structure.account.mass == pytest.approx(2 * GLYCINE)
    centers = structure.central_atoms()
    assert structure.residue_name[centers].tolist() == ["GLY", "GLY"]


def test_two_copies_of_a_chain(read):
    copy = peptide(["GLY"] * 4, shift=60.0)
    for between in ("TER\n", "END\n", ""):
        structure = read(CHAIN + between + copy + "END\n")
        assert structure.account.mass == pytest.approx(8 * GLYCINE)
        assert len(structure.central_atoms()) == 8
        assert "another copy" in structure.account.notes[0]
    once_more = read(CHAIN + "TER\n" + CHAIN)  # nothing new
    assert once_more.account.mass == pytest.approx(4 * GLYCINE)
    assert once_more.account.left_out == {"repeated at the same place": 16}


def test_atoms_of_one_residue_may_stand_apart(read):
    lines = CHAIN.splitlines(keepends=True)
    oxygens = [line for line in lines if line[13] == "O"]
    rest = [line for line in lines if line[13] != "O"]
    structure = read("".join(rest + oxygens))
    assert len(np.unique(structure.residue)) == 4 and structure.account.notes == []


def test_segments_stand_in_for_chains_without_names(read):
    lines = "".join(
        line[:72] + segment + line[76:]
        for segment in ("PROA", "PROB")
        for line in peptide(["GLY"] * 4, " ").splitlines(keepends=True)
    )
    structure = read(lines)
    assert structure.chains() == ["PROA", "PROB"]
    assert "PROA, PROB" in structure.account.notes[0]


def test_chains_of_two_letters_and_residues_of_four(read):
    assert read(CHAIN.replace("GLY A", "GLYAB")).chains() == ["AB"]
    amber = read(CHAIN.replace(" GLY A", " NGLYA"))
    assert amber.chains() == ["A"] and set(amber.residue_name.tolist()) == {"NGLY"}
    assert len(amber.central_atoms()) == 4

"""Structures as mmCIF: names, numbers, alternate locations, and what other programs want."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from command_line import COMPLEX
from emgmm.io.structures import read_structure
from emgmm.io.structures.write import free_name, write_mmcif

ALTERNATE = (
    "ATOM      1  CA ASER A   5A     10.000  10.000  10.000  0.60 20.00           C\n"
    "ATOM      2  CA BSER A   5A     11.000  10.000  10.000  0.40 20.00           C\n"
    "ATOM      3  CA  GLY A   9      14.000  10.000  10.000  1.00 31.00           C\n"
    "HETATM    4 ZN    ZN A 301      12.000  15.000  10.000  1.00 12.00          ZN\n"
)


@pytest.fixture
def structure(tmp_path):
    path = tmp_path / "small.pdb"
    path.write_text(ALTERNATE)
    return read_structure(path)


def test_atoms_come_back(structure, tmp_path):
    assert write_mmcif(tmp_path / "out.cif", [structure], "title") == ["A"]
    again = read_structure(tmp_path / "out.cif")
    for name in "chain residue_number insertion_code residue_name atom_name element".split():
        assert getattr(again, name).tolist() == getattr(structure, name).tolist(), name
    for name in "xyz occupancy b_factor".split():
        np.testing.assert_allclose(getattr(again, name), getattr(structure, name), atol=1e-3)
    assert again.altloc.tolist() == structure.altloc.tolist()


def test_labels_are_names_and_numbers_in_the_sequence(tmp_path):
    """Some readers take no others."""
    whole, path = read_structure(COMPLEX), tmp_path / "out.cif"
    write_mmcif(path, [whole], "complex")
    block = gemmi.cif.read(str(path)).sole_block()
    rows = block.find("_atom_site.", ["group_PDB", "label_seq_id", "label_asym_id", "auth_asym_id"])
    assert len(rows) == len(whole)
    polymer = [row for row in rows if row[0] == "ATOM"]
    assert polymer and all(row[1].isdigit() and row[2] == row[3] for row in polymer)


def test_chains_of_one_name_get_numbers(structure, tmp_path):
    names = write_mmcif(tmp_path / "out.cif", [structure, structure], "title")
    assert names == ["A", "A2"]
    assert read_structure(tmp_path / "out.cif").chains() == ["A", "A2"]
    assert free_name("A", ["A", "A2"]) == "A3" and free_name("B", ["A"]) == "B"

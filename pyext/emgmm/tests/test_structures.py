"""PDB and mmCIF files."""

from __future__ import annotations

import gzip

import gemmi
import numpy as np
import pytest
from emgmm.errors import InputError
from emgmm.io.structures import read_structure

PDB = """\
ATOM      1  N   MET A   5      11.000   2.000   3.000  1.00 10.00           N
ATOM      2  CA AMET A   5      12.000   2.000   3.000  0.60 20.00           C
ATOM      3  CA BMET A   5      12.500   2.000   3.000  0.40 20.00           C
ATOM      4  CA  GLY A   6A     13.000   2.000   3.000  1.00 30.00           C
HETATM    5 SE   MSE B   1      14.000   2.000   3.000  1.00 30.00          SE
HETATM    6  CA  MSE B   1      15.000   2.000   3.000  1.00 30.00           C
HETATM    7 CA    CA B 101      16.000   2.000   3.000  1.00 30.00          CA
HETATM    8  O   HOH B 201      17.000   2.000   3.000  1.00 30.00           O
END
"""


@pytest.fixture
def pdb(tmp_path):
    path = tmp_path / "x.pdb"
    path.write_text(PDB)
    return path


def test_atoms(pdb):
    atoms = read_structure(pdb)
    assert atoms.chains() == ["A", "B"]
    assert atoms.atom_name.tolist() == ["N", "CA", "CA", "SE", "CA", "CA"]
    assert atoms.residue_number.tolist() == [5, 5, 6, 1, 1, 101]
    assert atoms.insertion_code.tolist() == ["", "", "A", "", "", ""]
    assert atoms.xyz[1] == pytest.approx([12, 2, 3])  # the first alternative location
    assert atoms.mass == pytest.approx([14.0067, 12.0107, 12.0107, 78.96, 12.0107, 40.078])
    assert atoms.hetero.tolist() == [False, False, False, True, True, True]
    assert atoms.b_factor[1] == 20 and atoms.occupancy[1] == pytest.approx(0.6)
    assert len(read_structure(pdb, waters=True)) == 7


def test_central_atoms_are_alpha_carbons_and_not_calcium(pdb):
    assert read_structure(pdb).central_atoms().tolist() == [1, 2, 4]


def test_mmcif_and_gzip_hold_the_same(pdb, tmp_path):
    expected = read_structure(pdb)
    gemmi.read_structure(str(pdb)).make_mmcif_document().write_file(str(tmp_path / "x.cif"))
    with gzip.open(tmp_path / "y.pdb.gz", "wt") as file:
        file.write(PDB)
    for other in (tmp_path / "x.cif", tmp_path / "y.pdb.gz", tmp_path / "y.pdb"):
        atoms = read_structure(other)
        assert atoms.chain.tolist() == expected.chain.tolist()
        assert atoms.residue_number.tolist() == expected.residue_number.tolist()
        np.testing.assert_allclose(atoms.xyz, expected.xyz)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.pdb", b"", "no atoms"),
        ("x.pdb", b"HEADER\nEND\n", "no atoms"),
        ("x.cif", b"not a cif", "unreadable file"),
        ("x.pdb.gz", b"\x1f\x8b\x08\x00truncated", "unreadable file|no atoms"),
        ("x.pdb", PDB.replace("11.000", "   nan").encode(), "unreadable file|not finite"),
    ],
)
def test_bad_files_are_told(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_structure(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.pdb: found no such file"):
        read_structure(tmp_path / "none.pdb")


def test_rna_polymerase(shared_data):
    atoms = read_structure(shared_data / "crosslinks/rnapolii/1WCM_map_fitted.pdb.gz")
    assert len(atoms.chains()) == 12 and len(atoms) == 30945
    assert len(atoms.central_atoms()) == 3902

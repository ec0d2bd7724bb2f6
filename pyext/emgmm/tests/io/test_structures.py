"""PDB and mmCIF files."""

from __future__ import annotations

import gzip

import gemmi
import numpy as np
import pytest
from emgmm.errors import InputError
from emgmm.io.structures import read_structure
from toy_pdb import GLYCINE, atom, peptide

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
    assert atoms.atom_name.tolist() == ["N", "CA", "CA", "CA", "SE", "CA", "CA"]
    assert atoms.residue_number.tolist() == [5, 5, 5, 6, 1, 1, 101]
    assert atoms.insertion_code.tolist() == ["", "", "", "A", "", "", ""]
    assert atoms.altloc.tolist() == ["", "A", "B", "", "", "", ""]
    assert atoms.xyz[1] == pytest.approx([12, 2, 3])
    carbon = 12.0107
    assert atoms.mass == pytest.approx([14.0067, carbon, carbon, carbon, 78.96, carbon, 40.078])
    assert atoms.hetero.tolist() == [False, False, False, False, True, True, True]
    assert atoms.b_factor[1] == 20
    assert atoms.occupancy == pytest.approx([1, 0.6, 0.4, 1, 1, 1, 1])
    assert atoms.polymer.tolist() == ["protein"] * 6 + [""]
    assert atoms.account.report() == {
        "read": 8,
        "used": 7,
        "left_out": [{"reason": "of water", "atoms": 1}],
    }
    assert atoms.account.notes == []
    assert len(read_structure(pdb, keep=["waters"])) == 8


def test_central_atoms_are_alpha_carbons_and_not_calcium(pdb):
    assert read_structure(pdb).central_atoms().tolist() == [1, 3, 5]


def test_mmcif_and_gzip_hold_the_same(pdb, tmp_path):
    expected = read_structure(pdb)
    gemmi.read_structure(str(pdb)).make_mmcif_document().write_file(str(tmp_path / "x.cif"))
    with gzip.open(tmp_path / "y.pdb.gz", "wt") as file:
        file.write(PDB)
    # Neither the ending nor its absence decides, nor does the kind of line end.
    (tmp_path / "z.pdb").write_bytes((tmp_path / "x.cif").read_bytes())
    (tmp_path / "z.cif").write_bytes((tmp_path / "y.pdb.gz").read_bytes())
    (tmp_path / "plain").write_text(PDB)
    (tmp_path / "mac.pdb").write_bytes(PDB.replace("\n", "\r").encode())
    (tmp_path / "dos.ent").write_bytes(b"\xef\xbb\xbf" + PDB.replace("\n", "\r\n").encode())
    (tmp_path / "mac.cif").write_bytes((tmp_path / "x.cif").read_bytes().replace(b"\n", b"\r"))
    for name in "x.cif y.pdb.gz y.pdb z.pdb z.cif plain mac.pdb dos.ent mac.cif".split():
        atoms = read_structure(tmp_path / name)
        for field in ("chain", "residue_number", "residue_name", "element", "polymer", "altloc"):
            assert getattr(atoms, field).tolist() == getattr(expected, field).tolist(), name
        np.testing.assert_allclose(atoms.xyz, expected.xyz)
        np.testing.assert_allclose(atoms.occupancy, expected.occupancy)


def test_names_of_files_may_be_any_bytes(tmp_path):
    path = tmp_path / b"m\xf6d.pdb".decode("utf-8", "surrogateescape")
    path.write_text(PDB)
    atoms = read_structure(path)
    assert len(atoms) == 7 and atoms.account.name == "m\\xf6d.pdb"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.pdb", b"", "no atoms"),
        ("x.pdb", b"HEADER\nEND\n", "no atoms"),
        ("x.cif", b"not a cif", "unreadable file"),
        ("x.cif", b"data_x\n_cell.length_a 1\n", "no atoms"),
        ("x.pdb.gz", b"\x1f\x8b\x08\x00truncated", "broken or cut short"),
        ("x.pdb", PDB.replace("11.000", "   nan").encode(), "line 1: found .* not finite"),
        ("x.pdb", PDB.encode()[:200], "line 3: found a line of .* cut short"),
        ("x.pdb", PDB.replace("MET A", "M\xe9T A").encode("latin-1"), "not text"),
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


def test_models_are_counted(tmp_path):
    path = tmp_path / "assembly.pdb"
    chain = peptide(["GLY"] * 3)
    path.write_text(f"MODEL        1\n{chain}ENDMDL\nMODEL        2\n{chain}ENDMDL\nEND\n")
    structure = read_structure(path)
    assert len(structure) == 12 and structure.account.read == 24
    assert structure.account.left_out == {"of other models": 12}
    (note,) = structure.account.notes
    assert "has 2 models" in note and f"{6 * GLYCINE:.0f} Da" in note
    document = gemmi.read_structure(str(path)).make_mmcif_document()
    document.write_file(str(tmp_path / "a.cif"))
    assert read_structure(tmp_path / "a.cif").account.left_out == {"of other models": 12}


def test_frames_that_only_end_parts_are_models_and_concatenated_files_are_copies(tmp_path):
    path = tmp_path / "x.pdb"
    chain = peptide(["GLY"] * 3)
    path.write_text(f"{chain}END\n{chain.replace('   0.000', '   0.100')}END\n")
    assert "has 2 models" in read_structure(path).account.notes[0]
    path.write_text(f"{chain}END\n{peptide(['GLY'] * 3, shift=200.0)}END\n")
    copies = read_structure(path)
    assert len(copies) == 24 and "another copy" in copies.account.notes[0]


def test_an_atom_without_a_residue_number_in_mmcif(tmp_path):
    keys = "group_PDB type_symbol label_atom_id label_comp_id label_asym_id label_seq_id"
    loop = "".join(f"_atom_site.{key}\n" for key in f"{keys} Cartn_x Cartn_y Cartn_z".split())
    path = tmp_path / "x.cif"
    path.write_text(f"data_x\nloop_\n{loop}ATOM C CA GLY A 1 1 2 3\nHETATM ZN ZN ZN B . 4 5 6\n")
    # Columns of the archive alone: no author's, no occupancy, no B factor.
    atoms = read_structure(path)
    assert atoms.chain.tolist() == ["A", "B"] and atoms.occupancy.tolist() == [1, 1]
    assert atoms.polymer.tolist() == ["protein", ""] and atoms.b_factor.tolist() == [0, 0]
    for row, message in (
        ("ATOM C CA GLY A . 1 2 3", "line 12: found no residue number"),
        ("ATOM C CA GLY A 99999999999999999999 1 2 3", "line 12: found a residue number"),
        ("ATOM C CA GLY A 1 ? 2 3", "line 12: found a coordinate"),
        ("ATOM C CA GLY A 1 1 2 *****", "line 12: found a coordinate"),
    ):
        path.write_text(f"data_x\nloop_\n{loop}{row}\n")
        with pytest.raises(InputError, match=message):
            read_structure(path)


def test_a_line_of_a_ligand_at_the_number_of_a_residue_counts(tmp_path):
    path = tmp_path / "x.pdb"
    zinc = atom("ZN", "ZN", "A", 2, (50, 0, 0), record="HETATM", element="ZN")
    path.write_text(peptide(["GLY"] * 3) + zinc.replace("  ZN  ", " ZN   "))
    atoms = read_structure(path)
    assert len(atoms) == 13 and atoms.account.notes == []
    assert len(np.unique(atoms.residue)) == 4
    assert atoms.account.mass == pytest.approx(3 * GLYCINE + 65.409)


def test_rna_polymerase(shared_data):
    atoms = read_structure(shared_data / "crosslinks/rnapolii/1WCM_map_fitted.pdb.gz")
    assert len(atoms.chains()) == 12 and len(atoms) == 30945
    assert len(atoms.central_atoms()) == 3902


def test_columns_of_another_loop_in_mmcif(tmp_path):
    path = tmp_path / "x.cif"
    keys = "group_PDB label_atom_id label_comp_id label_seq_id Cartn_x Cartn_y Cartn_z".split()
    loop = "".join(f"_atom_site.{key}\n" for key in keys)
    atoms = "".join(f"ATOM CA GLY {i} {i} 2 3\n" for i in range(1, 4))
    path.write_text(f"data_x\nloop_\n_atom_site.type_symbol\nC\nC\nloop_\n{loop}{atoms}")
    with pytest.raises(InputError, match=r"found 2 values of _atom_site\.type_symbol, expected 3"):
        read_structure(path)


@pytest.mark.parametrize("number", ["99999999999999999999", "9223372036854775807", "1e3"])
def test_author_numbers_beyond_any_residue_in_mmcif(tmp_path, number):
    path = tmp_path / "x.cif"
    keys = "group_PDB type_symbol label_atom_id label_comp_id auth_seq_id Cartn_x Cartn_y Cartn_z"
    loop = "".join(f"_atom_site.{key}\n" for key in keys.split())
    path.write_text(f"data_x\nloop_\n{loop}ATOM C CA GLY {number} 1 2 3\n")
    with pytest.raises(InputError, match=f"line 11: found a residue number that is none.*{number}"):
        read_structure(path)

"""Names of residues and atoms: solvent, elements, modifications, kinds of polymers."""

from __future__ import annotations

import pytest
from emgmm.errors import InputError
from emgmm.io.structures import read_structure
from toy_pdb import GLYCINE, atom, nucleic, peptide, residue

CHAIN = peptide(["GLY"] * 4)


@pytest.fixture
def read(tmp_path):
    def _read(text, name="x.pdb", **options):
        path = tmp_path / name
        path.write_text(text)
        return read_structure(path, **options)

    return _read


def _four(name, line):
    """A residue name of four letters, which takes the column before the chain."""
    return line.replace(" HOH W", f" {name}W")


@pytest.mark.parametrize("name", "HOH WAT SOL TIP3 TIP4 SPC SPCE DOD H2O TP3 T3P OPC".split())
def test_waters_have_many_names(read, name):
    sites = [("O", "O"), ("H1", "H"), ("MW", "M")]
    lines = "".join(
        atom(site, "HOH", "W", i, (30 + i, 0, k), record="HETATM", element=element)
        for i in range(5)
        for k, (site, element) in enumerate(sites)
    )
    lines = _four(name, lines) if len(name) == 4 else lines.replace("HOH", f"{name:>3s}")
    structure = read(CHAIN + lines)
    assert structure.account.mass == pytest.approx(4 * GLYCINE)
    assert structure.account.report()["left_out"] == [{"reason": "of water", "atoms": 15}]
    assert structure.account.notes == []
    kept = read(CHAIN + lines, keep=["waters"])  # all but the massless sites
    assert kept.account.mass == pytest.approx(4 * GLYCINE + 5 * (15.9994 + 1.007))


@pytest.mark.parametrize(
    ("name", "site", "element"),
    [("SOD", "SOD", ""), ("CLA", "CLA", "CL"), ("POT", "POT", "K"), ("NA+", "NA", "NA")],
)
def test_ions_of_a_simulation_are_left_out_and_told(read, name, site, element):
    ion = atom(site, name, "I", 1, (40, 0, 0), element=element)
    structure = read(CHAIN + ion)
    assert structure.account.left_out == {f"of ion ({name})": 1}
    (note,) = structure.account.notes
    assert "1 atom of ions left out" in note and "--keep ions" in note
    kept = read(CHAIN + ion, keep=["ions"])
    assert kept.element[-1] == {"SOD": "NA", "CLA": "CL", "POT": "K", "NA+": "NA"}[name]


def test_ligands_and_ions_of_a_crystal_count(read):
    lines = atom("ZN", "ZN", "A", 90, (40, 0, 0), record="HETATM", element="ZN")
    lines += atom("NA", "NA", "A", 91, (44, 0, 0), record="HETATM", element="NA")
    lines += atom("C1", "GOL", "A", 92, (48, 0, 0), record="HETATM")
    structure = read(CHAIN + lines)
    assert structure.element[-3:].tolist() == ["ZN", "NA", "C"]
    assert structure.account.notes == [] and structure.account.used == 19
    assert structure.polymer[-3:].tolist() == ["", "", ""]
    many = "".join(atom("NA", "NA", "I", i, (i, 9, 0), element="NA") for i in range(50))
    assert read(CHAIN + many).account.left_out == {"of ion (NA)": 50}


@pytest.mark.parametrize("name", ["POPC", "DPPE", "CHL1"])
def test_lipids_are_left_out_and_told(read, name):
    lines = "".join(atom(f"C{k}", "HOH", "W", 1, (30, k, 0)) for k in range(9))
    structure = read(CHAIN + _four(name, lines))
    assert structure.account.left_out == {f"of lipid ({name})": 9}
    assert "--keep lipids" in structure.account.notes[0]


def test_dummy_atoms_are_left_out_and_told(read):
    plane = atom("O", "DUM", "A", 90, (0, 40, 0), record="HETATM")  # of OPM's membranes
    lone = atom("LP1", "GLY", "A", 4, (0, 0, 3), element="")
    drude = atom("DCA", "GLY", "A", 4, (0, 0, 3), element="")
    unknown = atom("X", "UNX", "A", 91, (0, 44, 0), record="HETATM", element="X")
    structure = read(CHAIN + lone + drude + plane + unknown)
    assert structure.account.mass == pytest.approx(4 * GLYCINE)
    assert sum(structure.account.left_out.values()) == 4 and structure.account.notes


def test_elements_that_are_missing_come_from_names(read):
    old = "".join(line[:66] + "\n" for line in CHAIN.splitlines())
    assert read(old).element.tolist() == ["N", "C", "C", "O"] * 4
    assert read(old).account.notes == []  # no file of before 1996 has them
    calcium = atom("CA", "CA", "A", 90, (40, 0, 0), record="HETATM").replace(
        "  CA   CA", " CA    CA"
    )
    iron = atom("FE", "HEM", "A", 91, (44, 0, 0), record="HETATM").replace("  FE ", " FE  ")
    nitrogen = atom("NA", "HEM", "A", 91, (46, 0, 0), record="HETATM")
    hydrogen = atom("1HB ", "ALA", "A", 4, (9, 0, 4))
    text = "".join(
        line[:66] + "\n" for line in (CHAIN + hydrogen + calcium + iron + nitrogen).splitlines()
    )
    assert read(text).element[-4:].tolist() == ["H", "CA", "FE", "N"]


@pytest.mark.parametrize("column", ["X", "CA", "1-", "c", "?"])
def test_elements_that_do_not_fit_their_names(read, column):
    structure = read(peptide(["GLY"] * 4, element=column))
    assert structure.account.mass == pytest.approx(4 * GLYCINE)
    assert "elements of" in structure.account.notes[0]


def test_names_may_begin_in_another_column(read):
    moved = CHAIN
    for name, wrong in (
        (" N   GLY", "N    GLY"),
        (" CA  GLY", "CA   GLY"),
        (" C   GLY", "C    GLY"),
    ):
        moved = moved.replace(name, wrong)
    structure = read("".join(line[:66] + "\n" for line in moved.splitlines()))
    assert structure.account.mass == pytest.approx(4 * GLYCINE)
    assert len(structure.central_atoms()) == 4


def test_an_atom_of_no_element_is_refused_with_its_line(read):
    bead = atom("BB", "ALA", "A", 5, (19, 0, 0), element="")  # of a coarse-grained model
    with pytest.raises(InputError, match="line 17: found atom 'BB' of ALA"):
        read(CHAIN + bead)


def test_mmcif_without_elements(read):
    keys = "group_PDB type_symbol label_atom_id label_comp_id label_asym_id label_seq_id"
    loop = "".join(f"_atom_site.{key}\n" for key in f"{keys} Cartn_x Cartn_y Cartn_z".split())
    rows = "".join(f"ATOM ? {n} GLY A 1 {k} 0 0\n" for k, n in enumerate(("N", "CA", "C", "O")))
    structure = read(f"data_x\nloop_\n{loop}{rows}", "x.cif")
    assert structure.account.mass == pytest.approx(GLYCINE)
    assert "elements of 4 atoms taken from their names" in structure.account.notes[0]


@pytest.mark.parametrize("record", ["ATOM", "HETATM"])
@pytest.mark.parametrize(
    ("name", "letter"),
    [("CSO", "C"), ("MSE", "M"), ("SEP", "S"), ("PTR", "Y"), ("MLY", "K"), ("HYP", "P"),
     ("HSD", "H"), ("CYX", "C"), ("GLH", "E"), ("ZZZ", "X"), ("UNK", "X")],
)  # fmt: skip
def test_modified_residues_are_residues_of_their_chain(read, name, letter, record):
    lines = peptide(["GLY"] * 2) + residue(name, "A", 3, 7.6, record=record)
    structure = read(lines + residue("GLY", "A", 4, 11.4))
    assert structure.residue_number[structure.central_atoms()].tolist() == [1, 2, 3, 4]
    assert structure.letter[structure.residue_number == 3].tolist() == [letter] * 4
    assert structure.account.notes == []


def test_a_modified_residue_may_stand_at_the_end_of_the_file(read):
    lines = peptide(["GLY"] * 2) + residue("GLY", "A", 4, 11.4) + "TER\n"
    ligand = residue("GLU", "A", 901, 60.0, record="HETATM")
    structure = read(lines + ligand + residue("CSO", "A", 3, 7.6, record="HETATM"))
    assert structure.residue_number[structure.central_atoms()].tolist() == [1, 2, 4, 3]


def test_an_amino_acid_beside_the_chain_is_a_ligand(read):
    ligand = residue("GLU", "A", 901, 60.0, record="HETATM")
    structure = read(CHAIN + "TER\n" + ligand)
    assert structure.residue_number[structure.central_atoms()].tolist() == [1, 2, 3, 4]


def test_one_phosphorus_does_not_make_a_nucleic_acid(read):
    structure = read(CHAIN + atom("P", "SEP", "A", 4, (14, 3, 0)))
    assert structure.atom_name[structure.central_atoms()].tolist() == ["CA"] * 4


def test_nucleotides(read):
    first = nucleic(["DA", "DC", "DG", "DT"]).splitlines(keepends=True)[1:]  # no phosphate at 5'
    structure = read("".join(first))
    centers = structure.central_atoms()
    assert structure.atom_name[centers].tolist() == ["O5'", "P", "P", "P"]
    assert set(structure.polymer.tolist()) == {"DNA"}


@pytest.mark.parametrize(
    ("names", "oxygen", "polymer"),
    [
        (["A", "C", "G", "U"], True, "RNA"),
        (["A5", "C", "G", "U3"], True, "RNA"),
        (["RA5", "RC", "RG", "RU3"], True, "RNA"),
        (["ADE", "CYT", "GUA", "URA"], True, "RNA"),
        (["ADE", "CYT", "GUA", "THY"], False, "DNA"),
        (["A", "C", "G", "T"], False, "DNA"),  # as files of before 2007 have it
        (["DA5", "DC", "DG", "DT3"], False, "DNA"),
        (["G", "PSU", "5MU", "OMC"], True, "RNA"),
    ],
)
def test_names_of_nucleotides(read, names, oxygen, polymer):
    lines = nucleic(names)
    if oxygen:
        lines += "".join(atom("O2'", n, "N", i + 1, (6.6 * i, 3, 0)) for i, n in enumerate(names))
    structure = read(lines)
    assert set(structure.polymer.tolist()) == {polymer}
    assert len(structure.central_atoms()) == 4


def test_a_nucleotide_that_is_a_ligand_is_none_of_the_chain(read):
    ligand = residue(
        "ATP", "A", 5, 50.0, (("PA", 0, 0), ("O5'", 1.5, 0), ("C4'", 3, 0)), record="HETATM"
    )
    assert set(read(CHAIN + ligand).polymer[-3:].tolist()) == {""}

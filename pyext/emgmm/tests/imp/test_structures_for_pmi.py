"""The copy of a structure that PMI reads in place of a file which it would read otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.imp.structures import reads_alike, written_for_pmi
from emgmm.io.structures import read_structure
from toy_pdb import atom, nucleic, peptide, residue

HALF = {"occupancy": "  0.40"}
MORE = {"occupancy": "  0.60"}
NAMES = ["GLY", "SER", "GLY"]
CASES = {
    "alternates": peptide(NAMES, altloc="A", **HALF)
    + peptide(NAMES, altloc="B", **MORE, shift=0.3),
    "modified": peptide(NAMES) + residue("CSO", "A", 4, 11.4, record="HETATM"),
    "phosphate": peptide(NAMES) + atom("P", "SER", "A", 2, (4, 4, 0)),
    "no name": peptide(NAMES, " "),
    "no phosphate": nucleic(["DA", "DC"], "A").split("\n", 1)[1],
    "shifted": peptide(NAMES, serial="100000"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_copy_holds_the_same_residues(tmp_path, case):
    path = tmp_path / "x.pdb"
    path.write_text(CASES[case])
    structure = read_structure(path)
    assert not reads_alike(structure)
    for chain, name in (("A", "x.pdb"), ("LONG", "x.cif")):
        text, suffix = written_for_pmi(structure, chain)
        copy = tmp_path / f"copy{suffix}"
        copy.write_text(text)
        again = read_structure(copy)
        assert reads_alike(again)
        if case == "no name":
            assert again.chains() == [chain] and name.endswith(suffix)
        centers, same = structure.central_atoms(), again.central_atoms()
        np.testing.assert_allclose(again.xyz[same], structure.xyz[centers], atol=1e-3)
        assert again.residue_number[same].tolist() == structure.residue_number[centers].tolist()
        assert again.letter[same].tolist() == structure.letter[centers].tolist()


def test_a_clean_file_is_read_as_it_is(tmp_path):
    path = tmp_path / "x.pdb"
    water = atom("O", "HOH", "W", 1, (40, 0, 0), record="HETATM")
    path.write_text(peptide(NAMES) + residue("MSE", "A", 4, 11.4, record="HETATM") + water)
    assert reads_alike(read_structure(path))

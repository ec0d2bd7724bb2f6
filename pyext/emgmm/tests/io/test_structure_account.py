"""Every command tells of the same atoms, and weighs them alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import assert_refused, emgmm
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.forward.structure import chain_mixture, structure_mixture
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import atoms_as_mixture
from emgmm.representation import build_system
from toy_pdb import GLYCINE, atom, nucleic, peptide, residue

HEADER = "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|rigid_body|\n"
SEQUENCE = "GSGSGSGSGS"
NAMES = ["GLY", "SER"] * 5


@pytest.fixture
def build(tmp_path):
    """``build(pdb, sequence, fasta_id)``: the system of one chain A in a rigid body."""

    def _build(pdb, sequence=SEQUENCE, flag="", chain="A", resolutions="[1, 10]", span="1,END"):
        (tmp_path / "x.pdb").write_text(pdb)
        (tmp_path / "s.fasta").write_text(f">a\n{sequence}\n")
        row = f"|M|s.fasta|a{flag}|x.pdb|{chain}|{span}|0|1|\n"
        (tmp_path / "t.txt").write_text(HEADER + row)
        settings = f'[system]\ntopology = "t.txt"\nresolutions = {resolutions}\n'
        (tmp_path / "s.toml").write_text(settings)
        return build_system(load_config(tmp_path / "s.toml"))

    return _build


def _alternates():
    half = {"occupancy": "  0.50"}
    return peptide(NAMES, altloc="A", **half) + peptide(NAMES, altloc="B", shift=0.3, **half)


def test_the_mass_is_one_for_all_commands(tmp_path, build):
    path = tmp_path / "x.pdb"
    path.write_text(_alternates() + atom("ZN", "ZN", "A", 90, (0, 30, 0), element="ZN"))
    expected = 10 * GLYCINE + 65.409
    reports = {}
    for name, arguments in (
        ("fit", ["fit", path, "-o", tmp_path / "g.txt"]),
        ("simulate", ["simulate", path, "-o", tmp_path / "m.mrc", "--resolution", 8]),
        ("score", ["score", tmp_path / "g.txt", path]),
    ):
        result = emgmm(*arguments, "--report", tmp_path / f"{name}.json")
        assert result.returncode == 0 and "note" not in result.stderr, result.stderr
        reports[name] = json.loads((tmp_path / f"{name}.json").read_text())
        assert reports[name]["mass"] == pytest.approx(expected)
        assert reports[name]["atoms"] == {"read": 81, "used": 81, "left_out": []}
        assert reports[name]["notes"] == []
    structure = read_structure(path)
    assert chain_mixture(structure).mass == pytest.approx(expected)
    (report,) = build(_alternates()).structures
    assert report["mass"] == pytest.approx(10 * GLYCINE)
    assert report["atoms"] == {"read": 80, "used": 80, "left_out": []}


def test_a_coarse_model_weighs_its_atoms_by_occupancy(build):
    system = build(_alternates(), resolutions="[10]")
    assert system.mass == pytest.approx(10 * GLYCINE)
    plain = build(peptide(NAMES), resolutions="[10]")
    moved = system.particles[10].positions(system.bodies.poses)
    single = plain.particles[10].positions(plain.bodies.poses)
    np.testing.assert_allclose(moved, single + np.array([0.15, 0, 0]), atol=1e-9)


def test_what_was_left_out_is_told(tmp_path):
    path = tmp_path / "x.pdb"
    ions = atom("SOD", "SOD", "I", 1, (30, 0, 0)) + atom("CLA", "CLA", "I", 2, (33, 0, 0))
    path.write_text(peptide(NAMES) + ions)
    arguments = ["fit", path, "-o", tmp_path / "g.txt", "--report", "-"]
    result = emgmm(*arguments)
    assert "note: x.pdb: 2 atoms of ions left out" in result.stderr
    assert json.loads(result.stdout)["atoms"] == {
        "read": 42,
        "used": 40,
        "left_out": [{"reason": "of ion (SOD, CLA)", "atoms": 2}],
    }
    kept = emgmm(*arguments, "--keep", "ions", "--force")
    assert json.loads(kept.stdout)["atoms"]["used"] == 42
    assert_refused(emgmm("fit", "a.mrc", "-o", tmp_path / "h.txt", "--keep", "ions"), "--keep")


def test_a_structure_is_known_without_an_ending(tmp_path):
    path = tmp_path / "model"
    path.write_text("REMARK 1\n" + peptide(NAMES))
    result = emgmm("fit", path, "-o", tmp_path / "g.txt")
    assert result.returncode == 0 and "10 Gaussians for 10 units" in result.stdout


def _confident(values, title="TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION\n", chain="A"):
    lines = (residue("GLY", chain, i, 3.8 * i, b=b) for i, b in enumerate(values, start=1))
    return title + "".join(lines)


FALLING = [40.0, 45.0, *[90.0 + i % 5 for i in range(36)], 50.0, 35.0]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (_confident(FALLING), "plddt"),
        (_confident(FALLING, ""), "plddt"),
        (_confident([b / 100 for b in FALLING], ""), "plddt"),
        (_confident([100 - b for b in FALLING], ""), "b_factor"),  # grows at the ends
        (_confident([b * 2 for b in FALLING]), "b_factor"),  # beyond 100
        ("EXPDTA    X-RAY DIFFRACTION\n" + _confident(FALLING), "b_factor"),
        (_confident([20.0] * 40, ""), "b_factor"),
        (peptide(["GLY"] * 40, b=30.0), "b_factor"),
    ],
)
def test_confidence_is_told_from_b_factors(tmp_path, text, column):
    path = tmp_path / "x.pdb"
    path.write_text(text)
    structure = read_structure(path)
    assert structure.account.b_column == column
    sharp = structure_mixture(structure, unit="atom")
    spread = structure_mixture(structure, unit="atom", b_factors=True)
    assert np.allclose(sharp.covariances, spread.covariances) == (column == "plddt")
    atoms = (atoms_as_mixture(structure, 5.0, b_factors=b) for b in (False, True))
    assert np.allclose(*(m.covariances for m in atoms)) == (column == "plddt")


def test_confidence_that_mmcif_states(tmp_path):
    keys = "group_PDB type_symbol label_atom_id label_comp_id label_asym_id label_seq_id"
    keys += " Cartn_x Cartn_y Cartn_z B_iso_or_equiv"
    loop = "".join(f"_atom_site.{key}\n" for key in keys.split())
    path = tmp_path / "x.cif"
    rows = "ATOM C CA GLY A 1 0 0 0 91.5\nATOM C CA GLY A 2 3 0 0 40\n"
    metric = "_ma_qa_metric.name pLDDT\n"
    path.write_text(f"data_x\n{metric}loop_\n{loop}{rows}")
    assert read_structure(path).account.b_column == "plddt"
    path.write_text(f"data_x\nloop_\n{loop}{rows}")
    assert read_structure(path).account.b_column == "b_factor"


def test_confidence_is_not_used_and_told(tmp_path):
    path = tmp_path / "af.pdb"
    path.write_text(_confident(FALLING))
    result = emgmm("fit", path, "-o", tmp_path / "g.txt", "--b-factors", "--report", "-")
    assert "note: af.pdb: the B column looks like the confidence" in result.stderr
    assert json.loads(result.stdout)["b_column"] == "plddt"


@pytest.mark.parametrize("resolutions", ["[1, 10]", "[10]", "[1]"])
def test_nucleotides_weigh_as_in_a_chain(build, resolutions):
    names = ["DA", "DC", "DG", "DT"]
    lines = nucleic(names, "A").splitlines(keepends=True)[1:]  # the first has no phosphate
    system = build("".join(lines), "ACGT", ",DNA", resolutions=resolutions)
    assert system.mass == pytest.approx(313.21 + 289.18 + 329.21 + 304.19, abs=0.05)
    assert system.bodies.rotatable.tolist() == [True]
    rna = nucleic(["A", "C", "G", "U"], "A")
    rna += "".join(atom("O2'", n, "A", i + 1, (6.6 * i, 3, 0)) for i, n in enumerate("ACGU"))
    system = build(rna, "ACGU", ",RNA", resolutions=resolutions)
    assert system.mass == pytest.approx(329.21 + 305.18 + 345.21 + 306.17, abs=0.05)


def test_a_nucleic_acid_that_the_table_calls_protein_is_refused(build):
    dna = nucleic(["DA", "DC", "DG", "DT"], "A")
    message = "column fasta_id: found 'a' as protein, where chain A of x.pdb is DNA, expected a,DNA"
    with pytest.raises(InputError, match=message):
        build(dna, "ACGT")
    with pytest.raises(InputError, match=r"as RNA, where chain A of x\.pdb is protein"):
        build(peptide(["ALA", "CYS", "GLY", "ALA"]), "ACGA", ",RNA")
    assert "looks like DNA; modelled as RNA" in build(dna, "ACGU", ",RNA").notes[0]


def test_a_modified_residue_of_the_chain_is_structured(build):
    names = ["GLY", "SER", "GLY"]
    modified = residue("SEP", "A", 4, 11.4, record="HETATM")
    modified += atom("P", "SEP", "A", 4, (13, 3, 0), record="HETATM")
    rest = "".join(residue(n, "A", i, 3.8 * (i - 1)) for i, n in enumerate(NAMES[4:], start=5))
    for record in ("HETATM", "ATOM  "):
        system = build(peptide(names) + modified.replace("HETATM", record) + rest)
        assert system.bodies.rotatable.tolist() == [True] and system.notes == ()
        assert len(system.finest) == 10


@pytest.mark.parametrize("chain", ["A", "X"])
def test_the_only_chain_without_a_name_has_any(build, chain):
    zinc = atom("ZN", "ZN", "Z", 90, (0, 30, 0), record="HETATM", element="ZN")
    assert len(build(peptide(NAMES, " ") + zinc, chain=chain).finest) == 10
    system = build(peptide(NAMES, " "), chain=chain)
    assert system.notes == (f"x.pdb: its only chain has no name and is taken for {chain}",)
    assert len(system.finest) == 10


def test_chains_with_and_without_names(build):
    text = peptide(NAMES, " ") + peptide(NAMES, "B", shift=90.0)
    with pytest.raises(InputError, match=r"a chain of x\.pdb: B and one without a name"):
        build(text)


def test_two_residues_of_one_number_are_refused(build):
    text = peptide(NAMES) + "TER\n" + peptide(NAMES, shift=90.0)
    with pytest.raises(InputError, match=r"two residues 1 in x\.pdb"):
        build(text)


def test_numbers_that_jump_are_refused(build):
    text = peptide(NAMES) + peptide(["GLY"], first=1001, shift=90.0)
    with pytest.raises(InputError, match="991 beyond the end of the sequence 'a'"):
        build(text)
    assert len(build(text, span="1,10").finest) == 10


def test_the_account_of_a_run(build):
    heme = "".join(atom(f"C{i}", "HEM", "A", 90, (0, 30, i), record="HETATM") for i in range(1, 5))
    bare = atom("N", "SER", "A", 10, (3.8 * 9, 0, 0))
    text = peptide(NAMES[:9]) + bare + heme + peptide(NAMES, "B", shift=90.0)
    system = build(text, span="2,END")
    (report,) = system.structures
    assert report["atoms"] == {
        "read": 81,
        "used": 32,
        "left_out": [
            {"reason": "of no residue of a chain (HEM)", "atoms": 4},
            {"reason": "of residues without CA or P", "atoms": 1},
            {"reason": "of chains in no row (B)", "atoms": 40},
            {"reason": "of residues in no row", "atoms": 4},
        ],
    }
    # What the table does not ask for is no news.
    (note,) = system.notes
    assert "4 atoms of no residue of a chain (HEM); 1 atom of residues without CA or P" in note


def test_a_sequence_of_nucleotides_without_a_flag_is_told(build):
    sequence = "ACGTACGTACGT"
    names = {"A": "ALA", "C": "CYS", "G": "GLY", "T": "THR"}
    notes = build(peptide([names[c] for c in sequence]), sequence).notes
    assert "a,DNA (or RNA)" in notes[0]

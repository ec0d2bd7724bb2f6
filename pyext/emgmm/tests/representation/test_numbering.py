"""Structures whose residue numbers are not those of the sequence, and sequences of odd letters."""

from __future__ import annotations

import pytest
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.representation import build_system
from numbered_pdb import SEQUENCE, of, pdb


@pytest.fixture
def build(tmp_path):
    def _build(names, offset=0, span="all", sequence=SEQUENCE, flag="", central="CA", more=""):
        (tmp_path / "x.pdb").write_text(pdb(names, central))
        (tmp_path / "s.fasta").write_text(f">a protein of one kind\n{sequence}\n>other\nMK\n")
        (tmp_path / "t.txt").write_text(
            "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|rigid_body|\n"
            f"|A|s.fasta|a protein of one kind{flag}|x.pdb|A|{span}|{offset}|1|\n"
        )
        (tmp_path / "s.toml").write_text('[system]\ntopology = "t.txt"\n' + more)
        return build_system(load_config(tmp_path / "s.toml"))

    return _build


def refused(build, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        build(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_numbers_of_the_sequence_need_no_note(build):
    system = build(of(SEQUENCE[3:], 4))
    assert system.notes == () and len(system.molecules[0].sequence) == 30


@pytest.mark.parametrize("start", [1001, 3, 7])
def test_other_numbers_are_refused_with_the_offset_that_fits(build, start):
    text = refused(build, of(SEQUENCE[1:], start))
    assert "line 2, column pdb_offset: found 0, by which" in text
    assert f"pdb_offset {2 - start} would fit 29 of 29" in text
    system = build(of(SEQUENCE[1:], start), offset=2 - start)
    assert system.notes == () and len(system.molecules[0].sequence) == 30


def test_the_offset_adds_to_the_one_given(build):
    text = refused(build, of(SEQUENCE, 101), offset=-95)
    assert "found -95, by which" in text and "pdb_offset -100 would fit 30 of 30" in text


@pytest.mark.parametrize(
    ("span", "offset"), [("101,130", 0), ("101,END", 0), ("all", -120), ("1,END", -200)]
)
def test_numbers_that_leave_the_sequence_get_the_offset_too(build, span, offset):
    text = refused(build, of(SEQUENCE, 101), span=span, offset=offset)
    assert "pdb_offset -100 would fit 30 of 30" in text


def test_a_mutant_is_a_note(build):
    names = of(SEQUENCE) | {7: "ALA", 20: "ASP", 21: "TRP"}
    system = build(names)
    assert system.notes == (
        "A.0: 3 of 30 residues are not those of the sequence (residues 7, 20-21); "
        "is pdb_offset right?",
    )
    assert "4 of 30 residues" in refused(build, names | {25: "ALA"})


def test_another_protein_fits_by_no_offset(build):
    names = of("WWWWCCCCPPPPHHHH")
    assert "no pdb_offset fits most of them; system.check_residues = false" in refused(build, names)
    (note,) = build(names, more="check_residues = false\n").notes
    assert note.startswith("A.0: 16 of 16 residues are not those of the sequence")


def test_numbers_that_jump_get_the_offset_of_the_part(build):
    """As of a structure that skips the numbers of an insertion in another species."""
    notes = build(of(SEQUENCE[:18], 4) | of(SEQUENCE[18:], 62), offset=-3).notes
    assert (
        "A.0: the residue numbers of x.pdb jump: pdb_offset -43 would fit 12 of the 12, which are "
        "residues 62 to 73 of the structure: a row of their own" in notes
    )
    few = of(SEQUENCE[:4], 4) | of(SEQUENCE[4:], 30)
    assert "found -3, by which 26 of 30 residues" in refused(build, few, offset=-3)


def test_the_sequence_that_fits_is_named(build):
    other = "WWHHCCPPMMDDEE"
    fasta = f"{SEQUENCE}\n>second\n{other}"
    assert "(the sequence 'second' would fit)" in refused(build, of(other), sequence=fasta)


def test_a_tag_beyond_the_sequence_is_a_note_and_more_is_not(build):
    system = build(of(SEQUENCE + "HHH"))
    assert len(system.notes) == 1 and "runs 3 residues beyond the sequence" in system.notes[0]
    assert system.molecules[0].sequence == SEQUENCE + "AAA"
    assert "6 of 36 residues" in refused(build, of(SEQUENCE + "HHHHHH"))


def test_modified_and_unknown_residues_fit(build):
    modified = {1: "MSE", 15: "SEP", 16: "TPO", 9: "PTR", 2: "MLY", 5: "UNK", 6: "UNK", 7: "UNK"}
    assert build(of(SEQUENCE) | modified).notes == ()
    assert build(of(SEQUENCE), sequence="X" * 10 + SEQUENCE[10:]).notes == ()


def test_a_backbone_of_alanine_tells_nothing_unless_it_leaves_the_sequence(build):
    names = {i: "ALA" for i in range(1, 31)}
    assert "29 of 30 residues are not those" in build(names).notes[0]
    text = refused(build, {1000 + i: "ALA" for i in names})
    assert "30 of 30 residues" in text and "no pdb_offset" in text


def test_an_rna_may_be_written_as_its_gene(build):
    names = dict(enumerate("A U G C U U A G C U U A".split(), start=1))
    options = dict(flag=",RNA", central="P")
    assert build(names, sequence="ATGCTTAGCTTA", **options).notes == ()
    shifted = {i + 50: name for i, name in names.items()}
    text = refused(build, shifted, sequence="AUGCUUAGCUUA", **options)
    assert "pdb_offset -50 would fit 12 of 12" in text


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("MKU", "found 'U' in 'a protein of one kind' (residue 3, selenocysteine), expected "
         "codes of protein (C in its place)"),
        ("MK-VL", "(residue 3, a gap of an alignment)"),
        ("MK*VL", "(residue 3, a stop codon)"),
        ("mkvlz", "'Z' in 'a protein of one kind' (residue 5, E or Q)"),
    ],
)  # fmt: skip
def test_letters_without_a_mass_say_what_they_are(build, sequence, message):
    assert message in refused(build, of("MK"), sequence=sequence)


def test_lower_case_and_a_stop_at_the_end_are_read(build):
    assert build(of(SEQUENCE), sequence=SEQUENCE.lower() + "*").molecules[0].sequence == SEQUENCE


def test_a_name_that_is_part_of_the_header_gets_a_hint(build, tmp_path):
    build(of(SEQUENCE))
    table = (tmp_path / "t.txt").read_text()
    for name, told in [
        ("a", "the whole name of line 1 of s.fasta: 'a protein of one kind'"),
        ("OTHER", "the whole name of line 3 of s.fasta: 'other'"),
        ("othr", "a protein of one kind, other (is it 'other'?)"),
    ]:
        (tmp_path / "t.txt").write_text(table.replace("|a protein of one kind|", f"|{name}|"))
        with pytest.raises(InputError) as caught:
            build_system(load_config(tmp_path / "s.toml"))
        assert f"column fasta_id: found '{name}'" in str(caught.value) and told in str(caught.value)

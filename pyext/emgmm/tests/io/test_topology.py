"""PMI topology tables."""

from __future__ import annotations

import pytest
from emgmm.errors import InputError
from emgmm.io.topology import read_topology

HEADER = (
    "|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size"
    "|em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|flags|\n"
)


def _file(tmp_path, text):
    path = tmp_path / "topology.txt"
    path.write_text(text)
    return path


def test_every_column(tmp_path):
    path = _file(
        tmp_path,
        "# a comment\n" + HEADER + "|A|red|s.fasta|a,RNA|x.pdb|BC|-3,END|4|20|30|2|1,3|5|f|\n",
    )
    (row,) = read_topology(path)
    assert (row.line, row.molecule, row.copy, row.domain) == (3, "A", 0, 0)
    assert row.color == (1, 0, 0)
    assert (row.fasta_file, row.fasta_id, row.fasta_flag) == (tmp_path / "s.fasta", "a", "RNA")
    assert (row.pdb, row.chain, row.residue_range) == (tmp_path / "x.pdb", "BC", (-3, "END"))
    assert (row.pdb_offset, row.bead_size, row.em_residues_per_gaussian) == (4, 20, 30)
    assert (row.rigid_body, row.super_rigid_bodies) == (2, (1, 3))
    assert (row.chains_of_super_rigid_bodies, row.flags) == ((5,), "f")
    assert row.gmm_file == tmp_path / "A..0.txt"


def test_columns_in_any_order_and_number(tmp_path):
    path = _file(
        tmp_path,
        "|molecule_name|rigid_body|fasta_id|fasta_fn|\n|A|3|a|s.fasta|\n|A|0|||\n",
    )
    first, second = read_topology(path, fasta_dir=tmp_path / "seq")
    assert first.rigid_body == 3 and second.rigid_body is None  # PMI takes 0 for none
    assert first.pdb == "BEADS" and first.residue_range is None and first.bead_size == 10
    assert second.fasta_file == tmp_path / "seq" / "s.fasta" and second.domain == 1


def test_copies_are_numbered_by_appearance_and_share_the_sequence(tmp_path):
    rows = "".join(
        f"|{name}|0.1,0.2,255|{fasta}||BEADS|||||||||\n".replace("||BEADS", "|a|BEADS")
        for name, fasta in [("A", "s.fasta"), ("A.1", "other"), ("B.0", "t.fasta"), ("B.7", "")]
    )
    table = read_topology(_file(tmp_path, HEADER + rows))
    assert [(r.molecule, r.copy) for r in table] == [("A", 0), ("A", 1), ("B", 0), ("B", 1)]
    assert table[1].fasta_file.name == "s.fasta" and table[3].fasta_file.name == "t.fasta"
    assert table[0].color == pytest.approx((0.1 / 255, 0.2 / 255, 1))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("|A|red|s|a|x.pdb||all||||||||", "line 2, column chain: found nothing"),
        ("|A|red|s||BEADS||all||||||||", "line 2, column fasta_id: found nothing"),
        ("|A|red|s|a,XNA|BEADS||all||||||||", "line 2, column fasta_id"),
        ("|A|mud|s|a|BEADS||all||||||||", "line 2, column color: found 'mud'"),
        ("|A|red|s|a|BEADS||1-10||||||||", "column residue_range: found '1-10'"),
        ("|A|red|s|a|BEADS||10,1||||||||", "column residue_range: found '10,1'"),
        ("|A|red|s|a|BEADS||all|x|||||||", "column pdb_offset: found 'x', expected an integer"),
        ("|A|red|s|a|BEADS||all||-1||||||", "column bead_size: found '-1'"),
        ("|A|red|s|a|BEADS||all||||1,2||||", "column rigid_body: found '1,2'"),
        ("|A|red|s|a|BEADS||all|||||a||||", "column super_rigid_body: found 'a'"),
        ("|A.1.2|red|s|a|BEADS||all||||||||", "column molecule_name"),
        ("|A|red|s|a|BEADS||all|", "line 2: found 7 cells, expected 14 cells"),
        ("A red", "line 2: found 'A red', expected a row starting with '|'"),
    ],
)
def test_errors_name_line_and_column(tmp_path, row, message):
    with pytest.raises(InputError) as caught:
        read_topology(_file(tmp_path, HEADER + row + "\n"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        (HEADER, "no rows"),
        ("|A|red|\n", "line 1: found 'A'"),
        ("|molecule_name|colour|\n", "line 1: found column 'colour'"),
        ("|molecule_name|color|color|\n", "line 1: found column 'color' twice"),
    ],
)
def test_bad_tables_are_told(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read_topology(_file(tmp_path, text))
    assert message in str(caught.value)


def test_rna_polymerase(shared_data):
    rows = read_topology(shared_data / "crosslinks/rnapolii/topology.txt")
    assert len(rows) == 15 and len({r.molecule for r in rows}) == 12
    assert [r.rigid_body for r in rows] == list(range(1, 16))
    assert rows[2].residue_range == (1275, "END") and rows[6].pdb_offset == -3


def test_directories_inside_the_table(shared_data):
    rows = read_topology(shared_data / "crosslinks/actin_4pki/topology.txt")
    assert [r.rigid_body for r in rows] == [1, 1, 1, 2]
    assert rows[0].pdb.resolve() == (shared_data / "crosslinks/data/pdb/4pki.pdb").resolve()
    assert rows[3].residue_range == (1170, 1349) and rows[2].pdb == "BEADS"

"""Cross-link tables of spreadsheets: what is read, guessed, left out and refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import emgmm
from emgmm.config.settings import CrosslinksConfig
from emgmm.errors import InputError
from emgmm.imp.links import write_plain_links
from emgmm.runs.run import run
from emgmm.scoring.crosslinks import links_account, read_crosslinks
from numbered_pdb import SEQUENCE, of, pdb
from pair_system import pair_system

HEADER = "prot1,res1,prot2,res2\n"
ROWS = "A.1,3,B,4\nA.0,5,A.1,7\n"
NAMES = ("A.1:3-B.0:4", "A.0:5-A.1:7")


@pytest.fixture
def read(tmp_path):
    def _read(content: str | bytes, **settings):
        path = tmp_path / "links.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_crosslinks(pair_system(), CrosslinksConfig(file=str(path), **settings))

    return _read


def test_a_clean_file_needs_no_remark(read):
    links = read(HEADER + ROWS)
    assert (links.names, links.notes, links.remarks) == (NAMES, (), ())
    assert links.account() == {"read": 2, "used": 2, "dropped": []}


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROWS).encode("utf-8-sig"),
        (HEADER + ROWS).encode("utf-16"),
        (HEADER + ROWS).replace("\n", "\r\n").encode(),
        (HEADER + ROWS).replace("\n", "\r").encode(),
        ("\n\n" + HEADER + "\n,,,\n" + ROWS + ",,,\n \n").encode(),
        (HEADER + ROWS).replace(",", " \u00a0, ").encode(),
        (b'"prot1","res1","prot2","res2"\n"A.1","3","B","4"\n"A.0","5","A.1","7"\n'),
        (b",prot1,res1,prot2,res2,note\n0,A.1,3,B,4,'a\n1,A.0,5,A.1,7\n"),
        (b'prot1,res1,prot2,res2,note\nA.1,3,B,4,"two\nlines, ""quoted"""\nA.0,5,A.1,7,\n'),
        (HEADER.strip() + ",,\n" + ROWS.replace("\n", ",,\n")).encode(),
    ],
)
def test_what_programs_write_around_the_cells_changes_nothing(read, content):
    links = read(content)
    assert (links.names, links.remarks) == (NAMES, ())
    assert links.account() == {"read": 2, "used": 2, "dropped": []}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ((HEADER + ROWS).replace(",", ";"), "links.csv: semicolons separate its columns"),
        ((HEADER + ROWS).replace(",", "\t"), "links.csv: tabs separate its columns"),
        ("sep=;\n" + (HEADER + ROWS).replace(",", ";"),
         "links.csv: semicolons separate its columns"),
        ((HEADER + ROWS).replace("3", "3.0").replace("7", "7."),
         "links.csv: residue numbers such as 35.0 (2 of them) are read as 35"),
    ],
)  # fmt: skip
def test_guesses_are_noted(read, content, told):
    links = read(content)
    assert (links.names, links.remarks) == (NAMES, (told,))


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("P,POS,Q,POS\nA,3,B,4\n", dict(protein1="P", residue1="POS", protein2="Q", residue2="POS"),
         "line 1: found 2 columns 'POS' (2 and 4), expected one column of that name"),
        ("Prot1,res1,prot2,res2\n", {}, "a column 'prot1' (is it 'Prot1'?)"),
        ("protein 1;r;s;t\n", dict(protein1="Protein_1"), "'Protein_1' (is it 'protein 1'?)"),
        ("prot1,res1,prot2,res2,s\n", dict(score="Score", id="S"), "a column 'S' (is it 's'?)"),
        (HEADER + "A,K3,B,4\n", {}, "column res1: found 'K3', expected the number of a resid"),
        (HEADER + "A,Lys 3,B,4\n", {}, "found 'Lys 3', expected the number of a residue (3?)"),
        (HEADER + "A,3.5,B,4\n", {}, "line 2, column res1: found '3.5', expected the number of a"),
        (HEADER + "A,3,B,\n", {}, "line 2, column res2: found nothing, expected the number"),
        (HEADER + "A,3,B,4,5\n", {}, "line 2: found 5 cells, expected 4"),
        (HEADER + "A,3,B\n", {}, "line 2: found a row that ends early"),
        (HEADER + 'A,3,"B,4\nA,5,B,6\n', {}, "line 2: found a quote that is left open"),
        (HEADER + "A,3,B,4\n" + "x" * 200_000 + ",3,B,4\n", {}, "line 3: found no CSV"),
        ("x" * 200_000 + "\n", {}, "line 1: found no CSV"),
        (b"prot1,res1,prot2,res2\nA,3,B\xe9,4\n", {}, "line 2: found a byte that is not text (0xe"),
        (b"PK\x03\x04 links.xlsx", {}, "a zip archive or an Office document, expected a CSV file"),
        ("prot1,res1,prot2,res2,s\nA,3,B,4,inf\n", dict(score="s"), "column s: found 'inf'"),
        (HEADER + "a,3,b,4\nq,1,b,3\n", {},
         "no cross-link between modelled residues (2 for a protein that is not in the topology "
         "table (the first is line 2: a:3-b:4); is 'b' meant to be 'B'?)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_what_to_do(read, content, settings, message):
    with pytest.raises(InputError) as caught:
        read(content, **settings)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_two_columns_of_a_name_that_is_not_asked_for_are_no_fault(read):
    assert read("prot1,n,res1,n,prot2,res2\nA.1,x,3,y,B,4\n").names == NAMES[:1]


def test_rows_left_out_are_counted_by_reason(read):
    links = read(HEADER + ROWS + "C,1,B,1\nC,2,B,1\nB,77,A,1\nB,1,,\n,,B,x\nB,1,B,1\nD,9,C,1\n")
    assert links.names == NAMES and len(links.notes) == 7
    assert links.account() == {
        "read": 9,
        "used": 2,
        "dropped": [
            {"reason": "a protein that is not in the topology table", "count": 3},
            {"reason": "an end without a protein", "count": 2},
            {"reason": "a residue that is not modelled", "count": 1},
            {"reason": "one and the same residue", "count": 1},
        ],
    }
    assert links.remarks == (
        "links.csv: cross-links left out: 7 of 9, 3 for a protein that is not in the topology "
        "table (the first is line 4: C:1-B:1); 2 for an end without a protein (the first is line "
        "7: B:1-:); 1 for a residue that is not modelled (the first is line 6: B:77-A:1); 1 for "
        "one and the same residue (the first is line 9: B:1-B:1)",
    )
    both = links_account([links, read(HEADER + ROWS)])
    assert (both["read"], both["used"], both["dropped"]) == (11, 4, links.account()["dropped"])
    assert [s["used"] for s in both["sets"]] == [2, 2]


def test_a_row_without_an_id_is_a_link_of_its_own(read):
    text = (
        "prot1,res1,prot2,res2,id\nA.1,1,B,1,x\nA.1,3,B,3,\nA.1,5,B,5,x\nA.1,7,B,7,\nA.1,8,B,8,3\n"
    )
    links = read(text, id="id")
    assert links.names == ("A.1:1-B.0:1", "A.1:3-B.0:3", "A.1:7-B.0:7", "A.1:8-B.0:8")
    assert links.link.tolist() == [0, 0, 1, 2, 3]
    assert links.remarks == ("links.csv: rows without 'id' (2 of them) are links of their own",)


@pytest.mark.parametrize("nothing", ["", "-", "NA", "n/a", "NaN", "None", "null"])
def test_words_for_nothing_are_nothing(read, nothing):
    text = (
        "prot1,res1,prot2,res2,id,s\n"
        f"A.1,1,B,1,{nothing},{nothing}\nA.1,3,B,3,{nothing},2\nA.1,5,{nothing},{nothing},x,1\n"
    )
    links = read(text, id="id", score="s")
    assert links.names == ("A.1:1-B.0:1", "A.1:3-B.0:3")
    assert links.account()["dropped"] == [{"reason": "an end without a protein", "count": 1}]
    np.testing.assert_array_equal(links.id_scores, [np.nan, 2])


def test_repeated_links_are_told(read):
    links = read(HEADER + ROWS + "B,4,A.1,3\nA.1,3,B,4\n")
    assert len(links) == 4
    assert links.remarks == ("links.csv: rows that repeat a link (2 of them) count once more",)
    named = "prot1,res1,prot2,res2,id\nA.1,3,B,4,x\nB,4,A.1,3,x\n"
    assert read(named, id="id").remarks == ()


def test_imp_gets_a_plain_file_of_the_same_links(read, tmp_path):
    text = "sep=;\nprot1;note;res1;prot2;res2;id\nA.1;x;1.0;B;2;q\nA.1;;3;B;4;\n;;;B;5;\n"
    section = CrosslinksConfig(file=str(tmp_path / "links.csv"), id="id")
    links = read(text.encode("utf-16"), id="id")
    plain = write_plain_links(section, tmp_path / "plain.csv")
    assert plain.read_bytes() == (b"prot1,res1,prot2,res2,id\nA.1,1,B,2,q\nA.1,3,B,4,line 4\n")
    assert read(plain.read_bytes(), id="id").names == links.names == ("A.1:1-B.0:2", "A.1:3-B.0:4")


def test_a_run_tells_and_keeps_the_account(tmp_path):
    """On the terminal with the result, in run.json, and in the analysis."""
    (tmp_path / "x.pdb").write_text(pdb(of(SEQUENCE)))
    (tmp_path / "s.fasta").write_text(f">a\n{SEQUENCE}\n")
    (tmp_path / "t.txt").write_text(
        "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|rigid_body|\n|A|s.fasta|a|x.pdb|A|1|\n"
        "|B|s.fasta|a|x.pdb|A|2|\n"
    )
    (tmp_path / "links.csv").write_text(HEADER + "A,3,B,4\nC,1,B,2\n")
    settings = tmp_path / "s.toml"
    text = (
        '[system]\ntopology = "t.txt"\n'
        "[sampling]\nstart = 'asis'\nreplicas = 1\nsteps = 40\nframe_interval = 10\n"
        '[[crosslinks]]\nfile = "links.csv"\n'
    )
    settings.write_text(text)
    out = tmp_path / "out"
    result = emgmm("run", settings, "-o", out, "--engine", "native", "--threads", 1)
    assert result.returncode == 0, result.stderr
    told = "links.csv: cross-links left out: 1 of 2, 1 for a protein that is not in the topology"
    assert result.stderr.startswith(f"emgmm: note: {told}") and result.stderr.count("\n") == 1
    summary = json.loads((out / "run.json").read_text())
    assert summary["links"]["used"] == 1 and summary["notes"][0].startswith(told)
    other = tmp_path / "other"
    for rows, more, message in [
        ("A,3,B,none\n", "", "column res2: found 'none'"),
        ("A,3,B,4\n", '[[crosslinks]]\nfile = "links.csv"\n', "label 'links' twice"),
        ("A,3,B,4\n", '[[crosslinks]]\nfile = "t.txt"\n', "a column 'prot1'"),
    ]:
        (tmp_path / "links.csv").write_text(HEADER + rows)
        (tmp_path / "s.toml").write_text(text + more)
        with pytest.raises(InputError, match=message):
            run(settings, other, engine="native", threads=1)
        assert not other.exists()

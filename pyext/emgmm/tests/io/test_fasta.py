"""FASTA files with PMI's naming."""

from __future__ import annotations

import pytest
from emgmm.errors import InputError
from emgmm.io.fasta import read_fasta, read_fasta_records


def _file(tmp_path, text):
    path = tmp_path / "x.fasta"
    path.write_text(text)
    return path


def test_names_accessions_and_stops(tmp_path):
    path = _file(tmp_path, ">cop9|Q13098 \nMKV\n\nLA*\n>1WCM:A\nGG\n")
    assert read_fasta(path) == {"cop9": "MKVLA", "1WCM:A": "GG"}
    assert [(r.uniprot, r.line) for r in read_fasta_records(path)] == [("Q13098", 1), (None, 5)]
    assert list(read_fasta(path, {"cop9": "Csn1"})) == ["Csn1", "1WCM:A"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no sequence"),
        ("MKV\n>a\nMK\n", "line 1"),
        (">a\nMK\nM1K\n", "line 3: found '1'"),
        (">a\n>b\nMK\n", "line 1: found no sequence for 'a'"),
        (">a\nMK\n>a\nML\n", "line 3: found a second sequence named 'a'"),
        (">sp|P1|X_Y\nMK\n>sp|P2|Z_Y\nML\n", "named 'sp'.*what stands before the first '|'"),
        (">a\nMK\n>\nML\n", "line 3: found a header without a name"),
        (">|P12345\nMK\n", "line 1: found a header without a name"),
    ],
)
def test_bad_files_are_told_by_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_fasta(_file(tmp_path, text))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_fasta(tmp_path / "none.fasta")


def test_sequences_of_rna_polymerase(shared_data):
    sequences = read_fasta(shared_data / "crosslinks/rnapolii/1WCM_new.fasta.txt")
    assert len(sequences) == 12
    assert len(sequences["1WCM:A"]) == 1733 and sequences["1WCM:L"].endswith("R")

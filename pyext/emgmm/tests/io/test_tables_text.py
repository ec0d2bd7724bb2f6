"""Tables, sequences and settings as Excel, Notepad, old Macs and joined files leave them."""

from __future__ import annotations

import bz2
import lzma

import pytest
from emgmm.config import load_config
from emgmm.errors import InputError
from emgmm.fitting.fit_error import read_component_errors
from emgmm.io.fasta import read_fasta
from emgmm.io.files import read_text
from emgmm.io.topology import read_topology

TABLE = "|molecule_name|color|fasta_fn|fasta_id|\n|A|red|s.fasta|a|\n|B|red|s.fasta|b b|\n"
READERS = {
    "topology": (TABLE, lambda path: [r.fasta_id for r in read_topology(path)], ["a", "b b"]),
    "FASTA": (">a\nMK\nV\n>b b\nAA\n", read_fasta, {"a": "MKV", "b b": "AA"}),
    "settings": (
        '[system]\ntopology = "text"\n\n[sampling]\nsteps = 7\n',
        lambda path: load_config(path).sampling.steps,
        7,
    ),
    "errors": (
        "num,misfit,noise,total\n0,0,,0.25\n1,0,,0.5\n",
        lambda path: read_component_errors(path).tolist(),
        [0.25, 0.5],
    ),
}
ENCODINGS = {
    "as it is": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 of Windows": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "UTF-16 of old Macs": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "joined files": lambda text: text.replace("\n", "\n\ufeff").encode("utf-8-sig"),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "lines of old Macs": lambda text: text.replace("\n", "\r").encode(),
    "lines of Windows in UTF-16": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "no last line end": lambda text: text.rstrip("\n").encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", READERS)
def test_text_is_read_however_it_was_saved(tmp_path, kind, encoding):
    text, read, expected = READERS[kind]
    path = tmp_path / "text"
    path.write_bytes(ENCODINGS[encoding](text))
    assert read(path) == expected


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"one\rtwo caf\xe9\r", "line 2: found a byte that is not text (0xe9), expected"),
        (b"\xef\xbb\xbfone\r\n\xb0", "line 2: found a byte that is not text (0xb0), expected"),
        (b"one\n\n\0\0\0", "line 3: found a NUL character"),
        ("one\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (bz2.compress(b"one"), "a file packed by bzip2, expected"),
        (lzma.compress(b"one"), "a file packed by xz, expected"),
        (b"PK\x03\x04rest", "a zip archive or an Office document, expected"),
    ],
)
def test_what_is_no_text_is_told_in_one_line(tmp_path, kind, data, message):
    path = tmp_path / "text"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        READERS[kind][1](path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_lines_are_those_of_an_editor(tmp_path):
    """Form feeds and the like end no line, or every number behind them would be wrong."""
    path = tmp_path / "text"
    path.write_bytes("a\x0cb\u2028c\r\nd\re".encode())
    assert read_text(path, "text").split("\n") == ["a\x0cb\u2028c", "d", "e"]


def test_odd_spaces_in_a_table_are_spaces(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("  # told\n" + TABLE.replace("b b", "\u00a0b\u00a0\tb ").replace("|A", " \t|A"))
    assert [r.fasta_id for r in read_topology(path)] == ["a", "b b"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("|Molecule_Name|color|", "found 'Molecule_Name', expected 'molecule_name'"),
        ("|molecule_name|Pdb fn|", "found column 'Pdb fn', expected 'pdb_fn'"),
        ("|molecule_name|rigid-bodies|", "expected 'rigid_bodies'"),
        ("|molecule_name|color|chain|color|", "'color' twice (columns 2 and 4)"),
        ("|molecule_name|rigid_body|rigid_bodies|", "twice (columns 2 and 3)"),
        ("|molecule_name|fasta_fn|fasta_id|pdb_offset|\n|A|s|a|10.0|", "pdb_offset: found '10.0'"),
        ("|molecule_name|fasta_fn|fasta_id|pdb_offset|\n|A|s|a|1234567890|", "found '1234567890'"),
    ],
)
def test_tables_with_other_names_get_a_hint(tmp_path, header, message):
    path = tmp_path / "t.txt"
    path.write_text(header)
    with pytest.raises(InputError) as caught:
        read_topology(path)
    assert message in str(caught.value)


SYSTEM = '[system]\ntopology = "s.toml"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SYSTEM + 'topology = "x"\n', "line 3, column 15: found a key for the second time"),
        (SYSTEM + "[em]\n[em]\n", "line 4, column 4: found the section em twice"),
        (SYSTEM + "[em.model]\n[em.model]\n", "found the section em.model twice"),
        (SYSTEM + '[crosslinks]\nfile = "s.toml"\n', "expected [[crosslinks]], with two brackets"),
        (SYSTEM + '[[em]]\nmap = "s.toml"\n', "em: found a list of sections [[em]], expected one"),
        (SYSTEM + '[sampling]\nsteps = "100"\n', "found '100', expected int, without quotes"),
        (SYSTEM + "[sampling]\nStep = 100\n", "sampling.Step: found an unknown key, expected 'st"),
        (SYSTEM + "threshold = 3\n", "system.threshold: found an unknown key, expected it in [em]"),
        (SYSTEM + "[em]\nmap = 's.toml'\nthreshold = nan\n", "em.threshold: found nan"),
        (SYSTEM + f"[sampling]\nseed = {10**30}\n", "sampling.seed: found a number of more than"),
        ("[system]\ntopology = \u201cs.toml\u201d\n",
         "line 2, column 12: found no TOML (Invalid value; the line has a curly quote"),
        ("[system]\ntopology\u00a0= 's.toml'\n", "the line has a non-breaking space"),
        ('[system]\ntopology = "C:\\data\\t.txt"\n', "a backslash in a string, expected '/'"),
        ('[system]\ntopology = "a\\u0000b"\n', "system.topology: found 'a\\x00b'"),
        ('[system]\ntopology = ""\n', "system.topology: found '', expected the path of a file"),
        ("a = " + "[" * 5000, "found no TOML"),
        ("a = " + "9" * 5000, "found no TOML"),
    ],
)  # fmt: skip
def test_settings_are_refused_with_what_to_do(tmp_path, text, message):
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)

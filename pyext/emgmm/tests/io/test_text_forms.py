"""The same text in another form gives the same answer: line ends, marks, encodings, packing."""

from __future__ import annotations

import dataclasses
import gzip

import msgspec
import numpy as np
import pytest
from emgmm.config import CrosslinksConfig, load_config
from emgmm.fitting.fit_error import read_component_errors
from emgmm.io.fasta import read_fasta_records
from emgmm.io.gmm import read_gmm_file
from emgmm.io.stat import read_stat
from emgmm.io.structures import read_structure
from emgmm.io.topology import read_topology
from emgmm.scoring.crosslinks import read_crosslinks
from fuzzing.readers import FORMATS
from toy_system import toy_system

SYSTEM = toy_system(names=("A", "A", "B"), residues=8, tail=2)


def read_links(path):
    return read_crosslinks(SYSTEM, CrosslinksConfig(file=str(path), id="id", score="score"))


def read_settings(path):
    for name in ("topology.txt", "data.txt", "links.csv"):
        path.with_name(name).touch()
    return load_config(path)


def read_frames(path):
    stat = read_stat(path)
    return {key: stat.text(key) for key in stat.keys}


READERS = {
    "PDB": read_structure,
    "mmCIF": read_structure,
    "FASTA": read_fasta_records,
    "topology": read_topology,
    "cross-links": read_links,
    "settings": read_settings,
    "GMM IMP": read_gmm_file,
    "GMM gmconvert": read_gmm_file,
    "GMM PLUMED": read_gmm_file,
    "errors": read_component_errors,
    "stat": read_frames,
}

FORMS = {
    "Windows line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "both": lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
    "empty lines at the end": lambda data: data + b"\n\n",
    "packed": lambda data: gzip.compress(data),
    "packed in two members": lambda data: gzip.compress(data[:90]) + gzip.compress(data[90:]),
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "old Macintosh line ends": lambda data: data.replace(b"\n", b"\r"),
}
# A stat file may be in the making, so that its last line must have its end.
NO_LAST_END = {"no end of the last line": lambda data: data.removesuffix(b"\n")}


def plain(value):
    """The value as lists, dicts and numbers, to be compared."""
    if isinstance(value, np.ndarray):
        return [repr(item) for item in value.ravel().tolist()]
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("form", [*FORMS, *NO_LAST_END])
def test_the_form_does_not_matter(tmp_path, name, form):
    if form in NO_LAST_END and name == "stat":
        form = "byte order mark"
    change = (FORMS | NO_LAST_END)[form]
    path = tmp_path / FORMATS[name].file
    for data in FORMATS[name].specimens(tmp_path):
        path.write_bytes(data)
        expected = plain(READERS[name](path))
        path.write_bytes(change(data))
        assert plain(READERS[name](path)) == expected

"""The problem of a run is made once, and every input is read once."""

from __future__ import annotations

from collections import Counter

import pytest
from command_line import settings
from emgmm import posterior
from emgmm.analysis import analyze, models
from emgmm.report import write_report
from emgmm.representation import build, chains
from emgmm.runs import folder as output_folder
from emgmm.runs.run import run

LINKS = "prot1,res1,prot2,res2\nHLA,20,TCRA,30\nHLA,50,TCRB,40\n"
ONCE = {
    "make_score": (posterior,),
    "build_terms": (posterior,),
    "read_crosslinks": (posterior,),
    "data_mass": (posterior,),  # what scales the data
    "build_system": (output_folder, models),
    "read_topology": (build,),
}


@pytest.fixture
def counts(monkeypatch):
    """How often each function of `ONCE` was called."""
    found: Counter[str] = Counter()

    def counting(name, function):
        def counted(*args, **options):
            found[name] += 1
            return function(*args, **options)

        return counted

    for name, modules in ONCE.items():
        for module in modules:
            monkeypatch.setattr(module, name, counting(name, getattr(module, name)))
    sequences = counting("read_fasta_records", chains.read_fasta_records)
    monkeypatch.setattr(chains, "read_fasta_records", sequences)
    return found


def test_made_once_by_each_command(native_gmm, tmp_path, counts):
    (tmp_path / "links.csv").write_text(LINKS)
    path = settings(tmp_path, native_gmm, '[[crosslinks]]\nfile = "links.csv"\n')
    out = tmp_path / "out"
    run(path, out, engine="native", steps=200, replicas=1)
    every = dict.fromkeys([*ONCE, "read_fasta_records"], 1)
    assert counts == every
    counts.clear()
    analyze(out)
    assert counts == every
    counts.clear()
    write_report(out)
    assert counts == {
        name: n for name, n in every.items() if name not in ("build_terms", "read_crosslinks")
    }

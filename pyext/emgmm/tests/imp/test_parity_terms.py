"""Every term of RNA polymerase II by both engines: the table of benchmark/imp_parity.py."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("IMP.emgmm", reason="needs IMP.emgmm, which cannot be imported")


def test_terms(shared_data, tmp_path, capsys):
    path = Path(__file__).resolve().parents[4] / "benchmark" / "imp_parity.py"
    spec = importlib.util.spec_from_file_location("imp_parity", path)
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    assert table.compare(shared_data, tmp_path) < table.TOLERANCE
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| fitted")]
    terms = {row.split("|")[2].strip() for row in rows}
    expected = {
        "em",
        "connectivity, all",
        "excluded volume",
        "crosslinks juri",
        "crosslinks xlinks",
    }
    assert expected < terms

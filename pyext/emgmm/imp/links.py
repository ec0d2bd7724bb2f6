"""Cross-links as IMP.pmi reads them."""

from __future__ import annotations

import csv
from pathlib import Path

from ..config.settings import CrosslinksConfig
from ..io.files import replacing
from ..scoring.crosslinks import is_empty, is_whole, read_links, residue_number


def write_plain_links(section: CrosslinksConfig, path: Path) -> Path:
    """The file of a set with commas, whole numbers and no byte order mark, as emgmm reads it.

    Ends without a protein are left out; a row without an id, where the settings name its column,
    gets one of its own.
    """
    pairs, table = read_links(section)
    columns = list(dict.fromkeys([*pairs[0], *pairs[1], *([section.id] if section.id else [])]))
    with replacing(path, force=True) as draft, open(draft, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in table.rows:
            if not is_whole(row, pairs):
                continue
            cells = dict(row.cells)
            for _, column in pairs:
                cells[column] = str(residue_number(Path(section.file), row, column)[0])
            if section.id and is_empty(cells[section.id]):
                cells[section.id] = f"line {row.line}"
            writer.writerow(cells)
    return path

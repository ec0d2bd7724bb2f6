"""Picture of a fit."""

from __future__ import annotations

import pytest
from emgmm.errors import InputError
from emgmm.fitting import Level
from emgmm.fitting.fit_error import FreeLevel
from emgmm.fitting.plot import plot_levels


def test_plot_is_written_and_not_overwritten(tmp_path):
    levels = [Level(2**i, 0.8 + 0.02 * i, 0.5 + 0.05 * i, 0.7 + 0.03 * i, i) for i in range(8)]
    free = [FreeLevel(2**i, 0.5 + 0.05 * i, 0.5 + 0.02 * i) for i in range(8)]
    path = tmp_path / "cc.png"
    plot_levels(path, levels, target_cc=0.95, free=free)
    assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="exists"):
        plot_levels(path, levels)
    plot_levels(tmp_path / "cc.svg", levels)
    text = (tmp_path / "cc.svg").read_text()
    assert "<svg" in text

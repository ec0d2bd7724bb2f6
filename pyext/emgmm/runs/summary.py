"""``run.json``: the settings that matter and what a run counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import __version__
from ..io.files import write_json
from ..posterior import Posterior
from ..scoring.crosslinks import links_account
from .data import map_notes
from .names import DATA, SEARCH, SUMMARY


def summary_report(posterior: Posterior, engine: str, out: Path) -> dict:
    """Entries of ``run.json`` for a run in the folder ``out`` besides its sampler's numbers.

    ``links`` counts the rows of the cross-link files (`links_account`), ``notes`` say what was left
    out or guessed.
    """
    config, system, data = posterior.config, posterior.system, posterior.data
    links = posterior.links
    return {
        "engine": engine,
        "version": __version__,
        "seed": config.sampling.seed,
        "data_components": 0 if data is None else len(data),
        "model_components": len(system.gaussians),
        "bodies": len(system.bodies),
        "rigid_bodies": int(np.count_nonzero(system.bodies.rotatable)),
        "residues": int(sum(len(m.sequence) for m in system.molecules)),
        "mass": system.mass,
        "links": links_account(links),
        "notes": [*system.notes, *map_notes(out / DATA), *(r for s in links for r in s.remarks)],
        "structures": list(system.structures),
    }


def write_summary(out: Path, report: dict) -> None:
    """``run.json``, replaced in one step."""
    write_json(out / SUMMARY, report, force=True)


def write_search(out: Path, found: list[dict]) -> None:
    """``search.json``: ``arrangements`` of the global search, best first.

    It is written before the sampling, so that a resumed run has it too. Each has a ``score`` (kT),
    the number of ``searches`` that ended there before any later step, whether a replica ``starts``
    there, and the subunits that lie ``elsewhere`` than in the best one.
    """
    write_json(out / SEARCH, {"arrangements": found}, force=True)

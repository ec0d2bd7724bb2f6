"""Bayesian cryo-EM modelling with Gaussian mixtures.

A density map becomes a Gaussian mixture, the model of a complex becomes another, and a Bayesian
score says how well the second explains the first. Lengths are in Å, masses in Da, scores in kT.

>>> import emgmm
>>> structure = emgmm.read_structure("complex.pdb.gz")
>>> density = emgmm.simulate_map(structure, resolution=10.0)
>>> len(emgmm.structure_mixture(structure)) > 100
True
"""

from __future__ import annotations

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from .analysis import analyze
    from .analysis.models import open_run
    from .fitting import fit_map
    from .forward.structure import structure_mixture
    from .io.gmm import read_gmm as read_mixture
    from .io.maps import DensityMap, read_map
    from .io.structures import read_structure
    from .maps.simulate import simulate_map
    from .mixture import Mixture
    from .report import write_report
    from .runs.run import run
    from .scoring import ScoreOptions
    from .scoring.score_model import score
    from .search.structures import place

__version__ = _version("emgmm")

# Imported when first asked for: `import emgmm` does not wait for plots or readers.
_WHERE = {
    "DensityMap": ("io.maps", "DensityMap"),
    "Mixture": ("mixture", "Mixture"),
    "ScoreOptions": ("scoring", "ScoreOptions"),
    "analyze": ("analysis", "analyze"),
    "fit_map": ("fitting", "fit_map"),
    "open_run": ("analysis.models", "open_run"),
    "place": ("search.structures", "place"),
    "read_map": ("io.maps", "read_map"),
    "read_mixture": ("io.gmm", "read_gmm"),
    "read_structure": ("io.structures", "read_structure"),
    "run": ("runs.run", "run"),
    "score": ("scoring.score_model", "score"),
    "simulate_map": ("maps.simulate", "simulate_map"),
    "structure_mixture": ("forward.structure", "structure_mixture"),
    "write_report": ("report", "write_report"),
}

__all__ = [
    "DensityMap",
    "InputError",
    "Mixture",
    "ScoreOptions",
    "__version__",
    "analyze",
    "fit_map",
    "open_run",
    "place",
    "read_map",
    "read_mixture",
    "read_structure",
    "run",
    "score",
    "simulate_map",
    "structure_mixture",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'emgmm' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    value = getattr(_import_module(f".{module}", __name__), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})

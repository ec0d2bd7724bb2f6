"""Bayesian cryo-EM modelling with Gaussian mixtures."""

from importlib.metadata import version as _version

from .errors import InputError

__version__ = _version("emgmm")
__all__ = ["InputError", "__version__"]

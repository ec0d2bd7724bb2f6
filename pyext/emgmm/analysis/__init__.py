"""From a finished run to clusters, precision, convergence and accuracy."""

from .analyze import Analysis, analyze

__all__ = ["Analysis", "analyze"]

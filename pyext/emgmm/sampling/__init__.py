"""The native sampler: replica-exchange Monte Carlo in the core."""

from .native import make_sampler, run_native
from .speed import BenchmarkResult, benchmark
from .types import Callbacks, Frames, NamedSampler, Progress, RunSummary

__all__ = [
    "BenchmarkResult",
    "Callbacks",
    "Frames",
    "NamedSampler",
    "Progress",
    "RunSummary",
    "benchmark",
    "make_sampler",
    "run_native",
]

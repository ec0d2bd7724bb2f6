"""The native sampler: replica-exchange Monte Carlo in the core."""

from .benchmark import BenchmarkResult, benchmark
from .records import Callbacks, Frames, NamedSampler, Progress, RunSummary
from .sampler import make_sampler, run_native

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

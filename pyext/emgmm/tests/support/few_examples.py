"""Settings of property tests in a quick suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples every time; the folder of a test is its own for all of its examples.
few = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

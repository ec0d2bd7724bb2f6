"""The moves of a run: steps, and further kinds in one registry."""

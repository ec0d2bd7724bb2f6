"""Kinds of moves that a run can make beside its steps: one entry each.

An entry and its function are all that a kind needs: the settings of ``[sampling.moves]``, their
page of the manual and the sampler follow from the entry. A kind is here because
benchmark/results/moves.md has a row in which it finds more than steps alone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple


class MoveKind(NamedTuple):
    """Moves with a share of their own."""

    name: str
    """Key of the share in ``[sampling.moves]``."""
    function: str
    """``module:name`` in this package, called with the `Posterior` and (bodies,) bool, which may
    move; returns the movers, among which the share is divided evenly, or none."""
    explanation: str
    """Sentence for the manual."""
    needs_density: bool = False
    """Whether a run without ``[em]`` cannot make them."""

    def builder(self) -> Callable:
        module, _, name = self.function.partition(":")
        return getattr(import_module(f".{module}", __package__), name)


KINDS = (
    MoveKind(
        "swaps", "swaps:swap_movers", "Share of the moves by which two rigid bodies change places."
    ),
    MoveKind(
        "turns",
        "swaps:turn_movers",
        "Share of the moves that turn a rigid body about one of its own axes, half of them by half "
        "a turn.",
    ),
    MoveKind(
        "independence",
        "independence:independence_movers",
        "Share of the moves by which a rigid body goes to a place that the density suggests for it "
        "alone.",
        needs_density=True,
    ),
)

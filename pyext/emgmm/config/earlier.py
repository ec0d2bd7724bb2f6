"""Settings of earlier versions, so that their runs can still be read and gone on with."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError

# Keys of [sampling] for kinds of moves that found no more than steps alone, and are gone.
_GONE = {
    "alignment_moves": (),
    "linked_moves": (),
    "coarse_moves": ("coarse_steps", "coarse_levels"),
    "hamiltonian_moves": ("hamiltonian_steps", "hamiltonian_step"),
}
# Keys of [sampling] that [sampling.moves] has now, and what each of them becomes.
_MOVED = {"independence_moves": ("independence",), "global_moves": ("swaps", "turns")}


def with_keys_of_now(path: Path, content: dict) -> dict:
    """The settings with each key of an earlier version as that of today.

    Raises
    ------
    InputError
        A share is given to moves that are gone.
    """
    sampling = content.get("sampling")
    if not isinstance(sampling, dict):
        return content
    sampling = dict(sampling)
    for share, details in _GONE.items():
        if sampling.pop(share, 0):
            expected = "none: these moves found no more than steps, and are gone"
            raise InputError(path, f"{share}", expected, f"sampling.{share}")
        for key in details:
            sampling.pop(key, None)
    moves = sampling.get("moves", {})
    for old, names in _MOVED.items():
        if isinstance(sampling.get(old), int | float) and isinstance(moves, dict):
            share = sampling.pop(old)
            moves = {name: share / len(names) for name in names} | moves
    return content | {"sampling": sampling | ({"moves": moves} if moves else {})}

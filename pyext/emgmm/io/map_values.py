"""Judges a map by its voxels: how its bytes are meant, and what about them is odd."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Statistics = tuple[float, float, float]  # minimum, maximum and mean of a header

_BLOCK_VOXELS = 1 << 22  # a pass over the map holds copies of this many voxels, not of the box
_SAMPLE = 1 << 20  # voxels that stand for all
_CERTAIN = 20.0  # times as much density on one side of the background as on the other


def blocks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Slabs along the first axis with the index of their first layer."""
    layers = max(1, _BLOCK_VOXELS // max(1, values[0].size))
    for first in range(0, len(values), layers):
        yield first, values[first : first + layers]


@np.errstate(invalid="ignore")  # NaN of any kind stays NaN
def value_range(values: np.ndarray) -> tuple[float, float]:
    """Least and greatest value, NaN where one is."""
    ends = np.array([(block.min(), block.max()) for _, block in blocks(values)], dtype=np.float64)
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def kind_of_bytes(
    values: np.ndarray, statistics: Statistics | None
) -> tuple[type[np.int8] | type[np.uint8], str | None]:
    """Whether bytes are signed: as the header's statistics fit, else as MRC2014 has it (signed).

    The second is a note where that is a guess.
    """
    if value_range(values.view(np.int8))[0] >= 0:  # the same both ways
        return np.int8, None
    if statistics is None:
        return np.int8, "its bytes are read as signed; the header has no minimum and maximum"
    signed, unsigned = (_misfit(values.view(kind), statistics) for kind in (np.int8, np.uint8))
    if abs(signed - unsigned) < 0.2 * max(signed, unsigned):
        return np.int8, "its bytes are read as signed; the header's minimum and maximum fit neither"
    kind, word = (np.int8, "signed") if signed < unsigned else (np.uint8, "unsigned")
    exact = _has_range(*value_range(values.view(kind)), statistics)
    return kind, None if exact else f"its bytes are read as {word}, nearer to the header's range"


def _misfit(values: np.ndarray, statistics: Statistics) -> float:
    mean = sum(float(block.sum(dtype=np.float64)) for _, block in blocks(values)) / values.size
    own = (*value_range(values), mean)
    # A mean of zero may stand for none.
    return sum(
        abs(a - b) for a, b in zip(own, statistics[: 3 if statistics[2] else 2], strict=False)
    )


def _has_range(low: float, high: float, statistics: Statistics) -> bool:
    """Whether the header's minimum and maximum are these, to rounding."""
    room = 1e-3 * (statistics[1] - statistics[0])
    return abs(low - statistics[0]) <= room and abs(high - statistics[1]) <= room


def is_byte_swapped(
    values: np.ndarray, low: float, high: float, statistics: Statistics | None
) -> bool:
    """Whether the values (of range low to high) fit the header only with their bytes swapped."""
    if statistics is None or values.dtype.itemsize == 1 or _has_range(low, high, statistics):
        return False
    with np.errstate(invalid="ignore"):
        ends = [
            (swapped.min(), swapped.max())
            for swapped in (block.byteswap() for _, block in blocks(values))
        ]
    lows, highs = np.array(ends, dtype=np.float64).T
    return _has_range(float(lows.min()), float(highs.max()), statistics)


def notes_on_values(
    values: np.ndarray, low: float, high: float, statistics: Statistics | None
) -> list[str]:
    """Oddities of a map of finite values from low to high, in sentences; mostly none."""
    if low == high:
        return [f"every voxel has the density {low:g}"]
    notes = []
    if statistics is not None and _is_another_range(low, high, statistics):
        notes.append(
            "its header says densities of {:g} to {:g}, the voxels have".format(*statistics[:2])
            + f" {low:g} to {high:g}"
        )
    if all(((block == low) | (block == high)).all() for _, block in blocks(values)):
        return [*notes, f"it holds only the values {low:g} and {high:g}: is it a mask?"]
    return notes + _notes_on_background(values, high - low)


def _is_another_range(low: float, high: float, statistics: Statistics) -> bool:
    """Whether the header tells of another map: ranges apart, or one twice as wide as the other."""
    first, last, _ = statistics
    ratio = (high - low) / (last - first)
    return low > last or high < first or not 0.5 <= ratio <= 2


def _notes_on_background(values: np.ndarray, span: float) -> list[str]:
    """The faces of the box are taken for the background: a map may be cut close to the molecule."""
    faces = np.concatenate(
        [
            values[at].reshape(-1)[:: max(1, values[at].size * 6 // _SAMPLE)]
            for axis in range(3)
            for at in ((slice(None),) * axis + (0,), (slice(None),) * axis + (-1,))
        ]
    ).astype(np.float64)
    background = float(np.median(faces))
    spread = float(np.subtract(*np.quantile(faces, [0.75, 0.25])))
    sample = values.reshape(-1)[:: max(1, values.size // _SAMPLE)].astype(np.float64)
    cubes = ((sample - background) / span) ** 3
    above, below = float(cubes[cubes > 0].sum()), float(-cubes[cubes < 0].sum())
    if below > _CERTAIN * above:
        return ["its density lies below the background: is its sign inverted?"]
    if abs(background) > 0.2 * span and spread < 0.2 * abs(background):
        return [f"its background is {background:g}, not 0; densities are taken as they stand"]
    return []


def is_mask(values: np.ndarray) -> bool:
    """Whether the values lie flat at a least and a greatest one, as those of a mask with soft edges
    do: a tenth of the box at the least, a thousandth at the greatest."""
    low, high = value_range(values)
    flat = [
        (np.count_nonzero(block == low), np.count_nonzero(block == high))
        for _, block in blocks(values)
    ]
    at_low, at_high = np.sum(flat, axis=0) / values.size
    return bool(low < high and at_low >= 0.1 and at_high >= 1e-3)

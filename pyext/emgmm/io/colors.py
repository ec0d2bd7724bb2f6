"""Colours as topology tables spell them: a name, ``#rrggbb`` or ``r,g,b``."""

from __future__ import annotations

from matplotlib.colors import to_rgb

Color = tuple[float, float, float]

# X11's values, which Chimera and PMI use, where they are not those of CSS, which matplotlib uses.
_X11 = {
    "gray": (190 / 255,) * 3,
    "grey": (190 / 255,) * 3,
    "green": (0.0, 1.0, 0.0),
    "maroon": (176 / 255, 48 / 255, 96 / 255),
    "purple": (160 / 255, 32 / 255, 240 / 255),
    "navyblue": (0.0, 0.0, 128 / 255),
    "violetred": (208 / 255, 32 / 255, 144 / 255),
}


def parse_color(text: str) -> Color:
    """(red, green, blue), 0 to 1.

    Three numbers may run from 0 to 1 or, as soon as one exceeds 1, to 255.

    Raises
    ------
    ValueError
        No such colour.
    """
    cells = text.split(",")
    if len(cells) == 3:
        values = [float(cell) for cell in cells]
        if any(v > 1 for v in values):
            values = [v / 255 for v in values]
        if all(0 <= v <= 1 for v in values):
            return tuple(values)
        raise ValueError(f"no colour {text!r}")
    name = text.strip().lower().replace(" ", "")
    return _X11[name] if name in _X11 else to_rgb(name)

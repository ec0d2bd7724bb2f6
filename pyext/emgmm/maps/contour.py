"""Defaults of a map's fit where the settings do not say: contour level, components, dust.

Level and components follow from the mass that the map holds. Why not from the histogram: the score
compares logs of overlaps, so a level that lets in more than the model can fill (Otsu's encloses 570
kDa of EMD-1883, of which 440 are modelled) pulls every subunit towards the surplus;
benchmark/results/rnapolii.md has the numbers.
"""

from __future__ import annotations

import numpy as np

from ..config.settings import PROTEIN_VOLUME, EmConfig
from ..io.maps import DensityMap
from ..representation.system import System


def structured_mass(system: System) -> float:
    """Da of the parts that have a structure: flexible beads are as a rule not seen in a map.

    All of the model where nothing has one.
    """
    bodies = system.bodies
    solid = bodies.rotatable | ~bodies.movable
    return float(bodies.mass[solid].sum()) or system.mass


def data_mass(system: System, em: EmConfig) -> float:
    """Da of all that the data GMM holds, so that a model can explain it.

    A mixture holds what the model does, a map the parts that have a structure: flexible beads, if
    they had to fill density too, would push the bodies out of it (the fitted RNA polymerase II
    scores 324 kT then, else 204).
    """
    if em.map_mass is not None:
        return em.map_mass
    return system.mass if em.map is None else structured_mass(system)


def threshold_of_mass(density: DensityMap, mass: float) -> float:
    """The contour level that encloses the volume of so much protein (Da, at 1.21 Å³ per Da).

    Raises
    ------
    ValueError
        The box holds no such volume, or not of positive density.
    """
    wanted = round(mass * PROTEIN_VOLUME / float(np.prod(density.voxel)))
    values = density.values.reshape(-1)
    if not 0 < wanted < values.size:
        raise ValueError(
            f"a map of {values.size} voxels cannot hold {mass / 1000:.0f} kDa of protein in "
            f"{wanted} of them"
        )
    level = float(np.partition(values, values.size - wanted - 1)[values.size - wanted - 1])
    if not level > 0:
        raise ValueError(
            f"the volume of {mass / 1000:.0f} kDa of protein reaches into density of {level:g}: "
            "the map holds less, give map_mass or a threshold"
        )
    return level


def dust_volume(component_mass: float, resolution: float | None) -> float:
    """Å³: an island of density smaller than this is noise, no part of the complex.

    The cube of the resolution, since nothing real shows as less, and at least the volume of one
    component of the model.
    """
    return max(component_mass * PROTEIN_VOLUME, (resolution or 0.0) ** 3)

"""A symmetric system and its density."""

from __future__ import annotations

import numpy as np
from emgmm.config import (
    Config,
    SamplingConfig,
    SymmetryConfig,
    SystemConfig,
)
from emgmm.mixture import Mixture
from emgmm.symmetry import operations
from toy_system import random_rotations, toy_system

CENTER = np.array([100.0, -20.0, 55.0])


def ring(group, seed=1, tail=6):
    """A system with a copy for each operation, and its density about a tilted axis."""
    generator = np.random.default_rng(seed)
    axis, second, _ = random_rotations(generator, 1)[0]
    operation = operations(group, CENTER, axis, second if group[0] == "D" else None)
    system = toy_system(names=("A",) * len(operation), tail=tail, seed=seed)
    bodies = system.bodies
    # Every copy comes in a frame of its own, none of them where it belongs.
    first = system.gaussians.body == 0
    copy = Mixture(
        system.gaussians.mixture.means[first] + CENTER + 22 * second + 6 * axis,
        system.gaussians.mixture.covariances[first],
        system.gaussians.mixture.weights[first],
    )
    data = Mixture.concatenated([copy.moved(pose) for pose in operation])
    assert len(bodies) == len(operation) * (1 + (2 if tail else 0))
    return system, data, axis, second


def settings(group, **changes):
    sampling = SamplingConfig(replicas=2, steps=2000, start="asis", seed=3, threads=1)
    return Config(
        system=SystemConfig(topology="t"),
        symmetry=SymmetryConfig(group=group, **changes),
        sampling=sampling,
    )

"""A small system with every kind of body, its settings and data, and a record of a run."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from emgmm.config.settings import AnnealingConfig, Config, EmConfig, SamplingConfig, SystemConfig
from emgmm.mixture import Mixture
from emgmm.poses import random_rotations
from emgmm.representation.system import (
    Bodies,
    Connectivity,
    ExcludedVolume,
    Gaussians,
    Molecule,
    Particles,
    System,
)
from emgmm.sampling import Callbacks, Frames


def chain_system() -> System:
    """Three rigid bodies on a string of two free beads; the first body carries a third bead."""
    rng = np.random.default_rng(0)
    owner = np.array([0] * 10 + [1] + [2] * 8 + [3] + [4] + [5] * 6)
    rotatable = np.array([True, False, True, False, False, True])
    n = len(owner)
    local = np.where(rotatable[owner][:, None], rng.uniform(-12, 12, (n, 3)), 0.0)
    translation = rng.uniform(-25, 25, (6, 3))
    bodies = Bodies(
        names=tuple(f"body {b}" for b in range(6)),
        rotatable=rotatable,
        movable=np.ones(6, dtype=bool),
        carrier=np.array([-1, 0, -1, -1, -1, -1]),
        mass=np.full(6, 1000.0),
        poses=np.c_[random_rotations(rng, 6), translation],
    )
    particles = Particles(
        resolution=10,
        body=owner,
        local=local,
        radius=rng.uniform(3, 6, n),
        mass=np.full(n, 1000.0),
        molecule=np.zeros(n, dtype=int),
        fragment=np.zeros(n, dtype=int),
        first=np.arange(n) * 10 + 1,
        last=np.arange(n) * 10 + 10,
    )
    first = np.flatnonzero(owner[1:] != owner[:-1])
    connectivity = Connectivity(
        10, first, first + 1, np.full(len(first), 3.6), 10.0, np.zeros(len(first), dtype=int)
    )
    gaussians = Gaussians(
        owner, Mixture(local, np.eye(3) * rng.uniform(15, 40, (n, 1, 1)), np.full(n, 1000.0))
    )
    return System(
        molecules=(Molecule("A", 0, "A" * 10 * n),),
        fragments=(),
        bodies=bodies,
        particles={10: particles},
        gaussians=gaussians,
        connectivity=connectivity,
        excluded_volume=ExcludedVolume(10, 1.5),
        super_rigid_bodies=(np.array([0, 2]),),
    )


def config(**sampling) -> Config:
    settings = dict(
        replicas=3,
        steps=3000,
        exchange_interval=20,
        frame_interval=30,
        annealing=AnnealingConfig(low_steps=100, high_steps=900),
        seed=5,
        start="random",
        threads=2,
    )
    return Config(
        system=SystemConfig(topology="t"),
        em=EmConfig(gmm="g"),
        sampling=SamplingConfig(**(settings | sampling)),
    )


@pytest.fixture
def system() -> System:
    return chain_system()


@pytest.fixture
def data(system) -> Mixture:
    return system.gaussians.placed(system.bodies.poses)


class Recorder(Callbacks):
    """Keeps all frames; a signal after the first batch where asked for."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__(frames=self.add, offsets=lambda: {"frames": len(self.totals)})
        self.totals: list[float] = []
        self.batches: list[Frames] = []
        self.stop_after = stop_after

    def add(self, frames: Frames) -> None:
        self.batches.append(frames)
        self.totals.extend(frames.totals.tolist())
        if self.stop_after is not None and len(self.totals) >= self.stop_after:
            self.stop_after = None
            os.kill(os.getpid(), signal.SIGINT)

"""Flexible beads beside their neighbours, before they are sampled."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from chain_system import chain_system
from emgmm.config import EmConfig, SamplingConfig
from emgmm.posterior import Posterior
from emgmm.sampling.sampler import placed_starts
from emgmm.scoring.terms import connectivity_term
from emgmm.search.starts import with_beads_placed
from symmetric_ring import ring, settings


@pytest.fixture
def system():
    """The chain system with the ends of its rigid bodies 22 and 32 Å apart."""
    made = chain_system()
    poses = made.bodies.poses.copy()
    for before, after, apart in ((9, 11, [22, 0, 0]), (18, 21, [0, 32, 0])):
        at = made.finest.positions(poses)
        poses[made.finest.body[after], 4:] += at[before] + apart - at[after]
    return replace(made, bodies=replace(made.bodies, poses=poses))


def test_chains_reach_from_body_to_body(system):
    known = system.bodies.rotatable
    for seed in range(5):
        lost = system.bodies.poses.copy()
        lost[~known, 4:] += 500.0
        poses = with_beads_placed(system, lost, known, seed)
        assert (poses[known] == lost[known]).all()
        assert connectivity_term(system).evaluate(lost) > 1e6  # kT
        assert connectivity_term(system).evaluate(poses) < 20.0
        at, radius, body = system.finest.positions(poses), system.finest.radius, system.finest.body
        for bead in np.flatnonzero(~known):
            own = body == bead
            apart = np.linalg.norm(at[~own] - at[own], axis=1)
            assert (apart > 0.7 * (radius[~own] + radius[own])).all()


def test_beads_of_the_same_seed_are_the_same(system):
    first, second, other = (
        with_beads_placed(system, system.bodies.poses, system.bodies.rotatable, seed)
        for seed in (1, 1, 2)
    )
    assert (first == second).all()
    assert not (first == other).all()


def test_symmetric_starts_are_the_best_by_the_score_of_the_run():
    system, data, _, _ = ring("C3")
    config = msgspec.structs.replace(
        settings("C3"),
        em=EmConfig(gmm="g"),
        sampling=SamplingConfig(replicas=3, start="placed", threads=1, minimize=100),
    )
    posterior = Posterior.of_run(config, system, data)
    starts, search = placed_starts(posterior)
    scores = [found["run_score"] for found in search]
    assert scores == sorted(scores)
    within = sum(score <= scores[0] + 2 for score in scores)
    assert [f["starts"] for f in search] == [i < min(within, 3) for i in range(len(search))]
    for poses in starts:
        assert sum(posterior.weighted_terms(poses).values()) <= scores[0] + 2

"""Cross-links and connectivity in the global search."""

from dataclasses import replace

import numpy as np
import pytest
from emgmm import _core
from emgmm.config.settings import Config, CrosslinksConfig, SystemConfig
from emgmm.mixture import Mixture
from emgmm.poses import to_poses
from emgmm.posterior import Posterior
from emgmm.representation.system import (
    Bodies,
    Connectivity,
    ExcludedVolume,
    Gaussians,
    Molecule,
    Particles,
    Spheres,
    System,
)
from emgmm.scoring.crosslinks import Contributions
from emgmm.search import place_system
from emgmm.search.starts import input_poses
from emgmm.search.terms import placement_clashes, placement_terms
from search_options import search_options
from toy_system import random_rotations

pytestmark = pytest.mark.instruction_sets


def tailed_system():
    """A: a body of residues 1 to 3, beads of 4, 5 and 6, a body of residues 7 to 9; B: a bead 1, a
    body of 2 and 3, a bead 4. Beads belong to no body."""
    body = np.array([0, 0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 6, 7])
    molecule = np.array([0] * 9 + [1] * 4)
    number = np.array([*range(1, 10), 1, 2, 3, 4])
    local = np.random.default_rng(0).normal(size=(13, 3))
    radius = np.linspace(1, 3, 13)
    first = np.array([2, 3, 4, 5, 9, 11])
    return System(
        molecules=(Molecule("A", 0, "A" * 9), Molecule("B", 0, "A" * 4)),
        fragments=(),
        bodies=Bodies(
            names=tuple("abcdefgh"),
            rotatable=np.isin(np.arange(8), [0, 4, 6]),
            movable=np.ones(8, dtype=bool),
            carrier=np.full(8, -1),
            mass=np.full(8, 1000.0),
            poses=np.tile([1.0, 0, 0, 0, 0, 0, 0], (8, 1)),
        ),
        particles={
            1: Particles(
                1, body, local, radius, np.full(13, 110.0), molecule, molecule, number, number
            )
        },
        gaussians=Gaussians(np.zeros(0, int), None),
        connectivity=Connectivity(
            1, first, first + 1, np.array([1.0, 2, 3, 4, 5, 6]), 10.0, molecule[first]
        ),
        excluded_volume=None,
        super_rigid_bodies=(),
    )


def write(tmp_path, rows, **changes):
    path = tmp_path / "links.csv"
    path.write_text("prot1,res1,prot2,res2\n" + "".join(f"{r}\n" for r in rows))
    section = CrosslinksConfig(file=str(path), **changes)
    return Config(system=SystemConfig(topology="t"), crosslinks=(section,))


def links_of(system, config):
    return Posterior.of_run(config, system, None).links


def test_chains_and_links_of_beads_count_at_the_bodies(tmp_path):
    system = tailed_system()
    placed = np.array([0, 4, 6])
    config = write(tmp_path, ["A,2,B,3", "A,5,B,1", "A,6,A,1"], weight=2.0)
    specs = placement_terms(system, placed, links_of(system, config))
    assert [spec.weight for spec in specs] == [1.0, 2.0]
    chain, links = (spec.term for spec in specs)
    poses = np.zeros((3, 7))
    poses[:, 0] = 1
    poses[:, 4:] = [[0, 0, 0], [60, 0, 0], [0, 70, 0]]
    beads = system.finest
    x = beads.local + np.repeat(poses[:, 4:], [6, 3, 4], axis=0)
    # Four bonds from residue 3 to 7 and the three beads between, as one spring.
    slack = 1 + 2 + 3 + 4 + 2 * beads.radius[3:6].sum() + beads.radius[2] + beads.radius[6]
    stretch = np.linalg.norm(x[2] - x[6]) - slack
    assert stretch > 0
    assert chain.evaluate(poses) == pytest.approx(0.5 * 10 / 4 * stretch**2)
    # Residue 5 of A is as near to 3 as to 7: the first counts. Residue 1 of B stands at 2.
    ends = [(1, 11), (2, 10), (6, 0)]
    expected = _core.crosslink_term(
        2,
        Contributions(
            np.arange(3),
            Spheres(np.zeros(3, dtype=np.int64), np.array([x[i] for i, _ in ends]), np.ones(3)),
            Spheres(np.ones(3, dtype=np.int64), np.array([x[j] for _, j in ends]), np.ones(3)),
            np.zeros(3, dtype=bool),
        ),
        21.0,
        0.02,
        5.0,
        0.05,
    )
    still = np.zeros((2, 7))
    still[:, 0] = 1
    assert links.evaluate(poses) == pytest.approx(expected.evaluate(still))


def test_links_to_molecules_without_a_placed_body_are_left_out(tmp_path):
    system = tailed_system()
    links = links_of(system, write(tmp_path, ["A,2,B,3"]))
    specs = placement_terms(system, np.array([0, 4]), links)
    assert [spec.term.name for spec in specs] == ["connectivity"]


def balls():
    """Two bodies of one shape and different names in a density that cannot tell them apart."""
    generator = np.random.default_rng(4)
    local = generator.normal(size=(8, 3)) * [14, 8, 5]
    local -= local.mean(axis=0)
    covariance = np.tile(20 * np.eye(3), (8, 1, 1))
    beads = np.concatenate([local, local])
    owner = np.repeat([0, 1], 8)
    number = np.tile(np.arange(1, 9), 2)
    n = len(owner)
    none = np.zeros(0, dtype=int)
    shape = Mixture(local, covariance, np.full(8, 1000.0))
    turns = random_rotations(generator, 3)
    places = np.array([[0.0, 0, 0], [45, 5, 0], [-40, 12, 10]])
    system = System(
        molecules=(
            Molecule("A", 0, "ACDEFGHI"),
            Molecule("B", 0, "KLMNPQRS"),
            Molecule("C", 0, "TVWYACDE"),
        ),
        fragments=(),
        bodies=Bodies(
            names=("A", "B", "C"),
            rotatable=np.ones(3, dtype=bool),
            movable=np.ones(3, dtype=bool),
            carrier=np.full(3, -1),
            mass=np.full(3, 8000.0),
            poses=np.tile([1.0, 0, 0, 0, 0, 0, 0], (3, 1)),
        ),
        particles={
            1: Particles(
                1,
                np.repeat([0, 1, 2], 8),
                np.concatenate([beads, local]),
                np.full(n + 8, 3.0),
                np.full(n + 8, 1000.0),
                np.repeat([0, 1, 2], 8),
                np.repeat([0, 1, 2], 8),
                np.tile(number[:8], 3),
                np.tile(number[:8], 3),
            )
        },
        gaussians=Gaussians(np.repeat([0, 1, 2], 8), Mixture.concatenated([shape] * 3)),
        connectivity=Connectivity(1, none, none, np.zeros(0), 10.0, none),
        excluded_volume=None,
        super_rigid_bodies=(),
    )
    data = Mixture.concatenated([shape.moved(p) for p in to_poses(turns, places)])
    blurred = Mixture(
        data.means + generator.normal(size=data.means.shape), data.covariances, data.weights
    )
    return system, blurred, turns, places


@pytest.mark.slow
def test_links_tell_alike_bodies_apart(tmp_path):
    system, data, turns, places = balls()
    xyz = system.finest.positions(to_poses(turns, places))
    own = [np.flatnonzero(system.finest.body == b) for b in range(3)]
    rows = []
    for a, b in ((0, 1), (0, 2)):  # A is in the middle
        gaps = np.linalg.norm(xyz[own[a]][:, None] - xyz[own[b]][None], axis=2)
        for pair in np.argsort(gaps, axis=None)[:6]:
            i, j = np.unravel_index(pair, gaps.shape)
            rows.append(f"{'ABC'[a]},{i + 1},{'ABC'[b]},{j + 1}")
    rows.append("B,1,C,4")  # false
    config = write(tmp_path, rows)
    links = links_of(system, config)
    best = place_system(system, data, config=config, links=links, search=search_options(threads=1))[
        0
    ]
    moved = system.finest.positions(best.poses)
    assert np.linalg.norm(moved - xyz, axis=1).max() < 4
    again = place_system(
        system, data, config=config, links=links, search=search_options(threads=2)
    )[0]
    np.testing.assert_array_equal(best.poses, again.poses)
    assert input_poses(system).shape == (3, 7)


def test_clashes_are_those_of_placed_bodies():
    system = tailed_system()
    assert placement_clashes(system, np.array([0, 4, 6])) == []
    system = replace(system, excluded_volume=ExcludedVolume(1, 2.0))
    (term,) = placement_clashes(system, np.array([0, 4]))
    poses = np.zeros((2, 7))
    poses[:, 0] = 1
    beads = system.finest
    a, b = beads.body == 0, beads.body == 4  # of the others nothing counts, though all overlap
    apart = np.linalg.norm(beads.local[a][:, None] - beads.local[b][None], axis=2)
    reach = _core.CLASH_RADIUS * (beads.radius[a][:, None] + beads.radius[b][None])
    overlap = np.maximum(0, reach - apart)
    assert term.evaluate(poses) == pytest.approx(0.5 * 2.0 * (overlap**2).sum())

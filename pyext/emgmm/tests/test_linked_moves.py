"""Joint moves of linked bodies: who is linked, a known distribution, reported, refused."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from emgmm import _core
from emgmm.config.settings import CrosslinksConfig
from emgmm.errors import InputError
from emgmm.moves.build import build_movers
from emgmm.moves.linked import linked_groups, linked_movers, linked_pairs, with_companions
from emgmm.posterior import Posterior
from emgmm.sampling import run_native
from emgmm.scoring.crosslinks import CrossLinks

from .test_sampling import config, data, system  # noqa: F401

pytestmark = pytest.mark.instruction_sets

NO_BONDS = dict.fromkeys(("first", "second", "threshold", "molecule"), np.zeros(0, int))


def links(*contributions: tuple[int, int, int]) -> CrossLinks:
    """Contributions (link, particle, particle) at resolution 10."""
    link, first, second = np.array(contributions, dtype=np.int64).T
    names = tuple(map(str, range(link.max() + 1)))
    return CrossLinks("l", 10, names, link, first, second, 21, 0.02, 5, 0.05, 1, True, True, ())


def without_bonds(system):  # noqa: F811
    return replace(system, connectivity=replace(system.connectivity, **NO_BONDS))


def test_bonds_tie_bodies(system):  # noqa: F811
    # Three rigid bodies on one chain: 0, its own bead 1, 2, free beads 3 and 4, 5.
    assert linked_pairs(system) == [(0, 2), (2, 5)]
    assert linked_groups(system) == [[0, 2], [2, 5], [0, 2, 5]]
    assert with_companions(system, [0, 2]).tolist() == [0, 1, 2]
    assert with_companions(system, [2, 5]).tolist() == [2, 3, 4, 5]
    assert with_companions(system, [0, 5]).tolist() == [0, 1, 5]
    apart = without_bonds(system)
    assert linked_pairs(apart) == [] and linked_groups(apart) == []


def test_links_tie_bodies(system):  # noqa: F811
    apart = without_bonds(system)
    body = system.particles[10].body
    of = [int(np.flatnonzero(body == b)[0]) for b in range(6)]
    # Link 0 has two readings; link 1 is within a body.
    ambiguous = links((0, of[5], of[0]), (0, of[5], of[2]), (1, of[0], of[0] + 1))
    assert linked_pairs(apart, [ambiguous]) == [(0, 5), (2, 5)]
    # A carried bead is its carrier, a free one the nearest rigid body in the sequence.
    assert linked_pairs(apart, [links((0, of[1], of[5]))]) == [(0, 5)]
    assert linked_pairs(apart, [links((0, of[3], of[0]))]) == [(0, 2)]
    assert linked_pairs(apart, [links((0, of[4], of[0]))]) == [(0, 5)]
    free = np.ones(6, dtype=bool)
    free[2] = False
    assert linked_groups(apart, [ambiguous], free) == [[0, 5]]


def test_only_new_groups_get_movers(system):  # noqa: F811
    movers, weights = build_movers(Posterior.of_run(config(linked_moves=0.2), system, None))
    names = [m.name for m in movers]
    # 0 and 2 are a super rigid body, all three with their beads the whole system.
    assert names[8:] == ["linked body 2, body 5"]
    assert weights == pytest.approx([0.1] * 8 + [0.2])


def test_known_distribution():
    # Points A-B-C: each distance on its own ~ d² exp(-k/2 max(0, d - 3)²), whoever moves.
    def at(body):
        return np.array([body]), np.zeros((1, 3)), np.array([1.0])

    terms = [
        _core.connectivity_term(3, *at(a), *at(a + 1), np.array([1.0]), 2.0, f"{a}") for a in (0, 1)
    ]
    movers = [_core.rigid_mover("linked", np.array(g), 2.0, 1.5) for g in ([0, 1], [1, 2])]
    starts = np.zeros((1, 3, 7))
    starts[..., 0] = 1
    sampler = _core.Sampler(
        terms=terms, weights=[1.0, 1.0], annealed=[False, False], movers=movers,
        temperatures=[1.0], starts=starts, steps=400_000, low_steps=0, high_steps=1000,
        low_weight=1.0, frame_interval=10, exchange_interval=1000, refresh_interval=100_000,
        burn_in=0, seed=2, threads=1,
    )  # fmt: skip
    sampler.advance(400_000, 100.0)
    poses = np.array(sampler.take_frames()["poses"]).reshape(-1, 3, 7)
    distance = np.linalg.norm(np.diff(poses[..., 4:], axis=1), axis=2)
    d = np.linspace(0, 10, 5001)
    density = d**2 * np.exp(-(np.maximum(0, d - 3) ** 2))
    expected = [(density * d**n).sum() / density.sum() for n in (1, 2)]
    for column in distance.T:
        assert column.mean() == pytest.approx(expected[0], rel=0.015)
        assert (column**2).mean() == pytest.approx(expected[1], rel=0.03)


def test_reported_and_without_drift(system, data):  # noqa: F811
    settings = config(linked_moves=0.3, start="asis", steps=900)
    summary = run_native(Posterior.of_run(settings, system, data))
    assert 0 < summary.acceptance["linked body 2, body 5"] < 1 and summary.drift == 0


def test_nothing_linked_is_refused(system, data):  # noqa: F811
    apart = without_bonds(system)
    with pytest.raises(InputError, match=r"linked_moves: found no cross-link"):
        build_movers(Posterior.of_run(config(linked_moves=0.2), apart, data))
    known = {(2, 3, 4, 5)}
    assert linked_movers(system, [[2, 5]], known, 1.0, 0.1) == []


def test_links_of_a_file(system, tmp_path):  # noqa: F811
    (tmp_path / "l.csv").write_text("prot1,res1,prot2,res2\nA,5,A,215\n")
    section = CrosslinksConfig(file=str(tmp_path / "l.csv"), resolution=10)
    linked = msgspec.structs.replace(config(linked_moves=0.2), crosslinks=(section,))
    names = [m.name for m in build_movers(Posterior.of_run(linked, without_bonds(system), None))[0]]
    assert names[8:] == ["linked body 0, body 5"]

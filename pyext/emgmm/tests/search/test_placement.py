"""The global search from Python: a real complex put together from nothing."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from emgmm.config.settings import Config, EmConfig, SystemConfig
from emgmm.fitting import fit_points
from emgmm.io.structures import read_structure
from emgmm.mixture import Mixture
from emgmm.representation import Bodies, Connectivity, Gaussians, Molecule, Particles, System
from emgmm.representation.system import ExcludedVolume
from emgmm.scoring.mixture_score import score_mixture
from emgmm.search import place_system
from emgmm.search.terms import placement_clashes
from search_options import search_options

pytestmark = pytest.mark.instruction_sets


def system_of_chains(structure, dalton_per_component=1090.0):
    """Each chain a rigid body with its mixture; beads at the CA atoms."""
    chains = list(dict.fromkeys(structure.chain))
    centers, mixtures, gaussian_body, beads = [], [], [], []
    for b, chain in enumerate(chains):
        own = structure.chain == chain
        mass = structure.mass[own]
        center = mass @ structure.xyz[own] / mass.sum()
        n = max(1, round(mass.sum() / dalton_per_component))
        m = fit_points(structure.xyz[own] - center, mass, n, seed=1)
        centers.append(center)
        mixtures.append(m)
        gaussian_body += [b] * n
        beads.append(structure.xyz[own & (structure.atom_name == "CA")] - center)
    n = len(chains)
    body = np.repeat(np.arange(n), [len(x) for x in beads])
    index = np.concatenate([np.arange(1, len(x) + 1) for x in beads])
    none = np.zeros(0, dtype=int)
    return System(
        molecules=tuple(
            Molecule(str(c), 0, "A" * len(x)) for c, x in zip(chains, beads, strict=True)
        ),
        fragments=(),
        bodies=Bodies(
            names=tuple(map(str, chains)),
            rotatable=np.ones(n, bool),
            movable=np.ones(n, bool),
            carrier=np.full(n, -1),
            mass=np.array([m.mass for m in mixtures]),
            poses=np.c_[np.tile([1.0, 0, 0, 0], (n, 1)), np.array(centers)],
        ),
        particles={
            1: Particles(
                resolution=1,
                body=body,
                local=np.concatenate(beads),
                radius=np.full(len(body), 2.0),
                mass=np.full(len(body), 110.0),
                molecule=body,
                fragment=np.zeros(len(body), int),
                first=index,
                last=index,
            )
        },
        gaussians=Gaussians(np.array(gaussian_body), Mixture.concatenated(mixtures)),
        connectivity=Connectivity(1, none, none, np.zeros(0), 10.0, none),
        excluded_volume=None,
        super_rigid_bodies=(),
    )


def misplaced(system, poses):
    """Å, of each body, that 80 % of its beads are off at most."""
    beads = system.finest
    moved = beads.positions(poses) - beads.positions(system.bodies.poses)
    deviation = np.linalg.norm(moved, axis=1)
    return [np.quantile(deviation[beads.body == b], 0.8) for b in range(len(system.bodies))]


@pytest.mark.slow
def test_complex_is_found_from_nothing(shared_data):
    structure = read_structure(shared_data / "complexes" / "1z5s.pdb.gz")
    system = system_of_chains(structure)
    n = round(structure.mass.sum() / 1090)
    data = fit_points(structure.xyz, structure.mass, n, seed=5).scaled_to(system.mass)
    best, *others = place_system(system, data, search=search_options(seed=3))
    assert best.found >= 2
    assert all(best.score <= other.score for other in others)
    native = system.gaussians.placed(system.bodies.poses)
    assert best.score <= score_mixture(data, native).score
    # Where the fits end is a matter of rounding, and by some of them one chain is better turned.
    assert sorted(misplaced(system, best.poses))[-2] < 5


@pytest.mark.slow
def test_many_bodies_are_searched_for_coarsely_and_judged_finely(shared_data):
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    system = system_of_chains(structure, 400.0)
    n = round(structure.mass.sum() / 400)
    data = fit_points(structure.xyz, structure.mass, n, seed=5).scaled_to(system.mass)
    stages = []
    best, *_ = place_system(
        system,
        data,
        search=search_options(seed=3, many_bodies=1, threads=1),
        progress=stages.append,
    )
    assert max(misplaced(system, best.poses)) < 2
    model = system.gaussians.placed(best.poses)
    assert best.score == pytest.approx(score_mixture(data, model).score, abs=0.01)
    again, *_ = place_system(system, data, search=search_options(seed=3, many_bodies=1, threads=2))
    assert np.array_equal(best.poses, again.poses)
    shares = [now.share for now in stages]
    assert shares == sorted(shares) and 0 <= shares[0] and shares[-1] <= 1
    assert {now.search for now in stages} >= {1, 2}
    assert all(now.search <= now.searches == 3 for now in stages)
    assert stages[-1].share == 1 and stages[-1].best == best.score


def test_ctrl_c_ends_the_search(shared_data):
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    system = system_of_chains(structure)
    data = system.gaussians.placed(system.bodies.poses)

    def interrupt(progress):
        if progress.stage == "replica exchange":
            os.kill(os.getpid(), signal.SIGINT)

    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            place_system(
                system, data, search=search_options(seed=3, many_bodies=1), progress=interrupt
            )
    finally:
        signal.signal(signal.SIGINT, former)


@pytest.mark.slow
def test_one_search_is_enough_where_no_more_are_asked_for(shared_data):
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    system = system_of_chains(structure)
    n = round(structure.mass.sum() / 1090)
    data = fit_points(structure.xyz, structure.mass, n, seed=5).scaled_to(system.mass)
    once = place_system(system, data, search=search_options(seed=3, confirmations=1, searches=1))
    assert [placement.found for placement in once] == [1] * len(once)
    assert (
        place_system(system, data, search=search_options(seed=3))[0].score <= once[0].score + 1e-9
    )


@pytest.mark.slow
def test_searches_that_ended_alike_are_counted_after_what_follows(shared_data):
    """Excluded volume is minimised after the searches, and their number is not forgotten."""
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    system = replace(system_of_chains(structure), excluded_volume=ExcludedVolume(1, 1.0))
    n = round(structure.mass.sum() / 1090)
    data = fit_points(structure.xyz, structure.mass, n, seed=5).scaled_to(system.mass)
    config = Config(system=SystemConfig(topology="none"), em=EmConfig(gmm="none"))
    assert placement_clashes(system, np.arange(2))
    found = place_system(system, data, config=config, search=search_options(seed=3))
    assert found[0].found >= 2


def test_nothing_to_place_is_refused(shared_data):
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    system = system_of_chains(structure)
    object.__setattr__(system.bodies, "movable", np.zeros(2, bool))
    with pytest.raises(ValueError, match="no rigid body"):
        place_system(system, system.gaussians.mixture)

"""The global search in IMP: a complex from random places, by the same core as the native engine."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import settings
from emgmm.config import load_config
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.stat import read_stat

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
pytest.importorskip("IMP.emgmm", reason="needs IMP.emgmm, which cannot be imported")

CLOSE = 3.0  # Å, largest displacement of a bead


@pytest.fixture
def complex_in_imp(native_gmm, tmp_path):
    """The four bodies of 1BD2 in IMP, in place, and the folder of its data."""
    from emgmm.imp.system import build_imp_system

    config = load_config(settings(tmp_path, native_gmm))
    out = tmp_path / "system"
    (out / "gmm").mkdir(parents=True)
    write_gmm(out / "data_gmm.txt", read_gmm(native_gmm))
    return build_imp_system(config, out)[0]


def beads(system, body=None) -> np.ndarray:
    """(n, 3) Å, those of a rigid body, or all of structured residues."""
    import IMP.atom
    import IMP.core

    found = []
    for leaf in IMP.atom.get_leaves(system.hierarchy):
        if IMP.core.RigidMember.get_is_setup(leaf):
            owner = IMP.core.RigidMember(leaf).get_rigid_body()
            if body is None or owner.get_particle_index() == body.get_particle_index():
                found.append(list(IMP.core.XYZ(leaf).get_coordinates()))
    return np.array(found)


def moved(system, before: np.ndarray) -> float:
    return float(np.linalg.norm(beads(system) - before, axis=1).max())


def test_four_bodies_from_nothing(complex_in_imp):
    """All where the crystal has them, with the beads beside them."""
    import IMP.core
    from IMP.emgmm.starts import place_bodies, set_random_start

    system = complex_in_imp
    native = beads(system)
    set_random_start(system, seed=4)
    assert moved(system, native) > 30
    score = system.em.evaluate()
    placements = place_bodies(system, seed=1, searches=2)
    assert len(placements[0].get_poses()) == 4
    assert moved(system, native) < CLOSE
    assert system.em.evaluate() < score - 50
    for bead in system.dof.get_flexible_beads():
        xyz = np.array(list(IMP.core.XYZ(bead.get_particle()).get_coordinates()))
        # 10 residues at most, as spheres: 8 Å and less.
        assert np.linalg.norm(beads(system) - xyz, axis=1).min() < 16, "left behind"


def test_one_body_beside_three_in_place(complex_in_imp):
    """The small one goes into what the others leave."""
    from IMP.emgmm.starts import place_body, set_random_start

    system = complex_in_imp
    native = beads(system)
    bodies = system.dof.get_rigid_bodies()
    small = min(bodies, key=lambda body: len(beads(system, body)))
    others = [body for body in bodies if body is not small]
    frames = [body.get_reference_frame() for body in others]
    set_random_start(system, seed=4)
    for body, frame in zip(others, frames, strict=True):
        body.set_reference_frame(frame)
    system.model.update()
    assert moved(system, native) > 20
    place_body(system.em, small, others)
    assert moved(system, native) < CLOSE


def test_placed_start_of_a_run(complex_in_imp, tmp_path):
    """sample() begins where the search ends, and stays near."""
    from IMP.emgmm.macros import sample
    from IMP.emgmm.starts import set_random_start

    system = complex_in_imp
    native = beads(system)
    set_random_start(system, seed=4)
    out = tmp_path / "out"
    options = {"start": "placed", "steps": 40, "frame_interval": 20, "exchange_interval": 20}
    sample(system, str(out), annealing=None, seed=2, **options)
    assert moved(system, native) < 10
    scores = read_stat(out / "stat.0.out").column("GaussianEMRestraint_em")
    assert scores.max() < 20
    with pytest.raises(ValueError, match="'random', 'asis' or 'placed'"):
        sample(system, str(out), start="somewhere")


def test_guides_are_those_of_the_native_engine(native_gmm, tmp_path):
    """Sequence, cross-links and excluded volume: one number from both, in place and apart."""
    from emgmm.imp.system import build_imp_system, set_poses
    from emgmm.scoring.crosslinks import read_crosslinks
    from emgmm.search.starts import carry_along, input_poses
    from emgmm.search.terms import placement_clashes, placement_terms
    from IMP.emgmm.bodies import get_free_bodies
    from IMP.emgmm.search import create_search

    path = settings(tmp_path, native_gmm)
    (tmp_path / "links.csv").write_text(
        "prot1,res1,prot2,res2\nHLA,20,TCRA,30\nHLA,100,B2M,40\nTCRA,200,TCRB,240\nHLA,3,TCRB,9\n"
        "TCRA,1,HLA,60\n"
    )
    text = path.read_text() + "[[crosslinks]]\nfile = 'links.csv'\nweight = 2.5\nlength = 25\n"
    path.write_text(text)
    config = load_config(path)
    out = tmp_path / "system"
    (out / "gmm").mkdir(parents=True)
    write_gmm(out / "data_gmm.txt", read_gmm(native_gmm))
    system, native = build_imp_system(config, out)
    links = [read_crosslinks(native, section) for section in config.crosslinks]
    bodies = get_free_bodies(system.dof)
    placed = np.flatnonzero(native.bodies.rotatable & native.bodies.movable)
    rng = np.random.default_rng(5)
    frames = [body.get_reference_frame() for body in bodies]
    for shift in (0.0, 6.0, 60.0):
        poses = input_poses(native)
        for body in placed:
            carry_along(
                native, poses, body, poses[body, :4], poses[body, 4:] + shift * rng.normal(size=3)
            )
        for body, frame in zip(bodies, frames, strict=True):
            body.set_reference_frame(frame)
        set_poses(system, native, poses)
        specs = placement_terms(native, placed, links)
        clashes = placement_clashes(native, placed)
        want = sum(s.weight * s.term.evaluate(poses[placed]) for s in specs)
        want += sum(term.evaluate(poses[placed]) for term in clashes)
        got = sum(create_search(system, bodies).get_guides())
        assert got == pytest.approx(want, rel=1e-6)

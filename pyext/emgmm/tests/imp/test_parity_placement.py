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

"""Small systems for placing rigid bodies in a map, and a search of few of them."""

import random

import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import numpy as np


def create_gaussians(m, arrays):
    return [
        IMP.emgmm.gmm.create_gaussian(m, weight, mean, covariance)
        for mean, covariance, weight in zip(*arrays, strict=True)
    ]


def get_places(ps):
    return np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in ps])


def scatter(m, bodies, seed=1):
    rng = random.Random(seed)
    for body in bodies:
        away = IMP.algebra.Transformation3D(
            _systems.get_rotation(rng),
            IMP.algebra.Vector3D(*(rng.uniform(-40, 40) for _ in range(3))),
        )
        IMP.core.transform(body, away)
    m.update()


def set_poses(m, bodies, poses):
    for body, pose in zip(bodies, poses, strict=True):
        body.set_reference_frame(IMP.algebra.ReferenceFrame3D(pose))
    m.update()


def search(r, bodies, monitor=None, seed=1, threads=1, searches=2):
    body_search = IMP.emgmm.BodySearch(r, bodies)
    for name, value in {"seed": seed, "threads": threads, "searches": searches}.items():
        body_search.set_option(name, value)
    return body_search.get_placements(monitor)


def create_bead(m, xyz, radius):
    p = IMP.Particle(m)
    IMP.core.XYZR.setup_particle(p, IMP.algebra.Sphere3D(IMP.algebra.Vector3D(*xyz), radius))
    return p


def create_three(movable_map=False):
    """Three bodies of 9, 7 and 6 Gaussians, which are the map's, and one that is free."""
    m = IMP.Model()
    rng = random.Random(4)
    data = [_systems.create_gaussian(m, rng, 22) for _ in range(22)]
    model = create_gaussians(m, _systems.get_arrays(data))
    parts = [model[:9], model[9:16], model[16:]]
    bodies = [_systems.create_body(m, ps) for ps in parts]
    map_body = _systems.create_body(m, data) if movable_map else None
    free = _systems.create_gaussian(m, rng, 22)
    r = IMP.emgmm.GaussianMixtureRestraint(m, [*model, free], data, "lognormal", 0.1)
    return m, r, data, model, bodies, map_body or free


def create_pair():
    """Two bodies alike, and a map of both of them, in two places."""
    m = IMP.Model()
    rng = random.Random(9)
    one = _systems.get_arrays([_systems.create_gaussian(m, rng, 12) for _ in range(8)])
    turn = _systems.get_rotation(rng)
    moved = IMP.algebra.Transformation3D(turn, IMP.algebra.Vector3D(35, 5, -8))
    model, data = ([*create_gaussians(m, one), *create_gaussians(m, one)] for _ in range(2))
    bodies = [_systems.create_body(m, ps) for ps in (model[:8], model[8:])]
    IMP.core.transform(bodies[1], moved)
    for p in data[8:]:
        IMP.core.transform(IMP.core.RigidBody(p), moved)
    m.update()
    r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
    return m, r, model, bodies

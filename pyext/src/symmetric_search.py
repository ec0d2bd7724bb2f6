"""@namespace IMP.emgmm.symmetric_search
Symmetric arrangements of rigid bodies in a map, from nothing.
"""

import contextlib
import math

import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
from IMP.emgmm.bodies import get_carrier

_SOLUTIONS = 6  # arrangements that are kept at a time, and returned at most


def get_symmetric_placements(system, bodies, seed, threads, progress=None):
    """Get symmetric arrangements, best first: one copy searches, all follow.

    The heaviest body comes first, each into what those before it, with their images, leave of the
    map. Every place is scored with all images there.
    @param system whose copies follow the first of them
    @param bodies that may move and have Gaussians
    @param seed of the search
    @param threads of the search, 0 for all cores
    @param progress as that of IMP.emgmm.starts.place_bodies()
    @return list of IMP.emgmm.BodyPlacement
    """
    groups = _get_groups(system.model, bodies)
    restraint = system.em.gaussianEM_restraint
    gaussians = {}  # of each carrier
    for p in system.em.model_ps:
        carrier = get_carrier(p, rigidly=True)
        if IMP.core.RigidBody.get_is_setup(carrier):
            gaussians.setdefault(carrier.get_index(), []).append(p)
    mass = [
        sum(IMP.atom.Mass(p).get_mass() for pi in group for p in gaussians.get(pi, ()))
        for group in groups
    ]
    order = sorted(range(len(bodies)), key=lambda b: -mass[b])
    before = [body.get_reference_frame() for body in bodies]
    states = [(math.inf, {})]
    done = []
    try:
        for n, b in enumerate(order):
            now = [pi for other in [*order[:n], b] for pi in groups[other]]
            score = _get_score(
                system, restraint, [p for pi in now for p in gaussians[pi]], n, order
            )
            found = []
            for number, (_, poses) in enumerate(states):
                _set_poses(system.model, bodies, poses)
                density = restraint.get_pose_density(bodies[b], seed, threads, done)
                for pose in density.get_poses():
                    _set_poses(system.model, bodies, {b: pose})
                    value = score()
                    if math.isfinite(value):
                        found.append((value, {**poses, b: pose}))
                if progress is not None:
                    share = (n + (number + 1) / len(states)) / len(order)
                    progress("one copy everywhere, all follow", 1, 1, share, None)
            done = now
            states = _get_best(found)
    finally:
        for body, frame in zip(bodies, before, strict=True):
            body.set_reference_frame(frame)
        system.model.update()
    return [
        IMP.emgmm.BodyPlacement([poses[b] for b in range(len(bodies))], value, 1)
        for value, poses in states
    ]


def _get_best(found):
    """The best that differ: an arrangement and its images have one score."""
    best = []
    for value, poses in sorted(found, key=lambda f: f[0]):
        if not best or not math.isclose(value, best[-1][0], rel_tol=1e-5):
            best.append((value, poses))
        if len(best) == _SOLUTIONS:
            break
    if not best:
        raise ValueError("nothing of the map is left for the bodies")
    return best


def _get_groups(m, bodies):
    """Indexes of each body and its images."""
    images = {}
    for state in m.get_score_states():
        with contextlib.suppress(ValueError):  # of another kind
            constraint = IMP.emgmm.SymmetryConstraint.get_from(state)
            for source, image in zip(
                constraint.get_sources(), constraint.get_images(), strict=True
            ):
                images.setdefault(source, []).append(image)
    groups = []
    for body in bodies:
        index = body.get_particle_index()
        if index not in images:
            raise ValueError(
                f"{body.get_name()} takes no part in the symmetry: a symmetric complex is searched "
                "for as a whole"
            )
        groups.append([index, *images[index]])
    return groups


def _get_score(system, restraint, ps, n, order):
    """The score of all bodies; of some their correlation, because the score would swell an
    incomplete model to cover what the others will."""
    if n + 1 == len(order):
        return lambda: restraint.unprotected_evaluate(None)
    part = IMP.emgmm.GaussianMixtureRestraint(system.model, ps, system.em.target_ps)
    part.set_model_blur(restraint.get_model_blur())
    return lambda: -part.get_cross_correlation()


def _set_poses(m, bodies, poses):
    for b, pose in poses.items():
        bodies[b].set_reference_frame(IMP.algebra.ReferenceFrame3D(pose))
    m.update()

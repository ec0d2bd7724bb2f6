"""@namespace IMP.emgmm.starts
Where bodies and beads are before the first move.
"""

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.pmi.tools
import numpy as np
from IMP.emgmm.bodies import get_free_beads, get_free_bodies
from IMP.emgmm.search import Monitor, create_search
from IMP.emgmm.symmetric_search import get_symmetric_placements
from IMP.emgmm.symmetry import get_is_symmetric

#: kT: arrangements that score worse than the best by more are no starts (as the native engine's)
START_WITHIN = 2.0


def set_random_start(system, box=None, seed=1):
    """Place every body at a random position and orientation, in a box around the map.
    @param system from build_system()
    @param box edge in A; by default 1.2 times the extent of the map (of the model without one)
    @param seed for IMP's generator
    """
    IMP.random_number_generator.seed(seed)
    ps = (
        system.em.target_ps
        if system.em
        else [leaf.get_particle() for leaf in IMP.atom.get_leaves(system.hierarchy)]
    )
    xyz = np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in ps])
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    center = (low + high) / 2
    half = (np.full(3, box) if box else 1.2 * (high - low)) / 2
    half = np.maximum(half, 1.0)
    # Not PMI's shuffle_configuration(): it goes over sets, so that a seed has many outcomes.
    inside = IMP.algebra.BoundingBox3D(
        IMP.algebra.Vector3D(*(center - half)), IMP.algebra.Vector3D(*(center + half))
    )
    for body in system.dof.get_rigid_bodies():
        pose = IMP.algebra.Transformation3D(
            IMP.algebra.get_random_rotation_3d(), IMP.algebra.get_random_vector_in(inside)
        )
        body.set_reference_frame(IMP.algebra.ReferenceFrame3D(pose))
    beads = [bead.get_particle() for bead in system.dof.get_flexible_beads()]
    for p in sorted(beads, key=lambda p: p.get_index()):
        set_bead_coordinates(p, IMP.algebra.get_random_vector_in(inside))
    system.model.update()


def place_bodies(system, seed=1, threads=0, searches=4, number=0, options=None, progress=None):
    """Place the rigid bodies where a global search finds them in the map, whatever their poses.

    The search is IMP.emgmm.BodySearch: by the density, and by connectivity, cross-links and
    excluded volume where the system has them. It takes seconds to minutes, many bodies more; Ctrl-C
    ends it, and leaves the bodies where they are. Bodies that may move and have Gaussians are
    placed; flexible beads come beside their neighbours in sequence. Of a symmetric complex one copy
    searches and all follow, by the density alone.
    @param system from build_system()
    @param seed the result depends on it, not on the number of threads
    @param threads 0 for all cores
    @param searches at most; two that end alike are enough
    @param number of the arrangement: those within 2 kT of the best one are taken in turn
    @param options how hard to look: {name: value}, see IMP.emgmm.BodySearch.get_option_names()
    @param progress function that is told how far the search is: (stage, number of this search,
           searches at most, share of all work that is done, best score in kT or None)
    @return list of IMP.emgmm.BodyPlacement, best first, of the bodies that were placed, in the
            order of dof.get_rigid_bodies()
    """
    if system.em is None:
        raise ValueError("there is no map to place bodies in: the system has no EM restraint")
    carriers = set(system.em.gaussianEM_restraint.get_carriers())
    bodies = [b for b in get_free_bodies(system.dof) if b.get_particle_index() in carriers]
    if not bodies:
        raise ValueError("no rigid body that may move has Gaussians to place in the map")
    if get_is_symmetric(system.model):
        placements = get_symmetric_placements(system, bodies, seed, threads, progress)
    else:
        given = {"seed": seed, "threads": threads, "searches": searches, **(options or {})}
        search = create_search(system, bodies, given)
        placements = search.get_placements(Monitor(progress))
    best = placements[0].get_score()
    starts = [p for p in placements if p.get_score() <= best + START_WITHIN]
    for body, pose in zip(bodies, starts[number % len(starts)].get_poses(), strict=True):
        body.set_reference_frame(IMP.algebra.ReferenceFrame3D(pose))
    system.model.update()
    _place_beads(system, seed)
    return placements


def place_body(em, body, fixed_bodies=(), seed=1, threads=0):
    """Place one rigid body where the map holds it best, or what bodies in place leave of the map.
    @param em IMP.emgmm.restraint.GaussianEMRestraint
    @param body IMP.core.RigidBody that is a member of no other
    @param fixed_bodies stay where they are; all others count for nothing
    @param seed of the search
    @param threads of the search, 0 for all cores; the result does not depend on them
    @return IMP.emgmm.PoseDensity, its first pose the one that was taken
    """
    density = em.get_pose_density(body, fixed_bodies, seed, threads)
    if len(density.get_poses()) == 0:
        raise ValueError(f"nothing of the map is left for {body.get_name()}")
    body.set_reference_frame(IMP.algebra.ReferenceFrame3D(density.get_poses()[0]))
    em.m.update()
    return density


def _place_beads(system, seed):
    """Put flexible beads into contact with what is next to them in sequence, from what lies in
    bodies outwards; those of molecules without structure stay."""
    rng = np.random.default_rng(seed)
    left = {p.get_index() for p in get_free_beads(system.dof)}
    for molecule in system.molecules:
        leaves = [leaf.get_particle() for leaf in IMP.atom.get_leaves(molecule.hier)]
        leaves.sort(key=lambda p: IMP.pmi.tools.get_residue_indexes(p)[0])
        for order in (range(1, len(leaves)), range(len(leaves) - 2, -1, -1)):
            step = order.step
            for i in order:
                p, known = leaves[i], leaves[i - step]
                if p.get_index() not in left or known.get_index() in left:
                    continue
                distance = sum(IMP.core.XYZR(q).get_radius() for q in (p, known))
                direction = rng.standard_normal(3)
                shift = IMP.algebra.Vector3D(*(distance * direction / np.linalg.norm(direction)))
                set_bead_coordinates(p, IMP.core.XYZ(known).get_coordinates() + shift)
                left.discard(p.get_index())
    system.model.update()


def set_bead_coordinates(bead, place):
    """Put a flexible bead somewhere (Å, global frame), member of a rigid body or not."""
    if IMP.core.NonRigidMember.get_is_setup(bead):
        member = IMP.core.NonRigidMember(bead)
        frame = member.get_rigid_body().get_reference_frame()
        member.set_internal_coordinates(frame.get_local_coordinates(place))
    else:
        IMP.core.XYZ(bead).set_coordinates(place)

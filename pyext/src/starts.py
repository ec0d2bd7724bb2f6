"""@namespace IMP.emgmm.starts
Where bodies and beads are before the first move.
"""

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import numpy as np


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


def set_bead_coordinates(bead, place):
    """Put a flexible bead somewhere (Å, global frame), member of a rigid body or not."""
    if IMP.core.NonRigidMember.get_is_setup(bead):
        member = IMP.core.NonRigidMember(bead)
        frame = member.get_rigid_body().get_reference_frame()
        member.set_internal_coordinates(frame.get_local_coordinates(place))
    else:
        IMP.core.XYZ(bead).set_coordinates(place)

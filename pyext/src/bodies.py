"""@namespace IMP.emgmm.bodies
Which rigid bodies of a system move, and what follows them.
"""

import IMP.core


def get_free_bodies(dof):
    """Get the rigid bodies that may move, and are members of no other."""
    fixed = set()
    for mover in dof.disabled_movers:
        fixed |= {body.get_particle_index() for body in dof.movers_rb_map.get(mover, [])}
    bodies = [b for b in dof.get_rigid_bodies() if b.get_particle_index() not in fixed]
    return [b for b in bodies if not IMP.core.RigidBodyMember.get_is_setup(b)]


def get_free_beads(dof):
    """Get the flexible beads that may move."""
    fixed = set()
    for mover in dof.disabled_movers:
        fixed |= {p.get_index() for p in dof.movers_xyz_map.get(mover, ())}
    beads = [bead.get_particle() for bead in dof.get_flexible_beads()]
    return sorted((p for p in beads if p.get_index() not in fixed), key=lambda p: p.get_index())


def get_carrier(p, rigidly=False):
    """Get the outermost rigid body that a particle follows (as a rigid member), else itself."""
    member = IMP.core.RigidMember if rigidly else IMP.core.RigidBodyMember
    while member.get_is_setup(p):
        p = member(p).get_rigid_body().get_particle()
    return p

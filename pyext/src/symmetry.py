"""@namespace IMP.emgmm.symmetry
Copies of a symmetric complex that follow the first of them.
"""

import contextlib
import math

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.pmi.tools
from IMP.emgmm.bodies import get_carrier

# A: copies that differ by more than this are no images of each other (root mean square).
_SAME_STRUCTURE = 3.0


def constrain_symmetry(dof, copies, operations):
    """Keep copies of molecules where symmetry operations put the first ones.

    Rigid bodies and beads of the other copies get no moves of their own any more, nor does anything
    that they are part of. Copies may have been read in any orientation.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @param copies for each operation the molecules of PMI (or hierarchies) of one copy, in one order
    @param operations list of IMP.algebra.Transformation3D, the identity first
           (IMP.emgmm.get_symmetry_operations())
    @return list of IMP.emgmm.SymmetryConstraint, in the model already
    """
    hierarchies = [[getattr(mol, "hier", mol) for mol in copy] for copy in copies]
    if len(hierarchies) != len(operations):
        raise ValueError(f"{len(hierarchies)} copies for {len(operations)} operations")
    dof.model.update()
    beads = [_get_beads(copy) for copy in hierarchies]
    sizes = _get_sizes(hierarchies[0][0])
    rows = {}  # of each body or bead that is followed: (image, operation, frame)
    for copy, of_copy, operation in list(zip(hierarchies, beads, operations, strict=True))[1:]:
        if of_copy.keys() != beads[0].keys():
            names = " and ".join(h.get_name() for h in (hierarchies[0][0], copy[0]))
            raise ValueError(f"copies of {names} with unlike beads, expected copies modelled alike")
        for source, image, frame in _get_pairs(beads[0], of_copy, sizes):
            rows.setdefault(source, []).append((image, operation, frame))
    dof.disable_movers([h for copy in hierarchies[1:] for h in copy])
    return _add_constraints(dof.model, rows)


def get_is_symmetric(m):
    """Whether bodies of the model follow others."""
    for state in m.get_score_states():
        with contextlib.suppress(ValueError):  # of another kind
            IMP.emgmm.SymmetryConstraint.get_from(state)
            return True
    return False


def _get_beads(hierarchies):
    """By molecule and residues."""
    return {
        (n, tuple(IMP.pmi.tools.get_residue_indexes(leaf))): leaf.get_particle()
        for n, h in enumerate(hierarchies)
        for leaf in IMP.atom.get_leaves(h)
    }


def _get_sizes(hierarchy):
    """Beads that each body of the system carries."""
    sizes = {}
    for leaf in IMP.atom.get_leaves(IMP.atom.get_root(hierarchy)):
        carrier = get_carrier(leaf.get_particle(), rigidly=True).get_index()
        sizes[carrier] = sizes.get(carrier, 0) + 1
    return sizes


def _get_pairs(sources, images, sizes):
    """(source, image, frame of the image in that of the source), bodies before their members."""
    groups = {}
    for key, p in sources.items():
        pair = tuple(get_carrier(q, rigidly=True) for q in (p, images[key]))
        groups.setdefault(tuple(q.get_index() for q in pair), (pair, []))[1].append(
            (p, images[key])
        )
    if any(len({pair[side] for pair in groups}) < len(groups) for side in (0, 1)):
        raise ValueError("copies in other bodies than each other, expected copies modelled alike")
    frames = {}
    for (source, image), ((a, b), members) in groups.items():
        if not len(members) == sizes[source] == sizes[image]:
            raise ValueError(
                f"{a.get_name()} or {b.get_name()} holds molecules that are no copies, expected "
                "bodies that each belong to one copy"
            )
        if IMP.core.RigidBody.get_is_setup(a):
            frames[source] = _get_frame(a, b, members)
    for bodies in (True, False):  # those first
        for (source, image), ((a, _), _) in groups.items():
            if IMP.core.NonRigidMember.get_is_setup(a) == bodies:
                continue
            if bodies:
                frame = frames.get(source, IMP.algebra.get_identity_transformation_3d())
            else:
                frame = frames[IMP.core.NonRigidMember(a).get_rigid_body().get_particle_index()]
            yield source, image, frame


def _get_frame(source, image, members):
    """Transformation of the image's local coordinates to those of the source."""
    frame, off = get_copy_frame(source, image, members)
    if off > _SAME_STRUCTURE:
        raise ValueError(
            f"{source.get_name()} and {image.get_name()} differ by {off:.1f} A (root mean square), "
            f"expected copies within {_SAME_STRUCTURE:g} A"
        )
    return frame


def get_copy_frame(source, image, members):
    """Get where a body lies in the frame of its copy.
    @param source a rigid body
    @param image another one
    @param members pairs of particles, one of each, that are alike
    @return transformation of the image's local coordinates to those of the source, and by how much
            the copies differ (A, root mean square)
    """
    local = [
        [
            IMP.core.RigidBody(body)
            .get_reference_frame()
            .get_local_coordinates(IMP.core.XYZ(pair[side]).get_coordinates())
            for pair in members
        ]
        for side, body in enumerate((source, image))
    ]
    if len(members) < 3:
        shift = local[0][0] - local[1][0]
        frame = IMP.algebra.Transformation3D(IMP.algebra.get_identity_rotation_3d(), shift)
    else:
        frame = IMP.algebra.get_transformation_aligning_first_to_second(local[1], local[0])
    apart = [(frame * b - a).get_squared_magnitude() for a, b in zip(*local, strict=True)]
    return frame, math.sqrt(sum(apart) / len(apart))


def _add_constraints(m, rows):
    """One constraint for each body and what it carries, so that a move concerns few others."""
    groups = {}
    for source in rows:
        body = source
        if IMP.core.NonRigidMember.get_is_setup(m, source):
            body = IMP.core.NonRigidMember(m, source).get_rigid_body().get_particle_index()
        groups.setdefault(body, []).append(source)
    constraints = []
    for body, sources in groups.items():
        flat = [(source, *row) for source in sources for row in rows[source]]
        constraint = IMP.emgmm.SymmetryConstraint(
            m, *zip(*flat, strict=True), "symmetry of " + m.get_particle_name(body)
        )
        for image in constraint.get_images():
            _fix(m, image)
        m.add_score_state(constraint)
        constraints.append(constraint)
    m.update()
    return constraints


def _fix(m, image):
    """Nothing but the constraint sets it: optimizers leave it alone."""
    if IMP.core.NonRigidMember.get_is_setup(m, image):
        for key in IMP.core.RigidBodyMember.get_internal_coordinate_keys():
            m.set_is_optimized(key, image, False)
    elif IMP.core.RigidBody.get_is_setup(m, image):
        IMP.core.RigidBody(m, image).set_coordinates_are_optimized(False)
    else:
        IMP.core.XYZ(m, image).set_coordinates_are_optimized(False)

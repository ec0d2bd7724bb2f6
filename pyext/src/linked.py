"""@namespace IMP.emgmm.linked
Joint moves of rigid bodies that cross-links or bonds of the sequence tie together.
"""

from collections import deque

import IMP
import IMP.core
import IMP.pmi
import IMP.pmi.restraints.stereochemistry
from IMP.emgmm.bodies import get_carrier, get_free_bodies


def get_linked_groups(dof, restraints):
    """Get groups of rigid bodies to be moved as one: each pair that shares a cross-link or a bond
    of the sequence, then each larger set of bodies that hang together so.

    Of an ambiguous link any reading counts. A bead that no body carries stands for the nearest
    body in its sequence, and a chain of such beads between two bodies is a bond.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @param restraints of IMP.pmi; those of connectivity and cross-links are looked at
    @return list of lists of IMP.core.RigidBody, of the bodies that may move
    """
    bodies, pairs, _ = _read(dof, restraints)
    sets = []
    for pair in pairs:
        apart = [s for s in sets if s.isdisjoint(pair)]
        sets = [*apart, set(pair).union(*(s for s in sets if s not in apart))]
    groups = pairs + sorted(sorted(s) for s in sets if len(s) > 2)
    return [[bodies[i] for i in group] for group in groups]


def create_linked_movers(dof, restraints, max_translation=None, max_rotation=None):
    """Create movers that move linked rigid bodies as one, about their common centre.

    What a body carries comes along, and so do beads of a chain between two of the bodies. Groups
    that a mover of `dof` already moves get none.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @param restraints of IMP.pmi, see get_linked_groups()
    @param max_translation largest step in A, by default that of the first body's own mover
    @param max_rotation likewise, in radians
    @return list of IMP.pmi.TransformMover
    """
    chains = _read(dof, restraints)[2]
    own = _get_steps(dof)
    steps = [
        mine if given is None else given
        for given, mine in zip((max_translation, max_rotation), own, strict=True)
    ]
    known = {_get_moved(mover) for mover in dof.get_movers()}
    fixed = {
        get_carrier(p).get_index()
        for mover in dof.disabled_movers
        for p in dof.movers_xyz_map.get(mover, ())
    }
    movers = []
    for group in get_linked_groups(dof, restraints):
        indexes = {body.get_particle_index() for body in group}
        beads = {
            bead for ends, between in chains for bead in between if indexes.issuperset(ends)
        } - fixed
        if frozenset(indexes | beads) in known:
            continue
        known.add(frozenset(indexes | beads))
        model = group[0].get_model()
        mover = IMP.pmi.TransformMover(model, *steps)
        mover.set_name("linked " + ", ".join(body.get_name() for body in group))
        mover.set_was_used(True)
        for body in group:
            mover.add_rigid_body_particle(body)
        for bead in sorted(beads):
            mover.add_xyz_particle(bead)
        movers.append(mover)
    return movers


def _read(dof, restraints):
    """Free rigid bodies by index, ordered pairs of those that are linked, and chains of beads
    between two: (ends, beads)."""
    bodies = {body.get_particle_index(): body for body in get_free_bodies(dof)}
    bonds, links = [], []
    for r in restraints:
        if isinstance(r, IMP.pmi.restraints.stereochemistry.ConnectivityRestraint):
            bonds += [_get_ends(*pair) for pair in r.get_particle_pairs()]
        for link in getattr(r, "xl_list", ()):
            links.append(_get_ends(link["Particle1"], link["Particle2"]))
    model = dof.model
    neighbours = {}
    for a, b in bonds:
        if a != b:
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
    solid = {i for i in {*neighbours, *sum(links, ())} if IMP.core.RigidBody.get_is_setup(model, i)}
    chains = list(_walk(neighbours, solid))
    owner = _get_owners(neighbours, solid)
    pairs = {tuple(sorted(ends)) for ends, _ in chains}
    for ends in links:
        first, second = (i if i in solid else owner.get(i) for i in ends)
        if first is not None and second is not None and first != second:
            pairs.add(tuple(sorted((first, second))))
    return bodies, sorted(p for p in pairs if p[0] in bodies and p[1] in bodies), chains


def _get_ends(first, second):
    return get_carrier(first).get_index(), get_carrier(second).get_index()


def _walk(neighbours, solid):
    """From each rigid body along the sequence to the next one: (both, beads between)."""
    for start in sorted(solid & set(neighbours)):
        for node in neighbours[start]:
            before, between = start, []
            while node not in solid:
                between.append(node)
                further = [n for n in neighbours[node] if n != before and n not in between]
                if not further:
                    break
                before, node = node, further[0]
            else:
                if start < node:
                    yield (start, node), between


def _get_owners(neighbours, solid):
    """The nearest rigid body of each bead, counted in bonds."""
    owner = {i: i for i in sorted(solid) if i in neighbours}
    queue = deque(owner)
    while queue:
        node = queue.popleft()
        for n in neighbours[node]:
            if n not in owner:
                owner[n] = owner[node]
                queue.append(n)
    return owner


def _get_moved(mover):
    """Indexes of what a mover moves, the bodies that carry it in place of their members."""
    particles = [IMP.Particle.get_from(o) for o in mover.get_inputs()]
    return frozenset(get_carrier(p).get_index() for p in particles)


def _get_steps(dof):
    for mover in dof.movers_rb_map:
        if mover not in dof.disabled_movers:
            mover = IMP.core.RigidBodyMover.get_from(mover)
            return mover.get_maximum_translation(), mover.get_maximum_rotation()
    return 4.0, 0.04

"""A body, what belongs to it and a bead in wells of which all averages are known."""

import IMP
import IMP.algebra
import IMP.container
import IMP.core
import IMP.emgmm

KEYS = IMP.core.XYZ.get_xyz_keys()
TIE = 0.6  # kT/A^2
KT, STIFFNESS, SLOPE = 1.5, 0.03, 0.6  # kT, kT/A^2, kT/A
CENTER = (3.0, 1.0, -1.0)


def create_system():
    """A body with a member 2.5 A off its origin and a flexible member; a free bead."""
    m = IMP.Model()
    body = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
    ends = []
    for x in (0.0, 2.5):
        p = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(x, 0, 0))
        body.add_member(p)
        ends.append(p)
    loop = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(0, 4, 0))
    body.add_non_rigid_member(loop)
    bead = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(9, 0, 0))
    return m, body, ends, loop, bead


def create_well(m, p, center, k):
    """Harmonic restraints, one a coordinate."""
    return [
        IMP.core.SingletonRestraint(
            m,
            IMP.core.AttributeSingletonScore(IMP.core.Harmonic(x, k), key),
            p.get_particle_index(),
        )
        for key, x in zip(KEYS, center, strict=True)
    ]


def create_score(m, ends, loop, bead, center=CENTER, slope=SLOPE, k=STIFFNESS):
    """Wells, wide as the steps are far, for the place and the free bead; E = slope z of the far
    end; the loop at 4 A."""
    lift = IMP.core.AttributeSingletonScore(IMP.core.Linear(0, slope), KEYS[2])
    tie = IMP.core.HarmonicDistancePairScore(4.0, TIE)
    return [
        *create_well(m, ends[0], center, k),
        IMP.core.SingletonRestraint(m, lift, ends[1].get_particle_index()),
        *create_well(m, bead, (9.0, 1.0, 0.0), k),
        IMP.core.PairRestraint(m, tie, (ends[0].get_particle_index(), loop.get_particle_index())),
    ]


def create_sampler(kind, m, score, mover, score_moved):
    """Of the kind asked for, at KT; to a HastingsMonteCarlo `mover` leaves the proposal ratio."""
    mc = kind(m)
    mc.set_scoring_function(score)
    mc.set_score_moved(score_moved)
    mc.set_kt(KT)
    mc.set_return_best(False)
    mc.add_mover(mover)
    return mc


def check_accepted_scores(case, create_mover):
    """With moved scoring the accepted score is that of the model, whatever was rejected before:
    `create_mover(m, score, body, bead)` beside steps of one particle, and restraints of all kinds.
    """
    m, body, ends, loop, bead = create_system()
    tie = IMP.core.HarmonicDistancePairScore(6.0, 0.1)
    far, anchor = (
        IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(x, -4, 0))
        for x in (14, 4)
    )
    both = IMP.container.ListPairContainer(m, [(bead, ends[1]), (bead, anchor), (anchor, loop)])
    single = IMP.container.ListPairContainer(m, [(far, anchor)])
    restraints = create_score(m, ends, loop, bead)
    restraints += [IMP.container.PairsRestraint(tie, pairs) for pairs in (both, single)]
    # Sets, not lists, take last scores, and those before.
    score = [IMP.RestraintSet([IMP.RestraintSet(restraints[2:], 0.5), *restraints[:2]], 1.0)]
    for p in (bead, body, far):
        p.set_coordinates_are_optimized(True)
    movers = [
        IMP.core.BallMover(m, bead, 8.0),
        IMP.core.RigidBodyMover(m, body, 8.0, 1.0),
        IMP.core.BallMover(m, far, 8.0),
    ]
    if mover := create_mover(m, score, body, bead):
        movers.insert(0, mover)
    IMP.random_number_generator.seed(5)
    mc = create_sampler(IMP.emgmm.HastingsMonteCarlo, m, score, movers[0], True)
    mc.set_movers([IMP.core.SerialMover(movers)])
    scratch = IMP.core.RestraintsScoringFunction(score)
    for steps in range(300):
        mc.optimize(5 + steps % 13)
        case.assertAlmostEqual(mc.get_last_accepted_energy(), scratch.evaluate(False), delta=1e-6)
    for one in movers:
        case.assertTrue(0 < one.get_number_of_accepted() < one.get_number_of_proposed())

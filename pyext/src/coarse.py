"""@namespace IMP.emgmm.coarse
Far moves in a chain on few components, judged by the score itself.
"""

import IMP.core
import IMP.emgmm
import IMP.pmi.tools
from IMP.emgmm.bodies import get_free_beads, get_free_bodies


class CoarseMoves:
    """A mover of all free bodies and beads along chains on few components, one mover for each level
    from the coarsest to the finest; the last is what a sampler tries.

    The coarse score is that of the whole model (IMP.pmi.tools.get_restraint_set()), with a
    restraint on one component for every so many in place of the EM restraint, and as many times its
    weight: the score is a sum over components, and those that are left speak for all.
    @note Whoever samples with it says the temperature, get_mover().set_kt(), and when the weight
          of the map has changed, update_weight().
    """

    def __init__(
        self, dof, em, levels=(4,), steps=100, max_bead_translation=None, score_moved=False
    ):
        """Constructor.
        @param dof IMP.pmi.dof.DegreesOfFreedom
        @param em IMP.emgmm.restraint.GaussianEMRestraint, in the model already
        @param levels how many components become one; with several, one step in 50 of a chain is
               a chain on the next level
        @param steps of a chain
        @param max_bead_translation largest step of a bead in A, by default that of PMI's movers
        @param score_moved whether chains compute only what moved
        """
        self.em = em
        bodies = get_free_bodies(dof)
        beads = get_free_beads(dof)
        if not bodies and not beads:
            raise ValueError("coarse moves: nothing may move")
        if max_bead_translation is None:
            max_bead_translation = max([mover.get_radius() for mover in dof.fb_movers], default=0.0)
        m = em.m
        own = em.get_restraint_set()
        others = [r for r in IMP.pmi.tools.get_restraint_set(m).get_restraints() if r != own]
        self.levels, self.restraints, self.movers = sorted(levels, reverse=True), [], []
        for level in self.levels:
            restraint = em.create_coarse_restraint(level)
            mover = IMP.emgmm.CoarseMover(
                m,
                IMP.core.RestraintsScoringFunction([*others, restraint]),
                [b.get_particle_index() for b in bodies],
                [p.get_index() for p in beads],
                max_bead_translation,
                steps,
                *self.movers[-1:],
            )
            mover.set_score_moved(score_moved)
            self.restraints.append(restraint)
            self.movers.append(mover)
        self.update_weight()

    def get_mover(self):
        """Get the mover of the finest level."""
        return self.movers[-1]

    def update_weight(self):
        """Weigh the coarse restraints as the EM restraint is weighed now."""
        for level, restraint in zip(self.levels, self.restraints, strict=True):
            restraint.set_weight(level * self.em.weight)

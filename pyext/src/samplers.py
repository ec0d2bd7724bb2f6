"""@namespace IMP.emgmm.samplers
IMP.pmi's Monte Carlo sampler with accepted scores that are those of the model.
"""

import contextlib

import IMP.emgmm
import IMP.pmi.samplers


class MonteCarlo(IMP.pmi.samplers.MonteCarlo):
    """IMP.pmi.samplers.MonteCarlo on an IMP.emgmm.HastingsMonteCarlo."""

    def __init__(self, model, objects=None, temp=1.0, filterbyname=None, score_moved=False):
        super().__init__(model, objects, temp, filterbyname, score_moved)
        theirs, self.mc = self.mc, IMP.emgmm.HastingsMonteCarlo(model)
        self.mc.set_scoring_function(theirs.get_scoring_function())
        self.mc.set_return_best(False)
        self.mc.set_score_moved(score_moved)
        self.mc.set_kt(temp)
        self.mc.add_mover(self.smv)


@contextlib.contextmanager
def used_by_pmi(sampler=MonteCarlo):
    """Within it the macros of IMP.pmi sample with this class: they look it up by name when they
    run, and have no argument for it."""
    theirs, IMP.pmi.samplers.MonteCarlo = IMP.pmi.samplers.MonteCarlo, sampler
    try:
        yield
    finally:
        IMP.pmi.samplers.MonteCarlo = theirs

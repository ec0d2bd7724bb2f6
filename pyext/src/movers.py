"""@namespace IMP.emgmm.movers
Moves out of wrong arrangements, and how often they are tried.
"""

from fractions import Fraction
from itertools import combinations

import IMP.core
import IMP.emgmm


def create_global_movers(dof):
    """Create movers that let two rigid bodies change places, and that turn one about its own axes.

    All of them, or some, may join `dof.get_movers()`, where each is tried as often as any other;
    IMP.emgmm.macros.sample() takes the share of moves that they get.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @return (list of BodyTurnMover, list of BodySwapMover) of the bodies that may move
    """
    fixed = set()
    for mover in dof.disabled_movers:
        fixed |= {body.get_particle_index() for body in dof.movers_rb_map.get(mover, [])}
    bodies = [b for b in dof.get_rigid_bodies() if b.get_particle_index() not in fixed]
    bodies = [b for b in bodies if not IMP.core.RigidBodyMember.get_is_setup(b)]
    turns = [IMP.emgmm.BodyTurnMover(b.get_model(), b) for b in bodies]
    swaps = [IMP.emgmm.BodySwapMover(a.get_model(), a, b) for a, b in combinations(bodies, 2)]
    return turns, swaps


def create_schedule(movers, turns, swaps, share):
    """Create the mover of a sampler that tries one move a step: its own in turn, and, at a share,
    global ones in turn, turns and swaps as often.
    @param movers list of movers
    @param turns list of movers
    @param swaps list of movers
    @param share of turns and swaps among all moves, 0 to 1
    @return IMP.core.SerialMover
    """
    if not 0 <= share < 1:
        raise ValueError(f"share of global moves is {share!r}, expected 0 <= share < 1")
    kinds = [IMP.core.SerialMover(kind) for kind in (turns, swaps) if kind]
    if share == 0 or not kinds:
        return IMP.core.SerialMover(movers)
    part = Fraction(share).limit_denominator(100 if share >= 0.01 else 10000)
    local = IMP.core.SerialMover(movers)
    cycle = []
    # Twice round, so that both kinds have their turns.
    for step in range(part.denominator * len(kinds)):
        before, after = (part.numerator * s // part.denominator for s in (step, step + 1))
        cycle.append(kinds[after % len(kinds)] if after > before else local)
    return IMP.core.SerialMover(cycle)

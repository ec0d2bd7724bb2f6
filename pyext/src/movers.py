"""@namespace IMP.emgmm.movers
Moves out of wrong arrangements, and how often they are tried.
"""

import math
from itertools import combinations

import IMP.core
import IMP.emgmm
from IMP.emgmm.bodies import get_carrier, get_free_bodies


def create_swap_movers(dof):
    """Create movers that let two rigid bodies change places.

    They may join `dof.get_movers()`, where each is tried as often as any other;
    IMP.emgmm.macros.sample() takes the share of moves that they get.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @return list of BodySwapMover, of each two bodies that may move
    """
    pairs = combinations(get_free_bodies(dof), 2)
    return [IMP.emgmm.BodySwapMover(a.get_model(), a, b) for a, b in pairs]


def create_turn_movers(dof):
    """Create movers that turn a rigid body about its own axes, see create_swap_movers().
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @return list of BodyTurnMover, of each body that may move
    """
    return [IMP.emgmm.BodyTurnMover(b.get_model(), b) for b in get_free_bodies(dof)]


def create_independence_movers(dof, em, seed=1, threads=0):
    """Create a mover of rigid bodies to places that the map suggests for each alone, wherever it
    and the others are.

    The search for these places takes seconds a body, and does not depend on poses: the same system,
    map and seed make the same mover.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @param em IMP.emgmm.restraint.GaussianEMRestraint
    @param seed of the search
    @param threads of the search, 0 for all cores; the result does not depend on them
    @return list of one BodyPlaceMover of the bodies that may move and have Gaussians, or of none
    """
    restraint = em.gaussianEM_restraint
    with_gaussians = {get_carrier(p, rigidly=True).get_index() for p in em.model_ps}
    bodies = [b for b in get_free_bodies(dof) if b.get_particle_index() in with_gaussians]
    if not bodies:
        return []
    densities = [restraint.get_pose_density(b, seed, threads) for b in bodies]
    return [IMP.emgmm.BodyPlaceMover(bodies[0].get_model(), bodies, densities)]


def create_schedule(movers, kinds):
    """Create the mover of a sampler that tries one move a step: its own in turn, and, at a share
    of the steps, one of each kind of others, in turn too.
    @param movers list of movers
    @param kinds list of (list of movers, share among all moves)
    @return IMP.core.SerialMover
    """
    kinds = [(kind, share) for kind, share in kinds if kind and share > 0]
    total = sum(share for _, share in kinds)
    if not 0 <= total < 1:
        raise ValueError(f"the shares of other moves are {total:g} together, expected less than 1")
    own = IMP.core.SerialMover(movers)
    if not kinds:
        return own
    steps = 1000 if all(share >= 0.01 for _, share in kinds) else 100000
    counts = [max(1, round(share * steps)) for _, share in kinds]
    counts.insert(0, steps - sum(counts))
    choices = [own] + [IMP.core.SerialMover(kind) for kind, _ in kinds]
    length = steps // math.gcd(*counts)
    # Each step that of the choices which is furthest behind its share.
    done, cycle = [0] * len(counts), []
    for step in range(1, length + 1):
        behind = [step * count / steps - d for count, d in zip(counts, done, strict=True)]
        chosen = behind.index(max(behind))
        done[chosen] += 1
        cycle.append(choices[chosen])
    return IMP.core.SerialMover(cycle)


#: Kinds of moves beside the steps, as in `[sampling.moves]` of the program: name, and what makes
#: them of a system from build_system() and a seed.
KINDS = {
    "swaps": lambda system, seed: create_swap_movers(system.dof),
    "turns": lambda system, seed: create_turn_movers(system.dof),
    "independence": lambda system, seed: create_independence_movers(system.dof, system.em, seed),
}


def create_other_movers(shares, system, seed):
    """Create the movers that do more than small steps of single bodies.
    @param shares dict, share among all moves by name (KINDS)
    @param system from IMP.emgmm.macros.build_system()
    @param seed of independence moves
    @return list of (list of movers, share), see create_schedule()
    """
    for name, share in shares.items():
        if name not in KINDS:
            raise ValueError(f"no moves {name!r}, expected some of {', '.join(KINDS)}")
        if not 0 <= share < 1:
            raise ValueError(f"the share of {name} is {share!r}, expected 0 <= share < 1")
    if sum(shares.values()) >= 1:
        total = sum(shares.values())
        raise ValueError(f"the shares of moves are {total:g} together, expected less than 1")
    if shares.get("independence") and system.em is None:
        raise ValueError("independence moves need an EM restraint, the system has none")
    kinds = [(KINDS[name](system, seed), share) for name, share in shares.items() if share]
    for mover in [mover for kind, _ in kinds for mover in kind]:
        if isinstance(mover, IMP.emgmm.BodyPlaceMover):
            mover.set_returns_ratio(True)  # sample() has a HastingsMonteCarlo
    return kinds

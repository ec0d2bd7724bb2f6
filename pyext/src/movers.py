"""@namespace IMP.emgmm.movers
Moves out of wrong arrangements, and how often they are tried.
"""

import math
from itertools import combinations

import IMP.core
import IMP.emgmm
import IMP.pmi.tools
from IMP.emgmm.bodies import get_carrier, get_free_beads, get_free_bodies
from IMP.emgmm.linked import create_linked_movers, get_linked_groups


def create_global_movers(dof):
    """Create movers that let two rigid bodies change places, and that turn one about its own axes.

    All of them, or some, may join `dof.get_movers()`, where each is tried as often as any other;
    IMP.emgmm.macros.sample() takes the share of moves that they get.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @return (list of BodyTurnMover, list of BodySwapMover) of the bodies that may move
    """
    bodies = get_free_bodies(dof)
    turns = [IMP.emgmm.BodyTurnMover(b.get_model(), b) for b in bodies]
    swaps = [IMP.emgmm.BodySwapMover(a.get_model(), a, b) for a, b in combinations(bodies, 2)]
    return turns, swaps


def create_aligned_movers(dof):
    """Create movers that let two rigid bodies change places, and turn each so that its principal
    axes lie where those of the other one were.

    Any of them may join `dof.get_movers()`.
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @return list of AlignedSwapMover of pairs of bodies that may move
    """
    pairs = combinations(get_free_bodies(dof), 2)
    return [IMP.emgmm.AlignedSwapMover(a.get_model(), a, b) for a, b in pairs]


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


def create_hamiltonian_mover(dof, step=0.2, steps=10):
    """Create a mover of all rigid bodies and beads together along the slope of the score, which is
    that of the whole model (IMP.pmi.tools.get_restraint_set()).

    Whoever samples with it says the temperature: set_kt().
    @param dof IMP.pmi.dof.DegreesOfFreedom
    @param step A that a body moves in one step at momentum 1
    @param steps of each move
    @return HamiltonianMover
    """
    bodies, beads = get_free_bodies(dof), get_free_beads(dof)
    if not bodies and not beads:
        raise ValueError("Hamiltonian moves: nothing may move")
    m = [*bodies, *beads][0].get_model()
    score = IMP.core.RestraintsScoringFunction([IMP.pmi.tools.get_restraint_set(m)])
    bodies, beads = [b.get_particle_index() for b in bodies], [p.get_index() for p in beads]
    return IMP.emgmm.HamiltonianMover(m, score, bodies, beads, step, steps)


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


def check_shares(shares, system):
    """Refuse shares of moves (see create_other_movers()) that are no shares, or of moves for which
    a system lacks something."""
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise ValueError(f"{name} is {share!r}, expected 0 <= {name} < 1")
    if sum(shares.values()) >= 1:
        raise ValueError(f"{' + '.join(shares)} is {sum(shares.values()):g}, expected less than 1")
    for name in ("independence_moves", "coarse_moves"):
        if shares[name] and system.em is None:
            raise ValueError(f"{name} need an EM restraint, the system has none")
    if shares["linked_moves"] and not get_linked_groups(system.dof, system.restraints):
        raise ValueError("linked_moves: no cross-link and no bond ties two bodies that may move")


def create_other_movers(shares, system, seed):
    """Create the movers that do more than small steps of single bodies.
    @param shares among all moves, by name: global_moves, alignment_moves, independence_moves,
           linked_moves
    @param system from IMP.emgmm.macros.build_system()
    @param seed of independence moves
    @return list of (list of movers, share), see create_schedule()
    """
    kinds = []
    if share := shares["global_moves"]:
        movers = [kind for kind in create_global_movers(system.dof) if kind]
        kinds += [(kind, share / len(movers)) for kind in movers]
    if share := shares["alignment_moves"]:
        kinds.append((create_aligned_movers(system.dof), share))
    if share := shares["independence_moves"]:
        movers = create_independence_movers(system.dof, system.em, seed)
        for mover in movers:
            mover.set_returns_ratio(True)  # sample() has a HastingsMonteCarlo
        kinds.append((movers, share))
    if share := shares["linked_moves"]:
        kinds.append((create_linked_movers(system.dof, system.restraints), share))
    return kinds

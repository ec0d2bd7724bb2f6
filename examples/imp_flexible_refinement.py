## \example emgmm/imp_flexible_refinement.py
"""A chain of C-alpha beads bends into a map: conjugate gradients, then molecular dynamics.

The restraint has forces, so a model need not move by trial and error. The map is that of a bent
chain; we start from the straight one, held together by bonds, and let the map pull.
"""

import sys

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import numpy as np

IMP.setup_from_argv(sys.argv, "Flexible refinement with EM forces")
quick = IMP.get_bool_flag("run_quick_test")

N, BOND, VARIANCE, MASS = 24, 3.8, 9.0, 110.0  # residues, A, A^2, Da
rng = np.random.default_rng(3)


def get_helix(bend):
    """(N, 3) A: a helix whose axis turns by `bend` radians from end to end."""
    turn = np.deg2rad(100) * np.arange(N)
    along = 1.5 * np.arange(N)
    if bend == 0:
        return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), along], axis=1)
    radius = along[-1] / bend
    angle = along / radius
    out = radius - 2.3 * np.cos(turn)
    return np.stack([radius - out * np.cos(angle), 2.3 * np.sin(turn), out * np.sin(angle)], axis=1)


m = IMP.Model()
answer = get_helix(1.0)
# The map resolves no residues: a Gaussian for three of them, and half an angstrom of error.
data = [
    IMP.emgmm.gmm.create_gaussian(
        m,
        3 * MASS,
        answer[i : i + 3].mean(axis=0) + rng.normal(scale=0.3, size=3),
        VARIANCE * np.eye(3) + np.cov(answer[i : i + 3].T),
    )
    for i in range(0, N, 3)
]
for p in data:
    IMP.core.XYZ(p).set_coordinates_are_optimized(False)

chain = [
    IMP.emgmm.gmm.create_gaussian(m, MASS, xyz, VARIANCE * np.eye(3)) for xyz in get_helix(0.0)
]
for p in chain:
    IMP.core.XYZ(p).set_coordinates_are_optimized(True)

# Distances along the chain to the fourth neighbour keep the helix a helix.
bonds = IMP.RestraintSet(m, 1.0, "bonds")
for i in range(N):
    for j in range(i + 1, min(N, i + 5)):
        a, b = IMP.core.XYZ(chain[i]), IMP.core.XYZ(chain[j])
        length = IMP.core.get_distance(a, b)
        stiffness = 50.0 if j == i + 1 else 5.0
        bonds.add_restraint(
            IMP.core.DistanceRestraint(m, IMP.core.Harmonic(length, stiffness), chain[i], chain[j])
        )
em = IMP.emgmm.GaussianMixtureRestraint(m, chain, data, "lognormal", 0.05)


def get_rmsd():
    xyz = np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in chain])
    return float(np.sqrt(np.mean(np.sum((xyz - answer) ** 2, axis=1))))


start = get_rmsd()
print(f"start: rmsd {start:.1f} A, CC {em.get_cross_correlation():.3f}")

cg = IMP.core.ConjugateGradients(m)
cg.set_scoring_function([em, bonds])
cg.optimize(100 if quick else 1000)
print(f"after conjugate gradients: rmsd {get_rmsd():.1f} A, CC {em.get_cross_correlation():.3f}")

md = IMP.atom.MolecularDynamics(m)
md.set_scoring_function([em, bonds])
md.set_maximum_time_step(4.0)
md.assign_velocities(300.0)
thermostat = IMP.atom.BerendsenThermostatOptimizerState(
    [m.get_particle(p.get_index()) for p in chain], 300.0, 100.0
)
thermostat.set_period(10)
md.add_optimizer_state(thermostat)
md.optimize(200 if quick else 5000)
cg.optimize(100 if quick else 1000)
end = get_rmsd()
print(
    f"after molecular dynamics and minimisation: rmsd {end:.1f} A, "
    f"CC {em.get_cross_correlation():.3f}, noise {em.get_sigma_estimate():.2f}"
)
assert end < 0.5 * start

## \example emgmm/imp_flexible_refinement.py
"""A protein bends into a map: conjugate gradients, then molecular dynamics.

The restraint has forces, so a model need not move by trial and error. The alpha chain of a T-cell
receptor (PDB entry 1BD2) has two domains; we turn one about the hinge between them and let a map of
the right structure pull it back, while springs between neighbouring alpha carbons keep the fold.
"""

import contextlib
import gzip
import io
import os
import sys
import tempfile

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import IMP.isd.gmm_tools
import numpy as np

IMP.setup_from_argv(sys.argv, "Flexible refinement with EM forces")
quick = IMP.get_bool_flag("run_quick_test")

VARIANCE, MASS = 9.0, 110.0  # of a residue: A^2, Da
TURN = 25.0  # degrees
LAST = 112  # residue of the first domain
REACH = 9.0  # A: alpha carbons closer than this are held by a spring


def read_alpha_carbons(chain):
    """Residue numbers and (n, 3) coordinates in A."""
    here = os.path.dirname(os.path.realpath(__file__))
    with tempfile.NamedTemporaryFile("wb", suffix=".pdb") as plain:
        with gzip.open(os.path.join(here, "1bd2", "complex.pdb.gz")) as packed:
            plain.write(packed.read())
        plain.flush()
        selector = IMP.atom.AndPDBSelector(
            IMP.atom.ChainPDBSelector([chain]), IMP.atom.CAlphaPDBSelector()
        )
        crystal = IMP.Model()
        root = IMP.atom.read_pdb(plain.name, crystal, selector)
    atoms = IMP.atom.get_leaves(root)
    numbers = [IMP.atom.Residue(atom.get_parent()).get_index() for atom in atoms]
    return np.array(numbers), np.array([list(IMP.core.XYZ(a).get_coordinates()) for a in atoms])


numbers, answer = read_alpha_carbons("D")
second = numbers > LAST

# The map resolves no residues: a Gaussian for four of them.
m = IMP.Model()
data = []
np.random.seed(1)  # noqa: NPY002 (IMP's fit draws from it)
with contextlib.redirect_stdout(io.StringIO()):
    IMP.isd.gmm_tools.fit_gmm_to_points(answer, len(answer) // 4, m, data)
for p in data:
    center, (weight, mean, covariance) = IMP.core.XYZ(p), IMP.emgmm.gmm.get_component(p)
    center.set_coordinates_are_optimized(False)
    IMP.atom.Mass(p).set_mass(weight * MASS * len(answer))
    IMP.core.Gaussian(p).set_gaussian(
        IMP.emgmm.gmm.get_gaussian_from_covariance(
            covariance + VARIANCE * np.eye(3), IMP.algebra.Vector3D(*mean)
        )
    )

# The start: the second domain turned about the hinge, across the long axis of the protein.
hinge = answer[numbers == LAST][0]
along = answer[second].mean(axis=0) - answer[~second].mean(axis=0)
turn = IMP.algebra.get_rotation_about_axis(
    IMP.algebra.Vector3D(*np.cross(along, [0, 0, 1])), np.deg2rad(TURN)
)
start = answer.copy()
for i in np.flatnonzero(second):
    start[i] = hinge + np.array(list(turn * IMP.algebra.Vector3D(*(answer[i] - hinge))))

chain = [IMP.emgmm.gmm.create_gaussian(m, MASS, xyz, VARIANCE * np.eye(3)) for xyz in start]
for p in chain:
    IMP.core.XYZ(p).set_coordinates_are_optimized(True)

springs = IMP.RestraintSet(m, 1.0, "springs")
for i in range(len(chain)):
    for j in range(i + 1, len(chain)):
        length = float(np.linalg.norm(start[i] - start[j]))
        bonded = numbers[j] - numbers[i] == 1
        if bonded or (length < REACH and second[i] == second[j]):
            spring = IMP.core.Harmonic(length, 50.0 if bonded else 2.0)
            springs.add_restraint(IMP.core.DistanceRestraint(m, spring, chain[i], chain[j]))
em = IMP.emgmm.GaussianMixtureRestraint(m, chain, data, "lognormal", 0.1)
scoring = IMP.core.RestraintsScoringFunction([em, springs])


def tell(when):
    xyz = np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in chain])
    rmsd = float(np.sqrt(np.mean(np.sum((xyz - answer) ** 2, axis=1))))
    score = scoring.evaluate(False)
    print(
        f"{when}: score {score:.1f} kT, springs {springs.evaluate(False):.1f} kT, "
        f"CC {em.get_cross_correlation():.3f}, rmsd {rmsd:.1f} A"
    )
    return score, rmsd


bent, bent_rmsd = tell("bent")

cg = IMP.core.ConjugateGradients(m)
cg.set_scoring_function(scoring)
cg.optimize(100 if quick else 500)
minimised, _ = tell("after conjugate gradients")

IMP.random_number_generator.seed(1)
md = IMP.atom.MolecularDynamics(m)
md.set_scoring_function(scoring)
md.set_maximum_time_step(4.0)
md.assign_velocities(300.0)
thermostat = IMP.atom.BerendsenThermostatOptimizerState(
    [m.get_particle(p.get_index()) for p in chain], 300.0, 100.0
)
thermostat.set_period(10)
md.add_optimizer_state(thermostat)
md.optimize(300 if quick else 5000)
tell("after molecular dynamics at 300 K")
cg.optimize(100 if quick else 500)
end, end_rmsd = tell("minimised again")

assert minimised < bent
assert end < bent
assert end_rmsd < 0.5 * bent_rmsd

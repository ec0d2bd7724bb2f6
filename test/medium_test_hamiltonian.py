"""Hamiltonian moves: known distributions, right slopes, undone, and in a PMI system."""

import math
import random

import _systems
import _wells
import IMP
import IMP.core
import IMP.emgmm
import IMP.emgmm.movers
import IMP.emgmm.restraint
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.tools
import IMP.test
from _pmi_system import create_system, quiet


class Tests(IMP.test.TestCase):
    def create(self, step, steps):
        system = m, body, ends, loop, bead = _wells.create_system()
        score = _wells.create_score(m, ends, loop, bead)
        mover = IMP.emgmm.HamiltonianMover(m, score, [body], [loop, bead], step, steps)
        return system, score, mover

    def check_slope(self, mover, score, accuracy, kt=4.0, tries=10):
        """What kinetic energy gains is what the score loses, the better the shorter the steps."""
        mover.set_kt(kt)
        mover.set_returns_ratio(True)
        changes = []
        for _ in range(tries):
            before = score.evaluate(False)
            ratio = mover.propose().get_proposal_ratio()
            changes.append((score.evaluate(False) - before) / kt)
            self.assertAlmostEqual(math.log(ratio), changes[-1], delta=accuracy)
            mover.reject()
        self.assertGreater(max(map(abs, changes)), 100 * accuracy)

    def check(self, sampler, score_moved, samples=30000):
        system, score, mover = self.create(1.5, 5)
        IMP.random_number_generator.seed(4)
        mc = _wells.create_sampler(sampler, system[0], score, mover, score_moved)
        _wells.check_averages(self, mc, system, samples)
        share = mover.get_number_of_accepted() / mover.get_number_of_proposed()
        self.assertTrue(0.3 < share < 0.98, share)

    def test_hastings(self):
        """The ratio left to the sampler"""
        self.check(IMP.emgmm.HastingsMonteCarlo, True)

    def test_two_stages(self):
        """With IMP's own sampler, everything computed anew"""
        self.check(IMP.core.MonteCarlo, False, 120000)

    def test_slope(self):
        """A body, its flexible member and a bead"""
        _, score, mover = self.create(0.01, 100)
        self.check_slope(mover, IMP.core.RestraintsScoringFunction(score), 3e-4, kt=1.5)

    def test_undone(self):
        """A rejection brings everything back, and all is reported as moved"""
        (m, body, ends, loop, bead), score, mover = self.create(0.5, 5)
        self.assertEqual(mover.get_kt(), 1.0)
        self.assertRaises(ValueError, mover.set_kt, 0.0)
        for wrong in ([], [], 0.2, 5), ([body], [], 0.0, 5), ([body], [], 0.2, 0):
            self.assertRaises(ValueError, IMP.emgmm.HamiltonianMover, m, score, *wrong)
        _wells.check_undone(self, mover, m, (body, loop, bead), ends)

    def test_accepted_scores(self):
        """Of one body, or of body and bead, beside other moves"""
        for beads in (0, 1):
            _wells.check_accepted_scores(
                self,
                lambda m, score, body, bead, beads=beads: IMP.emgmm.HamiltonianMover(
                    m, score, [body], [bead][:beads], 2.5, 5
                ),
            )

    def test_steep_start(self):
        """What falls by more than a float's exponent holds is accepted"""
        m = IMP.Model()
        bead = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(100, 0, 0))
        score = _wells.create_well(m, bead, (0, 0, 0), 1.0)
        mover = IMP.emgmm.HamiltonianMover(m, score, [], [bead], 0.1, 10)
        IMP.random_number_generator.seed(2)
        mc = _wells.create_sampler(IMP.emgmm.HastingsMonteCarlo, m, score, mover, True)
        mc.optimize(50)
        self.assertLess(bead.get_coordinates().get_magnitude(), 20)

    def test_refused(self):
        """A restraint that refuses slopes is told, and everything stays in place"""

        class Refusing(IMP.Restraint):
            def __init__(self, m, p):
                super().__init__(m, "refusing")
                self.p = p

            def do_add_score_and_derivatives(self, sa):
                if sa.get_derivative_accumulator() and self.p.get_x() != 0:
                    raise ValueError("no slopes")
                sa.add_score(self.p.get_x() ** 2)

            def do_get_inputs(self):
                return [self.p.get_particle()]

        m = IMP.Model()
        bead = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(0, 3, 0))
        mover = IMP.emgmm.HamiltonianMover(m, [Refusing(m, bead)], [], [bead], 0.5, 5)
        self.assertRaises(ValueError, mover.propose)
        self.assertEqual(list(bead.get_coordinates()), [0, 3, 0])

    def test_images(self):
        """A body that follows another gives it its slope"""
        m, data, model, source, *_ = _systems.create_dimer()
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        mover = IMP.emgmm.HamiltonianMover(m, [r], [source], [], 0.01, 50)
        IMP.random_number_generator.seed(3)
        self.check_slope(mover, IMP.core.RestraintsScoringFunction([r]), 1e-3)

    def test_pmi_system(self):
        """The whole score is followed, with the weight of the map as it is; each move's score is
        that from scratch"""
        with quiet():
            m, root, dof, densities = create_system(self.get_tmp_file_name("x").rsplit("/", 1)[0])
        em = IMP.emgmm.restraint.GaussianEMRestraint(
            densities,
            target_ps=_systems.create_data(m, random.Random(2), 16),
            scale_target_to_mass=True,
        )
        em.add_to_model()
        with quiet():
            hiers = root.get_children()[0].get_children()
            for hier in hiers:
                IMP.pmi.restraints.stereochemistry.ConnectivityRestraint(hier).add_to_model()
        IMP.random_number_generator.seed(3)
        score = IMP.core.RestraintsScoringFunction([IMP.pmi.tools.get_restraint_set(m)])
        mover = IMP.emgmm.movers.create_hamiltonian_mover(dof, 0.002, 20)
        for weight in (1.0, 0.3):
            em.set_weight(weight)
            self.check_slope(mover, score, 1e-3)
        mc = IMP.emgmm.HastingsMonteCarlo(m)
        mc.set_scoring_function(score)
        mc.set_score_moved(True)
        mc.set_return_best(False)
        mc.set_kt(5.0)
        mover = IMP.emgmm.movers.create_hamiltonian_mover(dof, 0.3, 5)
        mover.set_kt(5.0)
        mover.set_returns_ratio(True)
        mc.add_mover(IMP.core.SerialMover([mover, *dof.get_movers()]))
        for i in range(60):
            mc.optimize(7 + i % 5)
            self.assertAlmostEqual(mc.get_last_accepted_energy(), score.evaluate(False), delta=1e-6)
        self.assertTrue(0 < mover.get_number_of_accepted() < mover.get_number_of_proposed())


if __name__ == "__main__":
    IMP.test.main()

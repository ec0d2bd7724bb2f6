"""Coarse moves: known distributions whatever the coarse score, undone, and in a PMI system."""

import math
import random

import _systems
import _wells
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.emgmm.coarse
import IMP.emgmm.restraint
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.tools
import IMP.test
from _pmi_system import create_system, quiet


class Tests(IMP.test.TestCase):
    def check(self, sampler, levels, score_moved):
        system = _wells.create_system()
        m, body, ends, loop, bead = system
        IMP.random_number_generator.seed(4)
        movers = []
        for center, wrong_slope, wrong_k in ((1.0, 0.4, 0.02), (2.0, 0.9, 0.04))[-levels:]:
            # The coarse score is wrong in place, stiffness and slope.
            coarse = _wells.create_score(m, ends, loop, bead, (center, 0, 0), wrong_slope, wrong_k)
            mover = IMP.emgmm.CoarseMover(m, coarse, [body], [loop, bead], 8.0, 12, *movers[-1:])
            mover.set_score_moved(score_moved)
            movers.append(mover)
        score = _wells.create_score(m, ends, loop, bead)
        mc = _wells.create_sampler(sampler, m, score, mover, score_moved)
        _wells.check_averages(self, mc, system)
        share = mover.get_number_of_accepted() / mover.get_number_of_proposed()
        self.assertTrue(0.1 < share < 0.95, share)

    def test_hastings(self):
        """The ratio left to the sampler"""
        self.check(IMP.emgmm.HastingsMonteCarlo, 1, True)

    def test_two_stages(self):
        """With IMP's own sampler, everything computed anew"""
        self.check(IMP.core.MonteCarlo, 1, False)

    def test_two_levels(self):
        """A chain within the chain"""
        self.check(IMP.emgmm.HastingsMonteCarlo, 2, True)

    def test_undone(self):
        """A rejection brings everything back, and all is reported as moved"""
        m, body, ends, loop, bead = _wells.create_system()
        score = _wells.create_score(m, ends, loop, bead, (0, 0, 0), 0.5, 0.2)
        mover = IMP.emgmm.CoarseMover(m, score, [body], [loop, bead], 3.0, 20)
        self.assertEqual(mover.get_kt(), 1.0)
        self.assertRaises(ValueError, mover.set_kt, 0.0)
        self.assertRaises(ValueError, IMP.emgmm.CoarseMover, m, score, [], [], 3.0)
        self.assertRaises(ValueError, IMP.emgmm.CoarseMover, m, score, [body], [], 3.0, 20, mover)
        _wells.check_undone(self, mover, m, (body, loop, bead), ends)

    def test_accepted_scores(self):
        """Of chains of one body, or of body and bead, beside other moves"""
        for beads, score_moved in ((0, False), (0, True), (1, False), (1, True)):

            def create_mover(m, score, body, bead, beads=beads, score_moved=score_moved):
                mover = IMP.emgmm.CoarseMover(m, score, [body], [bead][:beads], 3.0, 3)
                mover.set_score_moved(score_moved)
                return mover

            _wells.check_accepted_scores(self, create_mover)

    def test_coarse_score(self):
        """One for one it is the score; coarser, the mass stays; slopes are refused"""
        m = IMP.Model()
        rng = random.Random(7)
        data = _systems.create_data(m, rng, 12)
        model = [_systems.create_gaussian(m, rng) for _ in range(9)]
        _systems.create_body(m, model[:6])
        m.update()
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        fine = r.evaluate(False)
        self.assertEqual(r.get_coarseness(), 1)
        r.set_coarseness(3)
        self.assertEqual(len(r.get_component_log_ratios()), 4)
        self.assertNotAlmostEqual(r.evaluate(False), fine, delta=0.1)
        self.assertRaises(ValueError, r.evaluate, True)
        self.assertRaises(ValueError, r.set_coarseness, 0.5)
        # All in one: two spheres of the masses, whatever lies where.
        r.set_coarseness(100)
        (ratio,) = r.get_component_log_ratios()
        self.assertTrue(math.isfinite(ratio))
        r.set_coarseness(1)
        self.assertAlmostEqual(r.evaluate(False), fine, delta=1e-12)
        local = IMP.emgmm.GaussianMixtureRestraint(
            m, model, data, "lognormal_local", 0.1, [0.2] * 12
        )
        self.assertRaises(ValueError, local.set_coarseness, 2)

    def test_images(self):
        """A body that follows another does so within the chains, and after them"""
        m, data, model, source, image, operation = _systems.create_dimer()
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        coarse = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        coarse.set_coarseness(3)
        mover = IMP.emgmm.CoarseMover(m, [coarse], [source], [], 0.0, 10)
        mover.set_score_moved(True)
        mover.set_kt(4.0)
        mover.set_returns_ratio(True)
        IMP.random_number_generator.seed(3)
        # What the mover says of a proposal is the change of the coarse score, image included.
        for _ in range(20):
            before = coarse.evaluate(False)
            result = mover.propose()
            if ratio := result.get_proposal_ratio():
                change = coarse.evaluate(False) - before
                self.assertAlmostEqual(math.log(ratio), change / 4.0, delta=1e-6)
            mover.reject()
            m.update()
        mc = IMP.emgmm.HastingsMonteCarlo(m)
        mc.set_scoring_function([r])
        mc.set_score_moved(True)
        mc.set_return_best(False)
        mc.set_kt(4.0)
        mc.add_mover(mover)
        for _ in range(30):
            mc.optimize(4)
            self.assertAlmostEqual(mc.get_last_accepted_energy(), r.evaluate(False), delta=1e-6)
            poses = [b.get_reference_frame().get_transformation_to() for b in (source, image)]
            for v in ((0, 0, 0), (3, -2, 5)):
                point = IMP.algebra.Vector3D(*v)
                self.assertLess(
                    IMP.algebra.get_distance(poses[1] * point, operation * (poses[0] * point)), 1e-6
                )
        self.assertGreater(mover.get_number_of_accepted(), 0)

    def test_pmi_system(self):
        """The score of a system of PMI after each coarse move is that from scratch"""
        with quiet():
            m, root, dof, densities = create_system(self.get_tmp_file_name("x").rsplit("/", 1)[0])
        rng = random.Random(2)
        em = IMP.emgmm.restraint.GaussianEMRestraint(
            densities, target_ps=_systems.create_data(m, rng, 16), scale_target_to_mass=True
        )
        em.add_to_model()
        with quiet():
            hiers = root.get_children()[0].get_children()
            for hier in hiers:
                IMP.pmi.restraints.stereochemistry.ConnectivityRestraint(hier).add_to_model()
            IMP.pmi.restraints.stereochemistry.ExcludedVolumeSphere(
                included_objects=hiers
            ).add_to_model()
        IMP.random_number_generator.seed(3)
        moves = IMP.emgmm.coarse.CoarseMoves(dof, em, (2, 4), 10, score_moved=True)
        moves.get_mover().set_kt(5.0)
        em.set_weight(0.5)
        moves.update_weight()
        self.assertEqual([r.get_weight() for r in moves.restraints], [2.0, 1.0])
        # The coarse restraint stands for the fine one, not beside it; evaluate() weighs.
        whole = IMP.pmi.tools.get_restraint_set(m).evaluate(False) - em.evaluate()
        for mover, r in zip(moves.movers, moves.restraints, strict=True):
            rough = mover.get_scoring_function().evaluate(False)
            self.assertAlmostEqual(rough, whole + r.evaluate(False), delta=1e-6)
        score = IMP.core.RestraintsScoringFunction([IMP.pmi.tools.get_restraint_set(m)])
        mc = IMP.emgmm.HastingsMonteCarlo(m)
        mc.set_scoring_function(score)
        mc.set_score_moved(True)
        mc.set_return_best(False)
        mc.set_kt(5.0)
        moves.get_mover().set_returns_ratio(True)
        # Moves of PMI between coarse ones find what restraints remember in order.
        mc.add_mover(IMP.core.SerialMover([moves.get_mover(), *dof.get_movers()]))
        accepted = 0
        for i in range(60):
            mc.optimize(7 + i % 5)
            self.assertAlmostEqual(mc.get_last_accepted_energy(), score.evaluate(False), delta=1e-6)
        accepted = moves.get_mover().get_number_of_accepted()
        self.assertTrue(0 < accepted < moves.get_mover().get_number_of_proposed())


if __name__ == "__main__":
    IMP.test.main()

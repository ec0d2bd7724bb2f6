"""Monte Carlo with and without moved scoring makes the same trajectory."""

import random

import _systems
import IMP
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.pmi
import IMP.test


class Tests(IMP.test.TestCase):
    def run_walk(self, score_moved, steps=100_000):
        """Body, bead, super body, nuisance moves, swaps, a turn; what happened, as numbers."""
        IMP.random_number_generator.seed(17)
        m = IMP.Model()
        rng = random.Random(6)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(14)]
        bodies = [_systems.create_body(m, gaussians[i : i + 4]) for i in (0, 4, 8)]
        beads = gaussians[12:]
        data = _systems.create_data(m, rng, 8)
        em = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data, "lognormal", 0.1)
        # another restraint with a nuisance, so that some moves pass the EM restraint by
        scale = IMP.isd.Scale.setup_particle(IMP.Particle(m), 1.0)
        scale.set_lower(0.1)
        scale.set_upper(10.0)
        scale.set_nuisance_is_optimized(True)
        jeffreys = IMP.isd.JeffreysRestraint(m, scale)
        anchor = IMP.isd.GaussianRestraint(scale, 1.0, 0.5)
        super_mover = IMP.pmi.TransformMover(m, 2.0, 0.1)
        super_mover.add_xyz_particle(beads[0])
        for body in bodies[:2]:
            super_mover.add_rigid_body_particle(body)
        movers = [IMP.core.RigidBodyMover(m, b, 2.0, 0.1) for b in bodies]
        movers += [IMP.core.BallMover(m, b, 2.0) for b in beads]
        movers += [
            super_mover,
            IMP.emgmm.BodySwapMover(m, bodies[0], bodies[1]),
            IMP.emgmm.BodySwapMover(m, bodies[1], bodies[2]),
            IMP.emgmm.BodyTurnMover(m, bodies[2]),
            IMP.core.NormalMover([scale.get_particle()], [IMP.FloatKey("nuisance")], 0.3),
        ]
        mc = IMP.core.MonteCarlo(m)
        mc.set_scoring_function([em, jeffreys, anchor])
        mc.add_mover(IMP.core.SerialMover(movers))
        mc.set_score_moved(score_moved)
        mc.set_kt(1.0)
        mc.set_return_best(False)
        trajectory = []
        for _ in range(10):
            mc.optimize(steps // 10)
            trajectory.append(mc.get_last_accepted_energy())
            trajectory += list(bodies[2].get_coordinates())
            trajectory += list(beads[0].get_value(k) for k in IMP.core.XYZ.get_xyz_keys())
            trajectory.append(scale.get_scale())
        accepted = mc.get_number_of_accepted_steps()
        return trajectory, accepted, m, em, gaussians, data

    def test_same_trajectory(self):
        """10^5 steps, from the same seed"""
        moved, accepted, m, em, gaussians, data = self.run_walk(True)
        full, accepted_full, *_ = self.run_walk(False)
        self.assertEqual(moved, full)
        self.assertEqual(accepted, accepted_full)
        self.assertTrue(0.05 * 1e5 < accepted < 0.95 * 1e5, accepted)
        # after 10^5 steps nothing has drifted
        fresh = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data, "lognormal", 0.1)
        self.assertEqual(em.evaluate(False), fresh.evaluate(False))


if __name__ == "__main__":
    IMP.test.main()

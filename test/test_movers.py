"""Moves out of wrong arrangements: what they move, and that they sample what they should."""

import math
import pickle
import random

import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.test
import numpy as np


class Tests(IMP.test.TestCase):
    def make(self):
        """Two bodies of three Gaussians, the first with a flexible member."""
        m = IMP.Model()
        rng = random.Random(3)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(7)]
        bodies = [_systems.create_body(m, gaussians[:3]), _systems.create_body(m, gaussians[3:6])]
        bodies[0].add_non_rigid_member(gaussians[6])
        IMP.core.transform(
            bodies[1],
            IMP.algebra.Transformation3D(
                IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 2, 3), 0.7),
                IMP.algebra.Vector3D(20, 5, -8),
            ),
        )
        m.update()
        return m, gaussians, bodies

    def get_frames(self, bodies):
        frames = [b.get_reference_frame().get_transformation_to() for b in bodies]
        return np.array(
            [[*f.get_rotation().get_quaternion(), *f.get_translation()] for f in frames]
        )

    def propose(self, mover):
        """Indexes of what moved"""
        result = mover.propose()
        self.assertEqual(result.get_proposal_ratio(), 1.0)
        return result.get_moved_particles()

    def test_swap(self):
        """Origins change places, orientations stay, members come along; a rejection undoes it"""
        m, gaussians, bodies = self.make()
        before, xyz = self.get_frames(bodies), _systems.get_arrays(gaussians)[0]
        mover = IMP.emgmm.BodySwapMover(m, bodies[0], bodies[1])
        moved = self.propose(mover)
        self.assertEqual(set(moved), {b.get_particle_index() for b in bodies})
        m.update()
        after = self.get_frames(bodies)
        np.testing.assert_allclose(after[:, 4:], before[::-1, 4:], atol=1e-12)
        np.testing.assert_allclose(after[:, :4], before[:, :4], atol=1e-15)
        way = before[1, 4:] - before[0, 4:]
        np.testing.assert_allclose(
            _systems.get_arrays(gaussians)[0],
            xyz + np.array([way] * 3 + [-way] * 3 + [way]),
            atol=1e-9,
        )
        mover.reject()
        m.update()
        np.testing.assert_array_equal(self.get_frames(bodies), before)

    def test_turn(self):
        """The origin stays, so does the axis; a rejection undoes it"""
        m, gaussians, bodies = self.make()
        before = self.get_frames(bodies)
        axis = IMP.algebra.Vector3D(1, 1, 0)
        mover = IMP.emgmm.BodyTurnMover(m, bodies[0], [axis])
        self.assertEqual(len(IMP.emgmm.BodyTurnMover(m, bodies[0]).get_axes()), 3)
        rotation = bodies[0].get_reference_frame().get_transformation_to().get_rotation()
        half_turns = 0
        for _ in range(40):
            flexible = IMP.core.NonRigidMember(gaussians[6]).get_internal_coordinates()
            self.assertEqual(list(self.propose(mover)), [bodies[0].get_particle_index()])
            m.update()
            now = bodies[0].get_reference_frame().get_transformation_to()
            np.testing.assert_allclose(list(now.get_translation()), before[0, 4:], atol=1e-12)
            np.testing.assert_allclose(
                list(now.get_rotation() * axis), list(rotation * axis), atol=1e-9
            )
            kept = IMP.core.NonRigidMember(gaussians[6]).get_internal_coordinates()
            self.assertEqual(list(kept), list(flexible))
            angle = abs(np.dot(before[0, :4], self.get_frames(bodies)[0, :4]))
            half_turns += angle < 1e-9
            mover.reject()
        self.assertTrue(8 <= half_turns <= 32, half_turns)
        m.update()
        np.testing.assert_array_equal(self.get_frames(bodies), before)

    def sample(self, m, mover, restraint, kt, steps, look):
        mc = IMP.core.MonteCarlo(m)
        mc.set_scoring_function([restraint])
        mc.set_kt(kt)
        mc.set_return_best(False)
        mc.add_mover(mover)
        seen = []
        for _ in range(steps):
            mc.optimize(1)
            m.update()  # members of a body whose move was rejected
            seen.append(look())
        return np.array(seen)

    def test_two_states(self):
        """Swaps alone: two states, occupied as Boltzmann says"""
        m, gaussians, bodies = self.make()
        IMP.random_number_generator.seed(4)
        slope = IMP.core.AttributeSingletonScore(
            IMP.core.Linear(0, 0.05), IMP.core.XYZ.get_xyz_keys()[0]
        )
        r = IMP.core.SingletonRestraint(m, slope, gaussians[0].get_index())
        first = IMP.core.XYZ(gaussians[0])
        x = first.get_x()
        mover = IMP.emgmm.BodySwapMover(m, bodies[0], bodies[1])
        swapped = self.sample(m, mover, r, 0.7, 6000, lambda: abs(first.get_x() - x) > 1)
        energy = 0.05 * (self.get_frames(bodies)[:, 4] @ [-1, 1]) * (1 - 2 * swapped[-1])
        want = 1 / (1 + math.exp(energy / 0.7))
        self.assertTrue(0.05 < want < 0.45)
        self.assertAlmostEqual(swapped.mean(), want, delta=0.02)

    def test_angles(self):
        """Turns alone: E = -k cos(angle) makes the von Mises distribution"""
        m = IMP.Model()
        IMP.random_number_generator.seed(4)
        arm = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(1, 0, 0))
        body = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
        body.add_member(arm)
        mover = IMP.emgmm.BodyTurnMover(m, body, [IMP.algebra.Vector3D(0, 0, 2.5)])
        k, kt = 3.0, 1.5
        slope = IMP.core.AttributeSingletonScore(
            IMP.core.Linear(0, -k), IMP.core.XYZ.get_xyz_keys()[0]
        )
        r = IMP.core.SingletonRestraint(m, slope, arm.get_particle_index())
        angle = self.sample(m, mover, r, kt, 20000, lambda: math.atan2(arm.get_y(), arm.get_x()))
        theta = np.linspace(-np.pi, np.pi, 20001)[:-1]
        weight = np.exp(k / kt * np.cos(theta))
        for n in (1, 2, 3):
            want = (weight @ np.cos(n * theta)) / weight.sum()
            self.assertAlmostEqual(np.cos(n * angle).mean(), want, delta=0.03)
        self.assertAlmostEqual(np.sin(angle).mean(), 0, delta=0.03)

    def test_seed(self):
        """One seed of IMP's generator, one trajectory"""
        m, _gaussians, bodies = self.make()
        start = [b.get_reference_frame() for b in bodies]
        runs = []
        for _ in range(2):
            for body, frame in zip(bodies, start, strict=True):
                body.set_reference_frame(frame)
            IMP.random_number_generator.seed(8)
            mover = IMP.emgmm.BodyTurnMover(m, bodies[0])
            for _ in range(5):
                mover.propose()
                mover.accept()
            runs.append(self.get_frames(bodies))
        np.testing.assert_array_equal(*runs)

    def test_bad_input(self):
        """Errors say what is wrong"""
        m, gaussians, bodies = self.make()
        with self.assertRaises(ValueError):
            IMP.emgmm.BodyTurnMover(m, bodies[0], [IMP.algebra.Vector3D(0, 0, 0)])
        if IMP.get_check_level() >= IMP.USAGE:
            with self.assertRaises(IMP.UsageException):
                IMP.emgmm.BodySwapMover(m, bodies[0], bodies[0])
            with self.assertRaises(IMP.UsageException):
                IMP.emgmm.BodyTurnMover(m, gaussians[0])

    def test_pickle(self):
        """Movers survive pickling with their model"""
        m, _gaussians, bodies = self.make()
        movers = [
            IMP.emgmm.BodySwapMover(m, bodies[0], bodies[1]),
            IMP.emgmm.BodyTurnMover(m, bodies[1], [IMP.algebra.Vector3D(0, 1, 0)]),
        ]
        _m2, movers2 = pickle.loads(pickle.dumps((m, movers)))
        for a, b in zip(movers, movers2, strict=True):
            self.assertEqual(a.get_name(), b.get_name())
            b.propose()
            b.accept()
        self.assertEqual(len(movers2[1].get_axes()), 1)


if __name__ == "__main__":
    IMP.test.main()

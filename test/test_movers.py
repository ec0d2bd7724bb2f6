"""Moves out of wrong arrangements: what they move, and that they sample what they should."""

import math
import pickle
import random

import _systems
import _wells
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import IMP.pmi
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

    def sample(self, m, mover, restraint, kt, steps, look, sampler=IMP.core.MonteCarlo):
        mc = sampler(m)
        mc.set_scoring_function(restraint if isinstance(restraint, list) else [restraint])
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

    def test_accepted_scores(self):
        """Moved scoring of steps of one particle, and of several"""

        def create_mover(m, score, body, bead):
            mover = IMP.pmi.TransformMover(m, 6.0, 1.0)
            mover.add_xyz_particle(bead)
            mover.add_rigid_body_particle(body)
            return mover

        for create in (create_mover, lambda *_: None):
            _wells.check_accepted_scores(self, create)

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

    def create_arm(self, m, length):
        """A body with a member at its origin and one on its x axis, at that distance."""
        body = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
        ends = []
        for x in (0.0, length):
            p = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(x, 0, 0))
            body.add_member(p)
            ends.append(p)
        return body, ends

    def create_density(self, places, weights, broad_share=0.5):
        poses = [
            IMP.algebra.Transformation3D(
                IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(0, 1, 1), 0.4 * i),
                IMP.algebra.Vector3D(*place),
            )
            for i, place in enumerate(places)
        ]
        center = IMP.algebra.Vector3D(2, 0, -2)
        return IMP.emgmm.PoseDensity(poses, weights, 2.0, 0.8, broad_share, center, 3.0)

    def check_places(self, sampler, returns_ratio, steps, accepted_share):
        """Of two bodies: Gaussian where the energy is harmonic, and E = k cos(angle) makes the
        distribution of Langevin, whatever is proposed how often."""
        m = IMP.Model()
        IMP.random_number_generator.seed(4)
        kt, k, slope, length = 1.5, 0.6, 0.6, 2.5
        centers = ((3.0, 1.0, -1.0), (1.0, 0.0, 0.0))
        bodies, restraints, ends = [], [], []
        keys = IMP.core.XYZ.get_xyz_keys()
        for center in centers:
            body, (origin, end) = self.create_arm(m, length)
            for key, x in zip(keys, center, strict=True):
                score = IMP.core.AttributeSingletonScore(IMP.core.Harmonic(x, k), key)
                restraints.append(
                    IMP.core.SingletonRestraint(m, score, origin.get_particle_index())
                )
            lift = IMP.core.AttributeSingletonScore(IMP.core.Linear(0, slope), keys[2])
            restraints.append(IMP.core.SingletonRestraint(m, lift, end.get_particle_index()))
            bodies.append(body)
            ends.append((origin, end))
        # Weights that have nothing to do with the energies.
        densities = [
            self.create_density([(0, 0, 0), (6, 0, 0)], [0.9, 0.1]),
            self.create_density([(1, 2, 0)], [1.0]),
        ]
        mover = IMP.emgmm.BodyPlaceMover(m, bodies, densities)
        self.assertFalse(mover.get_returns_ratio())
        mover.set_returns_ratio(returns_ratio)

        def look():
            return [[*a.get_coordinates(), *b.get_coordinates()] for a, b in ends]

        seen = self.sample(m, mover, restraints, kt, steps, look, sampler)
        # What is counted as accepted has moved, what is not has not.
        changed = np.abs(np.diff(seen, axis=0)).max(axis=(1, 2)) > 0
        accepted = mover.get_number_of_accepted()
        self.assertEqual(mover.get_number_of_proposed(), steps)
        self.assertLessEqual(abs(accepted - changed.sum()), 1)
        self.assertAlmostEqual(accepted / steps, accepted_share, delta=0.03)
        a = slope * length / kt
        for b, center in enumerate(centers):
            # The lift acts on the body's place, too.
            want = np.array(center) - [0, 0, slope / k]
            np.testing.assert_allclose(seen[:, b, :3].mean(axis=0), want, atol=0.16)
            np.testing.assert_allclose(seen[:, b, :3].var(axis=0), kt / k, rtol=0.14)
            cosine = (seen[:, b, 5] - seen[:, b, 2]) / length
            self.assertAlmostEqual(cosine.mean(), -(1 / math.tanh(a) - 1 / a), delta=0.03)
            self.assertAlmostEqual(
                (cosine**2).mean(), 1 - 2 / a * (1 / math.tanh(a) - 1 / a), delta=0.03
            )

    def test_places_hastings(self):
        """Places alone, the ratio left to the sampler"""
        self.check_places(IMP.emgmm.HastingsMonteCarlo, True, 30000, 0.183)

    def test_places_two_stages(self):
        """Places alone, with IMP's own sampler"""
        self.check_places(IMP.core.MonteCarlo, False, 40000, 0.107)

    def test_hastings_is_metropolis(self):
        """Where all proposals are symmetric, steps are those of IMP's own sampler"""
        runs = []
        for sampler in (IMP.core.MonteCarlo, IMP.emgmm.HastingsMonteCarlo):
            m, gaussians, bodies = self.make()
            IMP.random_number_generator.seed(4)
            mover = IMP.emgmm.BodyTurnMover(m, bodies[0])
            score = IMP.core.AttributeSingletonScore(
                IMP.core.Harmonic(0, 0.1), IMP.core.XYZ.get_xyz_keys()[0]
            )
            r = IMP.core.SingletonRestraint(m, score, gaussians[0].get_index())
            xyz = IMP.core.XYZ(gaussians[0])
            runs.append(self.sample(m, mover, r, 1.0, 200, xyz.get_x, sampler))
        np.testing.assert_array_equal(*runs)
        self.assertGreater(len(set(runs[0])), 20)

    def test_places_undone(self):
        """A rejection undoes a move; the mover itself refuses some, and then nothing moves"""
        m, gaussians, bodies = self.make()
        before = self.get_frames(bodies)
        density = self.create_density([(0, 0, 0), (6, 0, 0)], [0.9, 0.1])
        mover = IMP.emgmm.BodyPlaceMover(m, bodies, [density, density])
        self.assertEqual(list(mover.get_bodies()), [b.get_particle_index() for b in bodies])
        self.assertEqual(len(mover.get_densities()), 2)
        flexible = list(IMP.core.NonRigidMember(gaussians[6]).get_internal_coordinates())
        kept, together = 0, 0
        for _ in range(200):
            result = mover.propose()
            named = set(result.get_moved_particles())
            now = self.get_frames(bodies)
            moved = np.abs(now - before).max(axis=1) > 0
            is_kept = result.get_proposal_ratio() == 1
            for body, has_moved in zip(bodies, moved, strict=True):
                self.assertEqual(has_moved, is_kept and body.get_particle_index() in named)
            kept += is_kept
            together += len(named) == 2
            mover.reject()
            m.update()
            np.testing.assert_array_equal(self.get_frames(bodies), before)
            got = list(IMP.core.NonRigidMember(gaussians[6]).get_internal_coordinates())
            self.assertEqual(got, flexible)
        self.assertTrue(20 <= together <= 90, together)
        self.assertTrue(0 < kept <= 200, kept)

    def test_places_of_map(self):
        """The map suggests where a body lies, and one of its moves goes there"""
        m = IMP.Model()
        rng = random.Random(5)
        data = _systems.create_data(m, rng)
        model = [
            IMP.emgmm.gmm.create_gaussian(m, weight, mean, covariance)
            for mean, covariance, weight in zip(*_systems.get_arrays(data), strict=True)
        ]
        body = _systems.create_body(m, model)
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        best = r.evaluate(False)
        away = IMP.algebra.Transformation3D(
            IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 2, 3), 2.0),
            IMP.algebra.Vector3D(60, 20, 3),
        )
        IMP.core.transform(body, away)
        m.update()
        density = r.get_pose_density(body, 1, 1)
        self.assertEqual(density.get_weights()[0], max(density.get_weights()))
        body.set_reference_frame(IMP.algebra.ReferenceFrame3D(density.get_poses()[0]))
        m.update()
        self.assertAlmostEqual(r.evaluate(False), best, delta=0.1)
        again = r.get_pose_density(body, 1, 2)  # from another pose, with more threads
        self.assertEqual(
            [list(p.get_translation()) for p in again.get_poses()],
            [list(p.get_translation()) for p in density.get_poses()],
        )
        IMP.core.transform(body, away)
        IMP.random_number_generator.seed(2)
        mover = IMP.emgmm.BodyPlaceMover(m, [body], [density])
        mover.set_returns_ratio(True)
        scores = self.sample(
            m, mover, r, 1.0, 100, lambda: r.evaluate(False), IMP.emgmm.HastingsMonteCarlo
        )
        self.assertLess(scores.min(), best + 6)
        other = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
        self.assertRaises(ValueError, r.get_pose_density, other)

        # A map that moves as a body takes the places along.
        map_body = _systems.create_body(m, data)
        r2 = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        IMP.core.transform(map_body, away)
        body.set_reference_frame(
            IMP.algebra.ReferenceFrame3D(r2.get_pose_density(body).get_poses()[0])
        )
        m.update()
        self.assertAlmostEqual(r2.evaluate(False), best, delta=0.1)

    def test_density(self):
        """Normalised: of any orientation about a point where there are no poses"""
        center = IMP.algebra.Vector3D(1, 2, 3)
        density = IMP.emgmm.PoseDensity([], [], 2.0, 0.1, 0.1, center, 5.0)
        turn = IMP.algebra.get_rotation_about_axis(center, 2.2)
        pose = IMP.algebra.Transformation3D(turn, IMP.algebra.Vector3D(1, 2, 8))
        want = -1.5 * math.log(2 * math.pi * 25) - 0.5
        self.assertAlmostEqual(density.get_log_density(pose), want, delta=1e-12)
        density = self.create_density([(0, 0, 0), (6, 0, 0)], [3.0, 1.0])
        back = pickle.loads(pickle.dumps(density))
        self.assertEqual(back.get_log_density(pose), density.get_log_density(pose))
        self.assertEqual(list(back.get_weights()), [3.0, 1.0])
        self.assertEqual(back.get_translation_sd(), 2.0)
        self.assertEqual(back.get_rotation_sd(), 0.8)
        self.assertEqual(back.get_broad_share(), 0.5)
        self.assertEqual(list(back.get_broad_center()), [2, 0, -2])
        self.assertEqual(back.get_broad_sd(), 3.0)

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
        density = self.create_density([(0, 0, 0)], [1.0])
        for wrong in ([], [density], [density] * 3):
            self.assertRaises(ValueError, IMP.emgmm.BodyPlaceMover, m, bodies, wrong)
        with self.assertRaises(ValueError):
            IMP.emgmm.BodyPlaceMover(m, [bodies[0], bodies[0]], [density] * 2)
        for places, weights, share in (
            ([(0, 0, 0)], [-1.0], 0.1),
            ([(0, 0, 0)], [1.0, 1.0], 0.1),
            ([(0, 0, 0)], [1.0], 0.0),
        ):
            self.assertRaises(ValueError, self.create_density, places, weights, share)
        with self.assertRaises(ValueError):
            IMP.emgmm.BodySwapMover(m, bodies[0], bodies[0])
        with self.assertRaises(ValueError):
            IMP.emgmm.BodyTurnMover(m, gaussians[0])

    def test_pickle(self):
        """Movers survive pickling with their model"""
        m, _gaussians, bodies = self.make()
        movers = [
            IMP.emgmm.BodySwapMover(m, bodies[0], bodies[1]),
            IMP.emgmm.BodyTurnMover(m, bodies[1], [IMP.algebra.Vector3D(0, 1, 0)]),
            IMP.emgmm.BodyPlaceMover(m, bodies, [self.create_density([(0, 0, 0)], [1.0])] * 2),
        ]
        _m2, movers2 = pickle.loads(pickle.dumps((m, movers)))
        for a, b in zip(movers, movers2, strict=True):
            self.assertEqual(a.get_name(), b.get_name())
            b.propose()
            b.accept()
        self.assertEqual(len(movers2[1].get_axes()), 1)


if __name__ == "__main__":
    IMP.test.main()

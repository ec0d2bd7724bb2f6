"""Swaps along each other's principal axes: what they move, and what they sample."""

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

FLIPS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def get_matrix(rotation):
    return np.array([list(rotation.get_rotation_matrix_row(i)) for i in range(3)])


class Tests(IMP.test.TestCase):
    def make(self):
        """Two bodies of four Gaussians in general poses, the first with a flexible member."""
        m = IMP.Model()
        rng = random.Random(3)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(9)]
        bodies = [_systems.create_body(m, gaussians[:4]), _systems.create_body(m, gaussians[4:8])]
        bodies[0].add_non_rigid_member(gaussians[8])
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 2, 3), 0.7)
        way = IMP.algebra.Vector3D(20, 5, -8)
        IMP.core.transform(bodies[1], IMP.algebra.Transformation3D(turn, way))
        m.update()
        return m, gaussians, bodies

    def get_axes(self, gaussians):
        """Columns: principal axes of four masses as they lie, the longest first."""
        xyz, _, mass = _systems.get_arrays(gaussians)
        away = xyz - mass @ xyz / mass.sum()
        return np.linalg.eigh((mass[:, None] * away).T @ away)[1][:, ::-1]

    def get_places(self, bodies):
        return np.array([list(b.get_coordinates()) for b in bodies])

    def get_states(self, bodies, mover, start):
        """Which places, and which flip of each body, since the frames of `start`."""
        frames = self.get_frames(bodies, mover)
        swapped = np.abs(self.get_places(bodies)[0] - start[0][0]).max() > 1e-6
        state = [int(swapped)]
        for b in (0, 1):
            flip = start[1][1 - b if swapped else b].T @ frames[b]
            np.testing.assert_allclose(flip, np.diag(np.diag(flip)), atol=1e-6)
            state.append(int(np.abs(FLIPS - np.diag(flip)).sum(axis=1).argmin()))
        return tuple(state)

    def get_frames(self, bodies, mover):
        """Of each body the matrix from principal to global coordinates."""
        return [
            get_matrix(b.get_reference_frame().get_transformation_to().get_rotation())
            @ get_matrix(mover.get_principal_frame(i))
            for i, b in enumerate(bodies)
        ]

    def test_geometry(self):
        """Origins change places, axes come to lie on the other's; a rejection undoes it"""
        m, gaussians, bodies = self.make()
        groups = gaussians[:4], gaussians[4:8]
        places, axes = self.get_places(bodies), [self.get_axes(g) for g in groups]
        xyz = _systems.get_arrays(gaussians)[0]
        mover = IMP.emgmm.AlignedSwapMover(m, bodies[0], bodies[1])
        for frame, own in zip(self.get_frames(bodies, mover), axes, strict=True):
            self.assertAlmostEqual(np.linalg.det(frame), 1)
            np.testing.assert_allclose(np.abs(frame.T @ own), np.eye(3), atol=1e-6)
        start = places, self.get_frames(bodies, mover)
        inner = list(IMP.core.NonRigidMember(gaussians[8]).get_internal_coordinates())
        seen = set()
        for _ in range(200):
            result = mover.propose()
            self.assertEqual(result.get_proposal_ratio(), 1.0)
            moved = set(result.get_moved_particles())
            self.assertEqual(moved, {b.get_particle_index() for b in bodies})
            m.update()
            np.testing.assert_allclose(self.get_places(bodies), places[::-1], atol=1e-9)
            for group, own in zip(groups, axes[::-1], strict=True):
                np.testing.assert_allclose(
                    np.abs(self.get_axes(group).T @ own), np.eye(3), atol=1e-6
                )
            kept = list(IMP.core.NonRigidMember(gaussians[8]).get_internal_coordinates())
            self.assertEqual(kept, inner)
            seen.add(self.get_states(bodies, mover, start))
            mover.reject()
            m.update()
            np.testing.assert_allclose(_systems.get_arrays(gaussians)[0], xyz, atol=1e-9)
        self.assertEqual(len(seen), 16)

    def test_states(self):
        """Aligned swaps alone: 32 states, occupied as Boltzmann says"""
        m, gaussians, bodies = self.make()
        IMP.random_number_generator.seed(4)
        mover = IMP.emgmm.AlignedSwapMover(m, bodies[0], bodies[1])
        keys = IMP.core.XYZ.get_xyz_keys()
        restraints = []
        for p, key, slope in ((0, 0, 0.05), (1, 1, -0.04), (5, 2, 0.06), (6, 0, 0.05)):
            score = IMP.core.AttributeSingletonScore(IMP.core.Linear(0, slope), keys[key])
            restraints.append(IMP.core.SingletonRestraint(m, score, gaussians[p].get_index()))
        mc = IMP.core.MonteCarlo(m)
        mc.set_scoring_function(restraints)
        mc.set_kt(1.0)
        mc.set_return_best(False)
        mc.add_mover(mover)
        start = self.get_places(bodies), self.get_frames(bodies, mover)
        steps, times, weights = 6000, {}, {}
        for _ in range(steps):
            mc.optimize(1)
            m.update()
            state = self.get_states(bodies, mover, start)
            times[state] = times.get(state, 0) + 1
            weights[state] = math.exp(-sum(r.evaluate(False) for r in restraints))
        self.assertEqual(len(times), 32)
        total = sum(weights.values())
        for state, weight in weights.items():
            share = weight / total
            bound = 7 * math.sqrt(share / steps)
            self.assertAlmostEqual(times[state] / steps, share, delta=bound)
        self.assertGreater(max(weights.values()), 2 * min(weights.values()))

    def test_without_masses(self):
        """A body whose members have no mass keeps its coordinate axes"""
        m = IMP.Model()
        bodies = []
        for x in (0, 9):
            frame = IMP.algebra.ReferenceFrame3D(
                IMP.algebra.Transformation3D(IMP.algebra.Vector3D(x, 0, 0))
            )
            bodies.append(IMP.core.RigidBody.setup_particle(IMP.Particle(m), frame))
            bodies[-1].add_member(IMP.core.XYZ.setup_particle(IMP.Particle(m)))
        mover = IMP.emgmm.AlignedSwapMover(m, *bodies)
        np.testing.assert_array_equal(get_matrix(mover.get_principal_frame(1)), np.eye(3))
        mover.propose()
        np.testing.assert_allclose(self.get_places(bodies)[:, 0], [9, 0])

    def test_refused(self):
        """One body twice, a body within another, and what is no body"""
        m, gaussians, bodies = self.make()
        if IMP.get_check_level() >= IMP.USAGE:
            for pair in ((bodies[0], bodies[0]), (bodies[0], gaussians[5])):
                with self.assertRaises(IMP.UsageException):
                    IMP.emgmm.AlignedSwapMover(m, *pair)
            with self.assertRaises(IMP.UsageException):
                IMP.emgmm.AlignedSwapMover(m, *bodies).get_principal_frame(2)

    def test_pickle(self):
        """It survives pickling with its model"""
        m, _, bodies = self.make()
        mover = IMP.emgmm.AlignedSwapMover(m, bodies[0], bodies[1])
        _m2, again = pickle.loads(pickle.dumps((m, mover)))
        self.assertEqual(again.get_name(), mover.get_name())
        for i in (0, 1):
            frame, frame2 = (get_matrix(x.get_principal_frame(i)) for x in (mover, again))
            np.testing.assert_array_equal(frame, frame2)
        again.propose()
        again.accept()


if __name__ == "__main__":
    IMP.test.main()

"""Forces, torques and quaternion derivatives against finite differences."""

import random

import _systems
import IMP
import IMP.algebra
import IMP.atom
import IMP.container
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.test
import numpy as np


def translated(t, i, step):
    v = IMP.algebra.Vector3D(0, 0, 0)
    v[i] = step
    return IMP.algebra.Transformation3D(t.get_rotation(), t.get_translation() + v)


def turned(t, i, step):
    """Rotated about its own centre, global axis i."""
    axis = IMP.algebra.Vector3D([float(i == j) for j in range(3)])
    turn = IMP.algebra.get_rotation_about_axis(axis, step)
    return IMP.algebra.Transformation3D(turn * t.get_rotation(), t.get_translation())


def requaternioned(t, i, step):
    """With element i of the quaternion changed, then normalized."""
    q = np.array(list(t.get_rotation().get_quaternion()))
    q[i] += step
    q /= np.linalg.norm(q)
    return IMP.algebra.Transformation3D(
        IMP.algebra.Rotation3D(IMP.algebra.Vector4D(q)), t.get_translation()
    )


class Tests(IMP.test.TestCase):
    def check_frame(self, score, body, step=1e-4):
        """Derivatives of a scoring function by the reference frame of a body."""
        m = body.get_model()
        old = body.get_reference_frame().get_transformation_to()

        def slope(change, i):
            values = []
            for s in (step, -step, 2 * step, -2 * step):
                body.set_reference_frame(IMP.algebra.ReferenceFrame3D(change(old, i, s)))
                values.append(score.evaluate(False))
            body.set_reference_frame(IMP.algebra.ReferenceFrame3D(old))
            return (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)

        force = [slope(translated, i) for i in range(3)]
        torque = [slope(turned, i) for i in range(3)]
        by_q = np.array([slope(requaternioned, i) for i in range(4)])
        m.update()
        score.evaluate(True)
        close = {"rtol": 1e-6, "atol": 1e-7}
        np.testing.assert_allclose(list(body.get_derivatives()), force, **close)
        np.testing.assert_allclose(list(old.get_rotation() * body.get_torque()), torque, **close)
        # Only the part along the unit sphere means something.
        q = np.array(list(old.get_rotation().get_quaternion()))
        got = np.array(list(body.get_rotational_derivatives()))
        np.testing.assert_allclose(got - (got @ q) * q, by_q, **close)
        self.assertGreater(np.abs(torque).max(), 1e-3)

    def make(self, **options):
        m = IMP.Model()
        rng = random.Random(options.pop("seed", 7))
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(9)]
        data = _systems.create_data(m, rng)
        return m, gaussians, data

    def score(self, m, gaussians, data, *args):
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data, *args)
        # A weight, so that a forgotten one shows.
        return IMP.core.RestraintsScoringFunction([IMP.RestraintSet([r], 1.7)])

    def test_body(self):
        """A rigid body of anisotropic Gaussians"""
        m, gaussians, data = self.make()
        body = _systems.create_body(m, gaussians[:5])
        self.check_frame(self.score(m, gaussians, data), body)

    def test_blurred_body(self):
        """With a variance added to every Gaussian of the model"""
        m, gaussians, data = self.make()
        body = _systems.create_body(m, gaussians[:5])
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
        r.set_model_blur(11.0)
        self.check_frame(IMP.core.RestraintsScoringFunction([r]), body)

    def test_free_gaussians(self):
        """A Gaussian of its own is a body too"""
        m, gaussians, data = self.make()
        score = self.score(m, gaussians, data)
        for p in gaussians[:3]:
            self.check_frame(score, IMP.core.RigidBody(p))

    def test_nested_bodies(self):
        """A body within a body, with flexible Gaussians in each"""
        m, gaussians, data = self.make()
        inner = _systems.create_body(m, gaussians[:3])
        inner.add_non_rigid_member(gaussians[3])
        outer = _systems.create_body(m, [inner, gaussians[4]])
        outer.add_non_rigid_member(gaussians[5])
        score = self.score(m, gaussians, data)
        self.check_frame(score, outer)

        member = IMP.core.NonRigidMember(gaussians[5])
        old = member.get_internal_coordinates()

        def energy(i, s):
            v = IMP.algebra.Vector3D(old)
            v[i] += s
            member.set_internal_coordinates(v)
            return score.evaluate(False)

        slopes = [(energy(i, 1e-4) - energy(i, -1e-4)) / 2e-4 for i in range(3)]
        member.set_internal_coordinates(old)
        score.evaluate(True)
        np.testing.assert_allclose(
            list(member.get_internal_derivatives()), slopes, rtol=1e-6, atol=1e-8
        )

    def test_beads(self):
        """Spherical beads: PMI's flexible residues"""
        m, gaussians, data = self.make()
        for p in gaussians[:4]:
            IMP.core.Gaussian(p).set_variances([12.5] * 3)
        score = self.score(m, gaussians, data)
        score.evaluate(True)
        for p in gaussians[:4]:
            bead = IMP.core.XYZ(p)
            got = bead.get_derivatives()
            np.testing.assert_allclose(
                list(IMP.core.RigidBody(p).get_torque()), [0] * 3, atol=1e-12
            )
            for i in range(3):
                old = bead.get_coordinate(i)
                values = []
                for s in (1e-4, -1e-4):
                    bead.set_coordinate(i, old + s)
                    values.append(score.evaluate(False))
                bead.set_coordinate(i, old)
                self.assertAlmostEqual(got[i], (values[0] - values[1]) / 2e-4, delta=1e-6)

    def test_movable_target(self):
        """The map as a rigid body feels the reverse of what the model feels"""
        m, gaussians, data = self.make()
        body = _systems.create_body(m, gaussians[:5])
        target = _systems.create_body(m, data)
        score = self.score(m, gaussians, data)
        self.check_frame(score, target)
        self.check_frame(score, body)
        force = sum(
            (
                np.array(list(IMP.core.XYZ(p).get_derivatives()))
                for p in (body, target, *gaussians[5:])
            ),
            np.zeros(3),
        )
        np.testing.assert_allclose(force, 0, atol=1e-10)

    def test_noise_models(self):
        """Every noise model has derivatives"""
        sigmas = [0.2 + 0.1 * k for k in range(9)]
        small = [1e-4 * (k + 1) for k in range(9)]
        for args in (
            ("lognormal", 0.3),
            ("lognormal_local", 0.4),
            ("lognormal", 0.0, [], True),
            ("lognormal_local", 0.0, sigmas),
            ("gaussian", 0.0, small),
            ("gaussian", 0.4),
            ("gaussian_local", 0.0, small),
            ("outliers", 0.0, small),
            ("lognormal", 0.0, [], False, 1e-4),
            ("lognormal", 0.3, [], False, 0.0, 0.2),
            ("lognormal_local", 0.4, [], False, 0.0, 0.2),
        ):
            m, gaussians, data = self.make()
            body = _systems.create_body(m, gaussians)
            self.check_frame(self.score(m, gaussians, data, *args), body)

    def make_match(self, rng, n=6):
        """Model = data, in two bodies."""
        m = IMP.Model()
        data = _systems.create_data(m, rng, n)
        model = []
        for p in data:
            q = IMP.Particle(m)
            IMP.core.Gaussian.setup_particle(q, IMP.core.Gaussian(p).get_gaussian())
            IMP.atom.Mass.setup_particle(q, IMP.atom.Mass(p).get_mass())
            model.append(q)
        bodies = [
            _systems.create_body(m, model[: n // 2]),
            _systems.create_body(m, model[n // 2 :]),
        ]
        return m, model, data, bodies

    def test_conjugate_gradients(self):
        """A displaced and turned subunit finds back"""
        m, model, data, bodies = self.make_match(random.Random(11))
        bodies[1].set_coordinates_are_optimized(False)
        right = _systems.get_arrays(model)[0]
        old = bodies[0].get_reference_frame().get_transformation_to()
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 1, 0), 0.4)
        bodies[0].set_reference_frame(
            IMP.algebra.ReferenceFrame3D(
                IMP.algebra.Transformation3D(
                    turn * old.get_rotation(),
                    old.get_translation() + IMP.algebra.Vector3D(3, -2, 1),
                )
            )
        )
        m.update()
        self.assertGreater(np.abs(_systems.get_arrays(model)[0] - right).max(), 2)
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 1e-4)
        cg = IMP.core.ConjugateGradients(m)
        cg.set_scoring_function([r])
        for _ in range(5):
            cg.optimize(200)
        np.testing.assert_allclose(_systems.get_arrays(model)[0], right, atol=0.1)

    def test_molecular_dynamics(self):
        """Total energy of a run at constant energy is conserved"""
        m = IMP.Model()
        rng = random.Random(2)
        beads = [_systems.create_gaussian(m, rng, 10, [15.0] * 3) for _ in range(6)]
        data = _systems.create_data(m, rng, 6, [25.0] * 3)
        for p in beads:
            IMP.atom.Mass(p).set_mass(100)
        for p in data:
            IMP.atom.Mass(p).set_mass(100)
        r = IMP.emgmm.GaussianMixtureRestraint(m, beads, data, "lognormal", 0.2)
        r.set_weight(5.0)
        md = IMP.atom.MolecularDynamics(m)
        md.set_scoring_function([r])
        md.set_maximum_time_step(4.0)
        md.assign_velocities(300.0)
        energies = []
        kinetic = []
        for _ in range(40):
            md.optimize(5)
            kinetic.append(md.get_kinetic_energy())
            energies.append(kinetic[-1] + r.evaluate(False))  # weighted
        self.assertGreater(np.ptp(kinetic), 0.5)  # kcal/mol: the forces do something
        self.assertLess(np.ptp(energies), 0.01 * np.ptp(kinetic))


if __name__ == "__main__":
    IMP.test.main()

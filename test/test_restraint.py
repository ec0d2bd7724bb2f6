"""The restraint's score, whatever carries the Gaussians."""

import math
import pickle
import random

import _systems
import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.test
import numpy as np


class Tests(IMP.test.TestCase):
    def make(self, seed=1, movable_target=False, **options):
        """Two bodies (one holds a smaller one), one flexible member, two free Gaussians."""
        rng = random.Random(seed)
        m = IMP.Model()
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(10)]
        inner = _systems.create_body(m, gaussians[:3])
        outer = _systems.create_body(m, [inner, *gaussians[3:5]])
        outer.add_non_rigid_member(gaussians[5])
        other = _systems.create_body(m, gaussians[6:8])
        data = _systems.create_data(m, rng)
        bodies = [outer, other]
        if movable_target:
            bodies.append(_systems.create_body(m, data))
        args = [
            options.get(key, default)
            for key, default in (
                ("noise_model", "lognormal"),
                ("sigma_min", 0.0),
                ("component_sigmas", []),
                ("profile_scale", False),
                ("floor", 0.0),
            )
        ]
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data, *args)
        m.update()
        return m, r, gaussians, data, bodies

    def shake(self, m, rng, gaussians, bodies):
        """Move everything, as movers do: without telling any cache."""
        for body in bodies:
            old = body.get_reference_frame().get_transformation_to()
            body.set_reference_frame_lazy(
                IMP.algebra.ReferenceFrame3D(
                    IMP.algebra.Transformation3D(
                        _systems.get_rotation(rng) * old.get_rotation(),
                        old.get_translation() + IMP.algebra.Vector3D(rng.uniform(-2, 2), 1, 0),
                    )
                )
            )
        for p in gaussians[8:]:
            IMP.core.XYZ(p).set_coordinates(
                IMP.core.XYZ(p).get_coordinates() + IMP.algebra.Vector3D(0, 1, rng.random())
            )
        m.update()

    def test_score_equals_reference(self):
        """Score, log ratios, CC equal a slow sum, with stale-proof orientations"""
        for movable in (False, True):
            m, r, gaussians, data, bodies = self.make(movable_target=movable)
            rng = random.Random(5)
            for _ in range(4):
                want = _systems.get_score(gaussians, data)
                self.assertAlmostEqual(r.evaluate(False) / want, 1, delta=1e-12)
                self.assertAlmostEqual(r.evaluate(True) / want, 1, delta=1e-12)
                ratios = _systems.get_log_ratios(gaussians, data)
                np.testing.assert_allclose(r.get_component_log_ratios(), ratios, rtol=1e-11)
                self.assertAlmostEqual(
                    r.get_sigma_estimate(), math.sqrt(np.mean(ratios**2)), delta=1e-11
                )
                a, b = _systems.get_arrays(gaussians), _systems.get_arrays(data)
                cc = _systems.get_overlaps(a, b).sum() / math.sqrt(
                    _systems.get_overlaps(a, a).sum() * _systems.get_overlaps(b, b).sum()
                )
                self.assertAlmostEqual(r.get_cross_correlation(), cc, delta=1e-12)
                self.shake(m, rng, gaussians, bodies)

    def test_turned_body(self):
        """A turn by 90 degrees changes the score of anisotropic Gaussians"""
        m = IMP.Model()
        rng = random.Random(3)
        p = _systems.create_gaussian(m, rng, 0.0, [40, 4, 4])
        body = _systems.create_body(m, [p])
        data = [_systems.create_gaussian(m, rng, 0.0, [30, 5, 3]) for _ in range(2)]
        r = IMP.emgmm.GaussianMixtureRestraint(m, [p], data)
        before = r.evaluate(False)
        IMP.core.Gaussian(p).get_global_covariance()  # fills IMP's cache
        old = body.get_reference_frame().get_transformation_to()
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(0, 1, 1), math.pi / 2)
        body.set_reference_frame_lazy(
            IMP.algebra.ReferenceFrame3D(
                IMP.algebra.get_rotation_about_point(old.get_translation(), turn) * old
            )
        )
        after = r.evaluate(False)
        self.assertGreater(abs(after - before), 0.1)
        self.assertAlmostEqual(after, _systems.get_score([p], data), delta=1e-11)

    def test_floor_and_noise_models(self):
        """Options reach the core"""
        _m, r0, gaussians, data, _ = self.make(floor=1e-3)
        self.assertAlmostEqual(
            r0.evaluate(False), _systems.get_score(gaussians, data, 1e-3), delta=1e-10
        )
        _m, r1, gaussians, data, _ = self.make(profile_scale=True)
        ratios = _systems.get_log_ratios(gaussians, data)
        ratios -= ratios.mean()
        self.assertAlmostEqual(
            r1.evaluate(False), len(ratios) / 2 * math.log(np.sum(ratios**2)), delta=1e-10
        )
        sigmas = [0.1 * (k + 1) for k in range(9)]
        _m, r2, gaussians, data, _ = self.make(
            noise_model="lognormal_local", component_sigmas=sigmas
        )
        want = sum(
            -math.log(math.erf(abs(l) / math.sqrt(2) / s) / abs(l))
            for l, s in zip(_systems.get_log_ratios(gaussians, data), sigmas, strict=True)
        )
        self.assertAlmostEqual(r2.evaluate(False), want, delta=1e-10)
        self.assertEqual(r2.get_noise_model(), "lognormal_local")

    def test_blur(self):
        """The model is scored with more variance, the particles keep theirs; bodies may move"""
        m, r, gaussians, data, bodies = self.make()
        sharp, before = r.evaluate(False), _systems.get_arrays(gaussians)
        self.assertEqual(r.get_model_blur(), 0)
        r.set_model_blur(7.5)
        self.assertEqual(r.get_model_blur(), 7.5)
        self.assertNotAlmostEqual(r.evaluate(False), sharp, delta=0.1)
        np.testing.assert_array_equal(_systems.get_arrays(gaussians)[1], before[1])
        rng = random.Random(5)
        for _ in range(3):
            ratios = _systems.get_log_ratios(gaussians, data, blur=7.5)
            want = len(ratios) / 2 * math.log(np.sum(ratios**2))
            self.assertAlmostEqual(r.evaluate(False) / want, 1, delta=1e-12)
            self.assertAlmostEqual(r.evaluate(True) / want, 1, delta=1e-12)
            np.testing.assert_allclose(r.get_component_log_ratios(), ratios, rtol=1e-11)
            self.shake(m, rng, gaussians, bodies)
        _m2, r2 = pickle.loads(pickle.dumps((m, r)))
        self.assertEqual(r2.evaluate(False), r.evaluate(False))
        r.set_model_blur(0)
        self.assertAlmostEqual(r.evaluate(False), _systems.get_score(gaussians, data), delta=1e-10)
        for wrong in (-1.0, math.nan, math.inf):
            self.assertRaises(ValueError, r.set_model_blur, wrong)

    def test_cutoff(self):
        """Far pairs of isotropic Gaussians are left out alike with and without derivatives"""
        rng = random.Random(2)
        m = IMP.Model()
        atoms = [_systems.create_gaussian(m, rng, 60.0, [v, v, v]) for v in (3, 4, 5) * 40]
        data = [_systems.create_gaussian(m, rng, 60.0, [40, 60, 50]) for _ in range(30)]
        r = IMP.emgmm.GaussianMixtureRestraint(m, atoms, data)
        score = r.evaluate(True)
        forces = np.array([list(IMP.core.XYZ(p).get_derivatives()) for p in atoms])
        self.assertEqual(r.get_cutoff(), 0)
        r.set_cutoff(1e-4)
        near = r.evaluate(True)
        self.assertNotEqual(near, score)
        self.assertAlmostEqual(near, score, delta=1e-2)
        self.assertAlmostEqual(r.evaluate(False), near, delta=1e-9)
        found = np.array([list(IMP.core.XYZ(p).get_derivatives()) for p in atoms])
        np.testing.assert_allclose(found, forces, atol=2e-2 * np.abs(forces).max())
        _m2, r2 = pickle.loads(pickle.dumps((m, r)))
        self.assertEqual(r2.get_cutoff(), 1e-4)
        for bad in (-0.1, 1.0, math.nan):
            self.assertRaises(ValueError, r.set_cutoff, bad)
        self.assertAlmostEqual(r.evaluate(False), near, delta=1e-9)

    def test_bad_input(self):
        """Errors name what is wrong"""
        for options in (
            {"noise_model": "normal"},
            {"sigma_min": -1.0},
            {"noise_model": "outliers"},
            {"component_sigmas": [1.0], "noise_model": "lognormal_local"},
        ):
            self.assertRaises(ValueError, self.make, **options)
        m = IMP.Model()
        p = IMP.core.XYZ.setup_particle(IMP.Particle(m), IMP.algebra.Vector3D(0, 0, 0))
        data = _systems.create_data(m, random.Random(1))
        with self.assertRaises(ValueError):
            IMP.emgmm.GaussianMixtureRestraint(m, [p], data)
        with self.assertRaises(ValueError):
            IMP.emgmm.GaussianMixtureRestraint(m, [], data)

    def test_changed_shapes(self):
        """New masses, variances, members are seen by the next full evaluation"""
        _m, r, gaussians, data, bodies = self.make()
        r.evaluate(False)
        IMP.atom.Mass(gaussians[0]).set_mass(5.0)
        IMP.core.Gaussian(gaussians[6]).set_variances([9, 9, 20])
        self.assertAlmostEqual(r.evaluate(False), _systems.get_score(gaussians, data), delta=1e-10)
        IMP.atom.Mass(data[0]).set_mass(5.0)
        self.assertAlmostEqual(r.evaluate(False), _systems.get_score(gaussians, data), delta=1e-10)
        IMP.core.XYZ(data[1]).set_coordinates(IMP.algebra.Vector3D(0, 0, 0))
        self.assertAlmostEqual(r.evaluate(False), _systems.get_score(gaussians, data), delta=1e-10)
        bodies[1].remove_member(gaussians[6])
        IMP.core.XYZ(gaussians[6]).set_coordinates(IMP.algebra.Vector3D(1, 2, 3))
        self.assertAlmostEqual(r.evaluate(False), _systems.get_score(gaussians, data), delta=1e-10)

    def test_far_model(self):
        """A body far outside the map still feels a pull"""
        _m, r, gaussians, _data, bodies = self.make()
        for p in (*bodies, *gaussians[8:]):
            IMP.core.XYZ(p).set_coordinates(
                IMP.core.XYZ(p).get_coordinates() + IMP.algebra.Vector3D(500, 0, 0)
            )
        r.evaluate(True)
        self.assertTrue(math.isfinite(r.get_last_score()))
        self.assertGreater(bodies[0].get_derivatives()[0], 1e-3)

    def test_inputs(self):
        """Every Gaussian and every body that carries some is an input"""
        _m, r, gaussians, data, bodies = self.make(movable_target=True)
        inputs = {p.get_index() for p in IMP.get_input_particles(r.get_inputs())}
        for p in (*gaussians, *data, *bodies):
            self.assertIn(IMP.get_indexes([p])[0], inputs)

    def test_pickle(self):
        """Model and restraint survive pickling with the same score"""
        m, r, gaussians, _data, _bodies = self.make(sigma_min=0.1)
        r.set_density_filename("map.txt")
        rs = IMP.RestraintSet([r], 2.0)
        before = rs.evaluate(False)
        m2, rs2 = pickle.loads(pickle.dumps((m, rs)))
        self.assertEqual(rs2.evaluate(False), before)
        r2 = rs2.get_restraint(0)
        self.assertEqual(r2.get_name(), r.get_name())
        self.assertEqual(r2.get_last_score(), r.get_last_score())
        # the copy lives in its own model
        IMP.core.XYZ(m2, gaussians[8].get_index()).set_coordinates(IMP.algebra.Vector3D(30, 0, 0))
        self.assertNotEqual(rs2.evaluate(False), before)
        self.assertEqual(rs.evaluate(False), before)

    def test_info(self):
        """What goes into RMF and mmCIF files"""
        _m, r, _gaussians, data, _bodies = self.make(sigma_min=0.05)
        r.set_density_filename("map.txt")
        info = r.get_static_info()
        info.set_was_used(True)
        strings = {
            info.get_string_key(i): info.get_string_value(i)
            for i in range(info.get_number_of_string())
        }
        self.assertEqual(strings["noise model"], "lognormal")
        self.assertEqual(strings["implementation"], "IMP.emgmm.GaussianMixtureRestraint")
        self.assertEqual(info.get_filename_key(0), "filename")
        self.assertEqual(info.get_filename_value(0), IMP.get_absolute_path("map.txt"))
        info = r.get_dynamic_info()
        info.set_was_used(True)
        floats = {
            info.get_float_key(i): info.get_float_value(i)
            for i in range(info.get_number_of_float())
        }
        self.assertAlmostEqual(floats["cross correlation"], r.get_cross_correlation(), delta=1e-12)
        self.assertAlmostEqual(floats["sigma estimate"], r.get_sigma_estimate(), delta=1e-12)
        self.assertEqual(info.get_number_of_floats(), 0)
        r.set_write_log_ratios(True)
        info = r.get_dynamic_info()
        info.set_was_used(True)
        floats = {info.get_floats_key(i): list(info.get_floats_value(i)) for i in range(2)}
        self.assertEqual(floats["component log ratios"], list(r.get_component_log_ratios()))
        self.assertEqual(floats["component sigmas"], list(r.get_component_sigmas()))
        self.assertEqual(len(floats["component sigmas"]), len(data))

    def test_component_sigmas(self):
        """Most probable standard deviation of each data Gaussian, by the formula"""
        least = [2e-5 * (k + 1) for k in range(9)]
        for model in ("lognormal", "lognormal_local", "gaussian", "gaussian_local", "outliers"):
            options = {"sigma_min": 0.3}
            if not model.startswith("lognormal"):
                options = {"component_sigmas": least}
            m, r, gaussians, data, bodies = self.make(noise_model=model, **options)
            for _ in range(2):
                ratios = _systems.get_log_ratios(gaussians, data)
                b = _systems.get_arrays(data)
                difference = _systems.get_overlaps(b, b).sum(axis=0) * np.expm1(ratios)
                want = {
                    "lognormal": np.maximum(0.3, np.abs(ratios)),
                    "lognormal_local": np.maximum(0.3, np.abs(ratios)),
                    "gaussian": np.array(least),
                    "gaussian_local": np.maximum(least, np.abs(difference)),
                    "outliers": np.hypot(least, difference / math.sqrt(2)),
                }[model]
                np.testing.assert_allclose(r.get_component_sigmas(), want, rtol=1e-10)
                self.shake(m, random.Random(3), gaussians, bodies)

    def test_threads(self):
        """The result does not depend on the number of threads"""
        _m, r, _gaussians, _data, bodies = self.make()
        one = r.evaluate(True)
        slope = bodies[0].get_derivatives()
        r.set_number_of_threads(3)
        self.assertEqual(r.evaluate(True), one)
        self.assertEqual(list(bodies[0].get_derivatives()), list(slope))


if __name__ == "__main__":
    IMP.test.main()

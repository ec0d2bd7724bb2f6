"""Beside IMP.bayesianem: the same score where that module is right, a better one where not."""

import math
import random

import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.test

try:
    import IMP.bayesianem
except ImportError:
    IMP.bayesianem = None


@IMP.test.skipIf(IMP.bayesianem is None, "IMP.bayesianem is not there")
class Tests(IMP.test.TestCase):
    def make(self):
        m = IMP.Model()
        rng = random.Random(9)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(8)]
        data = _systems.create_data(m, rng)
        for p in gaussians + data:
            IMP.core.XYZR.setup_particle(p, 10.0)
        bodies = [_systems.create_body(m, gaussians[:4]), _systems.create_body(m, gaussians[4:])]
        sigma = IMP.isd.Scale.setup_particle(IMP.Particle(m), 1.0)
        theirs = IMP.bayesianem.GaussianEMRestraint(
            m,
            IMP.get_indexes(gaussians),
            IMP.get_indexes(data),
            sigma.get_particle_index(),
            1e3,
            1e3,
            0.0,
        )
        ours = IMP.emgmm.GaussianMixtureRestraint(
            m, gaussians, data, "lognormal", 0.0, [], False, 1e-10
        )
        return m, gaussians, data, bodies, theirs, ours

    def get_constants(self, data):
        """What IMP.bayesianem adds to N/2 log Q."""
        arrays = _systems.get_arrays(data)
        dd = _systems.get_overlaps(arrays, arrays).sum(axis=0)
        n = len(data)
        return (
            sum(map(math.log, dd))
            + (3 + n) / 2 * math.log(2)
            + 0.5 * math.log(math.pi)
            - math.lgamma(n / 2)
        )

    def test_same_score_with_floor(self):
        """At the initial pose, up to its constants, to 1e-6"""
        _m, _gaussians, data, _bodies, theirs, ours = self.make()
        self.assertAlmostEqual(
            ours.evaluate(False), theirs.evaluate(False) - self.get_constants(data), delta=1e-6
        )

    def test_turned_body(self):
        """After a move of a rigid body only ours sees the new orientation"""
        _m, gaussians, data, bodies, theirs, ours = self.make()
        theirs.evaluate(False)
        old = bodies[0].get_reference_frame().get_transformation_to()
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 0, 1), math.pi / 2)
        bodies[0].set_reference_frame_lazy(
            IMP.algebra.ReferenceFrame3D(
                IMP.algebra.Transformation3D(turn * old.get_rotation(), old.get_translation())
            )
        )
        got, their = ours.evaluate(False), theirs.evaluate(False) - self.get_constants(data)
        self.assertAlmostEqual(got, _systems.get_score(gaussians, data, 1e-10), delta=1e-9)
        # With its cached orientations renewed, IMP.bayesianem agrees.
        for p in gaussians:
            IMP.core.Gaussian(p).update_global_covariance()
        renewed = theirs.evaluate(False) - self.get_constants(data)
        self.assertAlmostEqual(got, renewed, delta=1e-6)
        print("stale by", their - renewed)


if __name__ == "__main__":
    IMP.test.main()

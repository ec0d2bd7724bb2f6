"""Incremental scoring: the same score whatever IMP says has moved."""

import random

import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.test


class Tests(IMP.test.TestCase):
    def make(self, movable_target=False):
        m = IMP.Model()
        rng = random.Random(4)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(11)]
        bodies = [_systems.create_body(m, gaussians[i : i + 3]) for i in (0, 3, 6)]
        data = _systems.create_data(m, rng)
        target = _systems.create_body(m, data) if movable_target else None
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
        m.update()
        return m, gaussians, data, bodies, target, r

    def move(self, body, x):
        old = body.get_reference_frame().get_transformation_to()
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(0, 0, 1), 0.3 * x)
        body.set_reference_frame_lazy(
            IMP.algebra.ReferenceFrame3D(
                IMP.algebra.Transformation3D(
                    turn * old.get_rotation(), old.get_translation() + IMP.algebra.Vector3D(x, 0, 0)
                )
            )
        )
        return IMP.algebra.ReferenceFrame3D(old)

    def test_lists_that_lie(self):
        """A rejection, an unrelated move, and lists without the rejected body"""
        m, gaussians, data, bodies, _, r = self.make()
        sf = IMP.core.RestraintsScoringFunction([r])
        start = sf.evaluate(False)
        a, b, _ = [p.get_particle_index() for p in bodies]
        # body a is tried and rejected; the restraint is not called again before b moves
        old = self.move(bodies[0], 3.0)
        sf.evaluate_moved(False, [a], [])
        bodies[0].set_reference_frame_lazy(old)
        self.move(bodies[1], 2.0)
        got = sf.evaluate_moved(False, [b], [])  # a is missing from the reset list
        m.update()
        self.assertAlmostEqual(got, _systems.get_score(gaussians, data), delta=1e-11)
        self.assertNotEqual(got, start)
        # the wrong one is named
        self.move(bodies[2], 1.0)
        got = sf.evaluate_moved(False, [a], [])
        m.update()
        self.assertAlmostEqual(got, _systems.get_score(gaussians, data), delta=1e-11)
        # and too much is
        self.assertEqual(sf.evaluate_moved(False, [a, b], [b]), got)

    def test_random_walk(self):
        """Accepted, rejected, repeated and combined moves equal a fresh restraint"""
        for movable in (False, True):
            m, gaussians, data, bodies, target, r = self.make(movable)
            sf = IMP.core.RestraintsScoringFunction([r])
            movers = [*bodies, *([target] if movable else [])]
            rng = random.Random(8)
            for step in range(300):
                chosen = rng.sample(movers, rng.choice([1, 1, 1, 2, 3]))
                old = [self.move(body, rng.uniform(-2, 2)) for body in chosen]
                bead = IMP.core.XYZ(gaussians[9 + step % 2])
                old_bead = bead.get_coordinates()
                if step % 3 == 0:
                    bead.set_coordinate(step % 2, rng.uniform(-9, 9))
                moved = [body.get_particle_index() for body in chosen]
                got = sf.evaluate_moved(False, moved, [])
                if step % 7 == 0:
                    r.get_sigma_estimate()  # a look in between disturbs nothing
                if step % 20 == 0:
                    fresh = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
                    self.assertEqual(got, fresh.evaluate(False))
                    self.assertAlmostEqual(got, _systems.get_score(gaussians, data), delta=1e-9)
                if rng.random() < 0.6:
                    for body, frame in zip(chosen, old, strict=True):
                        body.set_reference_frame_lazy(frame)
                    bead.set_coordinates(old_bead)

    def test_derivatives_of_moved(self):
        """evaluate_moved with derivatives gives those of evaluate"""
        _m, _gaussians, _data, bodies, _, r = self.make()
        sf = IMP.core.RestraintsScoringFunction([r])
        self.move(bodies[0], 1.0)
        first = sf.evaluate_moved(True, [bodies[0].get_particle_index()], [])
        force = list(bodies[0].get_derivatives())
        self.assertAlmostEqual(sf.evaluate(True), first, delta=1e-11)
        self.assertEqual(list(bodies[0].get_derivatives()), force)


if __name__ == "__main__":
    IMP.test.main()

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

    def turn(self, body, angle):
        """Turn about the body's own origin: no coordinate of its particle changes."""
        old = body.get_reference_frame().get_transformation_to()
        turn = IMP.algebra.get_rotation_about_axis(IMP.algebra.Vector3D(1, 2, 3), angle)
        body.set_reference_frame_lazy(
            IMP.algebra.ReferenceFrame3D(
                IMP.algebra.Transformation3D(turn * old.get_rotation(), old.get_translation())
            )
        )
        return IMP.algebra.ReferenceFrame3D(old)

    def test_turns_taken_back_unnamed(self):
        """A body that was turned, and turned back without a word, is where it was"""
        for movable in (False, True):
            m, gaussians, data, bodies, target, r = self.make(movable)
            sf = IMP.core.RestraintsScoringFunction([r])
            sf.evaluate(False)
            others = [bodies[1], bodies[2]]
            for body in [bodies[0], *([target] if movable else [])]:
                for other in others:
                    old = self.turn(body, 0.7)
                    sf.evaluate_moved(False, [body.get_particle_index()], [])
                    body.set_reference_frame_lazy(old)
                    self.turn(other, 0.4)
                    got = sf.evaluate_moved(False, [other.get_particle_index()], [])
                    m.update()
                    self.assertAlmostEqual(got, _systems.get_score(gaussians, data), delta=1e-9)

    def test_images_follow(self):
        """Where the source alone is named, its image moved, too"""
        m, data, gaussians, source, _image, _operation = _systems.create_dimer()
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
        sf = IMP.core.RestraintsScoringFunction([r])
        sf.evaluate(False)
        index = source.get_particle_index()
        for step in range(8):
            old = self.turn(source, 0.3) if step % 2 else self.move(source, 1.5)
            got = sf.evaluate_moved(False, [index], [index] if step % 3 == 0 else [])
            m.update()
            self.assertAlmostEqual(got, _systems.get_score(gaussians, data), delta=1e-9)
            if step % 4 == 3:
                source.set_reference_frame_lazy(old)

    def test_beads_of_bodies(self):
        """Flexible beads of a body move with it, and alone"""
        m = IMP.Model()
        rng = random.Random(3)
        gaussians = [_systems.create_gaussian(m, rng) for _ in range(6)]
        body = _systems.create_body(m, gaussians[:3])
        for p in gaussians[3:5]:
            body.add_non_rigid_member(p)
        data = _systems.create_data(m, rng)
        r = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
        m.update()
        sf = IMP.core.RestraintsScoringFunction([r])
        sf.evaluate(False)
        for step in range(9):
            if step % 3 == 0:
                self.turn(body, 0.5)
                moved = body.get_particle_index()
            elif step % 3 == 1:
                member = IMP.core.NonRigidMember(gaussians[3 + step % 2])
                member.set_internal_coordinates(
                    member.get_internal_coordinates() + IMP.algebra.Vector3D(1, 0, -2)
                )
                moved = member.get_particle_index()
            else:
                IMP.core.XYZ(gaussians[5]).set_coordinate(step % 2, rng.uniform(-9, 9))
                moved = gaussians[5].get_index()
            got = sf.evaluate_moved(False, [moved], [])
            m.update()
            fresh = IMP.emgmm.GaussianMixtureRestraint(m, gaussians, data)
            self.assertAlmostEqual(got, fresh.evaluate(False), delta=1e-9)

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

"""Where the map suggests to put rigid bodies: all from nothing, or one beside others in place."""

import pickle
import random

import _pmi_system
import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import IMP.emgmm.macros
import IMP.emgmm.restraint
import IMP.emgmm.starts
import IMP.test
import numpy as np


def create_gaussians(m, arrays):
    return [
        IMP.emgmm.gmm.create_gaussian(m, weight, mean, covariance)
        for mean, covariance, weight in zip(*arrays, strict=True)
    ]


def get_places(ps):
    return np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in ps])


def scatter(m, bodies, seed=1):
    rng = random.Random(seed)
    for body in bodies:
        away = IMP.algebra.Transformation3D(
            _systems.get_rotation(rng),
            IMP.algebra.Vector3D(*(rng.uniform(-40, 40) for _ in range(3))),
        )
        IMP.core.transform(body, away)
    m.update()


def set_poses(m, bodies, poses):
    for body, pose in zip(bodies, poses, strict=True):
        body.set_reference_frame(IMP.algebra.ReferenceFrame3D(pose))
    m.update()


class Tests(IMP.test.TestCase):
    def make(self, movable_map=False):
        """Three bodies of 9, 7 and 6 Gaussians, which are the map's, and one that is free."""
        m = IMP.Model()
        rng = random.Random(4)
        data = [_systems.create_gaussian(m, rng, 22) for _ in range(22)]
        model = create_gaussians(m, _systems.get_arrays(data))
        parts = [model[:9], model[9:16], model[16:]]
        bodies = [_systems.create_body(m, ps) for ps in parts]
        map_body = _systems.create_body(m, data) if movable_map else None
        free = _systems.create_gaussian(m, rng, 22)
        r = IMP.emgmm.GaussianMixtureRestraint(m, [*model, free], data, "lognormal", 0.1)
        return m, r, data, model, bodies, map_body or free

    def test_from_nothing(self):
        """Bodies far away come to where they belong"""
        m, r, data, model, bodies, _ = self.make()
        right = get_places(model)
        scatter(m, bodies)
        self.assertGreater(np.abs(get_places(model) - right).max(), 20)
        found = r.get_placements(bodies, 3, 1, 2)
        set_poses(m, bodies, found[0].get_poses())
        self.assertLess(np.abs(get_places(model) - right).max(), 0.5)
        scores = [placement.get_score() for placement in found]
        self.assertEqual(scores, sorted(scores))
        self.assertGreaterEqual(found[0].get_times_found(), 1)
        alone = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        self.assertAlmostEqual(alone.evaluate(False), scores[0], delta=1e-6)

        scatter(m, bodies, 2)  # no part in it, nor have the threads
        again = r.get_placements(bodies, 3, 2, 2)
        self.assertEqual([p.get_score() for p in again], scores)
        back = pickle.loads(pickle.dumps(found[0]))
        self.assertEqual(back.get_score(), scores[0])
        self.assertEqual(back.get_times_found(), found[0].get_times_found())
        for a, b in zip(back.get_poses(), found[0].get_poses(), strict=True):
            self.assertEqual(list(a.get_translation()), list(b.get_translation()))

    def test_movable_map(self):
        """The places go with the map"""
        m, r, data, model, bodies, map_body = self.make(movable_map=True)
        scatter(m, [*bodies, map_body])
        set_poses(m, bodies, r.get_placements(bodies, 1, 1, 1)[0].get_poses())
        self.assertLess(np.abs(get_places(model) - get_places(data)).max(), 0.5)

    def make_pair(self):
        """Two bodies alike, and a map of both of them, in two places."""
        m = IMP.Model()
        rng = random.Random(9)
        one = _systems.get_arrays([_systems.create_gaussian(m, rng, 12) for _ in range(8)])
        turn = _systems.get_rotation(rng)
        moved = IMP.algebra.Transformation3D(turn, IMP.algebra.Vector3D(35, 5, -8))
        model, data = ([*create_gaussians(m, one), *create_gaussians(m, one)] for _ in range(2))
        bodies = [_systems.create_body(m, ps) for ps in (model[:8], model[8:])]
        IMP.core.transform(bodies[1], moved)
        for p in data[8:]:
            IMP.core.transform(IMP.core.RigidBody(p), moved)
        m.update()
        r = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        return m, r, model, bodies

    def test_beside_others(self):
        """A body goes to where one that stays is not"""
        m, r, model, bodies = self.make_pair()
        right = get_places(model)
        for stays, placed in ((0, 1), (1, 0)):
            scatter(m, [bodies[placed]])
            density = r.get_pose_density(bodies[placed], 1, 1, [bodies[stays]])
            set_poses(m, [bodies[placed]], [density.get_poses()[0]])
            np.testing.assert_allclose(get_places(model), right, atol=1)
        # Without it both places are as good.
        alone = r.get_pose_density(bodies[0], 1, 1).get_weights()
        self.assertGreater(alone[1], 0.9 * alone[0])
        beside = r.get_pose_density(bodies[0], 1, 1, [bodies[1]]).get_weights()
        self.assertLess(beside[1], 0.9 * beside[0])

    def test_refused(self):
        """Bodies that are none of the model's, or named twice"""
        m, r, _data, model, bodies, free = self.make()
        other = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
        carriers = [b.get_particle_index() for b in bodies] + [free.get_index()]
        self.assertEqual(list(r.get_carriers()), carriers)
        for wrong in ([], [other], [bodies[0], bodies[0]], [model[0]]):
            self.assertRaises(ValueError, r.get_placements, wrong)
        self.assertRaises(ValueError, r.get_placements, bodies, 1, 1, 0)
        for wrong in ([bodies[0]], [other], [model[0]]):
            self.assertRaises(ValueError, r.get_pose_density, bodies[0], 1, 1, wrong)

    def test_pmi(self):
        """Bodies of IMP.pmi with their beads, together and one by one"""
        with IMP.test.temporary_working_directory():
            m, root, dof, densities = _pmi_system.create_system()
            IMP.emgmm.gmm.write_gaussians(IMP.emgmm.gmm.get_gaussians(densities), "target.txt")
            em = IMP.emgmm.restraint.GaussianEMRestraint(densities, target_fn="target.txt")
        system = IMP.emgmm.macros.System(m, root, dof, em, [em], [em], [])
        bodies = dof.get_rigid_bodies()
        beads = [bead.get_particle() for bead in dof.get_flexible_beads()]
        local = [list(IMP.core.NonRigidMember(p).get_internal_coordinates()) for p in beads]
        scatter(m, bodies)
        placements = IMP.emgmm.starts.place_bodies(system, 1, 1, 2)
        pose = placements[0].get_poses()[1].get_translation()
        np.testing.assert_allclose(list(bodies[1].get_coordinates()), list(pose), atol=1e-9)
        for p, xyz in zip(beads, local, strict=True):
            self.assertEqual(list(IMP.core.NonRigidMember(p).get_internal_coordinates()), xyz)

        density = IMP.emgmm.starts.place_body(em, bodies[0], bodies[1:], 1, 1)
        want = em.get_pose_density(bodies[0], bodies[1:], 1, 1).get_poses()[0].get_translation()
        self.assertEqual(list(density.get_poses()[0].get_translation()), list(want))
        np.testing.assert_allclose(list(bodies[0].get_coordinates()), list(want), atol=1e-9)
        with self.assertRaisesRegex(ValueError, "no EM restraint"):
            IMP.emgmm.starts.place_bodies(system._replace(em=None))
        with self.assertRaisesRegex(ValueError, "symmetric"):
            IMP.emgmm.starts.place_bodies(system._replace(model=_systems.create_dimer()[0]))


if __name__ == "__main__":
    IMP.test.main()

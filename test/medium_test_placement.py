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
import IMP.isd
import IMP.test
import numpy as np
from _placement import (
    create_gaussians,
    create_pair,
    create_three,
    get_places,
    scatter,
    search,
    set_poses,
)
from IMP.emgmm.symmetric_search import get_symmetric_placements


class Tests(IMP.test.TestCase):
    def test_from_nothing(self):
        """Bodies far away come to where they belong"""
        m, r, data, model, bodies, _ = create_three()
        right = get_places(model)
        scatter(m, bodies)
        self.assertGreater(np.abs(get_places(model) - right).max(), 20)
        found = search(r, bodies, seed=3)
        set_poses(m, bodies, found[0].get_poses())
        self.assertLess(np.abs(get_places(model) - right).max(), 0.5)
        scores = [placement.get_score() for placement in found]
        self.assertEqual(scores, sorted(scores))
        self.assertGreaterEqual(found[0].get_times_found(), 1)
        alone = IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1)
        self.assertAlmostEqual(alone.evaluate(False), scores[0], delta=1e-6)

        scatter(m, bodies, 2)  # no part in it, nor have the threads
        again = search(r, bodies, seed=3, threads=2)
        self.assertEqual([p.get_score() for p in again], scores)
        back = pickle.loads(pickle.dumps(found[0]))
        self.assertEqual(back.get_score(), scores[0])
        self.assertEqual(back.get_times_found(), found[0].get_times_found())
        for a, b in zip(back.get_poses(), found[0].get_poses(), strict=True):
            self.assertEqual(list(a.get_translation()), list(b.get_translation()))

    def test_movable_map(self):
        """The places go with the map"""
        m, r, data, model, bodies, map_body = create_three(movable_map=True)
        scatter(m, [*bodies, map_body])
        set_poses(m, bodies, search(r, bodies, searches=1)[0].get_poses())
        self.assertLess(np.abs(get_places(model) - get_places(data)).max(), 0.5)

    def test_beside_others(self):
        """A body goes to where one that stays is not"""
        m, r, model, bodies = create_pair()
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
        m, r, _data, model, bodies, free = create_three()
        other = IMP.core.RigidBody.setup_particle(IMP.Particle(m), IMP.algebra.ReferenceFrame3D())
        carriers = [b.get_particle_index() for b in bodies] + [free.get_index()]
        self.assertEqual(list(r.get_carriers()), carriers)
        for wrong in ([], [other], [bodies[0], bodies[0]], [model[0]]):
            self.assertRaises(ValueError, IMP.emgmm.BodySearch, r, wrong)
        self.assertRaises(ValueError, search, r, bodies, searches=0)
        options = IMP.emgmm.BodySearch(r, bodies)
        with self.assertRaisesRegex(ValueError, "no option rounds.*anew.rounds"):
            options.set_option("rounds", 1)
        with self.assertRaisesRegex(ValueError, "searches must be a whole number"):
            options.set_option("searches", 1.5)
        with self.assertRaisesRegex(ValueError, "soft must be a number"):
            options.set_option("soft", -1)
        for name in options.get_option_names():
            value = options.get_option(name)
            options.set_option(name, value + 1)
            self.assertEqual(options.get_option(name), value + 1)
        self.assertRaises(ValueError, options.set_copies, [0], [])
        self.assertRaises(ValueError, options.set_data_mass, -1)
        self.assertRaises(ValueError, options.add_molecule, [model[0]], [])
        self.assertRaises(ValueError, options.add_cross_links, [0], [], [], [], 21, 0.02, 1)
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
        placements = IMP.emgmm.starts.place_bodies(system, 1, 1, options={"searches": 2})
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

    def test_symmetric(self):
        """One copy searches, all follow: two bodies, each with its images, around an axis"""
        m = IMP.Model()
        rng = random.Random(2)
        operations = IMP.emgmm.get_symmetry_operations(
            "C3", *(IMP.algebra.Vector3D(*v) for v in ((5, 0, 0), (1, 0, 2), (0, 0, 0)))
        )
        data, model, sources = [], [], []
        for n, place in ((14, (60, 0, 0)), (7, (40, 5, 45))):
            one = [_systems.create_gaussian(m, rng, 22, [20, 20, 20]) for _ in range(n)]
            for p in one:
                IMP.core.transform(
                    IMP.core.RigidBody(p),
                    IMP.algebra.Transformation3D(IMP.algebra.Vector3D(*place)),
                )
            group = []
            for operation in operations:
                copy = create_gaussians(m, _systems.get_arrays(one))
                target = create_gaussians(m, _systems.get_arrays(one))
                body = _systems.create_body(m, copy)
                IMP.core.transform(body, operation)
                for p in target:
                    IMP.core.transform(IMP.core.RigidBody(p), operation)
                m.update()
                model += copy
                data += target
                group.append(body)
            sources.append(group[0])
            index = [body.get_particle_index() for body in group]
            identity = IMP.algebra.get_identity_transformation_3d()
            m.add_score_state(
                IMP.emgmm.SymmetryConstraint(
                    m, [index[0]] * 2, index[1:], operations[1:], [identity] * 2
                )
            )
        m.update()
        em = _Em(IMP.emgmm.GaussianMixtureRestraint(m, model, data, "lognormal", 0.1), model, data)
        best = em.gaussianEM_restraint.evaluate(False)
        scatter(m, sources)
        system = IMP.emgmm.macros.System(m, None, _Dof(sources), em, [], [], [])
        told = []
        placements = IMP.emgmm.starts.place_bodies(
            system, 1, 1, progress=lambda *now: told.append(now)
        )
        self.assertEqual(told[-1][3], 1)
        self.assertAlmostEqual(
            em.gaussianEM_restraint.evaluate(False), placements[0].get_score(), delta=1e-6
        )
        self.assertGreater(em.gaussianEM_restraint.get_cross_correlation(), 0.999)
        scores = [placement.get_score() for placement in placements]
        self.assertEqual(scores, sorted(set(scores)))
        self.assertLess(best, scores[0])
        self.assertGreater(scores[1], scores[0] + 2)

        lone = _systems.create_body(m, [_systems.create_gaussian(m, rng)])
        with self.assertRaisesRegex(ValueError, "takes no part in the symmetry"):
            get_symmetric_placements(system, [*sources, lone], 1, 1)


class _Em:
    def __init__(self, restraint, model_ps, target_ps):
        self.gaussianEM_restraint = restraint
        self.model_ps, self.target_ps = model_ps, target_ps


class _Dof:
    """Degrees of freedom of a system without IMP.pmi."""

    disabled_movers = movers_rb_map = movers_xyz_map = ()

    def __init__(self, bodies):
        self.bodies = bodies

    def get_rigid_bodies(self):
        return self.bodies

    def get_flexible_beads(self):
        return []


if __name__ == "__main__":
    IMP.test.main()

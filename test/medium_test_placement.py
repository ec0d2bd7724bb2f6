"""Where the map suggests to put rigid bodies: all from nothing, or one beside others in place."""

import os
import pickle
import random
import signal
import threading

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
from IMP.emgmm.search import Monitor
from IMP.emgmm.symmetric_search import get_symmetric_placements


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


def search(r, bodies, monitor=None, seed=1, threads=1, searches=2):
    body_search = IMP.emgmm.BodySearch(r, bodies)
    for name, value in {"seed": seed, "threads": threads, "searches": searches}.items():
        body_search.set_option(name, value)
    return body_search.get_placements(monitor)


def create_bead(m, xyz, radius):
    p = IMP.Particle(m)
    IMP.core.XYZR.setup_particle(p, IMP.algebra.Sphere3D(IMP.algebra.Vector3D(*xyz), radius))
    return p


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
        m, r, data, model, bodies, map_body = self.make(movable_map=True)
        scatter(m, [*bodies, map_body])
        set_poses(m, bodies, search(r, bodies, searches=1)[0].get_poses())
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

    def create_guided(self):
        """Two bodies with a bead each, a chain of two flexible beads between them."""
        m, r, _model, bodies = self.make_pair()
        center = [list(body.get_coordinates()) for body in bodies]
        ends = [create_bead(m, xyz, 3.0) for xyz in center]
        for body, end in zip(bodies, ends, strict=True):
            body.add_member(end)
        chain = [create_bead(m, (0, 50 * i, 0), 2.5) for i in range(2)]
        m.update()
        return m, r, bodies, ends, chain

    def test_guides(self):
        """What sequence, links and volume say of bodies, as IMP's own restraints say it"""
        m, r, bodies, ends, chain = self.create_guided()
        found = IMP.emgmm.BodySearch(r, bodies)
        for pair, slack in zip(
            ((ends[0], chain[0]), (chain[0], chain[1]), (chain[1], ends[1])),
            (3.6, 7.2, 1.0),
            strict=True,
        ):
            found.add_bond(*pair, slack, 10.0)
        gap = IMP.core.get_distance(IMP.core.XYZR(ends[0]), IMP.core.XYZR(ends[1]))
        slack = 3.6 + 7.2 + 1.0 + 2 * 2 * 2.5
        self.assertGreater(gap, slack)
        want = [10 / 3 / 2 * (gap - slack) ** 2]
        self.assertAlmostEqual(found.get_guides()[0], want[0], delta=1e-9 * want[0])

        # A link to a flexible bead counts at the body next to it in sequence; one to a molecule
        # without a body says nothing.
        lone = create_bead(m, (0, 0, 90), 2.0)
        found.add_molecule([ends[0], chain[0], chain[1], ends[1]], [10, 14, 20, 24])
        found.add_molecule([lone], [3])
        unknowns = [IMP.isd.Scale.setup_particle(IMP.Particle(m), v) for v in (2.0, 3.0, 0.2)]
        s1, s2, psi = (p.get_particle_index() for p in unknowns)
        link = IMP.isd.CrossLinkMSRestraint(m, 21.0, 0.02)
        link.add_contribution([e.get_index() for e in ends], (s1, s2), psi)
        found.add_cross_links(
            [0, 1, 1],
            [
                (chain[0].get_index(), ends[1].get_index()),
                (ends[0].get_index(), ends[1].get_index()),
                (ends[0].get_index(), lone.get_index()),
            ],
            [2.0, 3.0, 2.0, 2.0, 2.0, 2.0],
            [0.2, 0.2, 0.2],
            21.0,
            0.02,
            1.5,
        )
        m.update()
        without = 1.5 * np.log(0.2)  # the prior of psi
        self.assertAlmostEqual(
            found.get_guides()[1] - without, -1.5 * np.log(link.get_probability()), delta=1e-6
        )

        spheres = [create_bead(m, list(IMP.core.XYZ(e).get_coordinates()), 40.0) for e in ends]
        for body, sphere in zip(bodies, spheres, strict=True):
            body.add_member(sphere)
        m.update()
        found.add_excluded_volume([*spheres, lone], 2.0)
        found.add_excluded_volume(spheres, 2.0, True)
        apart = IMP.core.get_distance(*(IMP.core.XYZ(p) for p in spheres))
        want = 2.0 / 2 * (0.8 * 80 - apart) ** 2
        self.assertGreater(0.8 * 80, apart)
        np.testing.assert_allclose(found.get_guides()[2:], [want, want], rtol=1e-9)

    def test_links_decide(self):
        """Where the map cannot tell two copies, a cross-link does"""
        m, r, model, bodies = self.make_pair()
        right = get_places(model)
        third = [_systems.create_gaussian(m, random.Random(3), 5) for _ in range(5)]
        target = create_gaussians(m, _systems.get_arrays([*model, *third]))
        for p in (*third, *target[-5:]):
            IMP.core.transform(
                IMP.core.RigidBody(p),
                IMP.algebra.Transformation3D(IMP.algebra.Vector3D(-38, 12, 5)),
            )
        middle = _systems.create_body(m, third)
        m.update()
        r = IMP.emgmm.GaussianMixtureRestraint(m, [*model, *third], target, "lognormal", 0.1)
        bodies.append(middle)
        beads = [create_bead(m, list(b.get_coordinates()), 1.0) for b in bodies]
        for body, bead in zip(bodies, beads, strict=True):
            body.add_member(bead)
        m.update()
        length = IMP.core.get_distance(*(IMP.core.XYZ(beads[i]) for i in (0, 2)))
        other = IMP.core.get_distance(*(IMP.core.XYZ(beads[i]) for i in (1, 2)))
        self.assertGreater(other, length + 10)
        scatter(m, bodies)
        for linked in (0, 1):
            found = IMP.emgmm.BodySearch(r, bodies)
            found.set_copies([0, 0, 2], [IMP.algebra.get_identity_transformation_3d()] * 3)
            found.set_option("threads", 1)
            found.add_cross_links(
                [0],
                [(beads[linked].get_index(), beads[2].get_index())],
                [1.0, 1.0],
                [0.05],
                length + 2,
                0.02,
                3.0,
            )
            set_poses(m, bodies, found.get_placements()[0].get_poses())
            np.testing.assert_allclose(get_places(third), get_places(target[-5:]), atol=0.5)
            places = get_places(model)
            if linked:
                places = np.concatenate([places[8:], places[:8]])
            np.testing.assert_allclose(places, right, atol=0.5)

    def test_monitor(self):
        """A monitor is told how far it is, and ends the search; Ctrl-C does, too"""
        _m, r, _data, _model, bodies, _ = self.make()
        told = []
        found = search(r, bodies, Monitor(lambda *now: told.append(now)))
        self.assertGreaterEqual(len(told), 2)
        stages, _numbers, _searches, shares, best = zip(*told, strict=True)
        self.assertEqual((stages[0], stages[-1]), ("each body everywhere", "done"))
        self.assertEqual(list(shares), sorted(shares))
        self.assertIsNone(best[0])
        self.assertEqual(best[-1], found[0].get_score())

        def fail(*now):
            raise KeyError("told")

        self.assertRaises(KeyError, search, r, bodies, Monitor(fail))

        class Impatient(Monitor):
            def get_is_stopped(self):
                return True

        self.assertLess(len(search(r, bodies, Impatient(), searches=1000)), 7)
        long = IMP.emgmm.BodySearch(r, bodies)
        for name, value in {"searches": 100000, "confirmations": 100000, "threads": 2}.items():
            long.set_option(name, value)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        self.assertRaises(KeyboardInterrupt, long.get_placements, Monitor())
        timer.join()

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

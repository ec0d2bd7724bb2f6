"""The global search of bodies: what guides it, and who is told how far it is."""

import os
import random
import signal
import threading

import _systems
import IMP
import IMP.algebra
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.test
import numpy as np
from _placement import (
    create_bead,
    create_gaussians,
    create_pair,
    create_three,
    get_places,
    scatter,
    search,
    set_poses,
)
from IMP.emgmm.search import Monitor


def create_guided():
    """Two bodies with a bead each, a chain of two flexible beads between them."""
    m, r, _model, bodies = create_pair()
    center = [list(body.get_coordinates()) for body in bodies]
    ends = [create_bead(m, xyz, 3.0) for xyz in center]
    for body, end in zip(bodies, ends, strict=True):
        body.add_member(end)
    chain = [create_bead(m, (0, 50 * i, 0), 2.5) for i in range(2)]
    m.update()
    return m, r, bodies, ends, chain


class Tests(IMP.test.TestCase):
    def test_guides(self):
        """What sequence, links and volume say of bodies, as IMP's own restraints say it"""
        m, r, bodies, ends, chain = create_guided()
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
        m, r, model, bodies = create_pair()
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
        _m, r, _data, _model, bodies, _ = create_three()
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
        for name, value in {"searches": 1000, "confirmations": 1000, "threads": 2}.items():
            long.set_option(name, value)
        # A program in the background of a shell starts with SIGINT ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        self.assertRaises(KeyboardInterrupt, long.get_placements, Monitor())
        timer.join()


if __name__ == "__main__":
    IMP.test.main()

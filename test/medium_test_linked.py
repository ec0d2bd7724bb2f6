"""Joint moves of linked bodies: who is linked, what moves as one."""

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.linked
import IMP.pmi.dof
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.topology
import IMP.test
import numpy as np
from _pmi_system import quiet


class Links:
    """As IMP.pmi's restraint keeps cross-links."""

    def __init__(self, *pairs):
        self.xl_list = [{"Particle1": a, "Particle2": b} for a, b in pairs]


class Tests(IMP.test.TestCase):
    def make(self):
        """Chain A: body A1, its own loop, two free beads, body A2, a free tail; bodies B and C."""
        IMP.random_number_generator.seed(5)
        with quiet():
            m = IMP.Model()
            state = IMP.pmi.topology.System(m, name="toy").create_state()
            a = state.create_molecule("A", sequence="MKVLITGAAGFIGSHLVKALLKRGEEVT", chain_id="A")
            a.add_representation(a[:10], resolutions=[1], ideal_helix=True)
            a.add_representation(a[10:16], resolutions=[2])
            a.add_representation(a[16:26], resolutions=[1], ideal_helix=True)
            a.add_representation(a[26:], resolutions=[2])
            others = []
            for name in "BC":
                mol = state.create_molecule(name, sequence="MSDKTLLEAV", chain_id=name)
                mol.add_representation(mol, resolutions=[1], ideal_helix=True)
                others.append(mol)
            root = state.build()
            dof = IMP.pmi.dof.DegreesOfFreedom(m)
            steps = {"max_trans": 3.0, "max_rot": 0.2}
            dof.create_rigid_body(a[:12], nonrigid_parts=a[10:12], name="A1", **steps)
            dof.create_rigid_body(a[16:26], name="A2", **steps)
            for mol in others:
                dof.create_rigid_body(mol, name=mol.get_name(), **steps)
            dof.create_flexible_beads(a[12:16])
            dof.create_flexible_beads(a[26:])
            connectivity = IMP.pmi.restraints.stereochemistry.ConnectivityRestraint(a)
            IMP.pmi.tools.shuffle_configuration(root, max_translation=15, niterations=100)
        m.update()
        self.root = root
        return m, dof, connectivity

    def find(self, molecule, residue):
        (p,) = IMP.atom.Selection(
            self.root, molecule=molecule, residue_index=residue
        ).get_selected_particles()
        return p

    def get_names(self, groups):
        return [[body.get_name() for body in group] for group in groups]

    def test_groups(self):
        """Bonds and links tie bodies; a free bead stands for the nearest"""
        _m, dof, connectivity = self.make()
        find = self.find
        name = {b.get_name()[:2].rstrip("_"): b.get_name() for b in dof.get_rigid_bodies()}
        a1, a2, b, c = (name[key] for key in ("A1", "A2", "B", "C"))

        def groups(*restraints):
            return self.get_names(IMP.emgmm.linked.get_linked_groups(dof, restraints))

        self.assertEqual(groups(), [])
        self.assertEqual(groups(connectivity), [[a1, a2]])
        within = Links((find("B", 1), find("B", 5)))
        self.assertEqual(groups(within), [])
        self.assertEqual(groups(Links((find("B", 1), find("C", 5)))), [[b, c]])
        # 11 follows A1; 13 is free, next to it; 27 next to A2.
        for residue, body in ((5, a1), (11, a1), (13, a1), (16, a2), (20, a2), (27, a2)):
            tied = groups(connectivity, Links((find("A", residue), find("C", 1))))
            self.assertEqual(tied, [[a1, a2], [body, c], [a1, a2, c]])
        # Without its sequence a free bead stands for none.
        self.assertEqual(groups(Links((find("A", 13), find("C", 1)))), [])
        dof.disable_movers([find("C", 1)], mover_types=[IMP.core.RigidBodyMover])
        self.assertEqual(groups(Links((find("B", 1), find("C", 5)))), [])

    def test_movers(self):
        """All of a group keeps its shape, beads between included; nothing else moves"""
        m, dof, connectivity = self.make()
        find = self.find
        links = Links((find("A", 3), find("B", 1)))
        movers = IMP.emgmm.linked.create_linked_movers(dof, [connectivity, links])
        self.assertEqual(len(movers), 3)
        along = {
            "A": [1, 5, 11, 13, 15, 17, 26],  # A1 with its loop, the beads between, A2
            "B": [2, 8],
        }
        stay = [find("C", 4), find("A", 27)]

        def look(ps):
            return np.array([list(IMP.core.XYZ(p).get_coordinates()) for p in ps])

        for mover, names in zip(movers, ("A", "", "AB"), strict=True):
            self.assertTrue(mover.get_name().startswith("linked "))
            self.assertEqual(mover.get_maximum_translation(), 3.0)
            self.assertAlmostEqual(mover.get_maximum_rotation(), 0.2)
            if not names:  # A1 and B alone
                moving = [find("A", 1), find("A", 11), find("B", 2)]
                still = [*stay, find("A", 13), find("A", 17)]
            else:
                moving = [find(n, i) for n in names for i in along[n]]
                still = stay
            before, rest = look(moving), look(still)
            mover.propose()
            m.update()
            after = look(moving)
            self.assertGreater(np.abs(after - before).max(), 0.01)
            np.testing.assert_array_equal(look(still), rest)
            for x, y in ((before, after),):
                distances = [np.linalg.norm(z[:, None] - z, axis=2) for z in (x, y)]
                np.testing.assert_allclose(*distances, atol=1e-9)
            mover.reject()
            m.update()
            np.testing.assert_allclose(look(moving), before, atol=1e-9)

    def test_known(self):
        """What a super rigid body moves gets no second mover; steps can be given"""
        _m, dof, connectivity = self.make()
        with quiet():
            hiers = IMP.atom.Selection(
                self.root, molecule="A", residue_indexes=range(1, 27)
            ).get_selected_particles()
            dof.create_super_rigid_body([IMP.atom.Hierarchy(p) for p in hiers])
        self.assertEqual(IMP.emgmm.linked.create_linked_movers(dof, [connectivity]), [])
        links = Links((self.find("C", 3), self.find("B", 1)))
        (mover,) = IMP.emgmm.linked.create_linked_movers(dof, [links], 1.5, 0.3)
        self.assertEqual(mover.get_maximum_translation(), 1.5)

    def test_distribution(self):
        """Joint moves alone, in a harmonic well of one body: both follow"""
        m, dof, _connectivity = self.make()
        links = Links((self.find("C", 3), self.find("B", 1)))
        (mover,) = IMP.emgmm.linked.create_linked_movers(dof, [links], 2.5, 1.0)
        IMP.random_number_generator.seed(8)
        body = next(b for b in dof.get_rigid_bodies() if b.get_name().startswith("B"))
        restraints = [
            IMP.core.SingletonRestraint(
                m,
                IMP.core.AttributeSingletonScore(IMP.core.Harmonic(x, 0.8), key),
                body.get_particle_index(),
            )
            for key, x in zip(IMP.core.XYZ.get_xyz_keys(), (3.0, -2.0, 7.0), strict=True)
        ]
        mc = IMP.emgmm.HastingsMonteCarlo(m)
        mc.set_scoring_function(restraints)
        mc.set_kt(1.2)
        mc.set_return_best(False)
        mc.add_mover(mover)
        mc.optimize(500)
        seen = []
        for _ in range(8000):
            mc.optimize(4)
            seen.append(list(body.get_coordinates()))
        np.testing.assert_allclose(np.mean(seen, axis=0), (3.0, -2.0, 7.0), atol=0.15)
        np.testing.assert_allclose(np.var(seen, axis=0), 1.2 / 0.8, rtol=0.12)


if __name__ == "__main__":
    IMP.test.main()

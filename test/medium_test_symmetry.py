"""Copies that follow the first: where they are, what an optimizer sees, and Monte Carlo."""

import pickle

import _pmi_system
import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.symmetry
import IMP.pmi.dof
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.tools
import IMP.pmi.topology
import IMP.test
import numpy as np

CENTER = IMP.algebra.Vector3D(40, -10, 5)
AXIS, SECOND = IMP.algebra.Vector3D(1, 2, 3), IMP.algebra.Vector3D(0, 1, 0)


def create_ring(copies=3, odd_copy=""):
    """(model, root, degrees of freedom, molecules): helices with flexible tails, and a free bead;
    every copy somewhere else and turned otherwise."""
    IMP.random_number_generator.seed(5)
    with _pmi_system.quiet():
        m = IMP.Model()
        system = IMP.pmi.topology.System(m, name="ring")
        state = system.create_state()
        molecules = []
        for k in range(copies):
            sequence = "MKVLITGAAGFIGSHLVKALLKRGEEV" + (odd_copy if k == 1 else "")
            mol = state.create_molecule(f"A{k}", sequence=sequence, chain_id="ABCDEF"[k])
            mol.add_representation(mol[:15], resolutions=[1], ideal_helix=True)
            mol.add_representation(mol[15:], resolutions=[5])
            molecules.append(mol)
        root = system.build()
        dof = IMP.pmi.dof.DegreesOfFreedom(m)
        for mol in molecules:
            dof.create_rigid_body(
                mol[:20], nonrigid_parts=mol[15:20], max_trans=3.0, max_rot=0.1, name=mol.get_name()
            )
            dof.create_flexible_beads(mol[20:], max_trans=3.0)
        dof.create_super_rigid_body(molecules)
        IMP.pmi.tools.shuffle_configuration(
            root, max_translation=25, verbose=False, niterations=1000
        )
        m.update()
    return m, root, dof, molecules


def get_coordinates(mol):
    leaves = IMP.atom.get_leaves(mol.hier)
    leaves.sort(key=lambda leaf: min(IMP.pmi.tools.get_residue_indexes(leaf)))
    return np.array([list(IMP.core.XYZ(leaf).get_coordinates()) for leaf in leaves])


class Tests(IMP.test.TestCase):
    def make(self, group="C3"):
        operations = IMP.emgmm.get_symmetry_operations(group, CENTER, AXIS, SECOND)
        m, root, dof, molecules = create_ring(len(operations))
        constraints = IMP.emgmm.symmetry.constrain_symmetry(
            dof, [[mol] for mol in molecules], operations
        )
        return m, root, dof, molecules, operations, constraints

    def assert_symmetric(self, molecules, operations, delta):
        first = get_coordinates(molecules[0])
        for mol, operation in zip(molecules, operations, strict=True):
            want = [list(operation * IMP.algebra.Vector3D(*x)) for x in first]
            np.testing.assert_allclose(get_coordinates(mol), want, atol=delta)

    def create_restraints(self, m, root):
        """A score that is no sum over copies: excluded volume, and springs between all tails."""
        with _pmi_system.quiet():
            volume = IMP.pmi.restraints.stereochemistry.ExcludedVolumeSphere(
                included_objects=root, resolution=1
            )
        volume.add_to_model()
        restraints = [volume.get_restraint_set()]
        leaves = IMP.atom.get_leaves(root)
        spring = IMP.core.HarmonicUpperBound(12, 0.05)
        for a, b in zip(leaves[::7], leaves[3::7], strict=False):
            restraints.append(
                IMP.core.DistanceRestraint(m, spring, a.get_particle(), b.get_particle())
            )
        return restraints

    def test_operations(self):
        """Of C3 turns by 120 degrees about the axis, of D2 three half turns besides nothing"""
        turns = IMP.emgmm.get_symmetry_operations("C3", CENTER, AXIS)
        self.assertEqual(len(turns), 3)
        point = CENTER + 7 * AXIS
        for k, turn in enumerate(turns):
            self.assertLess((turn * point - point).get_magnitude(), 1e-9)
            rotation = turn.get_rotation().get_quaternion()
            self.assertAlmostEqual(abs(rotation[0]), abs(np.cos(k * np.pi / 3)), delta=1e-12)
        for turn in IMP.emgmm.get_symmetry_operations("D2", CENTER, AXIS, SECOND)[1:]:
            self.assertAlmostEqual(turn.get_rotation().get_quaternion()[0], 0, delta=1e-12)
            self.assertLess((turn * CENTER - CENTER).get_magnitude(), 1e-9)
        for group, second in (("T", SECOND), ("C", SECOND), ("D2", AXIS)):
            self.assertRaises(
                ValueError, IMP.emgmm.get_symmetry_operations, group, CENTER, AXIS, second
            )

    def test_copies_follow(self):
        """Bodies, their flexible members and free beads, whatever moves the first copy"""
        for group in ("C3", "D2"):
            m, _, dof, molecules, operations, constraints = self.make(group)
            self.assertEqual(len(constraints), 3)  # the body, and two beads
            # Ideal helices are alike to their last digit only.
            self.assert_symmetric(molecules, operations, 1e-4)
            movers = dof.get_movers()
            self.assertEqual(len(movers), 4)  # the first copy's body and beads: no joint move
            for mover in movers:
                for _ in range(5):
                    mover.propose()
                    mover.accept()
                m.update()
                self.assert_symmetric(molecules, operations, 1e-4)

    def test_derivatives(self):
        """Those of the first copy are the slopes of the score with all copies in tow"""
        m, root, dof = self.make()[:3]
        restraints = self.create_restraints(m, root)
        sf = IMP.core.RestraintsScoringFunction(restraints)
        body = next(b for b in dof.get_rigid_bodies() if b.get_name().startswith("A0"))
        at = body.get_reference_frame().get_transformation_to()
        step = 1e-5

        def score_at(motion):
            frame = IMP.algebra.ReferenceFrame3D(motion)
            body.set_reference_frame(frame)
            return sf.evaluate(False)

        sf.evaluate(True)
        force = np.array(list(IMP.core.XYZ(body).get_derivatives()))
        torque = np.array(list(at.get_rotation() * body.get_torque()))
        by_quaternion = np.array(list(body.get_rotational_derivatives()))
        self.assertGreater(np.abs(force).max(), 0.1)
        for axis in range(3):
            v = IMP.algebra.Vector3D(*np.eye(3)[axis])
            values = []
            for sign in (1, -1):
                shifted = IMP.algebra.Transformation3D(
                    at.get_rotation(), at.get_translation() + sign * step * v
                )
                values.append(score_at(shifted))
            self.assertAlmostEqual((values[0] - values[1]) / 2 / step, force[axis], delta=1e-3)
            values = []
            for sign in (1, -1):
                turn = IMP.algebra.get_rotation_about_axis(v, sign * step)
                values.append(
                    score_at(
                        IMP.algebra.Transformation3D(turn * at.get_rotation(), at.get_translation())
                    )
                )
            slope = (values[0] - values[1]) / 2 / step
            self.assertAlmostEqual(slope, torque[axis], delta=1e-2)
            # Conjugate gradients follow the quaternion: dq = (0, v) q dtheta / 2.
            q = np.array(list(at.get_rotation().get_quaternion()))
            w, x = q[0], q[1:]
            dq = 0.5 * np.concatenate(
                [[-x[axis]], w * np.eye(3)[axis] + np.cross(np.eye(3)[axis], x)]
            )
            self.assertAlmostEqual(slope, dq @ by_quaternion, delta=1e-2)
        score_at(at)
        # Beads: members of the body, and free ones.
        for bead in dof.get_flexible_beads():
            p = bead.get_particle()
            if IMP.pmi.tools.get_molecules(p)[0].get_name() != "A0":
                continue
            member = IMP.core.NonRigidMember.get_is_setup(p)
            keys = (
                IMP.core.RigidBodyMember.get_internal_coordinate_keys()
                if member
                else IMP.core.XYZ.get_xyz_keys()
            )
            sf.evaluate(True)
            slopes = [p.get_derivative(key) for key in keys]
            for key, want in zip(keys, slopes, strict=True):
                x = p.get_value(key)
                values = []
                for sign in (1, -1):
                    p.set_value(key, x + sign * step)
                    values.append(sf.evaluate(False))
                p.set_value(key, x)
                self.assertAlmostEqual((values[0] - values[1]) / 2 / step, want, delta=1e-3)

    def test_conjugate_gradients(self):
        """Minimise: the copies stay symmetric, and nothing but the first copy is optimized"""
        m, root, _, molecules, operations, _ = self.make()
        sf = IMP.core.RestraintsScoringFunction(self.create_restraints(m, root))
        before = sf.evaluate(False)
        cg = IMP.core.ConjugateGradients(m)
        cg.set_scoring_function(sf)
        self.assertLess(cg.optimize(50), 0.9 * before)
        self.assert_symmetric(molecules, operations, 1e-4)

    def test_moved_score(self):
        """Monte Carlo that computes what moved: the score is that of a full evaluation"""
        m, root, dof, molecules, operations, _ = self.make("D2")
        restraints = self.create_restraints(m, root)
        mc = IMP.emgmm.HastingsMonteCarlo(m)
        sf = IMP.core.RestraintsScoringFunction(restraints)
        mc.set_scoring_function(sf)
        mc.set_kt(1)
        mc.set_return_best(False)
        mc.set_score_moved(True)
        mc.add_mover(IMP.core.SerialMover(dof.get_movers()))
        accepted = 0
        for _ in range(30):
            mc.optimize(7)
            accepted += mc.get_number_of_accepted_steps()
            kept = mc.get_last_accepted_energy()
            self.assertAlmostEqual(kept, sf.evaluate(False), delta=1e-6 * abs(kept))
            self.assert_symmetric(molecules, operations, 1e-4)
        self.assertTrue(20 < accepted < 190, accepted)

    def test_pickle(self):
        m = self.make()[0]
        restored = pickle.loads(pickle.dumps(m))
        states = [s for s in restored.get_score_states() if "symmetry of" in s.get_name()]
        self.assertEqual(len(states), 3)

    def test_refused(self):
        """Copies that are unlike, and too few of them"""
        operations = IMP.emgmm.get_symmetry_operations("C3", CENTER, AXIS)
        _, _, dof, molecules = create_ring(3, odd_copy="GGG")
        constrain = IMP.emgmm.symmetry.constrain_symmetry
        with self.assertRaisesRegex(ValueError, "unlike beads"):
            constrain(dof, [[mol] for mol in molecules], operations)
        with self.assertRaisesRegex(ValueError, "2 copies for 3 operations"):
            constrain(dof, [[mol] for mol in molecules[:2]], operations)


if __name__ == "__main__":
    IMP.test.main()

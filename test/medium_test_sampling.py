"""Sampling on IMP.pmi: files, weight schedule, restart."""

import ast
import os
import shutil
import signal
import subprocess
import sys

import IMP
import IMP.atom
import IMP.core
import IMP.emgmm.adaptation
import IMP.emgmm.gmm
import IMP.emgmm.job
import IMP.emgmm.macros
import IMP.emgmm.movers
import IMP.emgmm.restart
import IMP.emgmm.restraint
import IMP.emgmm.samplers
import IMP.emgmm.sampling
import IMP.pmi.macros
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.samplers
import IMP.pmi.tools
import IMP.rmf
import IMP.test
import numpy as np
import RMF
from _pmi_system import create_scored_system, quiet, read_stat


class Tests(IMP.test.TestCase):
    def setUp(self):
        super().setUp()
        self.script = os.path.abspath(sys.argv[0])
        self.enterContext(IMP.test.temporary_working_directory())

    def test_files(self):
        """A frame in the RMF file has the score of its stat line; the best beats the start"""
        system = create_scored_system()
        shown = []
        result = IMP.emgmm.macros.sample(
            system,
            "out",
            steps=600,
            frame_interval=20,
            exchange_interval=10,
            box=20.0,
            seed=4,
            progress=lambda done, total: shown.append((done, total)),
        )
        self.assertEqual(result["steps"], 600)
        self.assertEqual(result["moves"], 600)
        self.assertEqual(len(result["acceptance"]), len(system.dof.get_movers()))
        for share in result["acceptance"].values():
            self.assertTrue(0 < share <= 1)
        self.assertEqual(shown[-1], (600, 600))
        stat = read_stat()
        self.assertEqual(len(stat), 30)
        rmf = RMF.open_rmf_file_read_only("out/rmfs/0.rmf3")
        self.assertEqual(rmf.get_number_of_frames(), 30)
        IMP.rmf.link_hierarchies(rmf, [system.hierarchy])
        for i in (0, 17, 29):
            IMP.rmf.load_frame(rmf, RMF.FrameID(i))
            system.model.update()
            # RMF keeps single precision
            self.assertAlmostEqual(
                system.em.evaluate() / float(stat[i]["GaussianEMRestraint_em"]), 1, delta=1e-3
            )
            self.assertEqual(int(stat[i]["rmf_frame_index"]), i)
            self.assertEqual(int(stat[i]["MonteCarlo_Nframe"]), 20 * (i + 1))

    def test_schedule(self):
        """The EM weight is low in its turn and full whenever a frame is written"""
        system = create_scored_system()
        weights = []
        run = IMP.emgmm.job.Sampler._run

        def spy(sampler, steps):
            weights.append((system.em.weight, steps))
            run(sampler, steps)

        IMP.emgmm.job.Sampler._run = spy
        try:
            IMP.emgmm.macros.sample(
                system,
                "out",
                steps=60,
                frame_interval=10,
                start="asis",
                progress=None,
                annealing=IMP.emgmm.sampling.Annealing(0.25, 7, 30),
            )
        finally:
            IMP.emgmm.job.Sampler._run = run
        self.assertEqual(weights, ([(0.5, 7)] + [(2.0, 10)] * 3) * 2)
        for line in read_stat():
            self.assertEqual(system.em.weight, 2.0)
            self.assertIn("GaussianEMRestraint_em_CCC", line)

    def test_adapted_steps(self):
        """A burn-in finds steps that are accepted, is not counted, and its steps outlive a kill"""
        options = {"start": "asis", "frame_interval": 10, "progress": None, "seed": 2}

        def far(system):
            movers = system.dof.get_movers()
            for mover in movers:
                if isinstance(mover, IMP.core.BallMover):
                    mover.set_radius(100.0)
                else:
                    mover.set_maximum_translation(100.0)
                    mover.set_maximum_rotation(3.0)
            return movers

        system = create_scored_system()
        far(system)
        without = IMP.emgmm.macros.sample(system, "far", steps=500, **options)
        self.assertLess(np.mean(list(without["acceptance"].values())), 0.1)
        system = create_scored_system()
        movers = far(system)
        found = IMP.emgmm.macros.sample(system, "out", steps=2000, adapt_steps=10000, **options)
        self.assertEqual(found["moves"], 2000)
        self.assertEqual(sum(m.get_number_of_proposed() for m in movers), 2000)
        self.assertEqual(len(read_stat()), 200)
        for share in found["acceptance"].values():
            self.assertAlmostEqual(share, 0.3, delta=0.15)
        again = create_scored_system()
        far(again)
        IMP.emgmm.macros.sample(
            again, "out", steps=2010, adapt_steps=10000, restart=True, **options
        )
        for old, new in zip(movers, again.dof.get_movers(), strict=True):
            for size in ("radius", "maximum_translation", "maximum_rotation"):
                if hasattr(old, "get_" + size):
                    was, now = (getattr(m, "get_" + size)() for m in (old, new))
                    self.assertAlmostEqual(was, now, delta=1e-9 * was)
        self.assertEqual(sum(m.get_number_of_proposed() for m in again.dof.get_movers()), 10)
        other = IMP.emgmm.adaptation.Adaptation(movers[:1])
        self.assertRaisesRegex(
            ValueError, "2 factors on steps, expected 1", other.set_scales, [1, 1]
        )

    def test_adapted_scale(self):
        """The factor follows what was accepted, and stays where too little was tried"""
        scale = IMP.emgmm.get_adapted_scale
        self.assertEqual(scale(0.5, 5, 0), 0.5)
        self.assertAlmostEqual(scale(0.5, 100, 30), 0.5, delta=1e-12)
        self.assertLess(scale(0.5, 100, 0), 0.4)
        self.assertGreater(scale(0.5, 100, 90), 0.8)
        self.assertEqual(scale(0.01, 100, 0), 0.01)

    def test_restart(self):
        """A run that was killed goes on from its last state, and its files are one run's"""
        options = {"frame_interval": 10, "progress": None, "seed": 2}
        system = create_scored_system()
        IMP.emgmm.macros.sample(system, "out", steps=100, start="random", **options)
        coordinates = [list(b.get_coordinates()) for b in system.dof.get_rigid_bodies()]
        again = create_scored_system()
        state = IMP.emgmm.restart.State.read("out", 0)
        self.assertEqual(state.done, 100)
        state.write_to(again)
        for b, xyz in zip(again.dof.get_rigid_bodies(), coordinates, strict=True):
            self.assertEqual(list(b.get_coordinates()), xyz)
        self.assertAlmostEqual(again.em.evaluate(), system.em.evaluate(), delta=1e-9)
        for steps in (150, 180):
            again = create_scored_system()
            IMP.emgmm.macros.sample(again, "out", steps=steps, restart=True, **options)
        stat = read_stat()
        self.assertEqual([int(s["rmf_frame_index"]) for s in stat], list(range(18)))
        rmf = RMF.open_rmf_file_read_only("out/rmfs/0.rmf3")
        self.assertEqual(rmf.get_number_of_frames(), 18)
        IMP.rmf.link_hierarchies(rmf, [again.hierarchy])
        for i in (3, 12, 17):
            IMP.rmf.load_frame(rmf, RMF.FrameID(i))
            again.model.update()
            self.assertAlmostEqual(
                again.em.evaluate() / float(stat[i]["GaussianEMRestraint_em"]), 1, delta=1e-3
            )
        self.assertEqual(sorted(os.listdir("out/rmfs")), ["0.rmf3"])
        self.assertRaises(
            ValueError,
            IMP.emgmm.macros.sample,
            create_scored_system(),
            "nothing",
            restart=True,
            **options,
        )

    def test_killed(self):
        """Killed without warning, a run goes on and no frame is lost, though RMF had not yet
        written any"""
        options = {"steps": 100, "frame_interval": 10, "seed": 2}

        child = subprocess.run(
            [sys.executable, self.script],
            env={**os.environ, "SAMPLE_AND_DIE": repr(options)},
            timeout=60,
            check=False,
        )
        self.assertEqual(child.returncode, -signal.SIGKILL)
        self.assertEqual(len(read_stat()), 6)
        rmf = RMF.open_rmf_file_read_only("out/rmfs/0.rmf3")
        self.assertLess(rmf.get_number_of_frames(), 6)
        again = create_scored_system()
        IMP.emgmm.macros.sample(again, "out", restart=True, progress=None, **options)
        last = again.em.evaluate()
        stat = read_stat()
        self.assertEqual([int(s["rmf_frame_index"]) for s in stat], list(range(9)))
        self.assertAlmostEqual(last, float(stat[-1]["GaussianEMRestraint_em"]), delta=1e-9)
        rmf = RMF.open_rmf_file_read_only("out/rmfs/0.rmf3")
        self.assertEqual(rmf.get_number_of_frames(), 9)
        IMP.rmf.link_hierarchies(rmf, [again.hierarchy])
        for i in range(9):
            IMP.rmf.load_frame(rmf, RMF.FrameID(i))
            again.model.update()
            self.assertAlmostEqual(
                again.em.evaluate() / float(stat[i]["GaussianEMRestraint_em"]), 1, delta=1e-3
            )
        self.assertEqual(os.listdir("out/restart"), ["0.npz"])

    def test_sampler_of_pmi(self):
        """PMI's macro samples with ours within the context, by scores of the model as it is"""
        system = create_scored_system()
        seen = []

        class Watched(IMP.emgmm.samplers.MonteCarlo):
            def optimize(self, nstep):
                super().optimize(nstep)
                scratch = IMP.core.RestraintsScoringFunction(
                    [IMP.pmi.tools.get_restraint_set(self.model)]
                )
                seen.append((self.mc.get_last_accepted_energy(), scratch.evaluate(False)))

        before = IMP.pmi.samplers.MonteCarlo
        with quiet(), IMP.emgmm.samplers.used_by_pmi(Watched):
            IMP.pmi.macros.ReplicaExchange(
                system.model,
                root_hier=system.hierarchy,
                monte_carlo_sample_objects=system.dof.get_movers(),
                output_objects=list(system.output_objects),
                monte_carlo_steps=17,
                number_of_best_scoring_models=0,
                number_of_frames=20,
                score_moved=True,
            ).execute_macro()
        self.assertIs(IMP.pmi.samplers.MonteCarlo, before)
        self.assertGreaterEqual(len(seen), 20)
        np.testing.assert_allclose(*zip(*seen, strict=True), atol=1e-6)

    def test_ranks(self):
        """Files of several ranks become those of one run"""
        system = create_scored_system()
        IMP.emgmm.macros.sample(system, "out", steps=40, frame_interval=10, progress=None)
        for name in ("stat.%d.out", "stat_replica.%d.out", "rmfs/%d.rmf3"):
            shutil.copy("out/" + name % 0, "out/" + name % 1)
        IMP.emgmm.restart.merge_ranks("out", 2)
        stat = read_stat()
        self.assertEqual([int(s["rmf_frame_index"]) for s in stat], list(range(8)))
        rmf = RMF.open_rmf_file_read_only("out/rmfs/0.rmf3")
        self.assertEqual(rmf.get_number_of_frames(), 8)
        self.assertFalse(os.path.exists("out/stat.1.out"))

    def test_same_seed(self):
        """The same seed makes the same run, whether moves are scored alone or not"""
        runs = []
        for moved in (True, False):
            system = create_scored_system()
            IMP.emgmm.macros.sample(
                system,
                "out%d" % moved,
                steps=100,
                frame_interval=10,
                seed=9,
                progress=None,
                score_moved=moved,
            )
            runs.append(
                [float(s["GaussianEMRestraint_em"]) for s in read_stat("out%d/stat.0.out" % moved)]
            )
        # Sums in another order differ in the last digits; another decision would show at once.
        np.testing.assert_allclose(*runs, rtol=1e-9)

    def test_bad_arguments(self):
        """Errors say what was found"""
        system = create_scored_system()
        for options in ({"frame_interval": 15, "exchange_interval": 10}, {"start": "here"}):
            self.assertRaises(
                ValueError, IMP.emgmm.macros.sample, system, "out", steps=10, **options
            )
        for replicas in (1, 2, 4):
            IMP.emgmm.sampling.check_replicas(replicas)
        # IMP.mpi would wait forever for the friend of the third.
        self.assertRaises(ValueError, IMP.emgmm.sampling.check_replicas, 3)


def sample_and_die(options):
    """Killed after 70 steps"""
    after_piece = IMP.emgmm.job.Job.after_piece

    def die(job):
        after_piece(job)
        if job.done == 70:
            os.kill(os.getpid(), signal.SIGKILL)

    IMP.emgmm.job.Job.after_piece = die
    IMP.emgmm.macros.sample(create_scored_system(), "out", progress=None, **options)


if __name__ == "__main__":
    if "SAMPLE_AND_DIE" in os.environ:
        sample_and_die(ast.literal_eval(os.environ["SAMPLE_AND_DIE"]))
    else:
        IMP.test.main()

"""The share that each kind of move gets of a run, and what is told of it."""

import IMP.core
import IMP.emgmm
import IMP.emgmm.job
import IMP.emgmm.macros
import IMP.emgmm.movers
import IMP.emgmm.sampling
import IMP.emgmm.starts
import IMP.pmi.tools
import IMP.test
from _pmi_system import create_scored_system, read_stat


class Tests(IMP.test.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(IMP.test.temporary_working_directory())

    def test_found(self):
        """Each mover is credited with the moves that led to a score better than any before"""
        system = create_scored_system()
        IMP.emgmm.starts.set_random_start(system, 60.0, 3)
        movers = list(system.dof.get_movers())
        turns = IMP.emgmm.movers.create_turn_movers(system.dof)
        swaps = IMP.emgmm.movers.create_swap_movers(system.dof)
        mc = IMP.emgmm.HastingsMonteCarlo(system.model)
        mc.set_scoring_function(
            IMP.core.RestraintsScoringFunction([IMP.pmi.tools.get_restraint_set(system.model)])
        )
        mc.set_return_best(False)
        mc.set_score_moved(True)
        mc.set_kt(1.0)
        kinds = [(turns, 0.2), (swaps, 0.1)]
        mc.set_movers([IMP.emgmm.movers.create_schedule(movers, kinds)])
        movers += [*turns, *swaps]
        mc.set_watched_movers(movers)
        mc.optimize(1)
        mc.set_watched_movers(movers)  # from here on
        best, found = mc.get_last_accepted_energy(), [0] * len(movers)
        for step in range(1500):
            counts = step % 50 < 40  # else as if the score were another
            mc.set_is_watching(counts)
            if counts:
                best = min(best, mc.get_last_accepted_energy())
            before = [mover.get_number_of_proposed() for mover in movers]
            mc.optimize(1)
            used = [
                mover.get_number_of_proposed() > n for mover, n in zip(movers, before, strict=True)
            ]
            self.assertEqual(sum(used), 1)
            if counts and mc.get_last_accepted_energy() < best:
                best = mc.get_last_accepted_energy()
                found[used.index(True)] += 1
        self.assertEqual(list(mc.get_found()), found)
        self.assertGreater(sum(found), 10)
        self.assertGreater(sum(n > 0 for n in found), 2)

    def test_found_at_full_weight(self):
        """What was found counts the lowest temperature and the full weight of the map alone"""
        system = create_scored_system()
        run, watched = IMP.emgmm.job.Sampler._run, []

        def spy(sampler, steps):
            watched.append((system.em.weight, sampler.mc.get_is_watching()))
            run(sampler, steps)

        IMP.emgmm.job.Sampler._run = spy
        try:
            result = IMP.emgmm.macros.sample(
                system,
                "out",
                steps=600,
                frame_interval=10,
                progress=None,
                annealing=IMP.emgmm.sampling.Annealing(0.25, 50, 200),
            )
        finally:
            IMP.emgmm.job.Sampler._run = run
        self.assertEqual(set(watched), {(0.5, False), (2.0, True)})
        self.assertEqual(result["found"].keys(), result["acceptance"].keys())
        self.assertGreater(sum(result["found"].values()), 0)

    def test_global_moves(self):
        """Swaps and turns get their share of the moves, and each of them a line"""
        system = create_scored_system()
        result = IMP.emgmm.macros.sample(
            system,
            "out",
            steps=400,
            frame_interval=10,
            moves={"turns": 0.15, "swaps": 0.15},
            progress=None,
        )
        self.assertEqual(result["moves"], 400)
        names = [m.get_name() for m in system.dof.get_movers()]
        extra = {k for k in result["acceptance"] if k.startswith(("turn ", "swap "))}
        self.assertEqual(len(extra), 3)  # two bodies: two turns, one swap
        self.assertEqual(len(result["acceptance"]), len(names) + len(extra))
        line = read_stat()[-1]
        self.assertEqual(sum("Acceptance_swap" in key for key in line), 1)

        turns = IMP.emgmm.movers.create_turn_movers(system.dof)
        swaps = IMP.emgmm.movers.create_swap_movers(system.dof)
        local = system.dof.get_movers()
        tried = {}
        for movers in (turns, swaps, local):
            for mover in movers:
                mover.reset_statistics()
        schedule = IMP.emgmm.movers.create_schedule(local, [(turns, 0.15), (swaps, 0.15)])
        for _ in range(1000):
            schedule.propose()
            schedule.reject()
        for kind, movers in (("turn", turns), ("swap", swaps), ("local", local)):
            tried[kind] = sum(mover.get_number_of_proposed() for mover in movers)
        self.assertEqual(tried, {"turn": 150, "swap": 150, "local": 700})
        for moves in ({"swaps": 1.0}, {"swaps": 0.5, "turns": 0.5}, {"swap": 0.1}):
            self.assertRaises(
                ValueError, IMP.emgmm.macros.sample, system, "out", steps=10, moves=moves
            )

    def test_independence_moves(self):
        """Bodies go to places of the map, and how often is told"""
        system = create_scored_system()
        result = IMP.emgmm.macros.sample(
            system,
            "out",
            steps=1000,
            frame_interval=10,
            moves={"independence": 0.25},
            temperature_min=5.0,  # else a toy of 30 residues has one place
            temperature_max=5.0,
            progress=None,
        )
        self.assertTrue(0 < result["acceptance"]["independence"] < 0.9)
        line = read_stat()[-1]
        self.assertEqual(sum("Acceptance_independence" in key for key in line), 1)
        (mover,) = IMP.emgmm.movers.create_independence_movers(system.dof, system.em)
        self.assertEqual(
            list(mover.get_bodies()),
            [b.get_particle_index() for b in system.dof.get_rigid_bodies()],
        )
        self.assertFalse(mover.get_returns_ratio())  # of use in any sampler
        without = system._replace(em=None)
        self.assertRaises(
            ValueError,
            IMP.emgmm.macros.sample,
            without,
            "out",
            steps=10,
            moves={"independence": 0.1},
        )

    def test_schedule_of_kinds(self):
        """Each kind of moves gets its share, spread evenly"""
        system = create_scored_system()
        local = system.dof.get_movers()
        turns = IMP.emgmm.movers.create_turn_movers(system.dof)
        swaps = IMP.emgmm.movers.create_swap_movers(system.dof)
        for shares in ((0.2, 0.1), (0.003, 0.05), (1 / 3, 1 / 3)):
            for mover in (*local, *turns, *swaps):
                mover.reset_statistics()
            schedule = IMP.emgmm.movers.create_schedule(
                local, list(zip((turns, swaps), shares, strict=True))
            )
            for _ in range(2000):
                schedule.propose()
                schedule.reject()
            for kind, share in zip((turns, swaps), shares, strict=True):
                tried = sum(mover.get_number_of_proposed() for mover in kind)
                self.assertLessEqual(abs(tried - 2000 * share), 1.5)
        with self.assertRaises(ValueError):
            IMP.emgmm.movers.create_schedule(local, [(turns, 0.5), (swaps, 0.5)])


if __name__ == "__main__":
    IMP.test.main()

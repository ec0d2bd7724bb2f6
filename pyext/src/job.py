"""@namespace IMP.emgmm.job
What one process does of a run: PMI's sampler with the weight schedule, its state, its frames.
"""

import contextlib
import os
import time

import IMP.core
import IMP.emgmm.samplers
import IMP.pmi.output
import numpy as np
from IMP.emgmm.adaptation import Adaptation
from IMP.emgmm.movers import create_schedule
from IMP.emgmm.restart import REPLICA_KEY, State, get_journal


class Sampler(IMP.emgmm.samplers.MonteCarlo):
    """PMI's sampler, one body a move, with the weight schedule; after each piece it keeps the
    state for a restart."""

    job = None  # set by sample() for the time that PMI's macro makes its sampler

    def __init__(self, model, objects=None, temp=1.0, filterbyname=None, score_moved=False):
        kinds = self.job.other_moves
        others = [mover for kind, _ in kinds for mover in kind]
        # PMI's mover of all movers only tells how often each was accepted.
        super().__init__(model, [*objects, *others], temp, filterbyname, score_moved)
        self.mc.set_movers([create_schedule(objects, kinds)])
        self.mc.set_watched_movers(self.smv.get_movers())
        self.accepted = self.proposed = 0
        self.job.sampler = self

    def _adapt(self, steps):
        self.job.adaptation = Adaptation(self.job.system.dof.get_movers())
        begin = time.monotonic()
        self.mc.set_is_watching(False)
        self.job.adaptation.run(self.mc.optimize, steps)
        self.job.adapt_seconds = time.monotonic() - begin
        for mover in self.smv.get_movers():
            mover.reset_statistics()

    def _run(self, steps):
        self.mc.reset_statistics()
        self.mc.optimize(steps)
        self.accepted += self.mc.get_number_of_accepted_steps()
        self.proposed += self.mc.get_number_of_proposed_steps()

    def optimize(self, nstep):
        job, em = self.job, self.job.system.em
        job.count_exchanges()
        if job.adapt_steps and job.adaptation is None:
            self._adapt(job.adapt_steps)
        annealing = job.annealing
        if em and annealing and annealing.low_steps and job.high_steps <= 0:
            full = em.weight
            self.mc.set_is_watching(False)
            em.set_weight(full * annealing.low_weight)
            self._run(annealing.low_steps)
            em.set_weight(full)
        if annealing and job.high_steps <= 0:
            job.high_steps = annealing.high_steps
        self.mc.set_is_watching(self.mc.get_kt() <= job.coldest * (1 + 1e-9))
        self._run(nstep)
        job.high_steps -= nstep
        job.done += nstep
        self.nframe = job.done
        job.after_piece()

    def get_by_mover(self, values):
        """A dictionary of one value for each mover; of movers of one name the later ones are
        marked."""
        named = {}
        for mover, value in zip(self.smv.get_movers(), values, strict=True):
            name = mover.get_name()
            while name in named:
                name += "'"
            named[name] = value
        return named

    def get_acceptance(self):
        """Share of the moves of each mover that were accepted, at any weight."""
        movers = [IMP.core.MonteCarloMover.get_from(m) for m in self.smv.get_movers()]
        tried = [max(mover.get_number_of_proposed(), 1) for mover in movers]
        return self.get_by_mover(
            [m.get_number_of_accepted() / n for m, n in zip(movers, tried, strict=True)]
        )

    def get_found(self):
        """Moves of each mover that led this process to a new best score, at the lowest
        temperature and full weight."""
        return self.get_by_mover([int(count) for count in self.mc.get_found()])

    def get_output(self):
        return {**super().get_output(), REPLICA_KEY: str(self.job.rank)}


class Job:
    """A run as one process of it knows it."""

    def __init__(self, system, output, annealing, steps, coldest, progress):
        self.system, self.output, self.annealing = system, output, annealing
        self.coldest = coldest  # temperature, kT
        self.steps, self.progress = steps, progress
        self.other_moves = []  # (list of movers, share among all moves)
        self.adapt_steps, self.adaptation = 0, None  # an Adaptation, once there was one
        self.adapt_seconds = 0.0
        self.done = 0  # moves at full weight
        self.frame_interval, self.frames = 1, 0  # of this sitting
        self.high_steps = 0  # left at full weight before the weight drops
        self.sampler = None
        self.exchange = None
        self.rank = 0
        self.pieces = 0  # of this sitting
        self.exchanges = None  # accepted, of each pair of neighbouring temperatures
        self.shown = time.monotonic()

    def count_exchanges(self):
        """Before each piece but the first, and after the last: add what the exchange since did."""
        if self.exchange.get_number_of_replicas() > 1 and self.pieces:
            self.exchanges = self.exchanges + np.array(self.exchange.get_exchange_array())

    def get_exchange_shares(self):
        """Share of the exchanges that were accepted, of each pair of neighbouring temperatures."""
        # IMP.mpi tries the even pairs and the odd ones in turn; with two replicas the one pair is
        # both.
        n = self.exchange.get_number_of_replicas()
        tries = [self.pieces if n == 2 else (self.pieces + 1 - k % 2) // 2 for k in range(n - 1)]
        return [float(a) / max(t, 1) for a, t in zip(self.exchanges, tries, strict=True)]

    def is_frame(self):
        """Whether a frame is due. IMP.pmi's own count of frames is that of the exchanges, and
        its rmf_frame_index too, even where only some are written."""
        return self.done % self.frame_interval == 0

    def after_frame(self):
        self.frames += 1
        State.read_from(self.system, None, 0, 0).append_to(get_journal(self.output, self.rank))

    def after_piece(self):
        self.pieces += 1
        scales = self.adaptation.scales if self.adaptation else ()
        state = State.read_from(self.system, self.exchange, self.done, self.high_steps, scales)
        state.write(self.output, self.rank)
        now = time.monotonic()
        if self.rank == 0 and self.progress and (now - self.shown > 0.5 or self.done >= self.steps):
            self.shown = now
            self.progress(self.done, self.steps)


@contextlib.contextmanager
def used_by_pmi(job):
    """Within it the macro of IMP.pmi samples with a Sampler of this job, and writes frames when
    they are due: it looks sampler and writer up by name."""
    writer = IMP.pmi.output.Output
    write_rmf, write_stat2 = writer.write_rmf, writer.write_stat2

    def write_due_rmf(self, name):
        if os.path.basename(os.path.dirname(name)) != "rmfs":
            write_rmf(self, name)
        elif job.is_frame():
            write_rmf(self, name)
            job.after_frame()

    def write_due_stat(self, name, *args, **options):
        if os.path.basename(name).startswith("stat."):
            if not job.is_frame():
                return
            self.set_output_entry("rmf_frame_index", job.frames - 1)
        write_stat2(self, name, *args, **options)

    writer.write_rmf, writer.write_stat2 = write_due_rmf, write_due_stat
    try:
        with IMP.emgmm.samplers.used_by_pmi(type("JobSampler", (Sampler,), {"job": job})):
            yield
    finally:
        writer.write_rmf, writer.write_stat2 = write_rmf, write_stat2

"""@namespace IMP.emgmm.sampling
The sampling protocol of the EM restraint's paper on IMP.pmi's replica exchange.
"""

import contextlib
import math
import os
import sys
import time

import IMP
import IMP.emgmm
import IMP.pmi.macros
import IMP.pmi.samplers
import numpy as np
from IMP.emgmm.adaptation import Adaptation
from IMP.emgmm.job import Job, used_by_pmi
from IMP.emgmm.movers import create_other_movers
from IMP.emgmm.restart import State, get_journal, merge_segments, recover_frames, set_aside
from IMP.emgmm.starts import place_bodies, set_random_start


class Annealing:
    """Weight schedule: `low_steps` moves with the EM weight times `low_weight`, then
    `high_steps` at full weight, over and over."""

    def __init__(self, low_weight=0.1, low_steps=1000, high_steps=10000):
        self.low_weight, self.low_steps, self.high_steps = low_weight, low_steps, high_steps


def get_replica_exchange():
    """Get the exchange object of `mpirun -np N`, or that of a single process."""
    under_mpi = any(
        name in os.environ for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
    )
    if under_mpi:
        from IMP.mpi import ReplicaExchange

        return ReplicaExchange()
    return IMP.pmi.samplers._SerialReplicaExchange()


def check_replicas(replicas):
    """Refuse numbers of replicas with which IMP.mpi waits forever: it exchanges all in pairs."""
    if replicas > 1 and replicas % 2:
        raise ValueError(f"{replicas} replicas, expected 1 or an even number")


def _show(done, total):
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        sys.stderr.write("\r%d of %d steps (%d%%)%s" % (done, total, 100 * done // total, end))


def sample(
    system,
    output,
    steps=100000,
    frame_interval=100,
    exchange_interval=100,
    temperature_min=1.0,
    temperature_max=2.5,
    annealing=None,
    start="random",
    box=None,
    seed=1,
    score_moved=True,
    adapt_steps=0,
    moves=None,
    restart=False,
    progress=_show,
    verbose=False,
    exchange=None,
    macro_options=None,
):
    """Sample with replica exchange Monte Carlo; one body moves a step, unless moves say else.

    Under `mpirun -np N` with IMP.mpi there are N replicas, else one. Writes PMI's files:
    `stat.R.out` and `rmfs/R.rmf3` for process R (frames of the lowest temperature only, one RMF
    frame a stat line), `stat_replica.R.out`, and `restart/` from which a killed run continues.

    @param system from build_system()
    @param output folder
    @param steps moves of each replica at full EM weight
    @param frame_interval moves between frames
    @param exchange_interval moves between exchanges; divides frame_interval
    @param temperature_min kT
    @param temperature_max kT
    @param annealing Annealing; None for full weight throughout
    @param start "random", "asis", or "placed": where a global search finds the rigid bodies in the
           map, see IMP.emgmm.starts.place_bodies()
    @param box edge of the box of random starts in A
    @param seed every replica draws from its own stream of this seed
    @param score_moved compute only what moved
    @param adapt_steps moves before the first frame, in which the steps of single bodies, beads and
           nuisances get the length at which three in ten are accepted, to keep it
    @param moves dict, share among all moves of kinds beside the steps (IMP.emgmm.movers.KINDS):
           "swaps", by which two rigid bodies change places; "turns", of one about its own axes;
           "independence", by which rigid bodies go to places that the map suggests for each alone,
           wherever they are
    @param restart go on where a run in this folder stopped
    @param progress called with (steps done, all steps) on rank 0
    @param verbose let PMI print
    @param exchange from get_replica_exchange(), where it was needed before
    @param macro_options further arguments of IMP.pmi.macros.ReplicaExchange
    @return dict: steps, moves, seconds, steps_per_second, replicas, acceptance (share by mover),
            found (by mover: moves at the lowest temperature and full weight that led this process
            to a new best score), exchange (share by pair of neighbouring temperatures),
            temperatures, rank
    """
    if frame_interval % exchange_interval and exchange_interval < frame_interval:
        raise ValueError(
            "frame_interval is %d, expected a multiple of exchange_interval, %d"
            % (frame_interval, exchange_interval)
        )
    exchange_interval = min(exchange_interval, frame_interval)
    if start not in ("random", "asis", "placed"):
        raise ValueError(f"start is {start!r}, expected 'random', 'asis' or 'placed'")
    other_moves = create_other_movers(moves or {}, system, seed)
    output = os.path.abspath(str(output))
    job = Job(system, output, annealing, steps, temperature_min, progress)
    job.frame_interval, job.adapt_steps = frame_interval, adapt_steps
    job.other_moves = other_moves
    job.exchange = exchange = exchange or get_replica_exchange()
    job.rank = exchange.get_my_index()
    replicas = exchange.get_number_of_replicas()
    check_replicas(replicas)
    job.exchanges = np.zeros(replicas - 1)
    os.makedirs(output, exist_ok=True)
    stream = seed + 1000003 * job.rank
    quiet = contextlib.nullcontext() if verbose else open(os.devnull, "w")
    with quiet as sink, contextlib.redirect_stdout(sink or sys.stdout):
        if restart:
            state = State.read(output, job.rank)
            state.write_to(system)
            job.done, job.high_steps = state.done, state.high_steps
            if len(state.scales):
                job.adaptation = Adaptation(system.dof.get_movers())
                job.adaptation.set_scales(state.scales)
            stream += 7919 * (1 + job.done)
            set_aside(output, job.rank, job.done)
        elif start == "random":
            set_random_start(system, box, stream)
        elif start == "placed":  # every process finds the same arrangements
            threads = 0 if replicas == 1 else 1
            place_bodies(system, seed, threads, number=job.rank)
        IMP.random_number_generator.seed(stream % (2**32 - 1))
        first = job.done
        frames = max(0, math.ceil((steps - first) / exchange_interval))
        macro = IMP.pmi.macros.ReplicaExchange(
            system.model,
            root_hier=system.hierarchy,
            monte_carlo_sample_objects=system.dof.get_movers(),
            output_objects=list(system.output_objects),
            replica_exchange_object=exchange,
            monte_carlo_temperature=temperature_min,
            replica_exchange_minimum_temperature=temperature_min,
            replica_exchange_maximum_temperature=max(temperature_max, temperature_min),
            monte_carlo_steps=exchange_interval,
            number_of_frames=frames,
            global_output_directory=output,
            score_moved=score_moved,
            **{"number_of_best_scoring_models": 0, **(macro_options or {})},
        )
        with contextlib.suppress(OSError):
            os.remove(get_journal(output, job.rank))
        begin = time.monotonic()
        with used_by_pmi(job):
            macro.execute_macro()
        job.count_exchanges()
        seconds = time.monotonic() - begin - job.adapt_seconds
        recover_frames(system, output, job.rank)
    merge_segments(output, job.rank)
    with contextlib.suppress(OSError):
        os.remove(get_journal(output, job.rank))
    sampler = job.sampler
    return {
        "steps": steps,
        "moves": sampler.proposed,
        "seconds": seconds,
        "steps_per_second": sampler.proposed * replicas / max(seconds, 1e-9),
        "replicas": replicas,
        "acceptance": sampler.get_acceptance(),
        "found": sampler.get_found(),
        "exchange": job.get_exchange_shares(),
        "temperatures": [
            float(t)
            for t in exchange.create_temperatures(temperature_min, temperature_max, replicas)
        ],
        "rank": job.rank,
    }

"""Moved scoring: whether accepted scores are those of the model, and how fast that is.

    imp_moved.py [--pieces 300] [--steps 30000]

PDB 1BD2 in the mixture of the whole, from the crystal, with EM, connectivity and excluded volume;
PMI's moves of bodies, super rigid bodies and beads at 1 kT. After each piece of a run, of 13 to 29
steps, the score last accepted is compared with that of the model scored from scratch.
Needs IMP and the pip package in one Python.
"""

import argparse
import contextlib
import io
import sys
import time
import warnings

from imp_moves import build, run_in_folder

TOLERANCE = 1e-4  # kT


def create_sampler(kind, system):
    import IMP
    import IMP.core
    import IMP.pmi.tools

    IMP.random_number_generator.seed(3)
    mc = kind(system.model)
    mc.set_scoring_function([IMP.pmi.tools.get_restraint_set(system.model)])
    mc.set_score_moved(True)
    mc.set_kt(1.0)
    mc.set_return_best(False)
    mc.add_mover(IMP.core.SerialMover(system.dof.get_movers()))
    return mc


def count_wrong(mc, pieces):
    """How many pieces ended with a wrong score, and by how much at worst, kT."""
    import IMP.core
    import IMP.pmi.tools

    scratch = IMP.core.RestraintsScoringFunction([IMP.pmi.tools.get_restraint_set(mc.get_model())])
    errors = []
    for piece in range(pieces):
        mc.optimize(13 + piece % 17)
        errors.append(abs(mc.get_last_accepted_energy() - scratch.evaluate(False)))
    return sum(error > TOLERANCE for error in errors), max(errors)


def get_steps_per_second(mc, steps):
    begin = time.process_time()
    for _ in range(steps // 100):
        mc.optimize(100)
    return steps / (time.process_time() - begin)


def compare(folder, pieces, steps):
    """Prints the table."""
    import IMP.core
    import IMP.emgmm

    print("| sampler | pieces with a wrong score | worst, kT | steps/s |")
    print("| --- | --- | --- | --- |")
    for kind in (IMP.core.MonteCarlo, IMP.emgmm.HastingsMonteCarlo):
        own = folder / kind.__name__
        own.mkdir()
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            system = build(own)
        mc = create_sampler(kind, system)
        wrong, worst = count_wrong(mc, pieces)
        speed = get_steps_per_second(mc, steps)
        told = f"{worst:.1f}" if wrong else "0"
        name = f"{kind.__module__}.{kind.__name__}"
        print(f"| {name} | {wrong} of {pieces} | {told} | {speed:,.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pieces", type=int, default=300)
    parser.add_argument("--steps", type=int, default=30000)
    parser.add_argument("--run_quick_test", action="store_true")
    arguments, _ = parser.parse_known_args()
    if arguments.run_quick_test:
        arguments.pieces, arguments.steps = 5, 200
    return run_in_folder(compare, arguments.pieces, arguments.steps)


if __name__ == "__main__":
    sys.exit(main())

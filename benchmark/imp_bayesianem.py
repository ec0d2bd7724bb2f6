"""IMP.emgmm beside IMP.bayesianem, in one process, on the same random system.

Two figures, for each module: Monte Carlo steps a second with 6 rigid bodies of 40 Gaussians and
262 data Gaussians, one body a move; and full evaluations a second with 2000 model and 250 data
Gaussians, every body moved before each, IMP's own update of the model included.
"""

import json
import sys
import time

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import numpy as np

try:
    import IMP.bayesianem
    import IMP.isd
except ImportError:
    IMP.bayesianem = None

SPREAD = 5.0  # Å, rms radius of a Gaussian of about ten residues


def create_gaussian(m, rng, center, size=SPREAD):
    p = IMP.Particle(m)
    variances = rng.uniform(0.5, 1.6, 3) * size**2
    q = rng.normal(size=4)
    rotation = IMP.algebra.Rotation3D(IMP.algebra.Vector4D(q / np.linalg.norm(q)))
    frame = IMP.algebra.ReferenceFrame3D(
        IMP.algebra.Transformation3D(rotation, IMP.algebra.Vector3D(center))
    )
    IMP.core.Gaussian.setup_particle(p, IMP.algebra.Gaussian3D(frame, variances))
    IMP.atom.Mass.setup_particle(p, 1090.0)
    IMP.core.XYZR.setup_particle(p, 3 * size)
    return p


def create_system(n_bodies, n_members, n_data, seed):
    """Globular subunits side by side, and a map with as much mass in the same place."""
    rng = np.random.default_rng(seed)
    m = IMP.Model()
    radius = 6.5 * n_members ** (1 / 3)  # 10 residues take about (10 Å)^3
    model, bodies, centers = [], [], []
    for _ in range(n_bodies):
        direction = rng.normal(size=3)
        # The complex is a ball too.
        reach = radius * (n_bodies ** (1 / 3) - 1) * rng.uniform() ** (1 / 3)
        center = direction / np.linalg.norm(direction) * reach
        members = []
        for _ in range(n_members):
            v = rng.normal(size=3)
            v *= radius * rng.uniform() ** (1 / 3) / np.linalg.norm(v)
            centers.append(center + v)
            members.append(create_gaussian(m, rng, centers[-1]))
        body = IMP.core.RigidBody.setup_particle(IMP.Particle(m), members)
        body.set_coordinates_are_optimized(True)
        bodies.append(body)
        model += members
    data = []
    # Fewer components each stand for more of the volume.
    size = SPREAD * (len(model) / n_data) ** (1 / 3)
    for k in rng.choice(len(centers), n_data, replace=n_data > len(centers)):
        data.append(create_gaussian(m, rng, centers[k] + rng.normal(size=3), size))
    for p in data:
        IMP.core.XYZ(p).set_coordinates_are_optimized(False)
        IMP.atom.Mass(p).set_mass(1090.0 * len(model) / n_data)
    m.update()
    return m, model, bodies, data


def create_ours(m, model, data):
    return IMP.emgmm.GaussianMixtureRestraint(m, model, data)


def create_ours_single(m, model, data):
    return IMP.emgmm.GaussianMixtureRestraint(
        m, model, data, "lognormal", 0.0, [], False, 0.0, 0.0, True
    )


def create_theirs(m, model, data):
    sigma = IMP.isd.Scale.setup_particle(IMP.Particle(m), 1.0)
    return IMP.bayesianem.GaussianEMRestraint(
        m,
        IMP.get_indexes(model),
        IMP.get_indexes(data),
        sigma.get_particle_index(),
        10.0,
        10.0,
        0.0,
    )


def run_monte_carlo(m, scoring, bodies, seconds, score_moved):
    """Steps a second, one of the rigid bodies a step."""
    IMP.random_number_generator.seed(3)
    mc = IMP.core.MonteCarlo(m)
    mc.set_scoring_function(scoring)
    mc.set_kt(1.0)
    mc.set_return_best(False)
    mc.set_score_moved(score_moved)
    mc.add_mover(IMP.core.SerialMover([IMP.core.RigidBodyMover(m, b, 2.0, 0.05) for b in bodies]))
    mc.optimize(12)
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        mc.optimize(60)
        steps += 60
    return steps / (time.perf_counter() - start)


def get_steps_per_second(create, seconds, score_moved):
    m, model, bodies, data = create_system(6, 40, 262, 1)
    r = create(m, model, data)
    return run_monte_carlo(m, [r], bodies, seconds, score_moved)


def get_evaluations_per_second(create, seconds, size=2.0):
    m, model, bodies, data = create_system(10, 200, 250, 2)
    r = create(m, model, data) if create else None
    sf = IMP.core.RestraintsScoringFunction([r]) if r else None
    rng = np.random.default_rng(5)
    frames = [body.get_reference_frame().get_transformation_to() for body in bodies]
    times = []
    while sum(times) < seconds:
        # Steps as in sampling, always from the same place so that the system stays together.
        for body, old in zip(bodies, frames, strict=True):
            turn = IMP.algebra.get_rotation_about_axis(
                IMP.algebra.Vector3D(1, 0, 0), rng.uniform(-0.02, 0.02) * size
            )
            step = IMP.algebra.Vector3D(rng.uniform(-size, size, 3))
            body.set_reference_frame_lazy(
                IMP.algebra.ReferenceFrame3D(
                    IMP.algebra.Transformation3D(
                        turn * old.get_rotation(), old.get_translation() + step
                    )
                )
            )
        start = time.perf_counter()
        if sf:
            sf.evaluate(False)
        else:
            m.update()
        times.append(time.perf_counter() - start)
    return 1 / float(np.median(times))


def get_errors():
    """Error of the scores at the start, kT, against all pairs in double precision. That of
    IMP.bayesianem is what its cutoff of 10 A leaves out."""
    errors = {}
    for name, size in (("monte carlo", (6, 40, 262, 1)), ("evaluation", (10, 200, 250, 2))):
        m, model, _bodies, data = create_system(*size)
        exact = create_ours(m, model, data).evaluate(False)
        errors[name] = {
            "emgmm in single precision": abs(
                create_ours_single(m, model, data).evaluate(False) - exact
            )
        }
        if IMP.bayesianem:
            near = create_theirs(m, model, data).evaluate(False)
            sigma = IMP.isd.Scale.setup_particle(IMP.Particle(m), 1.0)
            far = IMP.bayesianem.GaussianEMRestraint(
                m,
                IMP.get_indexes(model),
                IMP.get_indexes(data),
                sigma.get_particle_index(),
                1e4,
                1e4,
                0.0,
            ).evaluate(False)
            errors[name]["bayesianem"] = abs(near - far)
    return errors


def measure(cases, seconds, rounds):
    """Median over the rounds; in each round every case has its turn, since the machine's speed
    drifts."""
    found = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (function, *arguments) in cases.items():
            found[name].append(function(arguments[0], seconds / rounds, *arguments[1:]))
    return {name: float(np.median(values)) for name, values in found.items()}


def add_ratios(rates, theirs, suffix=""):
    for precision in ("", " in single precision"):
        rates["ratio" + precision + suffix] = rates["emgmm" + precision + suffix] / rates[theirs]


def main():
    seconds, rounds = (0.2, 1) if "--run_quick_test" in sys.argv else (5.0, 5)
    near = ", steps of 0.1 A"
    steps = {
        "emgmm": (get_steps_per_second, create_ours, True),
        "emgmm in single precision": (get_steps_per_second, create_ours_single, True),
        "emgmm without moved scoring": (get_steps_per_second, create_ours, False),
    }
    evaluations = {"update of the model alone": (get_evaluations_per_second, None)}
    for suffix, size in (("", 2.0), (near, 0.1)):
        evaluations |= {
            "emgmm" + suffix: (get_evaluations_per_second, create_ours, size),
            "emgmm in single precision" + suffix: (
                get_evaluations_per_second,
                create_ours_single,
                size,
            ),
        }
        if IMP.bayesianem:
            # Steps of 0.1 A are so small that its lists of close pairs stay valid.
            evaluations["bayesianem" + suffix] = (get_evaluations_per_second, create_theirs, size)
    if IMP.bayesianem:
        steps["bayesianem"] = (get_steps_per_second, create_theirs, False)
    result = {
        "monte_carlo_steps_per_second": measure(steps, seconds, rounds),
        "evaluations_per_second": measure(evaluations, seconds, rounds),
    }
    if IMP.bayesianem:
        add_ratios(result["monte_carlo_steps_per_second"], "bayesianem")
        for suffix in ("", near):
            add_ratios(result["evaluations_per_second"], "bayesianem" + suffix, suffix)
        result["what differs"] = (
            "IMP.bayesianem sums pairs within a cutoff of 10 A, with orientations of the first "
            "evaluation, and renews its list of pairs only after moves of some angstroms: steps of "
            "0.1 A spare it that. emgmm sums all pairs, with the present orientations."
        )
    result["score_error_kT"] = get_errors()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

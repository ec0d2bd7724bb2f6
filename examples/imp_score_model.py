## \example emgmm/imp_score_model.py
"""How well does a model explain a map?

A map is a cloud of mass that we hold as a few Gaussians; a model is another such cloud. The
restraint compares the two, Gaussian by Gaussian, and infers how noisy the map is. Here the map is
made from the model itself, so we know the answer: the model in its place scores best, and the log
ratios say where a displaced subunit is missed.
"""

import sys

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import numpy as np

IMP.setup_from_argv(sys.argv, "Score a model in a map")

rng = np.random.default_rng(1)
m = IMP.Model()


def create_subunit(center):
    """Twelve Gaussians of ten residues each, as one rigid body."""
    members = [
        IMP.emgmm.gmm.create_gaussian(
            m, 1090.0, center + rng.normal(scale=9.0, size=3), np.diag(rng.uniform(20, 60, 3))
        )
        for _ in range(12)
    ]
    return IMP.core.RigidBody.setup_particle(IMP.Particle(m), members), members


subunits = [create_subunit(np.array(c)) for c in ([0.0, 0, 0], [30.0, 0, 0], [15.0, 26, 0])]
model = [p for _, members in subunits for p in members]

# The map: the same mass in the same place, one Gaussian for two of the model, and a little noise.
data = []
for first, second in zip(model[::2], model[1::2], strict=True):
    (w1, mean1, cov1), (w2, mean2, cov2) = map(IMP.emgmm.gmm.get_component, (first, second))
    mean = (w1 * mean1 + w2 * mean2) / (w1 + w2)
    spread = sum(
        w * (cov + np.outer(x - mean, x - mean))
        for w, x, cov in ((w1, mean1, cov1), (w2, mean2, cov2))
    )
    data.append(
        IMP.emgmm.gmm.create_gaussian(
            m, (w1 + w2) * rng.lognormal(sigma=0.05), mean, spread / (w1 + w2)
        )
    )

em = IMP.emgmm.GaussianMixtureRestraint(m, model, data)
m.update()
in_place = em.evaluate(False)
print(
    f"in place:  score {in_place:.1f} kT, CC {em.get_cross_correlation():.3f}, "
    f"noise of the map {em.get_sigma_estimate():.2f}"
)

# Move the last subunit by 8 Å.
body = subunits[-1][0]
IMP.core.transform(body, IMP.algebra.Transformation3D(IMP.algebra.Vector3D(8, 0, 0)))
m.update()
displaced = em.evaluate(True)  # with derivatives
print(
    f"displaced: score {displaced:.1f} kT, CC {em.get_cross_correlation():.3f}, "
    f"noise of the map {em.get_sigma_estimate():.2f}"
)
print(f"the force on it points back: dE/dx = {body.get_derivatives()[0]:.2f} kT/A")

ratios = np.array(em.get_component_log_ratios())
worst = int(np.argmax(np.abs(ratios)))
print("worst explained: data Gaussian %d of %d, log ratio %.2f" % (worst, len(data), ratios[worst]))

assert displaced > in_place
assert body.get_derivatives()[0] > 0
assert worst >= 12  # one of those that the third subunit left

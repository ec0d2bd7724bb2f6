"""Small systems of Gaussians, and the score written out slowly with numpy."""

import math
import random

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import numpy as np


def create_gaussian(m, rng, spread=12.0, variances=None):
    """A Gaussian particle at a random place with random axes and mass."""
    p = IMP.Particle(m)
    if variances is None:
        variances = [rng.uniform(4, 40) for _ in range(3)]
    center = IMP.algebra.Vector3D([rng.uniform(-spread, spread) for _ in range(3)])
    frame = IMP.algebra.ReferenceFrame3D(IMP.algebra.Transformation3D(get_rotation(rng), center))
    IMP.core.Gaussian.setup_particle(p, IMP.algebra.Gaussian3D(frame, variances))
    IMP.atom.Mass.setup_particle(p, rng.uniform(0.5, 2))
    IMP.core.XYZ(p).set_coordinates_are_optimized(True)
    return p


def get_rotation(rng):
    """A random rotation from a generator of Python's, so that IMP's stays untouched."""
    q = np.array([rng.gauss(0, 1) for _ in range(4)])
    return IMP.algebra.Rotation3D(IMP.algebra.Vector4D(q / np.linalg.norm(q)))


def create_body(m, members):
    """A rigid body over particles, its frame somewhere else than its members."""
    p = IMP.Particle(m)
    frame = IMP.algebra.ReferenceFrame3D(
        IMP.algebra.Transformation3D(
            get_rotation(random.Random(len(members))), IMP.algebra.Vector3D(1, -2, 3)
        )
    )
    body = IMP.core.RigidBody.setup_particle(p, frame)
    for member in members:
        body.add_member(member)
    body.set_coordinates_are_optimized(True)
    return body


def create_data(m, rng, n=9, variances=None):
    """Data Gaussians of a map."""
    data = [create_gaussian(m, rng, 15, variances) for _ in range(n)]
    for p in data:
        IMP.core.XYZ(p).set_coordinates_are_optimized(False)
    return data


def create_dimer():
    """Two bodies of six Gaussians, the second the image of the first by a twofold axis, and data.

    Returns model, data, Gaussians, the two bodies and the operation between them.
    """
    m = IMP.Model()
    rng = random.Random(7)
    data = create_data(m, rng, 12)
    gaussians = [create_gaussian(m, rng) for _ in range(12)]
    source, image = (create_body(m, ps) for ps in (gaussians[:6], gaussians[6:]))
    axis = [IMP.algebra.Vector3D(*v) for v in ((1, 2, 3), (0, 1, 1), (0, 0, 0))]
    operation = IMP.emgmm.get_symmetry_operations("C2", *axis)[1]
    m.add_score_state(
        IMP.emgmm.SymmetryConstraint(
            m,
            [source.get_particle_index()],
            [image.get_particle_index()],
            [operation],
            [IMP.algebra.get_identity_transformation_3d()],
        )
    )
    m.update()
    return m, data, gaussians, source, image, operation


def get_arrays(ps):
    """means, covariances and masses as they are now, from the reference frames."""
    means, covariances, weights = [], [], []
    for p in ps:
        g = IMP.core.Gaussian(p)
        transformation = g.get_reference_frame().get_transformation_to()
        rotation = np.array(
            [list(transformation.get_rotation().get_rotation_matrix_row(i)) for i in range(3)]
        )
        means.append(list(transformation.get_translation()))
        covariances.append(rotation @ np.diag(list(g.get_variances())) @ rotation.T)
        weights.append(IMP.atom.Mass(p).get_mass())
    return np.array(means), np.array(covariances), np.array(weights)


def get_overlaps(a, b):
    """ov_ik (eq. 10) between two sets of arrays."""
    overlaps = np.zeros((len(a[0]), len(b[0])))
    for i, (mean, cov, weight) in enumerate(zip(*a, strict=True)):
        for k, (mean_k, cov_k, weight_k) in enumerate(zip(*b, strict=True)):
            s = cov + cov_k
            d = mean - mean_k
            overlaps[i, k] = (
                weight
                * weight_k
                * math.exp(-0.5 * d @ np.linalg.solve(s, d))
                / math.sqrt((2 * math.pi) ** 3 * np.linalg.det(s))
            )
    return overlaps


def get_log_ratios(model_ps, data_ps, floor=0.0, blur=0.0):
    """l_k = log(ov_MD,k / ov_DD,k), one a data Gaussian; blur: variance added to the model's."""
    model, data = get_arrays(model_ps), get_arrays(data_ps)
    model = (model[0], model[1] + blur * np.eye(3), model[2])
    md = get_overlaps(model, data).sum(axis=0)
    dd = get_overlaps(data, data).sum(axis=0)
    return np.log((md + floor) / (dd + floor))


def get_score(model_ps, data_ps, floor=0.0):
    """N_D / 2 log Q (eq. 13 without constants)."""
    ratios = get_log_ratios(model_ps, data_ps, floor)
    return len(ratios) / 2 * math.log(np.sum(ratios**2))

"""@namespace IMP.emgmm.gmm
Gaussian mixtures as particles: read, written, taken from a hierarchy, drawn as a map.
"""

import contextlib
import os

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import numpy as np


class GMMFileError(ValueError):
    """A GMM file that cannot be used; the message names file, line, what was found and what
    was expected."""


def _get_numbers(fn, number, field, count, what):
    try:
        values = [float(x) for x in field.split()]
    except ValueError:
        values = []
    if len(values) != count or not np.all(np.isfinite(values)):
        raise GMMFileError(
            "%s, line %d: %s is %r, expected %d finite numbers"
            % (fn, number, what, field.strip(), count)
        )
    return values


def read_components(fn):
    """Read a GMM in IMP's text format.
    @param fn path of the file
    @return list of (weight, mean, covariance): Da, 3 numbers in A, 3x3 numbers in A^2
    """
    components = []
    with open(fn) as fh:
        for number, line in enumerate(fh, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.strip().split("|")
            if len(fields) < 5:
                raise GMMFileError(
                    "%s, line %d: found %r, expected |number|weight|mean|covariance|"
                    % (fn, number, line.strip()[:40])
                )
            (weight,) = _get_numbers(fn, number, fields[2], 1, "weight")
            mean = _get_numbers(fn, number, fields[3], 3, "mean")
            covariance = np.reshape(_get_numbers(fn, number, fields[4], 9, "covariance"), (3, 3))
            if not weight > 0:
                raise GMMFileError(
                    "%s, line %d: weight is %g, expected a positive number" % (fn, number, weight)
                )
            covariance = (covariance + covariance.T) / 2
            if not np.linalg.eigvalsh(covariance)[0] > 0:
                raise GMMFileError(
                    "%s, line %d: covariance is not positive definite" % (fn, number)
                )
            components.append((weight, mean, covariance))
    if not components:
        raise GMMFileError(f"{fn}: found no component")
    return components


def get_gaussian_from_covariance(covariance, center):
    """Get the Gaussian of a covariance, its axes a rotation whatever its variances.
    @param covariance 3x3 numbers in A^2
    @param center IMP.algebra.Vector3D, in A
    @return IMP.algebra.Gaussian3D
    """
    variances, axes = np.linalg.eigh(np.asarray(covariance, dtype=float))
    if np.linalg.det(axes) < 0:
        axes[:, 0] *= -1
    rotation = IMP.algebra.get_rotation_from_matrix(*axes.ravel())
    frame = IMP.algebra.ReferenceFrame3D(IMP.algebra.Transformation3D(rotation, center))
    return IMP.algebra.Gaussian3D(frame, IMP.algebra.Vector3D(*variances))


@contextlib.contextmanager
def exact_orientations():
    """While in this context, IMP (PMI too) reads GMM files with get_gaussian_from_covariance() of
    this module. Its own takes axes that are not orthogonal where two variances are equal, and so
    turns and shrinks the Gaussian: 4, 4, 35 A^2 became 2.9, 2.9, 26."""
    theirs = IMP.algebra.get_gaussian_from_covariance
    IMP.algebra.get_gaussian_from_covariance = get_gaussian_from_covariance
    try:
        yield
    finally:
        IMP.algebra.get_gaussian_from_covariance = theirs


def get_is_rotated(p):
    """Whether the orientation of a Gaussian particle is a rotation; see exact_orientations()."""
    rotation = IMP.core.Gaussian(p).get_reference_frame().get_transformation_to().get_rotation()
    return abs(rotation.get_quaternion().get_squared_magnitude() - 1) < 1e-6


def create_gaussian(m, weight, mean, covariance, name="Gaussian%1%", radius_scale=3.0):
    """Create one Gaussian particle with mass and radius.
    @param m the Model
    @param weight in Da
    @param mean 3 numbers in A
    @param covariance 3x3 numbers in A^2
    @param name name of the particle
    @param radius_scale radius in units of the largest standard deviation
    @return the particle
    """
    p = IMP.Particle(m, name)
    shape = get_gaussian_from_covariance(covariance, IMP.algebra.Vector3D(*mean))
    IMP.core.Gaussian.setup_particle(p, shape)
    IMP.atom.Mass.setup_particle(p, weight)
    IMP.core.XYZR.setup_particle(p, radius_scale * max(shape.get_variances()) ** 0.5)
    return p


def read_gaussians(m, fn, mass_scale=1.0, radius_scale=3.0):
    """Create the particles of a GMM file.
    @param m the Model
    @param fn GMM in IMP's text format
    @param mass_scale factor on every weight
    @param radius_scale radius in units of the largest standard deviation
    @return list of Gaussian particles with mass and radius
    """
    return [
        create_gaussian(m, weight * mass_scale, mean, covariance, "GMM%d" % (i + 1), radius_scale)
        for i, (weight, mean, covariance) in enumerate(read_components(fn))
    ]


def get_component(p):
    """Get weight (Da), mean (A) and covariance (A^2) of a Gaussian particle as it lies now.
    The orientation is that of the reference frame, not the cached covariance."""
    g = IMP.core.Gaussian(p)
    t = g.get_reference_frame().get_transformation_to()
    r = np.array([list(t.get_rotation().get_rotation_matrix_row(i)) for i in range(3)])
    covariance = r @ np.diag(list(g.get_variances())) @ r.T
    return IMP.atom.Mass(p).get_mass(), np.array(list(t.get_translation())), covariance


def get_gaussians(densities):
    """Get the Gaussian particles below density hierarchies.
    @param densities a hierarchy, or a list of hierarchies or particles
    @return list of particles
    """
    if isinstance(densities, IMP.atom.Hierarchy):
        densities = IMP.atom.Selection(
            densities, representation_type=IMP.atom.DENSITIES
        ).get_selected_particles()
    ps = []
    for h in densities:
        ps += [leaf.get_particle() for leaf in IMP.atom.get_leaves(IMP.atom.Hierarchy(h))]
    return ps


def write_gaussians(ps, fn, data_fn=None):
    """Write Gaussian particles in IMP's text format.
    @param ps the particles
    @param fn path of the file
    @param data_fn map that the Gaussians stand for; written relative to fn, for provenance
    """
    with open(fn, "w") as fh:
        if data_fn:
            fh.write("# data_fn: {}\n".format(os.path.relpath(data_fn, os.path.dirname(fn) or ".")))
        fh.write("# ncenters: %d\n# covar_type: full\n" % len(ps))
        fh.write("#|num|weight|mean|covariance matrix|\n")
        for i, p in enumerate(ps):
            weight, mean, covariance = get_component(p)
            fh.write(
                "|%d|%r|%s|%s|\n"
                % (
                    i,
                    float(weight),
                    " ".join(repr(float(x)) for x in mean),
                    " ".join(repr(float(x)) for x in covariance.ravel()),
                )
            )


def write_gaussians_to_map(ps, fn, voxel_size=5.0):
    """Draw Gaussian particles as a density map in Da/A^3.
    @param ps the particles
    @param fn path of the MRC file
    @param voxel_size in A
    """
    import IMP.em

    shapes, masses, box = [], [], IMP.algebra.BoundingBox3D()
    for p in ps:
        shape = IMP.core.Gaussian(p).get_gaussian()
        shapes.append(shape)
        masses.append(IMP.atom.Mass(p).get_mass())
        box += IMP.algebra.get_bounding_box(
            IMP.algebra.Sphere3D(shape.get_center(), 4 * max(shape.get_variances()) ** 0.5)
        )
    grid = IMP.algebra.get_rasterized_fast(shapes, masses, voxel_size, box, 4.0)
    density = IMP.em.create_density_map(grid)
    # IMP's rasterization divides by (2 pi)^(2/3) where a Gaussian has (2 pi)^(3/2); this holds
    # whether or not a version of IMP does.
    total = sum(density.get_value(i) for i in range(density.get_number_of_voxels()))
    density.multiply(sum(masses) / (total * voxel_size**3))
    IMP.em.write_map(density, fn, IMP.em.MRCReaderWriter())

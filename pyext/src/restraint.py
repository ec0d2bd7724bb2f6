"""@namespace IMP.emgmm.restraint
The EM restraint for IMP.pmi.
"""

import warnings

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.gmm
import IMP.pmi
import IMP.pmi.restraints
import IMP.pmi.tools
from IMP.emgmm import advice

#: sigma of the log ratios is not taken for smaller than this: what is left at the native pose
#: between two mixtures of one structure (as emgmm.scoring.SIGMA_MIN)
SIGMA_MIN = 0.1

#: standard deviation of the blur of a map, in units of its resolution (as
#: emgmm.mixture.SIGMA_PER_RESOLUTION)
SIGMA_PER_RESOLUTION = 0.225


class GaussianEMRestraint(IMP.pmi.restraints.RestraintBase):
    """Fit of Gaussians to an EM map that is given as Gaussians, with the noise of the map
    inferred.

    Takes the place of IMP.bayesianem.restraint.GaussianEMRestraintWrapper and
    IMP.pmi.restraints.em.GaussianEMRestraint: same arguments, methods and stat keys.

    Stat keys: `GaussianEMRestraint_<label>` (weighted score, kT), `..._<label>_CCC` (cross
    correlation of the two mixtures), `GaussianEMRestraint_sigma_<label>` (most probable standard
    deviation of the log ratios; it is marginalised, not sampled).

    @note Wraps an IMP::emgmm::GaussianMixtureRestraint
    """

    _include_in_rmf = True

    def __init__(
        self,
        densities,
        target_fn="",
        target_ps=None,
        cutoff_dist_model_model=None,
        cutoff_dist_model_data=None,
        target_mass_scale=1.0,
        target_mass=None,
        target_radii_scale=3.0,
        model_radii_scale=1.0,
        slope=None,
        spherical_gaussians=None,
        close_pair_container=None,
        backbone_slope=None,
        scale_target_to_mass=False,
        weight=1.0,
        target_is_rigid_body=False,
        local=None,
        noise_model="lognormal",
        sigma_min=None,
        component_sigmas=(),
        scale="fixed",
        floor=0.0,
        background=0.0,
        single_precision=False,
        label=None,
        cutoff=0.0,
        resolution=None,
    ):
        """Constructor.
        @param densities hierarchies whose leaves are the Gaussians of the model
        @param target_fn GMM file of the map (or give the particles)
        @param target_ps Gaussians of the map (or give the file)
        @param cutoff_dist_model_model ignored: no cutoff is needed
        @param cutoff_dist_model_data ignored: no cutoff is needed
        @param target_mass_scale factor on the masses in target_fn
        @param target_mass mass of the map in Da; overrides target_mass_scale
        @param target_radii_scale radii of target particles, in standard deviations (for display)
        @param model_radii_scale radii of model particles, in standard deviations (for display)
        @param slope ignored: the score pulls far bodies without it
        @param spherical_gaussians ignored
        @param close_pair_container ignored
        @param backbone_slope ignored
        @param scale_target_to_mass scale the map to exactly the mass of the model
        @param weight of the restraint
        @param target_is_rigid_body make the map a rigid body that can be moved: see
               create_target_mover()
        @param local ignored
        @param noise_model "lognormal", "lognormal_local", "gaussian", "gaussian_local",
               "outliers" or "correlated"
        @param sigma_min lower bound of the standard deviation of the log ratios (default 0.1)
        @param component_sigmas one positive value for each target Gaussian instead, not for
               "lognormal": log ratio units for "lognormal_local", else Da^2/A^3
        @param scale "fixed", or "profiled": the factor between map and model that fits best
        @param background share of a target Gaussian that may be there without a model; for the
               lognormal noise models and scale "fixed"
        @param single_precision overlaps in single precision: faster, errors of about 1e-6
        @param floor added to every overlap, to compare with IMP.bayesianem (1e-10)
        @param label goes into the stat keys
        @param cutoff for flexible models of isotropic Gaussians (atoms, residues, beads): leave
               pairs out of full evaluations that cannot reach this share of the largest overlap
               that they could have; 1e-4 is good for a refinement by forces
        @param resolution of the map in A: the model is scored as such a map shows it, its
               Gaussians blurred by (0.225 resolution)^2; None: as sharp as they are
        """
        if not densities:
            raise ValueError("densities is empty: no hierarchy with Gaussians was given")
        if scale not in ("fixed", "profiled"):
            raise ValueError(f"scale is {scale!r}, expected 'fixed' or 'profiled'")
        if bool(target_fn) == bool(target_ps):
            raise ValueError(
                "give either target_fn or target_ps, got %s" % ("both" if target_fn else "neither")
            )
        advice.tell_replaced(
            dict(
                cutoff_dist_model_model=cutoff_dist_model_model,
                cutoff_dist_model_data=cutoff_dist_model_data,
                slope=slope,
                spherical_gaussians=spherical_gaussians,
                close_pair_container=close_pair_container,
                backbone_slope=backbone_slope,
                local=local,
            )
        )
        advice.tell_weight(weight)
        advice.tell_states(densities)
        model = IMP.atom.Hierarchy(densities[0]).get_model()
        self._was_written = False
        super().__init__(model, name="GaussianEMRestraint", label=label, weight=weight)
        self.m = model
        self.densities = densities
        self.em_root_hier = None
        self.dataset = None

        self.model_ps = IMP.emgmm.gmm.get_gaussians(densities)
        wrong = sum(not IMP.emgmm.gmm.get_is_rotated(p) for p in self.model_ps)
        if wrong:
            warnings.warn(
                f"{wrong} of {len(self.model_ps)} Gaussians of the model were read from a file "
                "with wrong axes, because two of their variances are equal; build the model within "
                "IMP.emgmm.gmm.exact_orientations()",
                IMP.pmi.StructureWarning,
                stacklevel=2,
            )
        if target_fn:
            self.dataset = _get_dataset(target_fn)
            self.target_ps = IMP.emgmm.gmm.read_gaussians(
                model, target_fn, target_mass_scale, target_radii_scale
            )
        else:
            self.target_ps = list(target_ps)
        for p in self.target_ps:
            IMP.core.XYZ(p).set_coordinates_are_optimized(False)
        self.scale_target_to_mass = scale_target_to_mass
        if scale_target_to_mass:
            target_mass = sum(IMP.atom.Mass(p).get_mass() for p in self.model_ps)
        if target_mass:
            factor = target_mass / sum(IMP.atom.Mass(p).get_mass() for p in self.target_ps)
            for p in self.target_ps:
                IMP.atom.Mass(p).set_mass(IMP.atom.Mass(p).get_mass() * factor)
        if model_radii_scale != 1.0:
            for p in self.model_ps:
                radius = model_radii_scale * max(IMP.core.Gaussian(p).get_variances()) ** 0.5
                if IMP.core.XYZR.get_is_setup(p):
                    IMP.core.XYZR(p).set_radius(radius)
                else:
                    IMP.core.XYZR.setup_particle(p, radius)
        self.rb = IMP.atom.create_rigid_body(self.target_ps) if target_is_rigid_body else None

        self.gaussianEM_restraint = IMP.emgmm.GaussianMixtureRestraint(
            model,
            self.model_ps,
            self.target_ps,
            noise_model,
            SIGMA_MIN if sigma_min is None else sigma_min,
            list(component_sigmas),
            scale == "profiled",
            floor,
            background,
            single_precision,
        )
        self.gaussianEM_restraint.set_name("GaussianEMRestraint")
        if cutoff:
            self.gaussianEM_restraint.set_cutoff(cutoff)
        if resolution is not None:
            if not resolution > 0:
                raise ValueError(f"resolution is {resolution!r}, expected a positive number")
            blur = (SIGMA_PER_RESOLUTION * resolution) ** 2
            self.gaussianEM_restraint.set_model_blur(blur)
        if target_fn:
            self.gaussianEM_restraint.set_density_filename(str(target_fn))
        self.rs.add_restraint(self.gaussianEM_restraint)

        for output, state in IMP.pmi.tools._all_protocol_outputs(densities[0]):
            output.add_em3d_restraint(state, self.target_ps, self.densities, self)

    # Scripts of the older wrappers may set the label after add_to_model(), or never.
    def set_label(self, label):
        """Set the label in the stat keys; before the first output only."""
        if self._was_written:
            raise ValueError("the label cannot change after output was written")
        self._label_is_set = False
        super().set_label(label)

    @property
    def label(self):
        """Label in the stat keys, "None" where none was set."""
        return self._label or "None"

    def set_weight(self, weight):
        """Set the weight; with 1 the map counts as its noise says."""
        advice.tell_weight(weight)
        super().set_weight(weight)

    def get_output(self):
        """Get the stat keys and values."""
        score = self.evaluate()
        correlation = self.gaussianEM_restraint.get_cross_correlation()
        if not self._was_written:
            self._was_written = True
            advice.tell_same_label(self)
            advice.tell_nowhere(self.label, correlation)
        key = "GaussianEMRestraint_" + self.label
        return {
            "_TotalScore": str(score),
            key: str(score),
            key + "_CCC": str(correlation),
            "GaussianEMRestraint_sigma_" + self.label: str(
                self.gaussianEM_restraint.get_sigma_estimate()
            ),
        }

    def get_likelihood(self):
        """Get the unweighted likelihood; of a real map it is mostly 0 or infinite as a number, so
        see get_log_likelihood()."""
        return self.gaussianEM_restraint.get_probability()

    def get_log_likelihood(self):
        """Get the logarithm of the unweighted likelihood."""
        return -self.gaussianEM_restraint.unprotected_evaluate(None)

    def get_particles_to_sample(self):
        """Get nuisances to sample: there are none, sigma is marginalised.
        For a target that is a rigid body see create_target_mover()."""
        return {}

    def create_target_mover(self, max_trans=4.0, max_rot=0.03):
        """Create a mover of the target as a rigid body, to append to `dof.get_movers()`.
        @param max_trans in A
        @param max_rot in radians
        """
        body = self.get_rigid_body()
        body.set_coordinates_are_optimized(True)
        return IMP.core.RigidBodyMover(self.m, body.get_particle_index(), max_trans, max_rot)

    def get_rigid_body(self):
        """Get the rigid body of the target."""
        if self.rb is None:
            raise ValueError("the target is no rigid body: set target_is_rigid_body=True")
        return self.rb

    def get_component_log_ratios(self):
        """Get log(ov_MD/ov_DD) of each target Gaussian: 0 is a perfect fit, below 0 the model
        has too little mass there, above too much."""
        return list(self.gaussianEM_restraint.get_component_log_ratios())

    def get_component_sigmas(self):
        """Get the most probable standard deviation of each target Gaussian: log ratio units for the
        lognormal noise models, Da^2/A^3 for the others."""
        return list(self.gaussianEM_restraint.get_component_sigmas())

    def get_pose_density(self, body, fixed_bodies=(), seed=1, threads=0):
        """Get where the map suggests to put a rigid body.
        @param body IMP.core.RigidBody that is a member of no other
        @param fixed_bodies rigid bodies, or free Gaussians, that stay where they are: the body is
               put into what they leave of the map
        @param seed of the search
        @param threads of the search, 0 for all cores; the result does not depend on them
        @return IMP.emgmm.PoseDensity, its first pose the best
        """
        return self.gaussianEM_restraint.get_pose_density(body, seed, threads, list(fixed_bodies))

    def get_density_as_hierarchy(self):
        """Get a hierarchy whose leaves are the target Gaussians."""
        if self.em_root_hier is None:
            self.em_root_hier = IMP.atom.Copy.setup_particle(IMP.Particle(self.m), 0)
            self.em_root_hier.set_name("GaussianEMRestraint_density_" + self.label)
            for p in self.target_ps:
                if not IMP.atom.Hierarchy.get_is_setup(p):
                    IMP.atom.Fragment.setup_particle(p)
                self.em_root_hier.add_child(IMP.atom.Hierarchy(p))
        return self.em_root_hier

    def add_target_density_to_hierarchy(self, inp):
        """Add the target to the hierarchy of a State, or to a hierarchy."""
        hier = inp if isinstance(inp, IMP.atom.Hierarchy) else inp.get_hierarchy()
        hier.add_child(self.get_density_as_hierarchy())

    def get_center_of_mass(self, target=True):
        """Get the center of mass of the target, or of the model."""
        ps = self.target_ps if target else self.model_ps
        center, total = IMP.algebra.Vector3D(0, 0, 0), 0.0
        for p in ps:
            mass = IMP.atom.Mass(p).get_mass()
            center += mass * IMP.core.XYZ(p).get_coordinates()
            total += mass
        return center / total

    def center_model_on_target_density(self, input_object):
        """Translate a State or hierarchy so that the centers of mass coincide."""
        hier = (
            input_object
            if isinstance(input_object, IMP.atom.Hierarchy)
            else input_object.get_hierarchy()
        )
        _translate(
            [leaf.get_particle() for leaf in IMP.atom.get_leaves(hier)] + self.model_ps,
            self._get_shift(),
        )

    def center_on_target_density(self):
        """Translate the bodies of the densities so that the centers of mass coincide."""
        _translate(self.model_ps, self._get_shift())

    def center_target_density_on_model(self):
        """Translate the target so that the centers of mass coincide."""
        _translate(self.target_ps, -self._get_shift())

    def center_target_density_on_origin(self):
        """Translate the target so that its center of mass is the origin."""
        _translate(self.target_ps, -self.get_center_of_mass())

    def _get_shift(self):
        return self.get_center_of_mass() - self.get_center_of_mass(target=False)

    def write_target_gmm_to_mrc(self, fileout=None, voxel_size=5.0):
        """Write the target as a map.
        @return the path
        """
        if fileout is None:
            fileout = "Gaussian_map_" + self.label + ".mrc"
        IMP.emgmm.gmm.write_gaussians_to_map(self.target_ps, fileout, voxel_size)
        return fileout


def _translate(ps, shift):
    """Translate whatever carries the particles, each carrier once."""
    transformation = IMP.algebra.Transformation3D(shift)
    carriers = {}
    for p in ps:
        while IMP.core.RigidBodyMember.get_is_setup(p):
            p = IMP.core.RigidBodyMember(p).get_rigid_body().get_particle()
        if IMP.core.XYZ.get_is_setup(p):
            carriers[p.get_index()] = p
    for p in carriers.values():
        if IMP.core.RigidBody.get_is_setup(p):
            IMP.core.transform(IMP.core.RigidBody(p), transformation)
        else:
            IMP.core.transform(IMP.core.XYZ(p), transformation)


def _get_dataset(target_fn):
    """The dataset of a GMM file for mmCIF output: its map is the one that `# data_fn:` names."""
    import ihm.dataset
    import ihm.location
    import IMP.pmi.mmcif

    try:
        return IMP.pmi.mmcif.GMMParser().parse_file(str(target_fn))["dataset"]
    except OSError as error:
        warnings.warn(
            f"{target_fn} names a map that cannot be read ({error}); mmCIF output will not name it",
            IMP.pmi.MissingFileWarning,
            stacklevel=3,
        )
        location = ihm.location.InputFileLocation(
            str(target_fn), details="EM map represented as a Gaussian Mixture Model (GMM)"
        )
        return ihm.dataset.EMDensityDataset(location)


#: The name in IMP.bayesianem.
GaussianEMRestraintWrapper = GaussianEMRestraint

/**
 *  \file IMP/emgmm/GaussianMixtureRestraint.h
 *  \brief Bayesian restraint of a model by the Gaussian mixture of a density map.
 */

#ifndef IMPEMGMM_GAUSSIAN_MIXTURE_RESTRAINT_H
#define IMPEMGMM_GAUSSIAN_MIXTURE_RESTRAINT_H

#include <IMP/Restraint.h>
#include <IMP/emgmm/PoseDensity.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <memory>
#include <mutex>
#include <string>

IMPEMGMM_BEGIN_NAMESPACE

//! Weigh a cryo-EM map, given as Gaussians, against the Gaussians of a model
/** The score is that of M. Bonomi et al., Structure 27 (2019) 175: for each
    data Gaussian k the log ratio l_k = log(ov_MD,k / ov_DD,k) of its overlap
    with the model and with the data itself, and a noise model whose unknown
    standard deviation is marginalised. The score is in units of kT, without
    the constants of eq. 13 there.

    Model Gaussians that are rigid members of one body move together, every
    other Gaussian by itself. The restraint remembers the pose of each of these
    and computes only what moved, whether it is called through evaluate() or
    evaluate_moved(); the result depends on the poses alone, never on the
    moves that led there. Orientations come from the reference frames, not from
    the cached covariances of core::Gaussian, which rigid body moves leave
    stale.

    Derivatives act on the positions and orientations of the model Gaussians,
    and, where all data Gaussians are rigid members of one body, on that body;
    data Gaussians that are not are taken as fixed by the derivatives.

    \note Change of a mass, a variance or of the place of a rigid member within
          its body is seen at the next evaluate(), not by evaluate_moved().
 */
class IMPEMGMMEXPORT GaussianMixtureRestraint : public Restraint {
 public:
  //! Create the restraint
  /**
     \param[in] m the Model
     \param[in] model_ps core::Gaussian and atom::Mass particles of the model
     \param[in] data_ps core::Gaussian and atom::Mass particles of the map
     \param[in] noise_model "lognormal" (eq. 13), "lognormal_local",
                "gaussian", "gaussian_local", "outliers" or
                "correlated"
     \param[in] sigma_min lower bound of the standard deviation of the log
                ratios; 0 for eq. 13 as it stands (minus infinity for a perfect
                fit); the other noise models need a positive one
     \param[in] component_sigmas one positive value for each data Gaussian
                instead: log ratios for "lognormal_local", else Da^2/A^3
     \param[in] profile_scale whether the unknown factor between the masses of
                map and model is the one that fits best, not 1
     \param[in] floor added to every overlap (Da^2/A^3), only to compare with
                IMP::bayesianem (1e-10 there)
     \param[in] background share of each data Gaussian that may be there
                without a model, where parts of the complex are missing
     \param[in] single_precision overlaps in single precision: twice as fast,
                relative error of an overlap below 1e-4, mostly 1e-6; derivatives
                are in double precision
     \param[in] name the name of the restraint
   */
  GaussianMixtureRestraint(Model *m, ParticleIndexesAdaptor model_ps,
                           ParticleIndexesAdaptor data_ps, std::string noise_model = "lognormal",
                           double sigma_min = 0, Floats component_sigmas = Floats(),
                           bool profile_scale = false, double floor = 0, double background = 0,
                           bool single_precision = false,
                           std::string name = "GaussianMixtureRestraint%1%");

  // For serialization only
  GaussianMixtureRestraint() {}

  //! l_k at the present poses, one for each data Gaussian
  Floats get_component_log_ratios() const;

  //! ov_MD / sqrt(ov_MM ov_DD) at the present poses
  double get_cross_correlation() const;

  //! Most probable standard deviation of the log ratios at the present poses
  double get_sigma_estimate() const;

  //! Most probable standard deviation of each data Gaussian at the present poses
  /** At least the lower bound of its component; that bound itself for "gaussian".
      In log ratio units for "lognormal" and "lognormal_local", else in Da^2/A^3.
      For "outliers" it is that of the Gaussian that pulls as hard.
   */
  Floats get_component_sigmas() const;

  //! exp(-score) at the present poses
  double get_probability() const;

  //! Where the data alone suggest to put a rigid body, whatever its pose
  /** The first step of a global placement: the body everywhere in all turns, the
      best of these refined.
      \param[in] body that carries model Gaussians and is a member of no other
      \param[in] seed the answer depends on it, not on the number of threads
      \param[in] n_threads 0 for all cores
      \param[in] fixed_bodies stay where they are: the body is put into what they
                 leave of the data. Bodies or Gaussians as get_carriers() has
                 them; all others count for nothing.
      \see BodyPlaceMover, BodySearch
   */
  PoseDensity get_pose_density(
      ParticleIndex body, unsigned int seed = 1, unsigned int n_threads = 0,
      ParticleIndexesAdaptor fixed_bodies = ParticleIndexesAdaptor()) const;

  //! What carries the model Gaussians: outermost rigid bodies, or a Gaussian itself
  ParticleIndexes get_carriers() const;

  //! Model Gaussians
  ParticleIndexes get_model_indexes() const { return model_ps_; }

  //! Data Gaussians
  ParticleIndexes get_data_indexes() const { return data_ps_; }

  //! Name of the noise model
  std::string get_noise_model() const { return noise_model_; }

  //! Lower bound of the standard deviation of the log ratios
  double get_sigma_min() const { return sigma_min_; }

  //! Whether the factor between the masses of map and model is profiled
  bool get_profile_scale() const { return profile_scale_; }

  //! Leave far pairs out of full evaluations of models of isotropic Gaussians
  /** For flexible models of atoms, residues or beads: in evaluate(), with or
      without derivatives, pairs that cannot reach this share (0: all pairs; below
      1; 1e-4 is good for a refinement) of the largest overlap that they could
      have at any distance are left out, and the others summed in single
      precision. evaluate_moved() and models with other Gaussians sum all pairs.
   */
  void set_cutoff(double cutoff);

  //! The share below which pairs are left out
  double get_cutoff() const { return cutoff_; }

  //! Add a variance (A^2) along every axis to each model Gaussian when it is scored
  /** A map of the resolution r shows a model blurred by about (0.225 r)^2. The
      particles stay as sharp as they are.
   */
  void set_model_blur(double variance);

  //! The variance added to each model Gaussian, A^2
  double get_model_blur() const { return model_blur_; }

  //! Threads of a full evaluation with derivatives; the result does not depend on them
  void set_number_of_threads(unsigned int n);

  //! Set the GMM file of the data Gaussians, for RMF and mmCIF output
  void set_density_filename(std::string density_fn);

  //! The GMM file of the data Gaussians
  std::string get_density_filename() const { return density_fn_; }

  //! Whether get_dynamic_info() also holds log ratio and standard deviation of each component
  void set_write_log_ratios(bool tf) { write_log_ratios_ = tf; }

  double unprotected_evaluate(DerivativeAccumulator *accum) const override;
#ifndef SWIG
  double unprotected_evaluate_moved(DerivativeAccumulator *accum, const ParticleIndexes &moved_pis,
                                    const ParticleIndexes &reset_pis) const override;
  double unprotected_evaluate_moved_if_below(DerivativeAccumulator *accum,
                                             const ParticleIndexes &moved_pis,
                                             const ParticleIndexes &reset_pis,
                                             double max) const override;
  double unprotected_evaluate_moved_if_good(DerivativeAccumulator *accum,
                                            const ParticleIndexes &moved_pis,
                                            const ParticleIndexes &reset_pis,
                                            double max) const override;
#endif
  ModelObjectsTemp do_get_inputs() const override;

  //! \return Information for writing to RMF files
  RestraintInfo *get_static_info() const override;

  //! \return Information for writing to RMF files
  RestraintInfo *get_dynamic_info() const override;

  IMP_OBJECT_METHODS(GaussianMixtureRestraint);

 private:
  struct Cache;
  // The cache, up to date with the present poses, masses, variances and places within bodies.
  Cache &get_cache() const;
  // The same after evaluate_moved() was told what moved, at a cost of that.
  Cache &get_moved_cache(const ParticleIndexes &moved, const ParticleIndexes &reset) const;
  double evaluate_derivatives(DerivativeAccumulator &accum) const;
  std::shared_ptr<Cache> create_cache() const;

  ParticleIndexes model_ps_, data_ps_;
  std::string noise_model_, density_fn_;
  double sigma_min_ = 0, floor_ = 0, background_ = 0, cutoff_ = 0, model_blur_ = 0;
  Floats component_sigmas_;
  bool profile_scale_ = false, single_precision_ = false;
  bool write_log_ratios_ = false;
  unsigned int threads_ = 1;
  mutable std::shared_ptr<Cache> cache_;
  mutable std::recursive_mutex mutex_;  // of the cache, behind every method that reads it

  friend class BodySearch;
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<Restraint>(this), model_ps_, data_ps_, noise_model_, density_fn_,
       sigma_min_, floor_, background_, component_sigmas_, profile_scale_, single_precision_,
       write_log_ratios_, threads_, cutoff_, model_blur_);
    // The first evaluation after loading builds the cache again.
    if (std::is_base_of<cereal::detail::InputArchiveBase, Archive>::value) cache_.reset();
  }
  IMP_OBJECT_SERIALIZE_DECL(GaussianMixtureRestraint);
};

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_GAUSSIAN_MIXTURE_RESTRAINT_H */

/**
 *  \file GaussianMixtureRestraint.cpp
 *  \brief Bayesian restraint of a model by the Gaussian mixture of a density map.
 *
 *  Translates between particles and the core; every formula is in core/.
 */

#include <IMP/check_macros.h>
#include <IMP/emgmm/GaussianMixtureRestraint.h>
#include <IMP/file.h>

#include <cmath>
#include <mutex>
#include <stdexcept>

#include "restraint_cache.h"
#include "score/moved_score.h"

IMPEMGMM_BEGIN_NAMESPACE

GaussianMixtureRestraint::GaussianMixtureRestraint(Model *m, ParticleIndexesAdaptor model_ps,
                                                   ParticleIndexesAdaptor data_ps,
                                                   std::string noise_model, double sigma_min,
                                                   Floats component_sigmas, bool profile_scale,
                                                   double floor, double background,
                                                   bool single_precision, std::string name)
    : Restraint(m, name),
      model_ps_(model_ps.begin(), model_ps.end()),
      data_ps_(data_ps.begin(), data_ps.end()),
      noise_model_(noise_model),
      sigma_min_(sigma_min),
      floor_(floor),
      background_(background),
      component_sigmas_(component_sigmas),
      profile_scale_(profile_scale),
      single_precision_(single_precision) {
  IMP_ALWAYS_CHECK(!model_ps_.empty(), "No model Gaussians were given", ValueException);
  IMP_ALWAYS_CHECK(!data_ps_.empty(), "No data Gaussians were given", ValueException);
  for (const ParticleIndexes &pis : {model_ps_, data_ps_}) {
    for (ParticleIndex pi : pis) {
      IMP_ALWAYS_CHECK(core::Gaussian::get_is_setup(m, pi),
                       "Particle " << m->get_particle_name(pi) << " must be a core::Gaussian",
                       ValueException);
      IMP_ALWAYS_CHECK(atom::Mass::get_is_setup(m, pi),
                       "Particle " << m->get_particle_name(pi) << " must have an atom::Mass",
                       ValueException);
    }
  }
  cache_ = create_cache();
}

std::shared_ptr<GaussianMixtureRestraint::Cache> GaussianMixtureRestraint::create_cache() const {
  emcore::ScoreOptions options;
  try {
    options.noise.model = emcore::noise_model_from_name(noise_model_);
  } catch (const std::domain_error &error) {
    IMP_THROW(error.what(), ValueException);
  }
  options.noise.sigma_min = sigma_min_;
  options.noise.component_sigma.assign(component_sigmas_.begin(), component_sigmas_.end());
  options.noise.profile_scale = profile_scale_;
  options.noise.background = background_;
  options.floor = floor_;
  options.threads = threads_;
  options.cutoff = cutoff_;
  options.single_precision = single_precision_;
  auto cache = std::make_shared<Cache>(get_model(), model_ps_, data_ps_, model_blur_);
  try {
    cache->build_score(options);
    cache->build_bodies();
  } catch (const std::domain_error &error) {
    IMP_THROW(error.what(), ValueException);
  }
  return cache;
}

GaussianMixtureRestraint::Cache &GaussianMixtureRestraint::get_cache() const {
  Model *m = get_model();
  if (!cache_) {
    cache_ = create_cache();
    return *cache_;
  }
  typedef particles::Bodies Bodies;
  const Bodies::Change of_data = cache_->data.read_shapes(m);
  const Bodies::Change of_model = cache_->model.read_shapes(m);
  const bool data_moved = !cache_->data.read_poses(m).empty();
  if (of_data != Bodies::NOTHING || of_model == Bodies::GROUPS ||
      (data_moved && !cache_->has_data_body)) {
    cache_ = create_cache();
    return *cache_;
  }
  const std::vector<std::size_t> moved = cache_->model.read_poses(m);
  if (of_model == Bodies::SHAPES)
    cache_->build_bodies();
  else if (data_moved)
    cache_->update_frame();
  else
    cache_->update_poses(moved);
  return *cache_;
}

GaussianMixtureRestraint::Cache &GaussianMixtureRestraint::get_moved_cache(
    const ParticleIndexes &moved, const ParticleIndexes &reset) const {
  if (!cache_) return get_cache();
  Model *m = get_model();
  const std::vector<std::size_t> one_body(cache_->has_data_body ? 1 : 0, 0);
  const bool data_moved = !cache_->data.read_moved_poses(m, moved, reset, one_body).empty();
  if (data_moved && !cache_->has_data_body) {
    cache_ = create_cache();
    return *cache_;
  }
  const std::vector<std::size_t> bodies =
      cache_->model.read_moved_poses(m, moved, reset, cache_->proposed);
  if (data_moved)
    cache_->update_frame();
  else
    cache_->update_poses(bodies);
  return *cache_;
}

double GaussianMixtureRestraint::evaluate_derivatives(DerivativeAccumulator &accum) const {
  Model *m = get_model();
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  const emcore::Mixture mixture = cache.mixture();
  std::vector<emcore::GaussianGradient> gradients;
  const double score = cache.score->evaluate(mixture, &gradients);

  const emcore::Quaternion to_global = cache.frame.rotation;
  std::size_t i = 0;
  for (const ParticleIndexes &members : cache.model.members)
    for (ParticleIndex pi : members) {
      const emcore::Vec3 torque =
          covariance_torque(mixture[i].covariance, gradients[i].by_covariance);
      particles::add_gradient(m, pi, to_global * gradients[i].by_mean, to_global * torque, accum);
      ++i;
    }
  if (cache.has_data_body) {
    // What pushes the model one way pushes the data, all in one body, the other way: the whole
    // wrench goes to one data Gaussian and from there to the body.
    const ParticleIndex pi = cache.data.members[0][0];
    const emcore::PoseGradient wrench =
        rigid_gradient(mixture, gradients, cache.score->data()[0].mean);
    particles::add_gradient(m, pi, to_global * (-1.0 * wrench.by_translation),
                            to_global * (-1.0 * wrench.by_rotation), accum);
  }
  return score;
}

double GaussianMixtureRestraint::unprotected_evaluate(DerivativeAccumulator *accum) const {
  IMP_OBJECT_LOG;
  if (accum) return evaluate_derivatives(*accum);
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  // The same as with derivatives, or line searches would stumble over the difference.
  if (cutoff_ > 0) return cache.score->evaluate(cache.mixture());
  cache.propose();
  return cache.score_now;
}

double GaussianMixtureRestraint::unprotected_evaluate_moved(
    DerivativeAccumulator *accum, const ParticleIndexes &moved_pis,
    const ParticleIndexes &reset_pis) const {
  IMP_OBJECT_LOG;
  if (accum) return evaluate_derivatives(*accum);
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_moved_cache(moved_pis, reset_pis);
  cache.propose();
  return cache.score_now;
}

// No bound of the score is cheaper than the score.
double GaussianMixtureRestraint::unprotected_evaluate_moved_if_below(
    DerivativeAccumulator *accum, const ParticleIndexes &moved_pis,
    const ParticleIndexes &reset_pis, double) const {
  return unprotected_evaluate_moved(accum, moved_pis, reset_pis);
}

double GaussianMixtureRestraint::unprotected_evaluate_moved_if_good(
    DerivativeAccumulator *accum, const ParticleIndexes &moved_pis,
    const ParticleIndexes &reset_pis, double) const {
  return unprotected_evaluate_moved(accum, moved_pis, reset_pis);
}

Floats GaussianMixtureRestraint::get_component_log_ratios() const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  cache.commit();
  const std::vector<double> &ratios = cache.moved->log_ratios();
  return Floats(ratios.begin(), ratios.end());
}

double GaussianMixtureRestraint::get_cross_correlation() const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  return cache.score->cross_correlation(cache.mixture());
}

double GaussianMixtureRestraint::get_sigma_estimate() const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  cache.commit();
  return cache.score->noise().sigma_estimate(cache.moved->log_ratios());
}

Floats GaussianMixtureRestraint::get_component_sigmas() const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  Cache &cache = get_cache();
  cache.commit();
  const std::vector<double> sigmas =
      cache.score->noise().component_sigma_estimates(cache.moved->log_ratios());
  return Floats(sigmas.begin(), sigmas.end());
}

double GaussianMixtureRestraint::get_probability() const {
  return std::exp(-unprotected_evaluate(nullptr));
}

void GaussianMixtureRestraint::set_number_of_threads(unsigned int n) {
  threads_ = n;
  cache_.reset();
}

void GaussianMixtureRestraint::set_cutoff(double cutoff) {
  const double before = cutoff_;
  cutoff_ = cutoff;
  try {
    cache_ = create_cache();
  } catch (const ValueException &) {
    cutoff_ = before;
    throw;
  }
}

void GaussianMixtureRestraint::set_model_blur(double variance) {
  IMP_ALWAYS_CHECK(variance >= 0 && std::isfinite(variance),
                   "The blur of the model must not be negative, got " << variance, ValueException);
  model_blur_ = variance;
  cache_.reset();
}

void GaussianMixtureRestraint::set_density_filename(std::string density_fn) {
  density_fn_ = get_absolute_path(density_fn);
}

ModelObjectsTemp GaussianMixtureRestraint::do_get_inputs() const {
  ModelObjectsTemp inputs;
  for (const ParticleIndexes &pis : {model_ps_, data_ps_})
    for (ParticleIndex pi : pis) {
      inputs.push_back(get_model()->get_particle(pi));
      const ParticleIndex carrier = particles::get_carrier(get_model(), pi);
      if (carrier != pi) inputs.push_back(get_model()->get_particle(carrier));
    }
  return inputs;
}

RestraintInfo *GaussianMixtureRestraint::get_static_info() const {
  IMP_NEW(RestraintInfo, ri, ());
  // IMP.mmcif writes an EM3D restraint for this type only and skips others without a word; the
  // keys that it reads ("filename", "cross correlation") mean the same here.
  ri->add_string("type", "IMP.isd.GaussianEMRestraint");
  ri->add_string("implementation", "IMP.emgmm.GaussianMixtureRestraint");
  if (!density_fn_.empty()) ri->add_filename("filename", density_fn_);
  ri->add_string("noise model", noise_model_);
  ri->add_float("sigma min", sigma_min_);
  ri->add_string("scale", profile_scale_ ? "profiled" : "fixed");
  ri->add_float("background", background_);
  ri->add_float("overlap floor", floor_);
  ri->add_float("overlap cutoff", cutoff_);
  ri->add_float("model blur", model_blur_);
  ri->add_int("data components", data_ps_.size());
  ri->add_int("model components", model_ps_.size());
  return ri.release();
}

RestraintInfo *GaussianMixtureRestraint::get_dynamic_info() const {
  IMP_NEW(RestraintInfo, ri, ());
  ri->add_float("cross correlation", get_cross_correlation());
  ri->add_float("sigma estimate", get_sigma_estimate());
  if (write_log_ratios_) {
    ri->add_floats("component log ratios", get_component_log_ratios());
    ri->add_floats("component sigmas", get_component_sigmas());
  }
  return ri.release();
}

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::GaussianMixtureRestraint);

IMPEMGMM_END_NAMESPACE

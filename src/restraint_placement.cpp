/**
 *  \file restraint_placement.cpp
 *  \brief Where the data of a GaussianMixtureRestraint suggest to put a rigid body.
 *
 *  Translates between particles and the core's search for one body.
 */

#include <IMP/check_macros.h>
#include <IMP/emgmm/GaussianMixtureRestraint.h>

#include "centered_body.h"
#include "pose_density.h"
#include "search/candidate_density.h"
#include "search/candidates.h"

IMPEMGMM_BEGIN_NAMESPACE

PoseDensity GaussianMixtureRestraint::get_pose_density(ParticleIndex body, unsigned int seed,
                                                       unsigned int n_threads,
                                                       ParticleIndexesAdaptor fixed_bodies) const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  const Cache &cache = get_cache();
  const ParticleIndexes &carriers = cache.model.carriers;
  const std::size_t b = get_carrier_number(get_model(), carriers, body);
  emcore::Mixture fixed;
  for (ParticleIndex pi : fixed_bodies) {
    const std::size_t c = get_carrier_number(get_model(), carriers, pi);
    IMP_ALWAYS_CHECK(
        c != b, get_model()->get_particle_name(pi) << " is to be placed and to stay where it is",
        ValueException);
    const emcore::Mixture part = emcore::moved(cache.moved->body(c), cache.poses[c]);
    fixed.insert(fixed.end(), part.begin(), part.end());
  }
  const CenteredBody centered(cache.moved->body(b));
  emcore::PlacementOptions options;
  options.seed = seed;
  options.threads = n_threads;
  const std::vector<emcore::PlacementCandidate> candidates =
      placement_candidates(cache.score->data(), fixed, centered.mixture, options);
  const emcore::PoseDensity density = density_of_candidates(
      cache.score->data(), candidates, emcore::gyration_radius(centered.mixture));
  std::vector<emcore::Pose> poses;
  for (const emcore::Pose &center : density.centers()) {
    poses.push_back(center * centered.of_center);
    if (cache.has_data_body) poses.back() = cache.frame * poses.back();
  }
  emcore::PoseDensityOptions spread = density.options();
  if (cache.has_data_body) spread.broad_center = cache.frame * spread.broad_center;
  return particles::to_imp(emcore::PoseDensity(poses, density.weights(), spread));
}

ParticleIndexes GaussianMixtureRestraint::get_carriers() const {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  return get_cache().model.carriers;
}

IMPEMGMM_END_NAMESPACE

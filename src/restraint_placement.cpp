/**
 *  \file restraint_placement.cpp
 *  \brief Where the data of a GaussianMixtureRestraint suggest to put rigid bodies.
 *
 *  Translates between particles and the core's global search.
 */

#include <IMP/check_macros.h>
#include <IMP/emgmm/GaussianMixtureRestraint.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "pose_density.h"
#include "restraint_cache.h"
#include "search/candidate_density.h"
#include "search/global_search.h"
#include "search/placement_candidates.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace {

std::size_t get_carrier_number(Model *m, const ParticleIndexes &carriers, ParticleIndex body) {
  const std::size_t b = std::find(carriers.begin(), carriers.end(), body) - carriers.begin();
  IMP_ALWAYS_CHECK(b < carriers.size(),
                   m->get_particle_name(body) << " carries no Gaussians of the model",
                   ValueException);
  return b;
}

// The search wants the center of mass of a body at its origin.
struct CenteredBody {
  emcore::Mixture mixture;
  emcore::Pose of_center;  // from the body's own frame to one about its center of mass

  explicit CenteredBody(const emcore::Mixture &body)
      : of_center{emcore::Quaternion(), -1.0 * emcore::center_of_mass(body)} {
    mixture = emcore::moved(body, of_center);
  }
};

}  // namespace

PoseDensity GaussianMixtureRestraint::get_pose_density(ParticleIndex body, unsigned int seed,
                                                       unsigned int n_threads,
                                                       ParticleIndexesAdaptor fixed_bodies) const {
  const Cache &cache = get_cache(true);
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

BodyPlacements GaussianMixtureRestraint::get_placements(ParticleIndexesAdaptor bodies,
                                                        unsigned int seed, unsigned int n_threads,
                                                        unsigned int searches) const {
  IMP_ALWAYS_CHECK(searches > 0, "At least one search is needed", ValueException);
  const Cache &cache = get_cache(true);
  std::vector<emcore::Mixture> mixtures;
  std::vector<emcore::Pose> of_centers;
  std::set<ParticleIndex> known;
  for (ParticleIndex pi : bodies) {
    IMP_ALWAYS_CHECK(known.insert(pi).second,
                     get_model()->get_particle_name(pi) << " is named twice", ValueException);
    const std::size_t b = get_carrier_number(get_model(), cache.model.carriers, pi);
    const CenteredBody centered(cache.moved->body(b));
    mixtures.push_back(centered.mixture);
    of_centers.push_back(centered.of_center);
  }
  std::vector<int> kinds(mixtures.size());
  std::iota(kinds.begin(), kinds.end(), 0);  // copies have frames of their own in IMP.pmi
  emcore::SearchProblem problem;
  problem.data = cache.score->data();
  problem.options = cache.score->options();
  problem.bodies = mixtures;
  problem.kinds = kinds;
  emcore::SearchOptions options;
  options.seed = seed;
  options.threads = n_threads;
  options.searches = static_cast<int>(searches);
  BodyPlacements placements;
  for (const emcore::PlacementSolution &found : emcore::global_search(problem, options).solutions) {
    algebra::Transformation3Ds poses;
    for (std::size_t b = 0; b < mixtures.size(); ++b) {
      emcore::Pose pose = found.poses[b] * of_centers[b];
      if (cache.has_data_body) pose = cache.frame * pose;
      poses.push_back(particles::to_imp(pose));
    }
    placements.push_back(BodyPlacement(poses, found.score, found.found));
  }
  return placements;
}

ParticleIndexes GaussianMixtureRestraint::get_carriers() const {
  return get_cache(true).model.carriers;
}

IMPEMGMM_END_NAMESPACE

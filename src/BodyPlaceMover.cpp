/**
 *  \file BodyPlaceMover.cpp
 *  \brief Rigid bodies go to places known beforehand.
 */

#include <IMP/emgmm/BodyPlaceMover.h>

#include <algorithm>

#include "body_moves.h"
#include "pose_density.h"
#include "sample/independence_mover.h"

IMPEMGMM_BEGIN_NAMESPACE

struct BodyPlaceMover::Core {
  emcore::IndependenceMover mover;
};

BodyPlaceMover::BodyPlaceMover(Model *m, const ParticleIndexes &bodies,
                               const PoseDensities &densities)
    : core::MonteCarloMover(m, "independence"), bodies_(bodies), densities_(densities) {
  for (ParticleIndex pi : bodies_) body_moves::check_body(m, pi);
  core_ = create_core();  // refuses a list of another length, and a body twice
}

std::shared_ptr<const BodyPlaceMover::Core> BodyPlaceMover::create_core() const {
  std::vector<emcore::BodyGroup> groups;
  for (ParticleIndex pi : bodies_)
    groups.push_back(
        {std::size_t(std::find(bodies_.begin(), bodies_.end(), pi) - bodies_.begin())});
  std::vector<emcore::PoseDensity> densities;
  for (const PoseDensity &density : densities_) densities.push_back(particles::to_core(density));
  return std::shared_ptr<const Core>(
      new Core{emcore::IndependenceMover(get_name(), groups, densities)});
}

ModelObjectsTemp BodyPlaceMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), bodies_);
}

core::MonteCarloMoverResult BodyPlaceMover::do_propose() {
  IMP_OBJECT_LOG;
  if (!core_) core_ = create_core();
  return body_moves::propose(get_model(), bodies_, core_->mover, &last_, returns_ratio_);
}

void BodyPlaceMover::do_reject() { body_moves::restore(get_model(), bodies_, last_); }

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::BodyPlaceMover);

IMPEMGMM_END_NAMESPACE

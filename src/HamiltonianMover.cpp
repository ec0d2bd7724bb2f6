/**
 *  \file HamiltonianMover.cpp
 *  \brief Moves of everything along the slope of the score.
 */

#include <IMP/emgmm/HamiltonianMover.h>

#include <cmath>

#include "sample/hamiltonian.h"
#include "scoring_term.h"

IMPEMGMM_BEGIN_NAMESPACE

struct HamiltonianMover::Core {
  std::vector<std::unique_ptr<emcore::Term>> terms;  // the score
  std::unique_ptr<const emcore::HamiltonianMover> mover;
};

namespace {

// A, rms distance of the members of a body from its origin; 0 for a bead, which does not turn.
double get_radius(Model *m, ParticleIndex pi) {
  if (!core::RigidBody::get_is_setup(m, pi)) return 0;
  const ParticleIndexes members = core::RigidBody(m, pi).get_member_indexes();
  double sum = 0;
  for (ParticleIndex member : members)
    sum += core::RigidBodyMember(m, member).get_internal_coordinates().get_squared_magnitude();
  return members.empty() ? 0 : std::sqrt(sum / members.size());
}

}  // namespace

HamiltonianMover::HamiltonianMover(Model *m, ScoringFunctionAdaptor score,
                                   const ParticleIndexes &bodies, const ParticleIndexes &beads,
                                   double step, unsigned int steps, std::string name)
    : core::MonteCarloMover(m, name),
      score_(score),
      particles_(body_moves::get_checked(m, bodies, beads)) {
  std::vector<double> radii;
  for (ParticleIndex pi : particles_) radii.push_back(get_radius(m, pi));
  auto core = std::make_shared<Core>();
  core->terms.emplace_back(new body_moves::ScoringTerm(m, score_, particles_, false));
  core->mover.reset(new emcore::HamiltonianMover(get_name(), radii, step, static_cast<int>(steps)));
  core_ = core;
}

void HamiltonianMover::set_kt(double kt) {
  body_moves::check_kt(kt);
  kt_ = kt;
}

ModelObjectsTemp HamiltonianMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), particles_);
}

core::MonteCarloMoverResult HamiltonianMover::do_propose() {
  IMP_OBJECT_LOG;
  const body_moves::Score score{&core_->terms, kt_};
  return body_moves::propose(get_model(), particles_, *core_->mover, &last_, returns_ratio_,
                             &score);
}

void HamiltonianMover::do_reject() { body_moves::restore(get_model(), particles_, last_); }

IMPEMGMM_END_NAMESPACE

/**
 *  \file BodySwapMover.cpp
 *  \brief Two rigid bodies change places.
 */

#include <IMP/emgmm/BodySwapMover.h>

#include "body_moves.h"

IMPEMGMM_BEGIN_NAMESPACE

BodySwapMover::BodySwapMover(Model *m, ParticleIndex first, ParticleIndex second)
    : core::MonteCarloMover(
          m, "swap " + m->get_particle_name(first) + ", " + m->get_particle_name(second)) {
  bodies_.push_back(first);
  bodies_.push_back(second);
  for (ParticleIndex pi : bodies_) body_moves::check_body(m, pi);
  IMP_ALWAYS_CHECK(first != second, "Two different rigid bodies are needed", ValueException);
}

ModelObjectsTemp BodySwapMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), bodies_);
}

core::MonteCarloMoverResult BodySwapMover::do_propose() {
  IMP_OBJECT_LOG;
  return body_moves::propose(get_model(), bodies_, emcore::SwapMover(get_name(), {0}, {1}), &last_);
}

void BodySwapMover::do_reject() { body_moves::restore(get_model(), bodies_, last_); }

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::BodySwapMover);

IMPEMGMM_END_NAMESPACE

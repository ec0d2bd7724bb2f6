/**
 *  \file BodyTurnMover.cpp
 *  \brief A rigid body turns about one of its own axes.
 */

#include <IMP/emgmm/BodyTurnMover.h>

#include "body_moves.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace body_moves {

inline emcore::TurnMover get_turn_mover(const std::string &name, const algebra::Vector3Ds &axes) {
  std::vector<emcore::Vec3> to_turn_about;
  for (const algebra::Vector3D &axis : axes) to_turn_about.push_back(particles::to_core(axis));
  return emcore::TurnMover(name, {0}, to_turn_about);
}

}  // namespace body_moves

BodyTurnMover::BodyTurnMover(Model *m, ParticleIndex body, const algebra::Vector3Ds &axes)
    : core::MonteCarloMover(m, "turn " + m->get_particle_name(body)),
      bodies_(1, body),
      axes_(axes) {
  if (axes_.empty())
    for (unsigned int i = 0; i < 3; ++i) axes_.push_back(algebra::get_basis_vector_d<3>(i));
  body_moves::check_body(m, body);
  body_moves::get_turn_mover(get_name(), axes_);  // refuses axes without direction
}

ModelObjectsTemp BodyTurnMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), bodies_);
}

core::MonteCarloMoverResult BodyTurnMover::do_propose() {
  IMP_OBJECT_LOG;
  return body_moves::propose(get_model(), bodies_, body_moves::get_turn_mover(get_name(), axes_),
                             &last_);
}

void BodyTurnMover::do_reject() { body_moves::restore(get_model(), bodies_, last_); }

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::BodyTurnMover);

IMPEMGMM_END_NAMESPACE

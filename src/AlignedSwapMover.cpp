/**
 *  \file AlignedSwapMover.cpp
 *  \brief Two rigid bodies change places and take each other's principal axes.
 */

#include <IMP/emgmm/AlignedSwapMover.h>

#include "body_moves.h"
#include "mixture/principal_axes.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace body_moves {

// Masses of the rigid members, as points in the frame of the body.
inline emcore::Mixture get_masses(Model *m, ParticleIndex body) {
  emcore::Mixture masses;
  for (const core::RigidMember &member : core::RigidBody(m, body).get_rigid_members()) {
    const ParticleIndex pi = member.get_particle_index();
    if (atom::Mass::get_is_setup(m, pi))
      masses.push_back({particles::to_core(member.get_internal_coordinates()),
                        {},
                        atom::Mass(m, pi).get_mass()});
  }
  return masses;
}

inline algebra::Rotation3D get_principal_frame(Model *m, ParticleIndex body) {
  const emcore::Mixture masses = get_masses(m, body);
  if (!(emcore::mass(masses) > 0)) return algebra::get_identity_rotation_3d();
  const emcore::Vec3 center = emcore::center_of_mass(masses);
  return particles::to_imp(emcore::Pose{emcore::principal_frame(masses, center), {}})
      .get_rotation();
}

inline emcore::Quaternion to_core(const algebra::Rotation3D &frame) {
  return particles::to_core(algebra::Transformation3D(frame)).rotation;
}

}  // namespace body_moves

AlignedSwapMover::AlignedSwapMover(Model *m, ParticleIndex first, ParticleIndex second)
    : core::MonteCarloMover(
          m, "align " + m->get_particle_name(first) + ", " + m->get_particle_name(second)) {
  bodies_.push_back(first);
  bodies_.push_back(second);
  for (ParticleIndex pi : bodies_) body_moves::check_body(m, pi);
  IMP_USAGE_CHECK(first != second, "Two different rigid bodies are needed");
  for (ParticleIndex pi : bodies_) frames_.push_back(body_moves::get_principal_frame(m, pi));
}

algebra::Rotation3D AlignedSwapMover::get_principal_frame(unsigned int which) const {
  IMP_USAGE_CHECK(which < frames_.size(), "There are two bodies, 0 and 1, got " << which);
  return frames_[which];
}

ModelObjectsTemp AlignedSwapMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), bodies_);
}

core::MonteCarloMoverResult AlignedSwapMover::do_propose() {
  IMP_OBJECT_LOG;
  const emcore::AlignedSwapMover mover(get_name(), {0}, {1}, body_moves::to_core(frames_[0]),
                                       body_moves::to_core(frames_[1]));
  return body_moves::propose(get_model(), bodies_, mover, &last_);
}

void AlignedSwapMover::do_reject() { body_moves::restore(get_model(), bodies_, last_); }

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::AlignedSwapMover);

IMPEMGMM_END_NAMESPACE

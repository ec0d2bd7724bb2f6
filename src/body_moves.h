/**
 *  \file body_moves.h
 *  \brief Proposals of the core's movers on rigid bodies of IMP.
 */

#ifndef IMPEMGMM_BODY_MOVES_H
#define IMPEMGMM_BODY_MOVES_H

#include <IMP/check_macros.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/random.h>

#include <cmath>
#include <vector>

#include "particles.h"
#include "sample/global_movers.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace body_moves {

inline void check_body(Model *m, ParticleIndex pi) {
  IMP_ALWAYS_CHECK(core::RigidBody::get_is_setup(m, pi),
                   "Particle " << m->get_particle_name(pi) << " must be a core::RigidBody",
                   ValueException);
  IMP_ALWAYS_CHECK(
      !core::RigidBodyMember::get_is_setup(m, pi),
      "Rigid body " << m->get_particle_name(pi) << " must not be a member of another one",
      ValueException);
}

// IMP's generator seeds the core's, so that a run is the same from the same seed of IMP.
inline emcore::Random get_random() { return emcore::Random(random_number_generator()); }

// The ratio r = q(back) / q(there) of a proposal is returned for a HastingsMonteCarlo. For
// core::MonteCarlo, which accepts every move downhill whatever the ratio, a proposal is kept with
// the probability min(1, r) instead, then to be weighed by its energy alone: min(q(there), q(back))
// min(pi(old), pi(new)) is symmetric. Where it is not kept nothing moves, and the ratio of 0 makes
// the sampler count a rejection.
inline bool get_is_kept(double log_ratio, bool returns_ratio, emcore::Random &random) {
  return returns_ratio || log_ratio >= 0 || random.uniform() < std::exp(log_ratio);
}

inline void restore(Model *m, const ParticleIndexes &bodies,
                    const algebra::Transformation3Ds &last) {
  for (std::size_t j = 0; j < bodies.size(); ++j)
    core::RigidBody(m, bodies[j]).set_reference_frame_lazy(algebra::ReferenceFrame3D(last[j]));
}

// A finite number, and 0 only for what is no proposal at all.
inline double get_ratio(double log_ratio) {
  return std::isfinite(log_ratio) ? std::exp(std::fmax(-700, std::fmin(log_ratio, 700))) : 0;
}

// Moves the bodies as the core's mover says, which knows them by their place in the list; keeps in
// `last` where they were.
inline core::MonteCarloMoverResult propose(Model *m, const ParticleIndexes &bodies,
                                           const emcore::Mover &mover,
                                           algebra::Transformation3Ds *last,
                                           bool returns_ratio = false) {
  last->clear();
  std::vector<emcore::Pose> poses;
  for (ParticleIndex pi : bodies) {
    last->push_back(core::RigidBody(m, pi).get_reference_frame().get_transformation_to());
    poses.push_back(particles::to_core(last->back()));
  }
  emcore::Random random = get_random();
  const std::vector<std::vector<double>> no_parameters;
  emcore::Move move;
  const double log_ratio = mover.propose({poses, no_parameters}, 1, random, &move);
  const bool is_kept = get_is_kept(log_ratio, returns_ratio, random);
  ParticleIndexes moved;
  for (std::size_t j = 0; j < move.bodies.size(); ++j) {
    moved.push_back(bodies[move.bodies[j]]);
    if (is_kept)
      core::RigidBody(m, moved.back())
          .set_reference_frame_lazy(algebra::ReferenceFrame3D(particles::to_imp(move.poses[j])));
  }
  return core::MonteCarloMoverResult(moved, returns_ratio ? get_ratio(log_ratio) : is_kept);
}

inline ModelObjectsTemp get_particles(Model *m, const ParticleIndexes &bodies) {
  ModelObjectsTemp particles;
  for (ParticleIndex pi : bodies) particles.push_back(m->get_particle(pi));
  return particles;
}

}  // namespace body_moves

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_MOVES_H */

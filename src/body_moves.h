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
#include <memory>
#include <vector>

#include "moved_scoring.h"
#include "particles.h"
#include "sample/global_movers.h"
#include "terms/term.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace body_moves {

inline void check_body(Model *m, ParticleIndex pi) {
  IMP_USAGE_CHECK(core::RigidBody::get_is_setup(m, pi),
                  "Particle " << m->get_particle_name(pi) << " must be a core::RigidBody");
  IMP_USAGE_CHECK(
      !core::RigidBodyMember::get_is_setup(m, pi),
      "Rigid body " << m->get_particle_name(pi) << " must not be a member of another one");
}

// Bodies, then beads, all checked.
inline ParticleIndexes get_checked(Model *m, const ParticleIndexes &bodies,
                                   const ParticleIndexes &beads) {
  ParticleIndexes particles = bodies;
  for (ParticleIndex pi : bodies) check_body(m, pi);
  for (ParticleIndex pi : beads) {
    IMP_USAGE_CHECK(core::XYZ::get_is_setup(m, pi),
                    "Particle " << m->get_particle_name(pi) << " must be a core::XYZ");
    particles.push_back(pi);
  }
  return particles;
}

inline void check_kt(double kt) {
  IMP_ALWAYS_CHECK(kt > 0, "kT must be positive, got " << kt, ValueException);
}

// Of a rigid body its pose, of a flexible member its place in its body, of a bead its place.
inline algebra::Transformation3D get_pose(Model *m, ParticleIndex pi) {
  if (core::NonRigidMember::get_is_setup(m, pi))
    return algebra::Transformation3D(core::NonRigidMember(m, pi).get_internal_coordinates());
  if (core::RigidBody::get_is_setup(m, pi))
    return core::RigidBody(m, pi).get_reference_frame().get_transformation_to();
  return algebra::Transformation3D(core::XYZ(m, pi).get_coordinates());
}

inline void set_pose(Model *m, ParticleIndex pi, const algebra::Transformation3D &pose) {
  if (core::NonRigidMember::get_is_setup(m, pi))
    core::NonRigidMember(m, pi).set_internal_coordinates(pose.get_translation());
  else if (core::RigidBody::get_is_setup(m, pi))
    core::RigidBody(m, pi).set_reference_frame_lazy(algebra::ReferenceFrame3D(pose));
  else
    core::XYZ(m, pi).set_coordinates(pose.get_translation());
}

// The slope of the last evaluation by what get_pose() tells: torque about the body's origin.
inline emcore::PoseGradient get_gradient(Model *m, ParticleIndex pi) {
  if (core::NonRigidMember::get_is_setup(m, pi))
    return {particles::to_core(core::NonRigidMember(m, pi).get_internal_derivatives()), {}};
  if (core::RigidBody::get_is_setup(m, pi)) return particles::get_body_gradient(m, pi);
  return {particles::to_core(core::XYZ(m, pi).get_derivatives()), {}};
}

// Poses of all, IMP's in `last`.
inline std::vector<emcore::Pose> get_poses(Model *m, const ParticleIndexes &particles,
                                           algebra::Transformation3Ds *last) {
  last->clear();
  std::vector<emcore::Pose> poses;
  for (ParticleIndex pi : particles) {
    last->push_back(get_pose(m, pi));
    poses.push_back(particles::to_core(last->back()));
  }
  return poses;
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
  for (std::size_t j = 0; j < bodies.size(); ++j) set_pose(m, bodies[j], last[j]);
}

// What a mover of the core may know of the score: `terms` holds a ScoringTerm of the particles.
struct Score {
  const std::vector<std::unique_ptr<emcore::Term>> *terms;
  double kt;
};

// What the core's mover proposes, which knows the particles by their place in the list; they stay
// at `last`.
inline emcore::Move get_move(Model *m, const ParticleIndexes &particles, const emcore::Mover &mover,
                             const Score *score, emcore::Random &random,
                             algebra::Transformation3Ds *last, double *log_ratio) {
  const std::vector<emcore::Pose> poses = get_poses(m, particles, last);
  const std::vector<std::vector<double>> no_parameters;
  const std::vector<double> weights(1, 1.0);
  emcore::Move move;
  if (!score) {
    *log_ratio = mover.propose({poses, no_parameters}, 1, random, &move);
    return move;
  }
  try {
    *log_ratio =
        mover.propose({poses, no_parameters, score->terms, &weights, score->kt}, 1, random, &move);
  } catch (...) {  // restraints may refuse
    restore(m, particles, *last);
    throw;
  }
  restore(m, particles, *last);
  return move;
}

// A finite number, and 0 only for what is no proposal at all.
inline double get_ratio(double log_ratio) {
  return std::isfinite(log_ratio) ? std::exp(std::fmax(-700, std::fmin(log_ratio, 700))) : 0;
}

// Moves the particles as the core's mover says; keeps in `last` where they were. After a mover that
// computes scores all count as moved, for restraints remember a score of its own.
inline core::MonteCarloMoverResult propose(Model *m, const ParticleIndexes &particles,
                                           const emcore::Mover &mover,
                                           algebra::Transformation3Ds *last,
                                           bool returns_ratio = false,
                                           const Score *score = nullptr) {
  emcore::Random random = get_random();
  double log_ratio;
  const emcore::Move move = get_move(m, particles, mover, score, random, last, &log_ratio);
  const bool is_kept = get_is_kept(log_ratio, returns_ratio, random);
  ParticleIndexes moved;
  for (std::size_t j = 0; j < move.bodies.size(); ++j) {
    moved.push_back(particles[move.bodies[j]]);
    if (is_kept) set_pose(m, moved.back(), particles::to_imp(move.poses[j]));
  }
  if (score) moved = moved_scoring::at_least_two(particles);
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

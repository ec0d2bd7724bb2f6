/**
 *  \file scoring_term.h
 *  \brief A scoring function of IMP as a term of the core.
 */

#ifndef IMPEMGMM_SCORING_TERM_H
#define IMPEMGMM_SCORING_TERM_H

#include <IMP/ScoringFunction.h>
#include <IMP/emgmm/internal/term.h>

#include <memory>
#include <vector>

#include "body_moves.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace body_moves {

// A scoring function as a term, of the poses of some particles (see get_pose()). It moves them to
// score them, and leaves them at the poses that it was reset to or accepted.
class ScoringTerm : public emcore::Term {
 public:
  ScoringTerm(Model *m, ScoringFunction *scoring, const ParticleIndexes &particles,
              bool score_moved)
      : emcore::Term(scoring->get_name()),
        m_(m),
        scoring_(scoring),
        particles_(particles),
        score_moved_(score_moved) {
    for (std::size_t b = 0; b < particles.size(); ++b) all_.push_back(b);
  }

  std::unique_ptr<emcore::Term> clone() const override {
    return std::unique_ptr<emcore::Term>(new ScoringTerm(*this));
  }
  std::size_t bodies() const override { return particles_.size(); }

  // The slopes are those of restraints that have any.
  double evaluate(const std::vector<emcore::Pose> &poses,
                  std::vector<emcore::PoseGradient> *gradients) const override {
    algebra::Transformation3Ds here;
    get_poses(m_, particles_, &here);
    move(all_, poses);
    const double score = scoring_->evaluate(gradients != nullptr);
    if (gradients) {
      gradients->clear();
      for (ParticleIndex pi : particles_) gradients->push_back(get_gradient(m_, pi));
    }
    restore(m_, particles_, here);
    return score;
  }

  double reset(const std::vector<emcore::Pose> &poses) override {
    poses_ = poses;
    move(all_, poses_);
    rejected_.clear();
    return score_ = scoring_->evaluate(false);
  }

  double propose(const std::vector<std::size_t> &bodies,
                 const std::vector<emcore::Pose> &poses) override {
    bodies_ = bodies;
    proposed_ = poses;
    const ParticleIndexes moved = move(bodies, poses);
    proposed_score_ = score_moved_ ? scoring_->evaluate_moved(false, moved, rejected_)
                                   : scoring_->evaluate(false);
    return proposed_score_;
  }

  void accept() override {
    for (std::size_t j = 0; j < bodies_.size(); ++j) poses_[bodies_[j]] = proposed_[j];
    score_ = proposed_score_;
    rejected_.clear();
  }

  void reject() override {
    std::vector<emcore::Pose> back;
    for (std::size_t b : bodies_) back.push_back(poses_[b]);
    rejected_ = move(bodies_, back);
  }

  double score() const override { return score_; }

 private:
  ParticleIndexes move(const std::vector<std::size_t> &bodies,
                       const std::vector<emcore::Pose> &poses) const {
    ParticleIndexes moved;
    for (std::size_t j = 0; j < bodies.size(); ++j) {
      moved.push_back(particles_[bodies[j]]);
      set_pose(m_, moved.back(), particles::to_imp(poses[j]));
    }
    return moved;
  }

  Model *m_;
  ScoringFunction *scoring_;
  ParticleIndexes particles_, rejected_;  // rejected: moved by the last proposal, and back
  bool score_moved_;
  std::vector<std::size_t> all_, bodies_;
  std::vector<emcore::Pose> poses_, proposed_;
  double score_ = 0, proposed_score_ = 0;
};

// Proposes what a mover of the core makes of the score: `terms` holds a ScoringTerm of `particles`.
// All of these are named as moved, and one alone twice: where one particle moved and one was put
// back, IMP takes a restraint's score before the last, and here others came between.
inline core::MonteCarloMoverResult propose_by_score(
    Model *m, const ParticleIndexes &particles, const emcore::Mover &mover,
    const std::vector<std::unique_ptr<emcore::Term>> &terms, double kt, bool returns_ratio,
    algebra::Transformation3Ds *last) {
  const std::vector<emcore::Pose> poses = get_poses(m, particles, last);
  emcore::Random random = get_random();
  const std::vector<std::vector<double>> no_parameters;
  const std::vector<double> weights(1, 1.0);
  emcore::Move move;
  const double log_ratio =
      mover.propose({poses, no_parameters, &terms, &weights, kt}, 1, random, &move);
  const bool is_kept = get_is_kept(log_ratio, returns_ratio, random);
  restore(m, particles, *last);
  if (is_kept)
    for (std::size_t j = 0; j < move.bodies.size(); ++j)
      set_pose(m, particles[move.bodies[j]], particles::to_imp(move.poses[j]));
  ParticleIndexes moved = particles;
  if (moved.size() == 1) moved.push_back(moved[0]);
  return core::MonteCarloMoverResult(moved, returns_ratio ? std::exp(log_ratio) : is_kept);
}

}  // namespace body_moves

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SCORING_TERM_H */

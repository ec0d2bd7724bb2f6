/**
 *  \file scoring_term.h
 *  \brief A scoring function of IMP as a term of the core.
 */

#ifndef IMPEMGMM_SCORING_TERM_H
#define IMPEMGMM_SCORING_TERM_H

#include <IMP/ScoringFunction.h>

#include <memory>
#include <vector>

#include "body_moves.h"
#include "terms/term.h"

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
    for (ParticleIndex pi : particles_) here.push_back(get_pose(m_, pi));
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
    return score_ = score_moved_ ? moved_scoring::evaluate_all(scoring_, particles_)
                                 : scoring_->evaluate(false);
  }

  double propose(const std::vector<std::size_t> &bodies,
                 const std::vector<emcore::Pose> &poses) override {
    bodies_ = bodies;
    proposed_ = poses;
    const ParticleIndexes moved = move(bodies, poses);
    return proposed_score_ =
               score_moved_ ? moved_scoring::evaluate(scoring_, moved) : scoring_->evaluate(false);
  }

  void accept() override {
    for (std::size_t j = 0; j < bodies_.size(); ++j) poses_[bodies_[j]] = proposed_[j];
    score_ = proposed_score_;
  }

  void reject() override {
    std::vector<emcore::Pose> back;
    for (std::size_t b : bodies_) back.push_back(poses_[b]);
    const ParticleIndexes undone = move(bodies_, back);
    if (score_moved_) moved_scoring::evaluate(scoring_, undone);
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
  ParticleIndexes particles_;
  bool score_moved_;
  std::vector<std::size_t> all_, bodies_;
  std::vector<emcore::Pose> poses_, proposed_;
  double score_ = 0, proposed_score_ = 0;
};

}  // namespace body_moves

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SCORING_TERM_H */

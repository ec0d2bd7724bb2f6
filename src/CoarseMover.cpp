/**
 *  \file CoarseMover.cpp
 *  \brief Far moves on a rough copy of the score.
 */

#include <IMP/emgmm/CoarseMover.h>
#include <IMP/emgmm/internal/coarse_mover.h>

#include <cmath>

#include "body_moves.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace {

// A scoring function of IMP as a term of the core. It moves the particles to score them, and leaves
// them at the poses that it was reset to or accepted.
class ScoringTerm : public emcore::Term {
 public:
  ScoringTerm(Model *m, ScoringFunction *scoring, const ParticleIndexes &particles,
              bool score_moved)
      : emcore::Term(scoring->get_name()),
        m_(m),
        scoring_(scoring),
        particles_(particles),
        score_moved_(score_moved) {}

  std::unique_ptr<emcore::Term> clone() const override {
    return std::unique_ptr<emcore::Term>(new ScoringTerm(*this));
  }
  std::size_t bodies() const override { return particles_.size(); }

  double evaluate(const std::vector<emcore::Pose> &poses,
                  std::vector<emcore::PoseGradient> *gradients) const override {
    IMP_ALWAYS_CHECK(!gradients, "Slopes of a scoring function by pose are not known",
                     ValueException);
    ScoringTerm copy(*this);
    const double score = copy.reset(poses);
    copy.move(all_, poses_);
    return score;
  }

  double reset(const std::vector<emcore::Pose> &poses) override {
    all_.resize(poses.size());
    for (std::size_t b = 0; b < poses.size(); ++b) all_[b] = b;
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
      body_moves::set_pose(m_, moved.back(), particles::to_imp(poses[j]));
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

}  // namespace

struct CoarseMover::Core {
  std::vector<std::unique_ptr<emcore::Term>> terms;  // the one of the chain
  std::shared_ptr<const emcore::CoarseMover> mover;
};

CoarseMover::CoarseMover(Model *m, ScoringFunctionAdaptor coarse, const ParticleIndexes &bodies,
                         const ParticleIndexes &beads, double bead_step, unsigned int steps,
                         CoarseMover *coarser, std::string name)
    : core::MonteCarloMover(m, name),
      coarse_(coarse),
      coarser_(coarser),
      particles_(bodies),
      bodies_(bodies.size()),
      bead_step_(bead_step),
      steps_(steps) {
  for (ParticleIndex pi : bodies) body_moves::check_body(m, pi);
  for (ParticleIndex pi : beads) {
    IMP_USAGE_CHECK(core::XYZ::get_is_setup(m, pi),
                    "Particle " << m->get_particle_name(pi) << " must be a core::XYZ");
    particles_.push_back(pi);
  }
  IMP_ALWAYS_CHECK(!coarser || coarser->particles_ == particles_,
                   "A coarser mover must move the same bodies and beads", ValueException);
  core_ = create_core();
}

std::shared_ptr<const CoarseMover::Core> CoarseMover::create_core() const {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<std::size_t> beads;
  for (std::size_t b = 0; b < particles_.size(); ++b)
    if (b < bodies_)
      groups.push_back({b});
    else
      beads.push_back(b);
  emcore::CoarseChain chain = emcore::coarse_chain(groups, beads, bead_step_);
  if (coarser_) {
    chain.movers.push_back(coarser_->create_core()->mover);
    chain.shares.push_back(1.0 / emcore::kCoarserEvery);
  }
  emcore::CoarseOptions options;
  options.steps = static_cast<int>(steps_);
  // A chain inside moves what restraints keep the scores of.
  const auto term =
      std::make_shared<ScoringTerm>(get_model(), coarse_, particles_, score_moved_ && !coarser_);
  auto core = std::make_shared<Core>();
  core->terms.push_back(term->clone());
  core->mover =
      std::make_shared<emcore::CoarseMover>(get_name(), chain.movers, chain.shares, term, options);
  return core;
}

void CoarseMover::set_kt(double kt) {
  IMP_ALWAYS_CHECK(kt > 0, "kT must be positive, got " << kt, ValueException);
  kt_ = kt;
}

void CoarseMover::set_score_moved(bool tf) {
  score_moved_ = tf;
  core_ = create_core();
}

ModelObjectsTemp CoarseMover::do_get_inputs() const {
  return body_moves::get_particles(get_model(), particles_);
}

core::MonteCarloMoverResult CoarseMover::do_propose() {
  IMP_OBJECT_LOG;
  const std::vector<emcore::Pose> poses = body_moves::get_poses(get_model(), particles_, &last_);
  emcore::Random random = body_moves::get_random();
  const std::vector<std::vector<double>> no_parameters;
  const std::vector<double> weights(1, 1.0);
  emcore::Move move;
  const double log_ratio =
      core_->mover->propose({poses, no_parameters, &core_->terms, &weights, kt_}, 1, random, &move);
  const bool is_kept = body_moves::get_is_kept(log_ratio, returns_ratio_, random);
  body_moves::restore(get_model(), particles_, last_);
  if (is_kept)
    for (std::size_t j = 0; j < move.bodies.size(); ++j)
      body_moves::set_pose(get_model(), particles_[move.bodies[j]],
                           particles::to_imp(move.poses[j]));
  return core::MonteCarloMoverResult(particles_, returns_ratio_ ? std::exp(log_ratio) : is_kept);
}

void CoarseMover::do_reject() { body_moves::restore(get_model(), particles_, last_); }

IMPEMGMM_END_NAMESPACE

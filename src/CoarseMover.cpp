/**
 *  \file CoarseMover.cpp
 *  \brief Far moves on a rough copy of the score.
 */

#include <IMP/emgmm/CoarseMover.h>

#include "sample/coarse_mover.h"
#include "scoring_term.h"

IMPEMGMM_BEGIN_NAMESPACE

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
      particles_(body_moves::get_checked(m, bodies, beads)),
      bodies_(bodies.size()),
      bead_step_(bead_step),
      steps_(steps) {
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
  const auto term = std::make_shared<body_moves::ScoringTerm>(get_model(), coarse_, particles_,
                                                              score_moved_ && !coarser_);
  auto core = std::make_shared<Core>();
  core->terms.push_back(term->clone());
  core->mover =
      std::make_shared<emcore::CoarseMover>(get_name(), chain.movers, chain.shares, term, options);
  return core;
}

void CoarseMover::set_kt(double kt) {
  body_moves::check_kt(kt);
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
  const body_moves::Score score{&core_->terms, kt_};
  return body_moves::propose(get_model(), particles_, *core_->mover, &last_, returns_ratio_,
                             &score);
}

void CoarseMover::do_reject() { body_moves::restore(get_model(), particles_, last_); }

IMPEMGMM_END_NAMESPACE

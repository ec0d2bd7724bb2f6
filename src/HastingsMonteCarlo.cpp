/**
 *  \file HastingsMonteCarlo.cpp
 *  \brief Monte Carlo for moves whose way back is more or less likely.
 */

#include <IMP/core/rigid_bodies.h>
#include <IMP/emgmm/HastingsMonteCarlo.h>
#include <IMP/random.h>

#include <algorithm>
#include <cmath>

#include "moved_scoring.h"

IMPEMGMM_BEGIN_NAMESPACE

HastingsMonteCarlo::HastingsMonteCarlo(Model *m) : core::MonteCarlo(m), uniform_(0, 1) {
  set_name("HastingsMonteCarlo");
}

double HastingsMonteCarlo::do_evaluate(const ParticleIndexes &moved, bool force_full_score) const {
  if (!force_full_score) return core::MonteCarlo::do_evaluate(moved, false);
  ScoringFunction *score = get_scoring_function();
  const unsigned age = get_model()->get_dependencies_updated();
  if (score != score_ || age != age_ || moved != movable_) {
    score_ = score;
    age_ = age;
    movable_ = moved;
    ParticleIndexes named;  // as moved, sooner or later: no members of rigid bodies
    for (ParticleIndex pi : moved)
      if (!core::RigidMember::get_is_setup(get_model(), pi)) named.push_back(pi);
    undo_all_ = moved_scoring::has_partial_container(get_model(), score, named);
  }
  return moved_scoring::evaluate_all(score, moved);
}

void HastingsMonteCarlo::set_watched_movers(const core::MonteCarloMovers &movers) {
  watched_ = movers;
  proposed_.assign(movers.size(), 0);
  found_.assign(movers.size(), 0);
  lowest_ = std::numeric_limits<double>::infinity();
}

void HastingsMonteCarlo::watch() {
  lowest_ = std::min(lowest_, get_last_accepted_energy());
  for (std::size_t i = 0; i < watched_.size(); ++i)
    proposed_[i] = watched_[i]->get_number_of_proposed();
}

void HastingsMonteCarlo::credit() {
  if (!(get_last_accepted_energy() < lowest_)) return;
  for (std::size_t i = 0; i < watched_.size(); ++i)
    if (static_cast<int>(watched_[i]->get_number_of_proposed()) != proposed_[i]) ++found_[i];
}

void HastingsMonteCarlo::do_step() {
  const bool watches = is_watching_ && !watched_.empty();
  if (watches) watch();
  const core::MonteCarloMoverResult moved = do_move();
  const double score = do_evaluate(moved.get_moved_particles(), false);
  const double gain = get_last_accepted_energy() - score, ratio = moved.get_proposal_ratio();
  bool accepted;
  // The one case that core::MonteCarlo does not weigh. Where there is nothing to gain, it accepts
  // with the ratio that it is given, and 0 is a rejection.
  if (gain > 0 && ratio < 1 &&
      !(gain / get_kt() + std::log(ratio) > std::log(uniform_(random_number_generator))))
    accepted = do_accept_or_reject_move(
        score, score, core::MonteCarloMoverResult(moved.get_moved_particles(), 0));
  else
    accepted = do_accept_or_reject_move(score, moved);
  if (accepted && watches) credit();
  // Particles to be put back are told by a sampler that scores what moved.
  if (!accepted && (reset_pis_.size() > 1 || (undo_all_ && !reset_pis_.empty()))) {
    moved_scoring::evaluate(get_scoring_function(), reset_pis_);
    reset_pis_.clear();
  }
}

IMPEMGMM_END_NAMESPACE

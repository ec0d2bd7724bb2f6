/**
 *  \file HastingsMonteCarlo.cpp
 *  \brief Monte Carlo for moves whose way back is more or less likely.
 */

#include <IMP/emgmm/HastingsMonteCarlo.h>
#include <IMP/random.h>

#include <cmath>

IMPEMGMM_BEGIN_NAMESPACE

HastingsMonteCarlo::HastingsMonteCarlo(Model *m) : core::MonteCarlo(m), uniform_(0, 1) {
  set_name("HastingsMonteCarlo");
}

void HastingsMonteCarlo::do_step() {
  const core::MonteCarloMoverResult moved = do_move();
  const double score = do_evaluate(moved.get_moved_particles(), false);
  const double gain = get_last_accepted_energy() - score, ratio = moved.get_proposal_ratio();
  // The one case that core::MonteCarlo does not weigh. Where there is nothing to gain, it accepts
  // with the ratio that it is given, and 0 is a rejection.
  if (gain > 0 && ratio < 1 &&
      !(std::exp(gain / get_kt()) * ratio > uniform_(random_number_generator)))
    do_accept_or_reject_move(score, score,
                             core::MonteCarloMoverResult(moved.get_moved_particles(), 0));
  else
    do_accept_or_reject_move(score, moved);
}

IMPEMGMM_END_NAMESPACE

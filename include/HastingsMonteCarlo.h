/**
 *  \file IMP/emgmm/HastingsMonteCarlo.h
 *  \brief Monte Carlo for moves whose way back is more or less likely.
 */

#ifndef IMPEMGMM_HASTINGS_MONTE_CARLO_H
#define IMPEMGMM_HASTINGS_MONTE_CARLO_H

#include <IMP/core/MonteCarlo.h>
#include <IMP/emgmm/emgmm_config.h>

#include <boost/random/uniform_real_distribution.hpp>
#include <limits>

IMPEMGMM_BEGIN_NAMESPACE

//! Monte Carlo that weighs every move by its proposal ratio, also downhill
/** core::MonteCarlo accepts all moves to a lower score, and asks for the ratio
    q(back) / q(there) of the proposal only uphill. Here a move is accepted with
    the probability min(1, exp(-dE/kT) q(back) / q(there)) (Hastings 1970)
    whatever it does to the score. Where all ratios are 1 the two make the same
    steps from the same seed, as long as all is scored anew.

    With set_score_moved(true) the accepted score is that of the model as it is:
    a rejected move is scored again when it is undone, where that is needed.
    core::MonteCarlo leaves it to the next step, which may take scores of rejected
    poses for those of the present one: after moves of several particles (super
    rigid bodies), or with restraints over containers that hold some of the
    particles only.
    \see BodyPlaceMover
 */
class IMPEMGMMEXPORT HastingsMonteCarlo : public core::MonteCarlo {
 public:
  HastingsMonteCarlo(Model *m);

  //! Count for each of these the accepted moves that lead to a lower score than any before
  /** They may be movers that another one calls (core::SerialMover). Counts and
      lowest score start anew. */
  void set_watched_movers(const core::MonteCarloMovers &movers);

  //! Whether scores count as just said; with another weight or temperature they should not
  void set_is_watching(bool tf) { is_watching_ = tf; }
  bool get_is_watching() const { return is_watching_; }

  //! Get these counts, one for each mover
  Ints get_found() const { return found_; }

 protected:
  void do_step() override;
  double do_evaluate(const ParticleIndexes &moved, bool force_full_score) const override;
  IMP_OBJECT_METHODS(HastingsMonteCarlo);

 private:
  void watch();
  void credit();

  // Whether each rejected move is scored again, or only those of several particles, as found for
  // this score, these dependencies and particles.
  mutable bool undo_all_ = true;
  mutable const ScoringFunction *score_ = nullptr;  // only compared
  mutable unsigned age_ = 0;
  mutable ParticleIndexes movable_;
  ::boost::random::uniform_real_distribution<> uniform_;

  bool is_watching_ = true;
  core::MonteCarloMovers watched_;
  Ints proposed_, found_;  // before this step; since they are watched
  double lowest_ = std::numeric_limits<double>::infinity();
};

IMP_OBJECTS(HastingsMonteCarlo, HastingsMonteCarlos);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_HASTINGS_MONTE_CARLO_H */

// A late step of the global search: replica exchange between hot and cold arrangements.
#ifndef EMGMM_SEARCH_TEMPERING_H
#define EMGMM_SEARCH_TEMPERING_H

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sample/movers.h"
#include "sample/replica.h"
#include "search/arrangements.h"

namespace emcore {

// The search puts the largest bodies right, since their shapes stand out of the density; the small
// ones then have to find their places together, guided by density and cross-links alike. No single
// move of a wrong arrangement lowers its score, so the moves are those of Monte Carlo at
// temperatures at which bodies still wander, exchanged with colder ones (Geyer 1991).
struct TemperingOptions {
  std::size_t levels = 16;  // temperatures in geometric progression from 1 kT ...
  double hottest = 15;      // ... to this, kT
  std::size_t kept = 4;     // of what is best till then, starts of a round
  int rounds = 1;           // at most; one that finds nothing better is the last. 0: minimise alone
  std::uint64_t steps_a_body = 25000;               // of each replica, a round
  double max_translation = 6, max_rotation = 0.15;  // Å, rad; of one move
  double global_share = 0.1;  // swaps, turns about own axes, suggested places, each to a local move
  std::size_t frames = 200;   // of the coldest level, a round
  std::size_t solutions = 6;  // at most; cold frames between rounds that are minimised, too
  double gain = 0.1;          // kT: less is no better arrangement
  std::uint64_t seed = 0;
};

// What Monte Carlo needs besides the score.
struct TemperingProblem {
  std::vector<Quaternion> frames;  // principal to local coordinates of each body
  Confinement confinement;         // the ball in which bodies stay
  // A mover of bodies to what others leave of the data, for the best arrangement when a round
  // begins; null for none.
  std::function<std::shared_ptr<const Mover>(const std::vector<Pose> &)> suggest;
  std::function<void(double)> progress;  // share of all rounds that is done; may be empty
};

// What it found, best first, all different, and the cold frames of its rounds, which lie kT above
// their minima.
struct Tempered {
  Arrangements found, frames;
};

Tempered tempered(const ArrangementScore &score, const Starts &starts,
                  const TemperingProblem &problem, const TemperingOptions &options);

}  // namespace emcore

#endif

// A late step of the global search of many bodies: some of them taken out and placed anew.
#ifndef EMGMM_SEARCH_PLACE_ANEW_H
#define EMGMM_SEARCH_PLACE_ANEW_H

#include <cstdint>
#include <functional>
#include <vector>

#include "search/arrangements.h"
#include "search/densities.h"

namespace emcore {

// So many of the best are left after so many evaluations each.
struct Sieve {
  std::size_t kept;
  int evaluations;
};

struct PlaceAnewOptions {
  std::size_t least_taken = 2, most_taken = 5;  // bodies at a time
  double large = 2;           // times the mean mass of all: such bodies stay where they are
  double missed_noise = 0.5;  // standard deviation of the logarithm of what is missed of a body
  // Of the rounds take bodies near each other, of a few more than are taken.
  double near_share = 0.5;
  std::size_t near_more = 3;
  // Rounds without anything better, and at most. On two arrangements of RNA polymerase II something
  // better came after 11 rounds at most, in one whole run after more than 14.
  int patience = 20, rounds = 120;
  double best_share = 0.5;  // of the rounds begin from the best; the others from any of the parents
  int exchanged = 20;       // rounds after which the arrangements exchange bodies
  double gain = 0.5;        // kT: less is no better arrangement
  std::size_t rotations = 500, refined = 400;  // of each body
  std::size_t choices = 1000;                  // of places, all different
  double most_energy = 10;  // kT that a pair of bodies may cost while places are chosen
  // First the placed bodies alone are moved, then all with less excluded volume, then with all.
  std::vector<Sieve> lightly = {{200, 10}, {60, 20}};
  std::vector<Sieve> softly = {{20, 30}, {6, 30}};
  std::vector<Sieve> fully = {{2, 60}, {2, 400}};
  RecombinationOptions recombination;
  std::uint64_t seed = 0;
  std::function<void(double)> progress;  // share of the rounds that may be; may be empty
};

// The best arrangements after some bodies at a time were placed anew, all different.
//
// Tempering may leave bodies that stand in each other's places: in two of five searches of RNA
// polymerase II three and four of 15, 30 to 36 kT above the right arrangement. By eq. 13 the right
// pair of such a ring costs 70 and 92 kT; by the noise model that bounds the price of what nothing
// explains (Densities::robust) it gains 11 and 16 kT. So some bodies at a time, those that the
// density misses least, are taken out together and placed anew (large neighbourhood search, Shaw
// 1998): the score of any choice of places is put together from tables (choices.h), the
// best choices are minimised.
//
// soft: `score` with less excluded volume, of bodies just placed, which still overlap; its first
// term is that of the densities. guides: terms that say which places go together, by pairs of
// bodies. found: arrangements to begin from, with their scores by `score`.
Arrangements placed_anew(const ArrangementScore &score, const ArrangementScore &soft,
                         const Densities &densities, const std::vector<WeightedTerm> &guides,
                         Arrangements found, const PlaceAnewOptions &options);

}  // namespace emcore

#endif

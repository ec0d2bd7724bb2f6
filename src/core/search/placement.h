// First part of the global search: each body everywhere, then all together and body by body.
#ifndef EMGMM_SEARCH_PLACEMENT_H
#define EMGMM_SEARCH_PLACEMENT_H

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sample/minimize.h"
#include "score/mixture_score.h"
#include "terms/pose_function.h"

namespace emcore {

struct PlacementOptions {
  std::uint64_t seed = 0;
  unsigned threads = 0;           // 0: all cores; the result is the same for any number
  std::size_t rotations = 2000;   // tried at each place; 2000 are about 15 degrees apart
  std::size_t refined = 600;      // of these pairs, moved uphill on a grid, by all components
  std::size_t candidates = 400;   // kept of each body, at most; 2000 of all bodies together
  std::size_t combinations = 24;  // of candidates, refined together
  std::size_t solutions = 6;      // improved body by body, and returned
  int sweeps = 6;                 // at most, over all bodies; 0: without step 4
  // The whole search is repeated from new random numbers until its best arrangement was found
  // this often, or `searches` were made.
  int confirmations = 2;
  int searches = 4;
  // Arrangements to go on from, in place of those of step 2.
  std::vector<std::vector<Pose>> starts;
  // The share of the extra terms that two bodies alone decide, kT: guides the choice of
  // combinations. May be empty.
  PairScore pair_score;
  // Called now and then; a true answer stops the search with what it has.
  std::function<bool()> stop;
};

struct PlacementSolution {
  double score;  // kT, of the MixtureScore plus the extra terms
  std::vector<Pose> poses;
  int found = 1;  // independent searches that ended here (up to exchanged identical bodies)
};

// Best arrangements of the bodies (local mixtures, centred on their masses) in the data, best
// first, all different.
//   1. Each body alone: rotations x places, scored by the overlap with the high-pass filtered data
//      in closed form (read from a grid, field.h), the best pairs refined by gradient and
//      torque.
//   2. Combinations: the squared difference of the filtered densities, sum_ij ov_ij - 2 sum_i
//      ov_iD, needs only numbers of single candidates and of pairs, so annealing over the choice of
//      one candidate a body is cheap.
//      Beside these, from three bodies on: the largest bodies first, each into what the ones before
//      it leave of the data (by_size.h). This is what finds complexes of many bodies.
//   3. The best of both refined together by the Bayesian score (eq. 13) and extra terms.
//   4. Body by body with the others in place: every candidate, every rotation where it is, swaps
//      with other bodies; the best of these refined; until nothing improves.
// The steps are repeated (options.confirmations); how often a solution was found says how far to
// trust that it is the best.
// extra: further terms of the score (may be empty). Bodies with the same `kind` are identical.
// Throws std::domain_error for no bodies or one without components.
std::vector<PlacementSolution> place_bodies(std::shared_ptr<const MixtureScore> score,
                                            const std::vector<Mixture> &bodies,
                                            const std::vector<int> &kinds,
                                            const PoseFunction &extra,
                                            const PlacementOptions &options);

}  // namespace emcore

#endif

// Which candidates of several bodies go together, by the Bayesian score itself.
#ifndef EMGMM_SEARCH_CHOICES_H
#define EMGMM_SEARCH_CHOICES_H

#include <cstdint>
#include <memory>
#include <vector>

#include "score/mixture_score.h"
#include "search/candidates.h"
#include "terms/pose_function.h"

namespace emcore {

struct ChoiceOptions {
  std::uint64_t seed = 0;
  unsigned threads = 0;              // 0: all cores; the result is the same for any number
  std::size_t kept = 150;            // candidates of a body, those that score best alone
  std::size_t runs = 8;              // of annealing
  std::size_t steps = 5000;          // of each run, a body
  double hottest = 20, coldest = 1;  // kT
  std::size_t most = 24;             // choices returned
  double apart = 5;                  // Å: candidates of one body that are no farther off are one
};

// Which candidate each of the `placed` bodies (ascending) takes, best first, all different, with
// the others at their poses: choices[c][j] is an index into candidates[j]. Every candidate's
// overlaps with the data are computed once, so that a choice costs one sum of rows and its
// logarithms: annealing tries some hundred thousand. `pair` (may be empty) adds what other terms
// say of pairs of bodies, kT. Throws std::domain_error for placed bodies that do not ascend or do
// not exist, and for another number of poses or lists than of bodies.
std::vector<std::vector<std::size_t>> placement_choices(
    const MixtureScore &score, const std::vector<Mixture> &bodies, const std::vector<Pose> &poses,
    const std::vector<std::size_t> &placed, const std::vector<std::vector<Pose>> &candidates,
    const PairScore &pair, const ChoiceOptions &options);

// Each of these arrangements of all bodies, which differ in the placed ones alone, with those
// minimised by the density and these terms, the others where they are: best first. What it costs is
// that of the placed bodies; scores are comparable with each other alone. Throws std::domain_error
// for arrangements that differ in another body.
std::vector<PlacementSolution> minimized_choices(const std::shared_ptr<const MixtureScore> &score,
                                                 const std::vector<Mixture> &bodies,
                                                 const std::vector<WeightedTerm> &terms,
                                                 const std::vector<std::vector<Pose>> &arrangements,
                                                 const std::vector<std::size_t> &placed,
                                                 int evaluations, unsigned threads);

}  // namespace emcore

#endif

// Which candidates of several bodies go together, by the Bayesian score itself.
#ifndef IMPEMGMM_INTERNAL_PLACEMENT_CHOICES_H
#define IMPEMGMM_INTERNAL_PLACEMENT_CHOICES_H

#include <IMP/emgmm/internal/mixture_score.h>
#include <IMP/emgmm/internal/placement_candidates.h>

#include <cstdint>
#include <vector>

namespace emcore {

struct ChoiceOptions {
  std::uint64_t seed = 0;
  unsigned threads = 0;              // 0: all cores; the result is the same for any number
  std::size_t kept = 150;            // candidates of a body, those that score best alone
  std::size_t runs = 8;              // of annealing
  std::size_t steps = 20000;         // of each run, a body
  double hottest = 20, coldest = 1;  // kT
  std::size_t most = 24;             // choices returned
  double apart = 5;                  // Å: choices of which no body is farther off are one
};

// Choices of one candidate a body, best first, all different, with the other bodies (`fixed`) in
// place: choices[c][b] is an index into candidates[b]. Every candidate's overlaps with the data are
// computed once, so that a choice costs one sum of rows and its logarithms: annealing tries some
// million. The guide's energies (kT) are added.
std::vector<std::vector<std::size_t>> placement_choices(
    const MixtureScore &score, const Mixture &fixed, const std::vector<Mixture> &bodies,
    const std::vector<std::vector<Pose>> &candidates, const PlacementGuide &guide,
    const ChoiceOptions &options);

}  // namespace emcore

#endif

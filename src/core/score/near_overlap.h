// Overlaps of many isotropic Gaussians (atoms, residues, beads) with a mixture: only pairs that are
// near, in single precision, with a bound on what was left out.
#ifndef EMGMM_SCORE_NEAR_OVERLAP_H
#define EMGMM_SCORE_NEAR_OVERLAP_H

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mixture/gaussian.h"
#include "score/pair_list.h"

namespace emcore {

// The list of pairs is kept from one evaluation to the next while no atom has moved far since it
// was made, and has pairs to spare for that. So what is left out of an evaluation, but not its
// bound, depends on what came before.
class NearOverlap {
 public:
  explicit NearOverlap(const Mixture &data);

  // The model as evaluate() takes it; none where a covariance prefers a direction (to 1e-9 of its
  // size).
  std::optional<NearModel> isotropic(const Mixture &model) const;

  // Of n data components, at most kNearBlock, with these numbers: their overlaps with the model and
  // upper bounds of what was left out, Da²/Å³ both; slopes[i] becomes dE/d(overlap). Called from
  // several threads, once for each component.
  using Slopes =
      std::function<void(std::size_t n, const std::size_t *numbers, const double *overlaps,
                         const double *left_out, double *slopes)>;

  // Pairs that cannot reach `cutoff` (0 to 1) of the largest overlap that they could have at any
  // distance may be left out. by_mean, where given: dE/d(mean) of each model component. The result
  // does not depend on the number of threads. Relative error of an overlap, what was left out
  // aside, below 1e-5.
  void evaluate(const NearModel &model, double cutoff, unsigned threads, const Slopes &slopes,
                std::vector<NearPoint> *by_mean) const;

 private:
  std::shared_ptr<const PairList> list_for(const NearModel &model, double cutoff,
                                           unsigned threads) const;

  Vec3 center_;
  std::vector<NearComponent> components_;  // neighbours in space are neighbours here
  mutable std::shared_ptr<const PairList> list_;
};

}  // namespace emcore

#endif

// Terms as what the optimiser and the placement ask for.
#ifndef EMGMM_TERMS_POSE_FUNCTION_H
#define EMGMM_TERMS_POSE_FUNCTION_H

#include <memory>
#include <vector>

#include "sample/minimize.h"
#include "search/placement.h"
#include "terms/term.h"

namespace emcore {

struct TermWeight {
  std::shared_ptr<const Term> term;
  double weight = 1;
};

// These are empty for no terms; they may be called from several threads.
// Weighted sum of terms as a function of all poses, with derivatives.
PoseFunction pose_function(const std::vector<TermWeight> &terms);
// What the poses of these bodies decide of it; derivatives by the others are 0.
PoseFunction moved_pose_function(const std::vector<TermWeight> &terms,
                                 const std::vector<std::size_t> &bodies);
// The share of it that two bodies alone decide.
PairScore pair_function(const std::vector<TermWeight> &terms);

}  // namespace emcore

#endif

// Terms as what the optimiser and the placement ask for.
#ifndef IMPEMGMM_INTERNAL_TERM_FUNCTION_H
#define IMPEMGMM_INTERNAL_TERM_FUNCTION_H

#include <IMP/emgmm/internal/minimize.h>
#include <IMP/emgmm/internal/placement.h>
#include <IMP/emgmm/internal/term.h>

#include <memory>
#include <vector>

namespace emcore {

struct TermWeight {
  std::shared_ptr<const Term> term;
  double weight = 1;
};

// Weighted sum of terms as a function of all poses, with derivatives, and the share of it that two
// bodies alone decide. Both are empty for no terms; they may be called from several threads.
PoseFunction pose_function(const std::vector<TermWeight> &terms);
// What the poses of these bodies decide of it; gradients of the others are left out (0).
PoseFunction moved_pose_function(const std::vector<TermWeight> &terms,
                                 const std::vector<std::size_t> &bodies);
PairScore pair_function(const std::vector<TermWeight> &terms);

}  // namespace emcore

#endif

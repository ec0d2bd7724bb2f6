// Scores as functions of poses: what the optimiser and the search ask of terms.
#ifndef EMGMM_TERMS_POSE_FUNCTION_H
#define EMGMM_TERMS_POSE_FUNCTION_H

#include <functional>
#include <memory>
#include <vector>

#include "terms/term.h"

namespace emcore {

// A score of poses; where gradients is given it gets one a body.
using PoseFunction =
    std::function<double(const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients)>;

// What two bodies decide of a score, wherever the others are, kT.
using PairScore =
    std::function<double(std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c)>;

// A term with its weight; in a run the weight of an annealed one follows the schedule.
struct WeightedTerm {
  std::shared_ptr<const Term> term;
  double weight = 1;
  bool annealed = false;
};

// These are empty for no terms; they may be called from several threads.
// Weighted sum of terms as a function of all poses, with derivatives.
PoseFunction pose_function(const std::vector<WeightedTerm> &terms);
// What the poses of these bodies decide of it; derivatives by the others are 0.
PoseFunction moved_pose_function(const std::vector<WeightedTerm> &terms,
                                 const std::vector<std::size_t> &bodies);
// The share of it that two bodies alone decide.
PairScore pair_function(const std::vector<WeightedTerm> &terms);

}  // namespace emcore

#endif

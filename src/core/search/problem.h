// What the steps of the global search share: the problem, and its score minimised.
#ifndef EMGMM_SEARCH_PROBLEM_H
#define EMGMM_SEARCH_PROBLEM_H

#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "score/moved_score.h"
#include "search/candidates.h"
#include "search/placement.h"

namespace emcore {

// Turns tried of bodies put into what others leave (19 degrees apart): small ones are left.
constexpr std::size_t kRotationsBySize = 1000;

// What every step of the search for one arrangement needs.
struct PlacementProblem {
  std::shared_ptr<const MixtureScore> score;         // double precision, for results
  std::shared_ptr<const MixtureScore> single_score;  // single precision, for scanning
  std::vector<Mixture> bodies;
  std::vector<int> kinds;
  std::vector<double> radii;
  std::vector<Quaternion> frames;  // principal to local coordinates (principal_axes.h)
  std::map<int, std::vector<PlacementCandidate>> candidates_of_kind;
  PoseFunction extra;
  PlacementOptions options;

  const std::vector<PlacementCandidate> &candidates(std::size_t b) const {
    return candidates_of_kind.at(kinds[b]);
  }

  double extra_score(const std::vector<Pose> &poses) const {
    return extra ? extra(poses, nullptr) : 0;
  }
  bool stopped() const { return options.stop && options.stop(); }
};

// Without a number nothing can be ranked: worse than all others.
inline double ranked_score(double score) { return std::isnan(score) ? 1e300 : score; }

struct PlacementMove {
  double score;
  std::vector<std::size_t> bodies;
  std::vector<Pose> poses;
};

// All bodies at once, minimised.
PlacementSolution refined_together(const PlacementProblem &problem, const std::vector<Pose> &poses,
                                   int evaluations);

// Some bodies with the others where `kept` has them: only the moved ones are computed.
PlacementMove refined_alone(const PlacementProblem &problem, MovedScore *kept,
                            const PlacementMove &move, int evaluations);

}  // namespace emcore

#endif

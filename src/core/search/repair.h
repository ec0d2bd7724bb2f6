// Body by body: what is wrong in an arrangement is moved.
#ifndef EMGMM_SEARCH_REPAIR_H
#define EMGMM_SEARCH_REPAIR_H

#include <cstdint>
#include <memory>
#include <vector>

#include "search/problem.h"

namespace emcore {

// What the score of these poses misses of each body, kT a Da: by so much it rises without it. Of
// bodies that stand in others' places it is low.
std::vector<double> missed_of_bodies(const std::shared_ptr<const MixtureScore> &score,
                                     const std::vector<Mixture> &bodies,
                                     const std::vector<Pose> &poses);

// Body by body with the others in place: every candidate, every rotation where it is, swaps with
// other bodies; the best of these refined; until nothing improves.
PlacementSolution improved_placement(const PlacementProblem &problem, PlacementSolution solution,
                                     std::uint64_t stream);

}  // namespace emcore

#endif

#include "search/by_size.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace emcore {

namespace {

struct PartialArrangement {
  double gain = 0;  // sum of the overlaps with what was left
  std::vector<Pose> poses;
  Mixture model;
};

}  // namespace

std::vector<std::vector<Pose>> placed_by_size(const Mixture &data,
                                              const std::vector<Mixture> &bodies, std::size_t width,
                                              double share, const PlacementOptions &options) {
  std::vector<std::size_t> order(bodies.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return mass(bodies[a]) > mass(bodies[b]); });
  std::vector<PartialArrangement> beam(1);
  beam[0].poses.resize(bodies.size());
  for (std::size_t step = 0; step < order.size(); ++step) {
    const std::size_t b = order[step];
    std::vector<PartialArrangement> next;
    for (const PartialArrangement &state : beam) {
      if (options.stop && options.stop()) return {};
      std::vector<PlacementCandidate> candidates =
          placement_candidates(data, state.model, bodies[b], options);
      if (options.pair_score && share > 0) {
        const double typical = candidates.front().overlap;
        for (PlacementCandidate &candidate : candidates)
          for (std::size_t placed = 0; placed < step; ++placed)
            candidate.overlap -=
                share * typical *
                options.pair_score(b, candidate.pose, order[placed], state.poses[order[placed]]);
        std::stable_sort(candidates.begin(), candidates.end(),
                         [](const PlacementCandidate &x, const PlacementCandidate &y) {
                           return x.overlap > y.overlap;
                         });
      }
      for (std::size_t c = 0; c < std::min(width, candidates.size()); ++c) {
        next.push_back(state);
        next.back().gain += candidates[c].overlap;
        next.back().poses[b] = candidates[c].pose;
        for (const Gaussian &g : moved(bodies[b], candidates[c].pose))
          next.back().model.push_back(g);
      }
    }
    std::stable_sort(
        next.begin(), next.end(),
        [](const PartialArrangement &x, const PartialArrangement &y) { return x.gain > y.gain; });
    next.resize(std::min(width, next.size()));
    beam = std::move(next);
  }
  std::vector<std::vector<Pose>> result;
  for (PartialArrangement &state : beam) result.push_back(std::move(state.poses));
  return result;
}

}  // namespace emcore

// Splitting and merging components: how a mixture changes its number or leaves a poor optimum.
#ifndef EMGMM_FIT_SPLIT_MERGE_H
#define EMGMM_FIT_SPLIT_MERGE_H

#include <vector>

#include "fit/map_pass.h"
#include "mixture/gaussian.h"

namespace emcore {

// Two halves of a component along its longest axis, `offset` standard deviations on both sides of
// its mean, with the same total weight, mean and covariance.
void split(double offset, Gaussian &component, Gaussian &sibling);

// The Gaussian with the weight, mean and covariance of two together.
Gaussian merged(const Gaussian &a, const Gaussian &b);

// Integral over space of (a + b - merged(a, b))^2: what merging them costs.
double merge_cost(const Gaussian &a, const Gaussian &b);

struct MergePair {
  std::uint32_t a, b;
  double cost;
};

// At most n disjoint pairs, cheapest first, among components that reach a common chunk.
std::vector<MergePair> cheapest_merges(const Mixture &mixture, const std::vector<NearList> &lists,
                                       std::size_t n, unsigned threads);

}  // namespace emcore

#endif

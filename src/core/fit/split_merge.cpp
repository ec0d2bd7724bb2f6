#include "fit/split_merge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "math/eigen.h"
#include "math/parallel.h"
#include "mixture/pair_overlap.h"

namespace emcore {

namespace {

double overlap(const Gaussian &a, const Gaussian &b) {
  return std::exp(pair_overlap(a, b).log_overlap);
}

}  // namespace

void split(double offset, Gaussian &component, Gaussian &sibling) {
  const Eigen3 e = eigen(component.covariance);
  const Vec3 shift = (offset * std::sqrt(e.values[2])) * e.vectors[2];
  component.covariance += (-offset * offset * e.values[2]) * outer(e.vectors[2]);
  component.weight *= 0.5;
  sibling = component;
  component.mean = component.mean - shift;
  sibling.mean += shift;
}

Gaussian merged(const Gaussian &a, const Gaussian &b) {
  const double weight = a.weight + b.weight, s = a.weight / weight, t = b.weight / weight;
  const Vec3 d = a.mean - b.mean;
  return {s * a.mean + t * b.mean, s * a.covariance + t * b.covariance + (s * t) * outer(d),
          weight};
}

double merge_cost(const Gaussian &a, const Gaussian &b) {
  const Gaussian m = merged(a, b);
  return overlap(a, a) + overlap(b, b) + overlap(m, m) +
         2 * (overlap(a, b) - overlap(a, m) - overlap(b, m));
}

std::vector<MergePair> cheapest_merges(const Mixture &mixture, const std::vector<NearList> &lists,
                                       std::size_t n, unsigned threads) {
  // The cheapest partner of each component in each chunk.
  std::vector<std::vector<MergePair>> found(lists.size());
  parallel_for(lists.size(), threads, [&](std::size_t c) {
    const std::vector<std::uint32_t> &near = lists[c].components;
    for (std::size_t i = 0; i < near.size(); ++i) {
      MergePair best{near[i], near[i], std::numeric_limits<double>::infinity()};
      const Gaussian &a = mixture[near[i]];
      const double width = a.covariance.xx + a.covariance.yy + a.covariance.zz;
      for (std::size_t j = 0; j < near.size(); ++j) {
        const Gaussian &b = mixture[near[j]];
        const Vec3 d = a.mean - b.mean;
        // Far beyond their widths two components never make one.
        if (i == j || dot(d, d) > 2 * (width + b.covariance.xx + b.covariance.yy + b.covariance.zz))
          continue;
        const double cost = merge_cost(a, b);
        if (cost < best.cost) best = {near[i], near[j], cost};
      }
      if (best.b != best.a)
        found[c].push_back({std::min(best.a, best.b), std::max(best.a, best.b), best.cost});
    }
  });
  std::vector<MergePair> all;
  for (const auto &part : found) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), [](const MergePair &p, const MergePair &q) {
    return std::tie(p.cost, p.a, p.b) < std::tie(q.cost, q.a, q.b);
  });
  std::vector<char> used(mixture.size(), 0);
  std::vector<MergePair> result;
  for (const MergePair &pair : all) {
    if (result.size() == n) break;
    if (used[pair.a] || used[pair.b]) continue;
    used[pair.a] = used[pair.b] = 1;
    result.push_back(pair);
  }
  return result;
}

}  // namespace emcore

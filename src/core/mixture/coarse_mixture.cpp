#include "mixture/coarse_mixture.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "math/random.h"

namespace emcore {

Mixture coarsened(const Mixture &mixture, std::size_t n, std::uint64_t seed) {
  if (mixture.size() <= n) return mixture;
  Random random(seed, 77);
  // k-means++ on the means, weighted by mass.
  std::vector<Vec3> centers;
  std::vector<double> nearest(mixture.size(), 1e300);
  for (std::size_t c = 0; c < n; ++c) {
    double total = 0;
    for (std::size_t i = 0; i < mixture.size(); ++i)
      total += mixture[i].weight * (c ? nearest[i] : 1);
    double draw = random.uniform() * total;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      chosen = i;
      draw -= mixture[i].weight * (c ? nearest[i] : 1);
      if (draw < 0) break;
    }
    centers.push_back(mixture[chosen].mean);
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      const Vec3 d = mixture[i].mean - centers.back();
      nearest[i] = std::min(nearest[i], dot(d, d));
    }
  }
  std::vector<std::size_t> group(mixture.size(), 0);
  for (int iteration = 0; iteration < 30; ++iteration) {
    std::vector<Vec3> sums(n);
    std::vector<double> masses(n, 0.0);
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      double least = 1e300;
      for (std::size_t c = 0; c < n; ++c) {
        const Vec3 d = mixture[i].mean - centers[c];
        if (dot(d, d) < least) least = dot(d, d), group[i] = c;
      }
      sums[group[i]] += mixture[i].weight * mixture[i].mean;
      masses[group[i]] += mixture[i].weight;
    }
    for (std::size_t c = 0; c < n; ++c)
      if (masses[c] > 0) centers[c] = (1 / masses[c]) * sums[c];
  }
  Mixture result(n);
  for (Gaussian &g : result) g.weight = 0;
  for (std::size_t i = 0; i < mixture.size(); ++i) {
    Gaussian &g = result[group[i]];
    const Vec3 d = mixture[i].mean - centers[group[i]];
    g.weight += mixture[i].weight;
    g.covariance += mixture[i].weight * (mixture[i].covariance + outer(d));
  }
  Mixture kept;
  for (std::size_t c = 0; c < n; ++c)
    if (result[c].weight > 0)
      kept.push_back({centers[c], (1 / result[c].weight) * result[c].covariance, result[c].weight});
  return kept;
}

Mixture coarser(const Mixture &mixture, double coarseness) {
  const double n = std::nearbyint(static_cast<double>(mixture.size()) / coarseness);
  return coarsened(mixture, std::max<std::size_t>(1, static_cast<std::size_t>(n)), 0);
}

}  // namespace emcore

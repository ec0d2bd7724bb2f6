#include "fit/point_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "math/eigen.h"
#include "math/parallel.h"
#include "math/random.h"

namespace emcore {
namespace {

struct PointCloud {
  std::vector<Vec3> positions;
  std::vector<double> weights, spreads;
  double mass = 0;
  std::size_t size() const { return positions.size(); }
};

// Points that carry mass, checked.
PointCloud point_fit_cloud(const std::vector<Vec3> &positions, const std::vector<double> &weights,
                           const std::vector<double> &spreads) {
  if (weights.size() != positions.size() ||
      (!spreads.empty() && spreads.size() != positions.size()))
    throw std::domain_error(
        "positions, weights and spreads differ in number: " + std::to_string(positions.size()) +
        ", " + std::to_string(weights.size()) + ", " + std::to_string(spreads.size()));
  PointCloud cloud;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const double spread = spreads.empty() ? 0 : spreads[i];
    const std::string place = " of point " + std::to_string(i);
    if (!std::isfinite(dot(positions[i], positions[i])))
      throw std::domain_error("position" + place + " is not finite");
    if (!(weights[i] >= 0) || !std::isfinite(weights[i]))
      throw std::domain_error("weight" + place + " must not be negative, got " +
                              std::to_string(weights[i]));
    if (!(spread >= 0) || !std::isfinite(spread))
      throw std::domain_error("variance" + place + " must not be negative, got " +
                              std::to_string(spread));
    if (weights[i] == 0) continue;
    cloud.positions.push_back(positions[i]);
    cloud.weights.push_back(weights[i]);
    cloud.spreads.push_back(spread);
    cloud.mass += weights[i];
  }
  return cloud;
}

// Greedy k-means++ (Arthur & Vassilvitskii 2007): of a few points drawn in proportion to their
// squared distance the one that leaves the least sum; then Lloyd's iterations.
// Returns the centre of each point.
std::vector<std::size_t> point_fit_seeds(const PointCloud &cloud, std::size_t components,
                                         Random &random) {
  const std::size_t n = cloud.size();
  std::vector<Vec3> centers;
  std::vector<double> distance(n, 1), trial(n), best(n);
  std::vector<std::size_t> owner(n, 0);
  std::vector<char> used(n, 0);
  const auto draw = [&] {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (!used[i]) total += cloud.weights[i] * distance[i];
    double left = total * random.uniform();
    std::size_t chosen = n;
    for (std::size_t i = 0; i < n; ++i) {
      if (used[i]) continue;
      chosen = i;  // the last unused point where rounding, or points that coincide, leave none
      left -= cloud.weights[i] * distance[i];
      if (left < 0) break;
    }
    return chosen;
  };
  const int draws = 2 + static_cast<int>(std::log(components));
  for (std::size_t c = 0; c < components; ++c) {
    std::size_t chosen = n;
    double least = std::numeric_limits<double>::infinity();
    for (int attempt = 0; attempt < draws; ++attempt) {
      const std::size_t candidate = draw();
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3 d = cloud.positions[i] - cloud.positions[candidate];
        trial[i] = c ? std::min(distance[i], dot(d, d)) : dot(d, d);
        sum += cloud.weights[i] * trial[i];
      }
      if (!(sum < least)) continue;
      least = sum;
      chosen = candidate;
      best.swap(trial);
    }
    used[chosen] = 1;
    centers.push_back(cloud.positions[chosen]);
    for (std::size_t i = 0; i < n; ++i)
      if (c == 0 || best[i] < distance[i]) owner[i] = c;
    distance = best;
  }
  for (int iteration = 0; iteration < 10; ++iteration) {
    std::vector<Vec3> sums(components);
    std::vector<double> masses(components, 0);
    for (std::size_t i = 0; i < n; ++i) {
      sums[owner[i]] += cloud.weights[i] * cloud.positions[i];
      masses[owner[i]] += cloud.weights[i];
    }
    for (std::size_t c = 0; c < components; ++c)
      if (masses[c] > 0) centers[c] = (1 / masses[c]) * sums[c];
    bool changed = false;
    for (std::size_t i = 0; i < n; ++i) {
      double nearest = std::numeric_limits<double>::infinity();
      std::size_t closest = owner[i];
      for (std::size_t c = 0; c < components; ++c) {
        const Vec3 d = cloud.positions[i] - centers[c];
        if (dot(d, d) < nearest) nearest = dot(d, d), closest = c;
      }
      changed = changed || closest != owner[i];
      owner[i] = closest;
    }
    if (!changed) break;
  }
  return owner;
}

struct PointMoments {
  double weight = 0, spread = 0;
  Vec3 first;
  Sym3 second;
  void add(double r, const Vec3 &x, double s) {
    weight += r;
    spread += r * s;
    first += r * x;
    second += r * outer(x);
  }
};

// Positions in `moments` are relative to `origin`, so that no digits are lost far from zero.
Gaussian point_fit_component(const PointMoments &moments, const Vec3 &origin, double floor) {
  const double s = 1 / moments.weight;
  const Vec3 mean = s * moments.first;
  const double spread = s * moments.spread;
  const Sym3 covariance =
      s * moments.second + (-1.0) * outer(mean) + Sym3{spread, spread, spread, 0, 0, 0};
  return {mean + origin, with_floor(covariance, floor), moments.weight};
}

constexpr std::size_t POINT_FIT_BLOCK = 512;

}  // namespace

Mixture fit_points(const std::vector<Vec3> &positions, const std::vector<double> &weights,
                   const std::vector<double> &spreads, std::size_t components,
                   const PointFitOptions &options) {
  const PointCloud cloud = point_fit_cloud(positions, weights, spreads);
  const std::size_t n = cloud.size();
  if (components < 1 || components > n)
    throw std::domain_error("components must be between 1 and the " + std::to_string(n) +
                            " points of positive weight, got " + std::to_string(components));
  if (!(options.variance_floor > 0) || !std::isfinite(options.variance_floor))
    throw std::domain_error("variance_floor must be positive, got " +
                            std::to_string(options.variance_floor));

  Vec3 origin;
  for (std::size_t i = 0; i < n; ++i)
    origin += (cloud.weights[i] / cloud.mass) * cloud.positions[i];

  Random random(options.seed);
  const std::vector<std::size_t> owner = point_fit_seeds(cloud, components, random);
  std::vector<PointMoments> sums(components);
  for (std::size_t i = 0; i < n; ++i)
    sums[owner[i]].add(cloud.weights[i], cloud.positions[i] - origin, cloud.spreads[i]);
  Mixture mixture(components);
  for (std::size_t c = 0; c < components; ++c)
    mixture[c] = point_fit_component(sums[c], origin, options.variance_floor);

  const std::size_t blocks = (n + POINT_FIT_BLOCK - 1) / POINT_FIT_BLOCK;
  std::vector<std::vector<PointMoments>> block_sums(blocks);
  std::vector<double> block_likelihood(blocks), density(n);
  std::vector<Sym3> precision(components);
  std::vector<double> offset(components), trace(components);
  double previous = -std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
    for (std::size_t c = 0; c < components; ++c) {
      precision[c] = inverse(mixture[c].covariance);
      trace[c] = precision[c].xx + precision[c].yy + precision[c].zz;
      offset[c] = std::log(mixture[c].weight) - 0.5 * std::log(determinant(mixture[c].covariance));
    }
    parallel_for(blocks, options.threads, [&](std::size_t b) {
      std::vector<PointMoments> &mine = block_sums[b];
      mine.assign(components, PointMoments());
      std::vector<double> share(components);
      double likelihood = 0;
      for (std::size_t i = b * POINT_FIT_BLOCK; i < std::min(n, (b + 1) * POINT_FIT_BLOCK); ++i) {
        double greatest = -std::numeric_limits<double>::infinity();
        for (std::size_t c = 0; c < components; ++c) {
          const Vec3 d = cloud.positions[i] - mixture[c].mean;
          share[c] = offset[c] - 0.5 * (dot(d, precision[c] * d) + cloud.spreads[i] * trace[c]);
          greatest = std::max(greatest, share[c]);
        }
        double total = 0;
        for (std::size_t c = 0; c < components; ++c) {
          const double x = share[c] - greatest;
          share[c] = x > -40 ? std::exp(x) : 0;  // e^-40 is below the last digit of the sum
          total += share[c];
        }
        density[i] = greatest + std::log(total);
        likelihood += cloud.weights[i] * density[i];
        const Vec3 x = cloud.positions[i] - origin;
        for (std::size_t c = 0; c < components; ++c)
          if (share[c] > 0) mine[c].add(cloud.weights[i] * share[c] / total, x, cloud.spreads[i]);
      }
      block_likelihood[b] = likelihood;
    });
    double likelihood = 0;
    std::fill(sums.begin(), sums.end(), PointMoments());
    for (std::size_t b = 0; b < blocks; ++b) {  // in order: the same bits for any thread count
      likelihood += block_likelihood[b];
      for (std::size_t c = 0; c < components; ++c) {
        const PointMoments &m = block_sums[b][c];
        sums[c].weight += m.weight;
        sums[c].spread += m.spread;
        sums[c].first += m.first;
        sums[c].second += m.second;
      }
    }
    likelihood /= cloud.mass;
    bool reseeded = false;
    for (std::size_t c = 0; c < components; ++c) {
      if (sums[c].weight > 1e-9 * cloud.mass) {
        mixture[c] = point_fit_component(sums[c], origin, options.variance_floor);
        continue;
      }
      // A dead component starts again where the mixture explains the points worst.
      const std::size_t worst = static_cast<std::size_t>(
          std::min_element(density.begin(), density.end()) - density.begin());
      density[worst] = std::numeric_limits<double>::infinity();
      PointMoments one;
      one.add(cloud.weights[worst], cloud.positions[worst] - origin, cloud.spreads[worst]);
      mixture[c] = point_fit_component(one, origin, options.variance_floor);
      reseeded = true;
    }
    if (!reseeded && likelihood - previous < options.tolerance) break;
    previous = likelihood;
  }
  // A reseeded component borrowed its weight.
  const double scale = cloud.mass / mass(mixture);
  for (Gaussian &g : mixture) g.weight *= scale;
  return mixture;
}

}  // namespace emcore

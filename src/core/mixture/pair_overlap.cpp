#include "mixture/pair_overlap.h"

#include <cmath>

#include "math/constants.h"

namespace emcore {

PairOverlap pair_overlap(const Gaussian &a, const Gaussian &b) {
  const Sym3 s = a.covariance + b.covariance;
  const Vec3 d = a.mean - b.mean;
  PairOverlap pair;
  pair.precision = inverse(s);
  pair.slope = pair.precision * d;
  pair.log_overlap = std::log(a.weight * b.weight) - 1.5 * kLogTwoPi -
                     0.5 * std::log(determinant(s)) - 0.5 * dot(d, pair.slope);
  return pair;
}

GaussianGradient pair_gradient(const PairOverlap &pair, double t) {
  return {-t * pair.slope, 0.5 * t * (outer(pair.slope) + -1.0 * pair.precision)};
}

}  // namespace emcore

// Gaussian mixture of weighted points: the density of a rigid body from its atoms or residues.
#ifndef EMGMM_FIT_POINT_FIT_H
#define EMGMM_FIT_POINT_FIT_H

#include <cstdint>
#include <vector>

#include "mixture/gaussian.h"

namespace emcore {

struct PointFitOptions {
  std::uint64_t seed = 0;
  double variance_floor = 1;  // Å², least eigenvalue of any covariance; positive
  unsigned threads = 0;       // 0: all cores; the result is the same for any number
  int max_iterations = 200;
  double tolerance = 1e-7;  // stop at this gain of the mean log likelihood
};

// Mixture of `components` Gaussians with the greatest likelihood of points of mass weights[i],
// each an isotropic Gaussian of variance spreads[i] (Å²; empty: points without extension).
// EM from k-means++ seeds. A spread point counts with the mean of log phi over its own extension,
//   log phi(x | mu, C) - s tr(C^-1) / 2,
// so that the covariance of a component is that of its points plus their mean spread.
// Weights sum to those of the points. Throws std::domain_error for more components than points of
// positive weight, or for values that are not finite, negative weights or spreads.
Mixture fit_points(const std::vector<Vec3> &positions, const std::vector<double> &weights,
                   const std::vector<double> &spreads, std::size_t components,
                   const PointFitOptions &options);

}  // namespace emcore

#endif

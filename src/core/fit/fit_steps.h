// New mixtures from the moments of a pass.
#ifndef EMGMM_FIT_FIT_STEPS_H
#define EMGMM_FIT_FIT_STEPS_H

#include "fit/map_pass.h"
#include "mixture/gaussian.h"

namespace emcore {

// Weight (density x Å³), mean (Å) and covariance (Å²) of the voxels that `moments` sums.
Gaussian gaussian_of(const BrickMoments &moments, const double *center, const Frame &frame);

// The M step: every component becomes the Gaussian of its part of the map (work `expectation`).
// A component whose part is below `least_weight` keeps its shape and gets weight 0.
void expectation_step(const PassResult &result, const Frame &frame, double floor,
                      double least_weight, Mixture &mixture);

// One step towards the least squares of map minus mixture over the voxels above the threshold
// (work `squares`). With e = (w - t) / t and q = p t, Jensen's inequality bounds the sum of squares
// by one term a component, sum q (e - delta log p)^2; its minimum over the ten parameters of log p
// is closed when the fourth moments of q are taken to be those of a Gaussian. `step` scales the
// change. No covariance changes by more than a factor of two or falls below the floor.
void squares_step(const PassResult &result, const Frame &frame, double floor, double step,
                  unsigned threads, Mixture &mixture);

// Moves `mixture` on by `momentum` times its change since `previous` (weights by their logarithms),
// component by component, where the covariance stays above the floor and below twice its own.
void extrapolate(const Mixture &previous, double momentum, double floor, Mixture &mixture);

}  // namespace emcore

#endif

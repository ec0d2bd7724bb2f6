// Density of a mixture on a grid.
#ifndef EMGMM_FIT_RASTERIZE_H
#define EMGMM_FIT_RASTERIZE_H

#include "fit/voxel_grid.h"
#include "mixture/gaussian.h"

namespace emcore {

// A component is left out where it is below exp(-6^2 / 2) = 1.5e-8 of its maximum: less than single
// precision resolves beside it.
constexpr double kRasterizeReach = 6;

// Sum of weight * phi at the centre of each voxel, values[(z * ny + y) * nx + x].
void rasterize(const Mixture &mixture, const Frame &frame, unsigned threads, float *values);

// Sum over the voxels of the whole box of the mixture's squared density.
double sum_of_squares(const Mixture &mixture, const Frame &frame, unsigned threads);

}  // namespace emcore

#endif

// Vector kernels of the fit: Gaussians on bricks of 4 x 4 x 4 voxels, in single precision.
#ifndef EMGMM_FIT_BRICK_KERNELS_H
#define EMGMM_FIT_BRICK_KERNELS_H

#include <vector>

#include "fit/voxel_grid.h"

namespace emcore {

// A component for the voxels of one chunk: density 2^(power + d^T a d), d in voxels from the mean,
// which is given from the chunk's first voxel; the off-diagonal elements hold their sum (a_xy +
// a_yx). Single precision is enough because nothing is far away.
struct Splat {
  float x, y, z;
  float xx, yy, zz, xy, xz, yz;
  float power;
};

// Sums of f, f x, f y, f z, f xx, f yy, f zz, f xy, f xz, f yz; two more that fill the vectors.
struct BrickMoments {
  double sum[12] = {};
};

enum class ChunkWork {
  total,         // the density of the mixture only
  shares,        // and the greatest share of each listed component in its brick
  expectation,   // moments of p w / t, the component's part of the map (eq. 6)
  squares,       // moments of p t and of p w: the least-squares step
  squared_error  // moments of p (w - t)^2 / t
};
// In the last two a voxel below the threshold only says that it is below: it counts where t exceeds
// `outside`, and then with w = outside.

// Sums over the voxels above the threshold; w map, t mixture.
struct FitSums {
  double wt = 0, t = 0, tt = 0;
  double covered = 0;  // of the work `expectation`: sum of w where the listed components reach
  double error = 0;    // of the works `squares` and `squared_error`: the sum of squares
};

// One chunk: its bricks, and for each brick the components that reach it.
struct ChunkTask {
  ChunkWork work = ChunkWork::total;
  const std::vector<Splat> *splats = nullptr;
  const std::uint8_t *places = nullptr;
  const Brick *values = nullptr;  // not read for the work `total` when null
  std::size_t bricks = 0;
  float outside = 0;  // density that a voxel below the threshold may have without being an error
  const std::uint32_t *starts = nullptr;  // bricks + 1
  const std::uint32_t *list = nullptr;    // indices into splats
  // out; what the work does not produce may be null
  Brick *totals = nullptr;
  float *shares = nullptr;  // one for each entry of list
  BrickMoments *first =
      nullptr;  // one for each splat, from the chunk's middle (7.5, 7.5, 7.5), added to
  BrickMoments *second = nullptr;  // of the work `squares`: those of p w
  FitSums *sums = nullptr;         // added to
};

void run(const ChunkTask &task);

}  // namespace emcore

#endif

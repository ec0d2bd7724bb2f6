// One pass of all components over all voxels that they reach.
#ifndef EMGMM_FIT_MAP_PASS_H
#define EMGMM_FIT_MAP_PASS_H

#include <vector>

#include "fit/brick_kernels.h"
#include "fit/voxel_grid.h"
#include "mixture/gaussian.h"

namespace emcore {

// A component in units of voxels, from the centre of voxel (0, 0, 0).
struct GridGaussian {
  double mean[3];
  Sym3 precision;
  double half_width[3];  // standard deviation along each axis
  double power;          // log2 of the density at the mean, in the units of the map
  double brick_radius;   // bound of sqrt(d^T precision d) from a brick's middle to its voxels
};

std::vector<GridGaussian> in_voxels(const Mixture &mixture, const Frame &frame);

// The components that reach each brick of one chunk.
struct NearList {
  std::vector<std::uint32_t> components;  // of the chunk, rising
  std::vector<std::uint32_t> starts;      // one a brick and the end
  std::vector<std::uint32_t> list;        // indices into components
};

// Lists, for each chunk of the grid, of every component with a point of the brick within `reach`
// standard deviations. A voxel misses densities below exp(-reach^2 / 2) of a component's maximum.
// `filled_only`: bricks without a voxel above the threshold get empty lists.
std::vector<NearList> near_lists(const VoxelGrid &grid, const std::vector<GridGaussian> &components,
                                 double reach, bool filled_only, unsigned threads);

// Takes out the components whose share of every voxel of a brick (eq. 6) is below `least_share`.
void prune(const VoxelGrid &grid, const std::vector<GridGaussian> &components, double least_share,
           unsigned threads, std::vector<NearList> &lists);

// Density of the mixture in each brick of the grid's chunk of the given number.
void densities(const VoxelGrid &grid, std::size_t chunk,
               const std::vector<GridGaussian> &components, const NearList &near, Brick *totals);

struct PassResult {
  FitSums sums;
  // One a component, in voxels from `center`.
  std::vector<BrickMoments> first, second;
  double center[3];
};

// Runs `work` (expectation, squares or squared_error) over the grid. Chunks are the tasks and are
// summed in order: the result has the same bits for any number of threads. `outside`: the density
// (in units of grid.scale) that voxels below the threshold may have.
PassResult pass(const VoxelGrid &grid, const std::vector<GridGaussian> &components,
                const std::vector<NearList> &lists, ChunkWork work, double outside,
                unsigned threads);

}  // namespace emcore

#endif

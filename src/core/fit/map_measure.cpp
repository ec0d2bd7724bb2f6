#include "fit/map_measure.h"

#include <cmath>
#include <limits>

#include "fit/map_pass.h"
#include "fit/rasterize.h"

namespace emcore {

MapFitLevel measure(const VoxelGrid &grid, const Mixture &mixture, unsigned threads) {
  Mixture scaled = mixture;  // to the units of the grid, where single precision is at ease
  for (Gaussian &g : scaled) g.weight /= grid.scale;
  const std::vector<GridGaussian> components = in_voxels(scaled, grid.frame);
  const FitSums sums =
      pass(grid, components, near_lists(grid, components, kRasterizeReach, true, threads),
           ChunkWork::total, 0, threads)
          .sums;
  const double n = static_cast<double>(grid.voxels), w = n;  // the mean density is one
  const double ww = grid.sum_squares / (grid.scale * grid.scale);
  const double map_variance = ww - w * w / n, variance = sums.tt - sums.t * sums.t / n;
  MapFitLevel level;
  level.components = mixture.size();
  level.cc = sums.tt > 0 ? sums.wt / std::sqrt(ww * sums.tt) : 0;
  // A map of one value above the threshold has no correlation about the mean.
  level.cc_mean = map_variance > 1e-12 * ww && variance > 1e-12 * sums.tt
                      ? (sums.wt - w * sums.t / n) / std::sqrt(map_variance * variance)
                      : 0;
  const double box = sum_of_squares(scaled, grid.frame, threads);
  level.cc_box = box > 0 ? sums.wt / std::sqrt(ww * box) : 0;
  return level;
}

std::vector<ComponentOverlap> component_overlaps(const VoxelGrid &grid, const Mixture &mixture,
                                                 unsigned threads) {
  Mixture scaled = mixture;
  for (Gaussian &g : scaled) g.weight /= grid.scale;
  const std::vector<GridGaussian> components = in_voxels(scaled, grid.frame);
  // No density is so great that a voxel below the threshold would count.
  const double everything = std::numeric_limits<float>::max();
  const PassResult result =
      pass(grid, components, near_lists(grid, components, kRasterizeReach, true, threads),
           ChunkWork::squares, everything, threads);
  const Vec3 &h = grid.frame.voxel;
  std::vector<ComponentOverlap> overlaps(mixture.size());
  for (std::size_t k = 0; k < mixture.size(); ++k) {
    const double unit = h.x * h.y * h.z * grid.scale / scaled[k].weight;
    overlaps[k] = {unit * result.second[k].sum[0], unit * result.first[k].sum[0]};
  }
  return overlaps;
}

}  // namespace emcore

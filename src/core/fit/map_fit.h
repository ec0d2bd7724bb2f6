// Gaussian mixture of a map.
#ifndef EMGMM_FIT_MAP_FIT_H
#define EMGMM_FIT_MAP_FIT_H

#include <cstdint>
#include <functional>
#include <vector>

#include "fit/map_measure.h"
#include "fit/voxel_grid.h"
#include "mixture/gaussian.h"

namespace emcore {

struct MapFitOptions {
  std::size_t components = 0;      // the number, or 0 for the least that reaches
  double target_cc = 0;            // this correlation about zero
  std::size_t max_components = 0;  // of the search; 0: one for two voxels
  std::uint64_t seed = 0;
  unsigned threads = 0;       // 0: all cores; the result is the same for any number
  double variance_floor = 0;  // Å², least eigenvalue of a covariance; 0: h^2 / 12
  // Share of the threshold that the mixture may reach unpunished where the map is below it.
  double outside = 0.5;
  bool keep_levels = false;  // return the mixtures of the levels, too
  bool levels = true;        // measure the mixture at every doubling
  int polish = 60;           // least-squares steps at the end
  double step = 1;           // of the least squares, before it adapts
  // Called between iterations with the number of components reached, the last measurement (null
  // before the first) and the share of the work that is done (an estimate, -1 while there is none:
  // at the start of a search); what it throws ends the fit.
  std::function<void(std::size_t components, const MapFitLevel *last, double share)> progress;
};

struct MapFitResult {
  Mixture mixture;                      // weight: density of the map x Å³
  std::vector<MapFitLevel> levels;      // the last one is the mixture's own
  std::vector<Mixture> level_mixtures;  // of the levels before the last, where they are kept
};

// Fits a grid that finish() has completed. Divide and conquer: from one component up, those with
// the greatest squared error are split in two, and EM over the voxels above the threshold, each
// with the components near it only, shares the map among all (eq. 6). A least-squares polish then
// fits the densities themselves, and merges and splits even out the errors.
// Throws std::domain_error for more components than voxels, for a target out of (0, 1), or one
// that max_components do not reach.
MapFitResult fit_map(const VoxelGrid &grid, const MapFitOptions &options);

}  // namespace emcore

#endif

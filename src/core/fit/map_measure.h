// How well a mixture explains a map, as a whole and component by component.
#ifndef EMGMM_FIT_MAP_MEASURE_H
#define EMGMM_FIT_MAP_MEASURE_H

#include <vector>

#include "fit/voxel_grid.h"
#include "mixture/gaussian.h"

namespace emcore {

// How well a mixture explains a map; correlations about zero and about the means of the voxels
// above the threshold, and about zero over the whole box with the map set to zero below it.
struct MapFitLevel {
  std::size_t components = 0;
  double cc = 0, cc_mean = 0, cc_box = 0;
  double seconds = 0;  // since the start
};

// The correlations of a mixture (weights in density x Å³) with the map.
MapFitLevel measure(const VoxelGrid &grid, const Mixture &mixture, unsigned threads);

// Overlap of each component with the map and with the mixture, over the voxels above the threshold:
// sums of phi_k w and phi_k t times the voxel's volume, in the units of the map.
struct ComponentOverlap {
  double with_map = 0, with_mixture = 0;
};
std::vector<ComponentOverlap> component_overlaps(const VoxelGrid &grid, const Mixture &mixture,
                                                 unsigned threads);

}  // namespace emcore

#endif

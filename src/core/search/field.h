// Overlaps of one body with a density in many poses, tabulated.
#ifndef EMGMM_SEARCH_FIELD_H
#define EMGMM_SEARCH_FIELD_H

#include <vector>

#include "fit/voxel_grid.h"
#include "mixture/gaussian.h"

namespace emcore {

// The body as spheres of one variance: its overlap with a density is then a sum of values, at the
// spheres' places, of that density blurred by that variance. These values are read from a grid, so
// a pose costs some lookups instead of all pairs of components. Within some percent of the overlap.
class PlacementField {
 public:
  // Weights of `density` may be negative.
  PlacementField(const Mixture &density, const Mixture &body, unsigned threads);

  // Da²/Å³; overlaps[p] is that of the body turned by `rotation` with its origin at places[p], by
  // the voxels nearest to its points: coarser than overlap(), for comparing turns.
  void overlaps(const Quaternion &rotation, const std::vector<Vec3> &places, float *overlaps) const;

  // That of one pose, and its slope.
  double overlap(const Pose &pose, PoseGradient *gradient) const;

 private:
  void add_points(const Gaussian &component, double variance);
  // At a place in voxels, and its slope by them; 0 outside of the grid.
  float value(float x, float y, float z, Vec3 *slope) const;

  Frame frame_;
  std::vector<float> values_;
  std::vector<Vec3> points_;
  std::vector<float> weights_;  // Da
};

}  // namespace emcore

#endif

// The spheres of one rigid body with a grid in the body's own frame, built once: which of them
// can touch a sphere at a point.
#ifndef EMGMM_TERMS_SPHERE_GRID_H
#define EMGMM_TERMS_SPHERE_GRID_H

#include <cstdint>
#include <vector>

#include "math/algebra.h"

namespace emcore {

struct SphereSet {
  std::vector<Vec3> center;    // Å, local frame
  std::vector<double> radius;  // Å
  std::size_t size() const { return center.size(); }
};

class SphereGrid {
 public:
  // max_radius: of any sphere that is going to be asked for, Å.
  SphereGrid(SphereSet spheres, double max_radius);

  const SphereSet &spheres() const { return spheres_; }
  const Vec3 &center() const { return center_; }  // of a sphere about all spheres, local frame
  double bound() const { return bound_; }         // its radius

  // Calls visit(index, squared distance) for every sphere that overlaps one of this radius at
  // `point` (local frame), in ascending order.
  template <class Visit>
  void overlapping(const Vec3 &point, double radius, const Visit &visit) const {
    const double fx = (point.x - origin_.x) * per_cell_, fy = (point.y - origin_.y) * per_cell_,
                 fz = (point.z - origin_.z) * per_cell_;
    // Written so that NaN and every point outside fail.
    if (!(fx >= 0 && fy >= 0 && fz >= 0 && fx < cells_[0] && fy < cells_[1] && fz < cells_[2]))
      return;
    const std::size_t cell =
        (static_cast<std::size_t>(fz) * cells_[1] + static_cast<std::size_t>(fy)) * cells_[0] +
        static_cast<std::size_t>(fx);
    for (std::uint32_t n = first_[cell]; n < first_[cell + 1]; ++n) {
      const std::uint32_t i = entries_[n];
      const Vec3 d = point - spheres_.center[i];
      const double squared = dot(d, d), reach = radius + spheres_.radius[i];
      if (squared < reach * reach) visit(i, squared);
    }
  }

 private:
  SphereSet spheres_;
  Vec3 center_;
  double bound_ = 0;
  Vec3 origin_;
  double per_cell_ = 1;  // Å^-1
  std::uint32_t cells_[3] = {0, 0, 0};
  std::vector<std::uint32_t> first_;    // cells + 1
  std::vector<std::uint32_t> entries_;  // spheres that reach into a cell
};

}  // namespace emcore

#endif

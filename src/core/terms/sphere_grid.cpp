#include "terms/sphere_grid.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace emcore {

namespace {

constexpr double kFinestCell = 5;       // Å; smaller cells cost memory and save no pairs
constexpr std::size_t kMostCells = 48;  // along an edge

double gap_to_interval(double x, double low, double high) {
  return x < low ? low - x : x > high ? x - high : 0;
}

}  // namespace

SphereGrid::SphereGrid(SphereSet spheres, double max_radius) : spheres_(std::move(spheres)) {
  const std::size_t n = spheres_.size();
  if (n == 0) return;
  const double infinity = HUGE_VAL;
  Vec3 low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3 &c = spheres_.center[i];
    const double r = spheres_.radius[i];
    low = {std::min(low.x, c.x - r), std::min(low.y, c.y - r), std::min(low.z, c.z - r)};
    high = {std::max(high.x, c.x + r), std::max(high.y, c.y + r), std::max(high.z, c.z + r)};
  }
  center_ = 0.5 * (low + high);
  for (std::size_t i = 0; i < n; ++i)
    bound_ = std::max(bound_, norm(spheres_.center[i] - center_) + spheres_.radius[i]);

  const Vec3 margin{max_radius, max_radius, max_radius};
  origin_ = low - margin;
  const Vec3 extent = high + margin - origin_;
  const double longest = std::max({extent.x, extent.y, extent.z});
  // One cell serves a handful of spheres as well as many.
  const double cell = n <= 8 ? longest : std::max(kFinestCell, longest / kMostCells);
  per_cell_ = 1 / cell;
  const double edges[3] = {extent.x, extent.y, extent.z};
  for (int axis = 0; axis < 3; ++axis)
    cells_[axis] = static_cast<std::uint32_t>(std::floor(edges[axis] * per_cell_)) + 1;

  // Cells by sphere, twice: count, then fill. Entries of a cell come out in ascending order.
  first_.assign(std::size_t(cells_[0]) * cells_[1] * cells_[2] + 1, 0);
  const auto for_each_cell = [&](const auto &visit) {
    for (std::size_t i = 0; i < n; ++i) {
      const Vec3 c = spheres_.center[i] - origin_;
      // A little more than the reach: a point on a face may be rounded into the next cell.
      const double reach = spheres_.radius[i] + max_radius + 1e-6;
      const auto range = [&](double x, int axis) {
        const double top = cells_[axis] - 1.0;
        return std::pair<std::uint32_t, std::uint32_t>(
            static_cast<std::uint32_t>(std::clamp(std::floor((x - reach) * per_cell_), 0.0, top)),
            static_cast<std::uint32_t>(std::clamp(std::floor((x + reach) * per_cell_), 0.0, top)));
      };
      const auto [x0, x1] = range(c.x, 0);
      const auto [y0, y1] = range(c.y, 1);
      const auto [z0, z1] = range(c.z, 2);
      for (std::uint32_t iz = z0; iz <= z1; ++iz)
        for (std::uint32_t iy = y0; iy <= y1; ++iy)
          for (std::uint32_t ix = x0; ix <= x1; ++ix) {
            const Vec3 gap{gap_to_interval(c.x, ix * cell, (ix + 1) * cell),
                           gap_to_interval(c.y, iy * cell, (iy + 1) * cell),
                           gap_to_interval(c.z, iz * cell, (iz + 1) * cell)};
            if (dot(gap, gap) <= reach * reach)
              visit((std::size_t(iz) * cells_[1] + iy) * cells_[0] + ix, i);
          }
    }
  };
  for_each_cell([&](std::size_t at, std::size_t) { ++first_[at + 1]; });
  for (std::size_t at = 1; at < first_.size(); ++at) first_[at] += first_[at - 1];
  entries_.resize(first_.back());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for_each_cell(
      [&](std::size_t at, std::size_t i) { entries_[next[at]++] = static_cast<std::uint32_t>(i); });
}

}  // namespace emcore

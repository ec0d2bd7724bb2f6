#include "mixture/principal_axes.h"

#include <algorithm>

#include "math/eigen.h"

namespace emcore {

namespace {

// Of the rotation with these columns.
Quaternion quaternion_of(const Vec3 &x, const Vec3 &y, const Vec3 &z) {
  // Shepperd's choice of the largest component.
  const double t[4] = {x.x + y.y + z.z, x.x, y.y, z.z};
  const auto largest = std::max_element(t, t + 4) - t;
  Quaternion q;
  if (largest == 0)
    q = {1 + t[0], y.z - z.y, z.x - x.z, x.y - y.x};
  else if (largest == 1)
    q = {y.z - z.y, 1 + 2 * t[1] - t[0], y.x + x.y, z.x + x.z};
  else if (largest == 2)
    q = {z.x - x.z, y.x + x.y, 1 + 2 * t[2] - t[0], z.y + y.z};
  else
    q = {x.y - y.x, z.x + x.z, z.y + y.z, 1 + 2 * t[3] - t[0]};
  return normalized(q);
}

}  // namespace

Quaternion principal_frame(const Mixture &body, const Vec3 &center) {
  Sym3 moments;
  for (const Gaussian &g : body) moments += g.weight * (g.covariance + outer(g.mean - center));
  const Eigen3 own = eigen(moments);
  const Vec3 x = own.vectors[2], y = own.vectors[1];
  return quaternion_of(x, y, cross(x, y));
}

Quaternion aligned_rotation(const Quaternion &frame, const Quaternion &other,
                            const Quaternion &other_frame, std::size_t flip) {
  static constexpr double kHalfTurns[kFlips][4] = {
      {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  const double *q = kHalfTurns[flip];
  return other * other_frame * Quaternion{q[0], q[1], q[2], q[3]} * conjugate(frame);
}

}  // namespace emcore

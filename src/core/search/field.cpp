#include "search/field.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "fit/rasterize.h"
#include "math/eigen.h"
#include "mixture/coarse_mixture.h"

namespace emcore {

namespace {

// Of a body, at most; and one with less than this share of the common variance to spare, in all, is
// a sphere.
constexpr std::size_t kFieldComponents = 48;
constexpr double kFieldRound = 0.2;
constexpr double kFieldFinest = 1.5, kFieldCoarsest = 4;  // Å, of a voxel
constexpr double kFieldMargin = 3;  // of the widest component's deviations, beyond all means

// Components of one sign of weight, made positive and blurred.
Mixture field_part(const Mixture &density, double sign, double variance) {
  Mixture part;
  for (Gaussian g : density) {
    if (!(sign * g.weight > 0)) continue;
    g.weight *= sign;
    g.covariance += variance * Sym3{1, 1, 1, 0, 0, 0};
    part.push_back(g);
  }
  return part;
}

Frame field_frame(const Mixture &density, double variance) {
  Vec3 low = density.front().mean, high = low;
  double widest = 0;
  for (const Gaussian &g : density) {
    low = {std::min(low.x, g.mean.x), std::min(low.y, g.mean.y), std::min(low.z, g.mean.z)};
    high = {std::max(high.x, g.mean.x), std::max(high.y, g.mean.y), std::max(high.z, g.mean.z)};
    widest = std::max({widest, g.covariance.xx, g.covariance.yy, g.covariance.zz});
  }
  const double edge = std::min(kFieldCoarsest, std::max(kFieldFinest, std::sqrt(variance) / 2));
  const double margin = kFieldMargin * std::sqrt(widest + variance);
  Frame frame;
  frame.voxel = {edge, edge, edge};
  frame.origin = low - Vec3{margin, margin, margin};
  const Vec3 size = high - low;
  const double sides[3] = {size.x, size.y, size.z};
  for (int a = 0; a < 3; ++a) frame.shape[a] = int(std::ceil((sides[a] + 2 * margin) / edge)) + 2;
  return frame;
}

}  // namespace

// A component as points that, blurred by `variance`, have its covariance where that is larger: on
// its own axes, three times what is missing of the variance along each from its mean.
void PlacementField::add_points(const Gaussian &g, double variance) {
  const Eigen3 own = eigen(g.covariance);
  double missing[3], all = 0;
  for (int a = 0; a < 3; ++a) all += missing[a] = std::max(0.0, own.values[a] - variance);
  if (all < kFieldRound * variance) {
    points_.push_back(g.mean);
    weights_.push_back(float(g.weight));
    return;
  }
  for (int a = 0; a < 3; ++a)
    for (const double side : {-1.0, 1.0}) {
      points_.push_back(g.mean + side * std::sqrt(3 * missing[a]) * own.vectors[a]);
      weights_.push_back(float(g.weight / 6));
    }
}

PlacementField::PlacementField(const Mixture &density, const Mixture &body, unsigned threads) {
  const Mixture coarse = coarsened(body, kFieldComponents, 0);
  double variance = 0;
  for (const Gaussian &g : coarse) variance += g.weight * eigen(g.covariance).values[0];
  variance /= mass(body);
  for (const Gaussian &g : coarse) add_points(g, variance);
  frame_ = field_frame(density, variance);
  values_.resize(std::size_t(frame_.shape[0]) * frame_.shape[1] * frame_.shape[2]);
  const Mixture more = field_part(density, 1, variance), less = field_part(density, -1, variance);
  if (!more.empty()) rasterize(more, frame_, threads, values_.data());
  if (less.empty()) return;
  std::vector<float> taken(values_.size());
  rasterize(less, frame_, threads, taken.data());
  for (std::size_t i = 0; i < taken.size(); ++i) values_[i] -= taken[i];
}

float PlacementField::value(float x, float y, float z, Vec3 *slope) const {
  const int nx = frame_.shape[0], ny = frame_.shape[1], nz = frame_.shape[2];
  if (!(x >= 0 && y >= 0 && z >= 0 && x < nx - 1 && y < ny - 1 && z < nz - 1)) {
    if (slope) *slope = {0, 0, 0};
    return 0;
  }
  const int i = int(x), j = int(y), k = int(z);
  const float fx = x - i, fy = y - j, fz = z - k;
  const std::size_t up = std::size_t(ny) * nx;
  const float *at = &values_[k * up + std::size_t(j) * nx + i];
  const auto along = [](float f, float a, float b) { return a + f * (b - a); };
  // The four edges along x, then along y, then z.
  const float e00 = along(fx, at[0], at[1]), e10 = along(fx, at[nx], at[nx + 1]);
  const float e01 = along(fx, at[up], at[up + 1]), e11 = along(fx, at[up + nx], at[up + nx + 1]);
  const float front = along(fy, e00, e10), back = along(fy, e01, e11);
  if (slope) {
    const float d0 = along(fy, at[1] - at[0], at[nx + 1] - at[nx]);
    const float d1 = along(fy, at[up + 1] - at[up], at[up + nx + 1] - at[up + nx]);
    *slope = {along(fz, d0, d1), along(fz, e10 - e00, e11 - e01), back - front};
  }
  return along(fz, front, back);
}

double PlacementField::overlap(const Pose &pose, PoseGradient *gradient) const {
  const double by = 1 / frame_.voxel.x;
  if (gradient) *gradient = {};
  double sum = 0;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const Vec3 arm = pose.rotation * points_[i];
    const Vec3 at = by * (arm + pose.translation - frame_.origin);
    Vec3 slope;
    sum += weights_[i] * value(float(at.x), float(at.y), float(at.z), gradient ? &slope : nullptr);
    if (!gradient) continue;
    const Vec3 force = double(weights_[i]) * by * slope;
    gradient->by_translation += force;
    gradient->by_rotation += cross(arm, force);
  }
  return sum;
}

void PlacementField::overlaps(const Quaternion &rotation, const std::vector<Vec3> &places,
                              float *overlaps) const {
  const double by = 1 / frame_.voxel.x;
  const int nx = frame_.shape[0], ny = frame_.shape[1], nz = frame_.shape[2];
  const auto nearest = [by](const Vec3 &v) {
    return std::array<int, 3>{int(std::floor(by * v.x + 0.5)), int(std::floor(by * v.y + 0.5)),
                              int(std::floor(by * v.z + 0.5))};
  };
  const auto offset = [&](const std::array<int, 3> &v) {
    return (std::ptrdiff_t(v[2]) * ny + v[1]) * nx + v[0];
  };
  std::vector<std::array<int, 3>> arms;
  std::vector<std::ptrdiff_t> offsets;
  int reach = 0;
  for (const Vec3 &point : points_) {
    arms.push_back(nearest(rotation * point));
    offsets.push_back(offset(arms.back()));
    for (const int a : arms.back()) reach = std::max(reach, std::abs(a));
  }
  const auto inside = [&](int i, int j, int k, int margin) {
    return i >= margin && j >= margin && k >= margin && i < nx - margin && j < ny - margin &&
           k < nz - margin;
  };
  for (std::size_t p = 0; p < places.size(); ++p) {
    const std::array<int, 3> at = nearest(places[p] - frame_.origin);
    const std::ptrdiff_t first = offset(at);
    const bool all = inside(at[0], at[1], at[2], reach);
    float sum = 0;
    for (std::size_t i = 0; i < offsets.size(); ++i)
      if (all || inside(at[0] + arms[i][0], at[1] + arms[i][1], at[2] + arms[i][2], 0))
        sum += weights_[i] * values_[first + offsets[i]];
    overlaps[p] = sum;
  }
}

}  // namespace emcore

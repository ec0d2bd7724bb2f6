#include <IMP/emgmm/internal/placement.h>
#include <IMP/emgmm/internal/placement_field.h>
#include <IMP/emgmm/internal/rasterize.h>

#include <algorithm>
#include <cmath>

namespace emcore {

namespace {

constexpr std::size_t kFieldPoints = 96;                  // of a body, at most
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

PlacementField::PlacementField(const Mixture &density, const Mixture &body, unsigned threads) {
  double variance = 0;
  for (const Gaussian &g : coarsened(body, kFieldPoints, 0)) {
    points_.push_back(g.mean);
    weights_.push_back(float(g.weight));
    variance += g.weight * (g.covariance.xx + g.covariance.yy + g.covariance.zz) / 3;
  }
  variance /= mass(body);
  frame_ = field_frame(density, variance);
  values_.resize(std::size_t(frame_.shape[0]) * frame_.shape[1] * frame_.shape[2]);
  const Mixture more = field_part(density, 1, variance), less = field_part(density, -1, variance);
  if (!more.empty()) rasterize(more, frame_, threads, values_.data());
  if (less.empty()) return;
  std::vector<float> taken(values_.size());
  rasterize(less, frame_, threads, taken.data());
  for (std::size_t i = 0; i < taken.size(); ++i) values_[i] -= taken[i];
}

float PlacementField::value(float x, float y, float z) const {
  const int nx = frame_.shape[0], ny = frame_.shape[1], nz = frame_.shape[2];
  if (!(x >= 0 && y >= 0 && z >= 0 && x < nx - 1 && y < ny - 1 && z < nz - 1)) return 0;
  const int i = int(x), j = int(y), k = int(z);
  const float fx = x - i, fy = y - j, fz = z - k;
  const float *at = &values_[(std::size_t(k) * ny + j) * nx + i];
  const auto along_x = [fx](const float *v) { return v[0] + fx * (v[1] - v[0]); };
  const std::size_t up = std::size_t(ny) * nx;
  const float front = along_x(at) + fy * (along_x(at + nx) - along_x(at));
  const float back = along_x(at + up) + fy * (along_x(at + up + nx) - along_x(at + up));
  return front + fz * (back - front);
}

void PlacementField::overlaps(const Quaternion &rotation, const std::vector<Vec3> &places,
                              float *overlaps) const {
  const double by = 1 / frame_.voxel.x;
  std::vector<float> x, y, z;
  for (const Vec3 &point : points_) {
    const Vec3 at = by * (rotation * point - frame_.origin);
    x.push_back(float(at.x)), y.push_back(float(at.y)), z.push_back(float(at.z));
  }
  for (std::size_t p = 0; p < places.size(); ++p) {
    const float dx = float(by * places[p].x), dy = float(by * places[p].y),
                dz = float(by * places[p].z);
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += weights_[i] * value(x[i] + dx, y[i] + dy, z[i] + dz);
    overlaps[p] = sum;
  }
}

}  // namespace emcore

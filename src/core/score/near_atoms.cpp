#include "score/near_atoms.h"

#include <algorithm>
#include <limits>

namespace emcore {

namespace {

struct NumberedPoint {
  float x, y, z;
  std::uint32_t number;
};

// Halves along the longest side until `least` are left; every half but the last is a multiple of
// `least`.
void order_in_space(NumberedPoint *first, std::size_t n, std::size_t least) {
  if (n <= least) return;
  NumberedPoint low = first[0], high = first[0];
  for (std::size_t i = 1; i < n; ++i) {
    low.x = std::min(low.x, first[i].x), high.x = std::max(high.x, first[i].x);
    low.y = std::min(low.y, first[i].y), high.y = std::max(high.y, first[i].y);
    low.z = std::min(low.z, first[i].z), high.z = std::max(high.z, first[i].z);
  }
  const float x = high.x - low.x, y = high.y - low.y, z = high.z - low.z;
  float NumberedPoint::*const along = x >= y && x >= z ? &NumberedPoint::x
                                      : y >= z         ? &NumberedPoint::y
                                                       : &NumberedPoint::z;
  const std::size_t middle = (n / 2 + least - 1) / least * least;
  std::nth_element(first, first + middle, first + n,
                   [along](const NumberedPoint &a, const NumberedPoint &b) {
                     return a.*along != b.*along ? a.*along < b.*along : a.number < b.number;
                   });
  order_in_space(first, middle, least);
  order_in_space(first + middle, n - middle, least);
}

}  // namespace

std::vector<std::uint32_t> order_in_space(const std::vector<NearPoint> &places, std::size_t least) {
  std::vector<NumberedPoint> points;
  points.reserve(places.size());
  for (const NearPoint &p : places) points.push_back({p.x, p.y, p.z, std::uint32_t(points.size())});
  order_in_space(points.data(), points.size(), least);
  std::vector<std::uint32_t> order;
  order.reserve(points.size());
  for (const NumberedPoint &p : points) order.push_back(p.number);
  return order;
}

NearAtoms near_atoms(const NearModel &model, const std::vector<std::uint32_t> &order) {
  const std::vector<NearPoint> &points = model.points;
  NearAtoms atoms;
  atoms.number = order;
  atoms.n_clusters = (points.size() + kNearCluster - 1) / kNearCluster;
  const std::size_t padded = (atoms.n_clusters + 1) * kNearCluster;
  atoms.tightness = std::numeric_limits<float>::max();
  for (auto *row : {&atoms.x, &atoms.y, &atoms.z, &atoms.weight, &atoms.variance})
    row->resize(padded);
  atoms.place.resize(padded);
  for (std::size_t i = 0; i < padded; ++i) {
    // Padding sits where the last atom is and weighs nothing.
    const std::uint32_t number = order[std::min(i, points.size() - 1)];
    const NearPoint &p = points[number];
    atoms.x[i] = p.x, atoms.y[i] = p.y, atoms.z[i] = p.z;
    atoms.weight[i] = i < points.size() ? model.weights[number] : 0;
    atoms.variance[i] = p.variance;
    atoms.place[i] = std::uint32_t(i);
    atoms.spread = std::max(atoms.spread, atoms.variance[i]);
    atoms.tightness = std::min(atoms.tightness, atoms.variance[i]);
  }
  NearBoxes &boxes = atoms.clusters;
  boxes.resize(atoms.n_clusters);
  for (std::size_t c = 0; c < atoms.n_clusters; ++c) {
    const auto range = [&](const std::vector<float> &row, float *low, float *high) {
      const auto *from = &row[c * kNearCluster];
      *low = *high = from[0];
      for (std::size_t i = 1; i < kNearCluster; ++i) {
        *low = std::min(*low, from[i]);
        *high = std::max(*high, from[i]);
      }
    };
    range(atoms.x, &boxes.low_x[c], &boxes.high_x[c]);
    range(atoms.y, &boxes.low_y[c], &boxes.high_y[c]);
    range(atoms.z, &boxes.low_z[c], &boxes.high_z[c]);
    boxes.mass[c] = 0;
    boxes.number[c] = std::uint32_t(c * kNearCluster);
    for (std::size_t i = 0; i < kNearCluster; ++i)
      boxes.mass[c] += atoms.weight[c * kNearCluster + i];
  }
  for (std::size_t g = 0; g < atoms.n_clusters; g += kNearGroup) {
    const std::size_t end = std::min(atoms.n_clusters, g + kNearGroup);
    atoms.groups.add(boxes, g);
    const std::size_t at = atoms.groups.size() - 1;
    atoms.groups.number[at] = std::uint32_t(g);
    const auto lower = [&](const std::vector<float> &row) {
      return *std::min_element(row.begin() + g, row.begin() + end);
    };
    const auto upper = [&](const std::vector<float> &row) {
      return *std::max_element(row.begin() + g, row.begin() + end);
    };
    atoms.groups.low_x[at] = lower(boxes.low_x), atoms.groups.high_x[at] = upper(boxes.high_x);
    atoms.groups.low_y[at] = lower(boxes.low_y), atoms.groups.high_y[at] = upper(boxes.high_y);
    atoms.groups.low_z[at] = lower(boxes.low_z), atoms.groups.high_z[at] = upper(boxes.high_z);
    for (std::size_t c = g + 1; c < end; ++c) atoms.groups.mass[at] += boxes.mass[c];
  }
  boxes.pad();
  atoms.groups.pad();
  return atoms;
}

double sides(const NearBoxes &boxes, std::size_t n) {
  double sum = 0;
  for (std::size_t c = 0; c < n; ++c)
    sum += (boxes.high_x[c] - boxes.low_x[c]) + (boxes.high_y[c] - boxes.low_y[c]) +
           (boxes.high_z[c] - boxes.low_z[c]);
  return sum;
}

}  // namespace emcore

// Atoms in an order and in clusters that say quickly which of them are near a place.
#ifndef EMGMM_SCORE_NEAR_ATOMS_H
#define EMGMM_SCORE_NEAR_ATOMS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace emcore {

constexpr std::size_t kNearCluster = 8;  // atoms
constexpr std::size_t kNearGroup = 16;   // clusters; also what boxes are padded to

// An atom: as many numbers as a small register holds.
struct alignas(16) NearPoint {
  float x, y, z;   // Å, from the centre of the data mixture
  float variance;  // Å²
};

// A model of isotropic Gaussians.
struct NearModel {
  std::vector<NearPoint> points;
  std::vector<float> weights;  // Da
};

// Boxes around the means of some atoms, one row of values a quantity.
struct NearBoxes {
  std::vector<float> low_x, low_y, low_z, high_x, high_y, high_z;
  std::vector<float> mass;            // Da
  std::vector<std::uint32_t> number;  // of the first atom, or of the box
  std::size_t size() const { return mass.size(); }
  void clear() { resize(0); }
  void resize(std::size_t n) {
    for (auto *row : {&low_x, &low_y, &low_z, &high_x, &high_y, &high_z, &mass}) row->resize(n);
    number.resize(n);
  }
  void add(const NearBoxes &from, std::size_t i) {
    low_x.push_back(from.low_x[i]), high_x.push_back(from.high_x[i]);
    low_y.push_back(from.low_y[i]), high_y.push_back(from.high_y[i]);
    low_z.push_back(from.low_z[i]), high_z.push_back(from.high_z[i]);
    mass.push_back(from.mass[i]), number.push_back(from.number[i]);
  }
  void add_empty() {
    const float never = 1e18f;
    low_x.push_back(never), low_y.push_back(never), low_z.push_back(never);
    high_x.push_back(never), high_y.push_back(never), high_z.push_back(never);
    mass.push_back(0), number.push_back(0);
  }
  void pad() {
    while (size() % kNearGroup) add_empty();
  }
};

// The model: atoms in an order in which neighbours in space are neighbours, eight a cluster. The
// last cluster is empty, to fill a register.
struct NearAtoms {
  std::vector<float> x, y, z, weight, variance;
  std::vector<std::uint32_t> number;  // of each atom in the model
  std::vector<std::uint32_t> place;   // 0, 1, 2, ...
  NearBoxes clusters, groups;         // of sixteen clusters
  std::size_t n_clusters = 0;
  float spread = 0;     // the largest variance, Å²
  float tightness = 0;  // the smallest
};

// Numbers of the points in an order in which neighbours in space are neighbours: halves along the
// longest side until `least` are left; every half but the last is a multiple of `least`.
std::vector<std::uint32_t> order_in_space(const std::vector<NearPoint> &points, std::size_t least);

// The model in this order.
NearAtoms near_atoms(const NearModel &model, const std::vector<std::uint32_t> &order);

// Sides of the boxes of the first n clusters, Å.
double sides(const NearBoxes &boxes, std::size_t n);

}  // namespace emcore

#endif

// numpy arrays in and out of the core's values; a wrong shape is refused by the signature.
#ifndef EMGMM_ARRAYS_H
#define EMGMM_ARRAYS_H

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <stdexcept>
#include <vector>

#include "mixture/gaussian.h"
#include "sample/replica.h"

namespace emgmm_python {

namespace nb = nanobind;

using Points = nb::ndarray<const double, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Matrices = nb::ndarray<const double, nb::shape<-1, 3, 3>, nb::c_contig, nb::device::cpu>;
using Values = nb::ndarray<const double, nb::shape<-1>, nb::c_contig, nb::device::cpu>;

// A numpy array that owns a moved-in vector.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values,
                                   std::initializer_list<std::size_t> shape) {
  auto *owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void *p) noexcept { delete static_cast<std::vector<T> *>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

inline nb::ndarray<nb::numpy, double> matrices_to_numpy(const std::vector<emcore::Sym3> &matrices) {
  std::vector<double> flat;
  flat.reserve(9 * matrices.size());
  for (const emcore::Sym3 &c : matrices)
    flat.insert(flat.end(), {c.xx, c.xy, c.xz, c.xy, c.yy, c.yz, c.xz, c.yz, c.zz});
  return to_numpy(std::move(flat), {matrices.size(), 3, 3});
}

inline nb::ndarray<nb::numpy, double> points_to_numpy(const std::vector<emcore::Vec3> &points) {
  std::vector<double> flat;
  flat.reserve(3 * points.size());
  for (const emcore::Vec3 &p : points) flat.insert(flat.end(), {p.x, p.y, p.z});
  return to_numpy(std::move(flat), {points.size(), 3});
}

using Indices = nb::ndarray<const std::int64_t, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<const bool, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
// w x y z of the rotation, then the translation (Å).
using PoseRows = nb::ndarray<const double, nb::shape<-1, 7>, nb::c_contig, nb::device::cpu>;
static_assert(sizeof(emcore::Pose) == 7 * sizeof(double), "poses cross as rows of seven");

inline std::vector<emcore::Pose> to_poses(const double *rows, std::size_t n) {
  std::vector<emcore::Pose> poses(n);
  if (n) std::memcpy(poses.data(), rows, n * sizeof(emcore::Pose));
  return poses;
}
inline std::vector<emcore::Pose> to_poses(const PoseRows &rows) {
  return to_poses(rows.data(), rows.shape(0));
}

inline nb::ndarray<nb::numpy, double> poses_to_numpy(const std::vector<emcore::Pose> &poses,
                                                     std::initializer_list<std::size_t> shape) {
  std::vector<double> flat(7 * poses.size());
  if (!poses.empty()) std::memcpy(flat.data(), poses.data(), poses.size() * sizeof(emcore::Pose));
  return to_numpy(std::move(flat), shape);
}

inline std::vector<std::size_t> to_indices(const Indices &indices) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < indices.shape(0); ++i) {
    if (indices.data()[i] < 0)
      throw std::domain_error("index " + std::to_string(indices.data()[i]) + " is negative");
    result.push_back(static_cast<std::size_t>(indices.data()[i]));
  }
  return result;
}

inline void check_rows(std::size_t found, std::size_t expected, const char *what) {
  if (found != expected)
    throw std::domain_error(std::string(what) + " must have " + std::to_string(expected) +
                            " rows, got " + std::to_string(found));
}

// Centre and radius, Å; none for no numbers.
inline emcore::Confinement to_confinement(const std::vector<double> &numbers) {
  if (numbers.empty()) return {};
  check_rows(numbers.size(), 4, "confinement");
  return {{numbers[0], numbers[1], numbers[2]}, numbers[3]};
}

}  // namespace emgmm_python

#endif

// Symmetric moves and operations, for emgmm.symmetry.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include <cstring>

#include "arrays.h"
#include "bindings.h"
#include "sample/symmetric_mover.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::shared_ptr<Mover> make_symmetric(std::shared_ptr<Mover> mover, const Indices &source,
                                      const Indices &image, const PoseRows &operation,
                                      const PoseRows &frame) {
  const std::size_t n = source.shape(0);
  check_rows(image.shape(0), n, "image");
  check_rows(operation.shape(0), n, "operation");
  check_rows(frame.shape(0), n, "frame");
  const std::vector<std::size_t> sources = to_indices(source), bodies = to_indices(image);
  const std::vector<Pose> operations = to_poses(operation), frames = to_poses(frame);
  std::vector<BodyImage> images;
  for (std::size_t i = 0; i < n; ++i)
    images.push_back({sources[i], bodies[i], operations[i], frames[i]});
  return std::make_shared<SymmetricMover>(std::move(mover), images);
}

nb::ndarray<nb::numpy, double> operations(const std::string &group, const Points &rows) {
  check_rows(rows.shape(0), 3, "center, axis and second axis");
  const double *v = rows.data();
  const std::vector<Pose> poses =
      symmetry_operations(group, {v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]});
  return poses_to_numpy(poses, {poses.size(), 7});
}

}  // namespace

void bind_symmetry(nb::module_ &m) {
  m.def("symmetric_mover", &make_symmetric, "mover"_a, "source"_a, "image"_a, "operation"_a,
        "frame"_a,
        "A mover whose bodies have images that follow: pose(image) = operation pose(source) frame, "
        "poses as rows (n, 7).");
  m.def("symmetry_operations", &operations, "group"_a, "center_and_axes"_a,
        "Poses (n, 7) of the operations of Cn or Dn, the identity first. Rows of center_and_axes: "
        "a point on the axis, the axis, and the second axis (Cn: anything).");
}

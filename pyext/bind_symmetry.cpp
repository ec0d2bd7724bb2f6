// Symmetric moves and operations, for emgmm.symmetry.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include "bindings.h"
#include "sample/symmetric_mover.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::vector<Pose> operations(const std::string &group, const Points &rows) {
  check_rows(rows.shape(0), 3, "center, axis and second axis");
  const double *v = rows.data();
  return symmetry_operations(group, {v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]});
}

}  // namespace

void bind_symmetry(nb::module_ &m) {
  m.def(
      "symmetric_mover",
      [](std::shared_ptr<Mover> mover, std::vector<BodyImage> images) -> std::shared_ptr<Mover> {
        return std::make_shared<SymmetricMover>(std::move(mover), std::move(images));
      },
      "mover"_a, "images"_a,
      "A mover whose bodies have images that follow: pose(image) = operation pose(source) frame.");
  m.def("symmetry_operations", &operations, "group"_a, "center_and_axes"_a,
        "Poses (n, 7) of the operations of Cn or Dn, the identity first. Rows of center_and_axes: "
        "a point on the axis, the axis, and the second axis (Cn: anything).");
}

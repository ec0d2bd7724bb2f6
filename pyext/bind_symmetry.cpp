// Symmetric moves, for emgmm.symmetry.
#include <IMP/emgmm/internal/symmetric_mover.h>
#include <nanobind/stl/shared_ptr.h>

#include <cstring>

#include "arrays.h"
#include "bindings.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

using BodyIndices = nb::ndarray<const std::int64_t, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using ImagePoses = nb::ndarray<const double, nb::shape<-1, 7>, nb::c_contig, nb::device::cpu>;

Pose pose_of_row(const ImagePoses &rows, std::size_t i) {
  const double *p = rows.data() + 7 * i;
  return {{p[0], p[1], p[2], p[3]}, {p[4], p[5], p[6]}};
}

std::shared_ptr<Mover> make_symmetric(std::shared_ptr<Mover> mover, const BodyIndices &source,
                                      const BodyIndices &image, const ImagePoses &operation,
                                      const ImagePoses &frame) {
  const std::size_t n = source.shape(0);
  if (image.shape(0) != n || operation.shape(0) != n || frame.shape(0) != n)
    throw std::domain_error("source, image, operation and frame must have one row an image");
  std::vector<BodyImage> images;
  for (std::size_t i = 0; i < n; ++i) {
    if (source.data()[i] < 0 || image.data()[i] < 0)
      throw std::domain_error("bodies of images must be 0 or more");
    images.push_back({static_cast<std::size_t>(source.data()[i]),
                      static_cast<std::size_t>(image.data()[i]), pose_of_row(operation, i),
                      pose_of_row(frame, i)});
  }
  return std::make_shared<SymmetricMover>(std::move(mover), images);
}

}  // namespace

void bind_symmetry(nb::module_ &m) {
  m.def("symmetric_mover", &make_symmetric, "mover"_a, "source"_a, "image"_a, "operation"_a,
        "frame"_a,
        "A mover whose bodies have images that follow: pose(image) = operation pose(source) frame, "
        "poses as rows (n, 7).");
}

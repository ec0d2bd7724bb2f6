#include <IMP/emgmm/internal/point_fit.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <memory>
#include <optional>
#include <tuple>

#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Points = nb::ndarray<const double, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Values = nb::ndarray<const double, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using Array = nb::ndarray<nb::numpy, double>;

template <class T>
nb::ndarray<nb::numpy, T> owned(std::vector<T> &&values, std::initializer_list<std::size_t> shape) {
  auto *kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void *p) noexcept { delete static_cast<std::vector<T> *>(p); });
  return nb::ndarray<nb::numpy, T>(kept->data(), shape, owner);
}

std::vector<double> copied(const Values &values) {
  return std::vector<double>(values.data(), values.data() + values.shape(0));
}

std::tuple<Array, Array, Array> arrays(const emcore::Mixture &mixture) {
  std::vector<double> means, covariances, weights;
  means.reserve(3 * mixture.size());
  covariances.reserve(9 * mixture.size());
  weights.reserve(mixture.size());
  for (const emcore::Gaussian &g : mixture) {
    const emcore::Sym3 &c = g.covariance;
    means.insert(means.end(), {g.mean.x, g.mean.y, g.mean.z});
    covariances.insert(covariances.end(),
                       {c.xx, c.xy, c.xz, c.xy, c.yy, c.yz, c.xz, c.yz, c.zz});
    weights.push_back(g.weight);
  }
  const std::size_t n = mixture.size();
  return {owned(std::move(means), {n, 3}), owned(std::move(covariances), {n, 3, 3}),
          owned(std::move(weights), {n})};
}

std::tuple<Array, Array, Array> fit_points(Points positions, Values weights,
                                           std::size_t components, std::uint64_t seed,
                                           double variance_floor, unsigned threads,
                                           std::optional<Values> point_variances) {
  std::vector<emcore::Vec3> points(positions.shape(0));
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = {positions(i, 0), positions(i, 1), positions(i, 2)};
  const std::vector<double> masses = copied(weights);
  const std::vector<double> spreads =
      point_variances ? copied(*point_variances) : std::vector<double>();
  emcore::PointFitOptions options;
  options.seed = seed;
  options.variance_floor = variance_floor;
  options.threads = threads;
  emcore::Mixture mixture;
  {
    nb::gil_scoped_release release;
    mixture = emcore::fit_points(points, masses, spreads, components, options);
  }
  return arrays(mixture);
}

}  // namespace

void bind_fit(nb::module_ &m) {
  m.def("fit_points", &fit_points, "positions"_a, "weights"_a, "components"_a, "seed"_a = 0,
        "variance_floor"_a = 1.0, "threads"_a = 0, "point_variances"_a = nb::none(),
        "Gaussian mixture of weighted points by EM: (means (n, 3) Å, covariances (n, 3, 3) Å², "
        "weights (n,)).");
}

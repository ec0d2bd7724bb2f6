#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>

#include "bindings.h"
#include "fit/islands.h"
#include "fit/map_fit.h"
#include "fit/point_fit.h"
#include "fit/rasterize.h"
#include "values.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace emgmm_python;

namespace {

template <class T>
using Sections = nb::ndarray<const T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

emcore::Mixture fit_points(Points positions, Values weights, std::size_t components,
                           std::uint64_t seed, double variance_floor, unsigned threads,
                           std::optional<Values> point_variances) {
  std::vector<emcore::Vec3> points(positions.shape(0));
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = {positions(i, 0), positions(i, 1), positions(i, 2)};
  const auto copied = [](const Values &v) {
    return std::vector<double>(v.data(), v.data() + v.shape(0));
  };
  const std::vector<double> masses = copied(weights);
  const std::vector<double> spreads =
      point_variances ? copied(*point_variances) : std::vector<double>();
  emcore::PointFitOptions options;
  options.seed = seed;
  options.variance_floor = variance_floor;
  options.threads = threads;
  nb::gil_scoped_release release;
  return emcore::fit_points(points, masses, spreads, components, options);
}

emcore::Frame frame_of(std::array<int, 3> shape, std::array<double, 3> voxel,
                       std::array<double, 3> origin) {
  emcore::Frame frame;
  for (int a = 0; a < 3; ++a) frame.shape[a] = shape[a];
  frame.voxel = {voxel[0], voxel[1], voxel[2]};
  frame.origin = {origin[0], origin[1], origin[2]};
  return frame;
}

template <class T>
void add_sections(emcore::VoxelGrid &grid, int z, Sections<T> values) {
  if (static_cast<int>(values.shape(1)) != grid.frame.shape[1] ||
      static_cast<int>(values.shape(2)) != grid.frame.shape[0])
    throw std::domain_error("sections must be (n, ny, nx) as the grid's shape");
  nb::gil_scoped_release release;
  emcore::add_sections(grid, z, static_cast<int>(values.shape(0)), values.data());
}

nb::dict to_dict(const emcore::MapFitLevel &level) {
  nb::dict d;
  d["components"] = level.components;
  d["cc"] = level.cc;
  d["cc_mean"] = level.cc_mean;
  d["cc_box"] = level.cc_box;
  d["seconds"] = level.seconds;
  return d;
}

nb::tuple fit_map(const emcore::VoxelGrid &grid, std::size_t components, double target_cc,
                  std::size_t max_components, std::uint64_t seed, unsigned threads,
                  double variance_floor, double outside, bool levels, bool keep_levels,
                  nb::object progress) {
  emcore::MapFitOptions options;
  options.components = components;
  options.target_cc = target_cc;
  options.max_components = max_components;
  options.seed = seed;
  options.threads = threads;
  options.variance_floor = variance_floor;
  options.outside = outside;
  options.levels = levels;
  options.keep_levels = keep_levels;
  options.progress = [&](std::size_t reached, const emcore::MapFitLevel *last, double share) {
    nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();  // Ctrl-C
    if (!progress.is_none())
      progress(reached, last ? nb::object(to_dict(*last)) : nb::object(nb::none()),
               share < 0 ? nb::object(nb::none()) : nb::object(nb::float_(share)));
  };
  emcore::MapFitResult result;
  {
    nb::gil_scoped_release release;
    result = emcore::fit_map(grid, options);
  }
  nb::list measured;
  for (const emcore::MapFitLevel &level : result.levels) measured.append(to_dict(level));
  return nb::make_tuple(result.mixture, measured, result.level_mixtures);
}

nb::ndarray<nb::numpy, float> rasterize(const emcore::Mixture &mixture,
                                        std::array<double, 3> origin, std::array<double, 3> voxel,
                                        std::array<int, 3> shape, unsigned threads) {
  const emcore::Frame frame = frame_of({shape[2], shape[1], shape[0]}, voxel, origin);
  const std::size_t nz = shape[0], ny = shape[1], nx = shape[2];
  emcore::voxel_grid(frame, 0);  // refuses a bad frame
  std::vector<float> values(nx * ny * nz);
  {
    nb::gil_scoped_release release;
    emcore::rasterize(mixture, frame, threads, values.data());
  }
  return to_numpy(std::move(values), {nz, ny, nx});
}

}  // namespace

void bind_fit(nb::module_ &m) {
  m.def("fit_points", &fit_points, "positions"_a, "weights"_a, "components"_a, "seed"_a = 0,
        "variance_floor"_a = 1.0, "threads"_a = 0, "point_variances"_a = nb::none(),
        "Gaussian mixture of weighted points (n, 3) Å by EM.");

  nb::class_<emcore::VoxelGrid>(
      m, "VoxelGrid", "The voxels of a map above a threshold, added 16 sections at a time.")
      .def(
          "__init__",
          [](emcore::VoxelGrid *grid, std::array<int, 3> shape, std::array<double, 3> voxel,
             std::array<double, 3> origin, double threshold) {
            new (grid) emcore::VoxelGrid(emcore::voxel_grid(
                frame_of({shape[2], shape[1], shape[0]}, voxel, origin), threshold));
          },
          "shape"_a, "voxel"_a, "origin"_a, "threshold"_a,
          "shape (nz, ny, nx); voxel and origin x, y, z in Å.")
      .def("add", &add_sections<float>, "z"_a, "sections"_a.noconvert())
      .def("add", &add_sections<std::int16_t>, "z"_a, "sections"_a.noconvert())
      .def("add", &add_sections<std::int8_t>, "z"_a, "sections"_a.noconvert())
      .def("finish", &emcore::finish, nb::call_guard<nb::gil_scoped_release>())
      .def_ro("voxels", &emcore::VoxelGrid::voxels)
      .def_ro("sum", &emcore::VoxelGrid::sum)
      .def_ro("maximum", &emcore::VoxelGrid::maximum)
      .def_ro("threshold", &emcore::VoxelGrid::threshold);

  m.def("fit_map", &fit_map, "grid"_a, "components"_a = 0, "target_cc"_a = 0.0,
        "max_components"_a = 0, "seed"_a = 0, "threads"_a = 0, "variance_floor"_a = 0.0,
        "outside"_a = 0.5, "levels"_a = true, "keep_levels"_a = false, "progress"_a = nb::none(),
        "Gaussian mixture of a finished VoxelGrid: (mixture, levels, mixtures of the levels before "
        "the last where they are kept).");
  m.def(
      "measure",
      [](const emcore::VoxelGrid &grid, const emcore::Mixture &mixture, unsigned threads) {
        emcore::check_mixture(mixture, "mixture");
        return to_dict(emcore::measure(grid, mixture, threads));
      },
      "grid"_a, "mixture"_a, "threads"_a = 0,
      "Correlations of a mixture with the map of a finished VoxelGrid.");
  m.def(
      "component_overlaps",
      [](const emcore::VoxelGrid &grid, const emcore::Mixture &mixture, unsigned threads) {
        emcore::check_mixture(mixture, "mixture");
        std::vector<double> flat;
        for (const auto &overlap : emcore::component_overlaps(grid, mixture, threads))
          flat.insert(flat.end(), {overlap.with_map, overlap.with_mixture});
        return to_numpy(std::move(flat), {mixture.size(), 2});
      },
      "grid"_a, "mixture"_a, "threads"_a = 0,
      "Overlaps (n, 2) of each normalised component with the map and with the mixture.");
  m.def(
      "island_sizes",
      [](nb::ndarray<const bool, nb::ndim<3>, nb::c_contig, nb::device::cpu> mask) {
        std::vector<std::uint32_t> sizes;
        {
          nb::gil_scoped_release release;
          sizes = emcore::island_sizes(mask.data(), {mask.shape(0), mask.shape(1), mask.shape(2)});
        }
        return to_numpy(std::move(sizes), {mask.shape(0), mask.shape(1), mask.shape(2)});
      },
      "mask"_a,
      "Of each voxel of a mask (nz, ny, nx) the number of voxels that hang together with it by "
      "their faces; 0 outside. uint32.");
  m.def("rasterize", &rasterize, "mixture"_a, "origin"_a, "voxel"_a, "shape"_a, "threads"_a = 0,
        "Density of the mixture at the centres of the voxels, (nz, ny, nx) float32; a component "
        "is left out where it is below 1.5e-8 of its maximum (6 standard deviations).");
}

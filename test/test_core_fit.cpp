// The fit of maps: brick kernels of every instruction set against plain loops over all voxels and
// components in double precision, and what the least squares promise.
#include <cmath>
#include <functional>
#include <stdexcept>

#include "fit/fit_steps.h"
#include "fit/map_fit.h"
#include "fit/map_pass.h"
#include "fit/rasterize.h"
#include "fit/split_merge.h"
#include "math/eigen.h"
#include "math/instruction_set.h"
#include "math/random.h"
#include "reference.h"

using namespace emcore;
using reference::check;
using reference::check_close;

namespace {

constexpr double THRESHOLD = 0.4;

Frame test_frame() {
  Frame frame;
  frame.shape[0] = 21, frame.shape[1] = 18, frame.shape[2] = 35;
  frame.voxel = {1.5, 1.8, 1.3};
  frame.origin = {-7, 40, 3};
  return frame;
}

Mixture random_mixture(Random &random, std::size_t n) {
  const Frame f = test_frame();
  Mixture mixture(n);
  for (Gaussian &g : mixture) {
    const Vec3 at{random.uniform(0.2, 0.8) * f.shape[0] * f.voxel.x,
                  random.uniform(0.2, 0.8) * f.shape[1] * f.voxel.y,
                  random.uniform(0.2, 0.8) * f.shape[2] * f.voxel.z};
    const Mat3 axes = matrix(random.rotation());
    g.mean = f.origin + at;
    g.covariance = rotated(
        axes, {random.uniform(5, 20), random.uniform(5, 20), random.uniform(5, 20), 0, 0, 0});
    g.weight = random.uniform(200, 600);
  }
  return mixture;
}

Vec3 position(const Frame &f, int x, int y, int z) {
  return f.origin + Vec3{x * f.voxel.x, y * f.voxel.y, z * f.voxel.z};
}

double density(const Gaussian &g, const Vec3 &x) {
  const Vec3 d = x - g.mean;
  return g.weight / std::sqrt(std::pow(2 * M_PI, 3) * determinant(g.covariance)) *
         std::exp(-0.5 * dot(d, inverse(g.covariance) * d));
}

// Density of `mixture` at every voxel, some of it removed so that map and model differ.
std::vector<float> map_of(const Mixture &mixture, const Frame &f) {
  std::vector<float> values(static_cast<std::size_t>(f.shape[0]) * f.shape[1] * f.shape[2]);
  rasterize(mixture, f, 1, values.data());
  return values;
}

VoxelGrid grid_of(const std::vector<float> &values, const Frame &f) {
  VoxelGrid grid = voxel_grid(f, THRESHOLD);
  const std::size_t section = static_cast<std::size_t>(f.shape[0]) * f.shape[1];
  for (int z = 0; z < f.shape[2]; z += kChunk)
    add_sections(grid, z, std::min(kChunk, f.shape[2] - z), values.data() + z * section);
  finish(grid);
  return grid;
}

// One iteration of EM over the voxels above the threshold: no lists, no bricks, double precision.
Mixture slow_expectation(const std::vector<float> &values, const Frame &f, double scale,
                         const Mixture &mixture) {
  const std::size_t n = mixture.size();
  std::vector<double> weight(n, 0), share(n);
  std::vector<Vec3> first(n);
  std::vector<Sym3> second(n);
  for (int z = 0; z < f.shape[2]; ++z)
    for (int y = 0; y < f.shape[1]; ++y)
      for (int x = 0; x < f.shape[0]; ++x) {
        const float w = values[(static_cast<std::size_t>(z) * f.shape[1] + y) * f.shape[0] + x];
        if (!(w > static_cast<float>(THRESHOLD))) continue;
        const Vec3 at = position(f, x, y, z);
        double total = 0;
        for (std::size_t k = 0; k < n; ++k) total += share[k] = density(mixture[k], at);
        for (std::size_t k = 0; k < n; ++k) {
          const double r = w / scale * share[k] / total;
          weight[k] += r;
          first[k] += r * at;
          second[k] += r * outer(at);
        }
      }
  Mixture result(n);
  for (std::size_t k = 0; k < n; ++k) {
    const Vec3 mean = (1 / weight[k]) * first[k];
    result[k] = {mean, (1 / weight[k]) * second[k] + (-1.0) * outer(mean),
                 weight[k] * f.voxel.x * f.voxel.y * f.voxel.z};
  }
  return result;
}

void check_mixtures(const Mixture &found, const Mixture &expected, double tolerance,
                    const std::string &what) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const std::string place = what + ", component " + std::to_string(k);
    const double width = std::cbrt(std::sqrt(determinant(expected[k].covariance)));
    check(norm(found[k].mean - expected[k].mean) < tolerance * width, place + ": mean");
    const Sym3 d = found[k].covariance + (-1.0) * expected[k].covariance;
    const double off = std::fabs(d.xx) + std::fabs(d.yy) + std::fabs(d.zz) + std::fabs(d.xy) +
                       std::fabs(d.xz) + std::fabs(d.yz);
    check(off < 6 * tolerance * width * width, place + ": covariance");
    check_close(found[k].weight, expected[k].weight, tolerance, place + ": weight");
  }
}

void expectation_matches() {
  Random random(3);
  const Frame f = test_frame();
  Mixture model = random_mixture(random, 9);
  const std::vector<float> values = map_of(model, f);
  const VoxelGrid grid = grid_of(values, f);
  for (Gaussian &g : model) g.mean += random.in_ball(2);
  const Mixture slow = slow_expectation(values, f, grid.scale, model);
  for (const InstructionSet set : available_instruction_sets()) {
    set_instruction_set(set);
    const std::vector<GridGaussian> components = in_voxels(model, f);
    const auto iterate = [&](double reach, double least_share) {
      std::vector<NearList> lists = near_lists(grid, components, reach, true, 2);
      if (least_share > 0) prune(grid, components, least_share, 2, lists);
      Mixture fast = model;
      expectation_step(pass(grid, components, lists, ChunkWork::expectation, 0, 2), f, 1e-6, 0,
                       fast);
      return fast;
    };
    check_mixtures(iterate(12, 0), slow, 2e-5, "EM without cutoff, " + name(set));
    // The lists of the fit: shares below 1e-3 of every voxel of a brick are left out.
    check_mixtures(iterate(4, 1e-3), slow, 3e-2, "EM with the fit's lists, " + name(set));
  }
  set_instruction_set(available_instruction_sets().back());
}

void squares_match() {
  Random random(4);
  const Frame f = test_frame();
  const std::vector<float> values = map_of(random_mixture(random, 6), f);
  const VoxelGrid grid = grid_of(values, f);
  Mixture model = random_mixture(random, 6);
  for (Gaussian &g : model) g.weight /= grid.scale;
  const double outside = 0.5 * THRESHOLD / grid.scale;
  double error = 0, with_map = 0, with_model = 0;
  for (int z = 0; z < f.shape[2]; ++z)
    for (int y = 0; y < f.shape[1]; ++y)
      for (int x = 0; x < f.shape[0]; ++x) {
        const float value = values[(static_cast<std::size_t>(z) * f.shape[1] + y) * f.shape[0] + x];
        double t = 0;
        for (const Gaussian &g : model) t += density(g, position(f, x, y, z));
        const bool inside = value > static_cast<float>(THRESHOLD);
        if (!inside && !(t > outside)) continue;
        const double w = inside ? value / grid.scale : outside,
                     p = density(model[2], position(f, x, y, z));
        error += (w - t) * (w - t);
        with_map += p * w;
        with_model += p * t;
      }
  const std::vector<GridGaussian> components = in_voxels(model, f);
  const PassResult result = pass(grid, components, near_lists(grid, components, 12, false, 2),
                                 ChunkWork::squares, outside, 2);
  // Far from the filled bricks there is no brick: the plain sum over the box has a little more.
  check_close(result.sums.error, error, 2e-2, "sum of squares");
  check_close(result.second[2].sum[0], with_map, 2e-2, "component with map");
  check_close(result.first[2].sum[0], with_model, 2e-2, "component with mixture");
}

// Near the optimum a step goes down, and at the map's own mixture there is nothing to do.
void squares_descend() {
  Random random(5);
  const Frame f = test_frame();
  Mixture truth = random_mixture(random, 5);
  const VoxelGrid grid = grid_of(map_of(truth, f), f);
  for (Gaussian &g : truth) g.weight /= grid.scale;
  const auto squares = [&](const Mixture &m) {
    const std::vector<GridGaussian> components = in_voxels(m, f);
    return pass(grid, components, near_lists(grid, components, 8, false, 2), ChunkWork::squares,
                THRESHOLD / grid.scale, 2);
  };
  Mixture still = truth;
  squares_step(squares(still), f, 0.1, 1, 2, still);
  check_mixtures(still, truth, 1e-3, "fixed point");
  Mixture model = truth;
  for (Gaussian &g : model) {
    g.mean += random.in_ball(1);
    g.covariance = random.uniform(0.8, 1.25) * g.covariance;
    g.weight *= random.uniform(0.8, 1.25);
  }
  const double before = squares(model).sums.error;
  double last = before;
  for (int i = 0; i < 60; ++i) {
    const PassResult result = squares(model);
    check(result.sums.error < last * 1.001, "the sum of squares rose at step " + std::to_string(i));
    last = result.sums.error;
    squares_step(result, f, 0.1, 1, 2, model);
  }
  check(last < 1e-3 * before, "60 steps leave " + std::to_string(last / before));
}

void rasterized_is_the_plain_sum() {
  Random random(6);
  const Frame f = test_frame();
  const Mixture mixture = random_mixture(random, 8);
  const std::vector<float> values = map_of(mixture, f);
  double squares = 0;
  for (int z = 0; z < f.shape[2]; ++z)
    for (int y = 0; y < f.shape[1]; ++y)
      for (int x = 0; x < f.shape[0]; ++x) {
        double t = 0;
        for (const Gaussian &g : mixture) t += density(g, position(f, x, y, z));
        const double found =
            values[(static_cast<std::size_t>(z) * f.shape[1] + y) * f.shape[0] + x];
        check(std::fabs(found - t) < 1e-6 * (t + 1), "rasterised density");
        squares += t * t;
      }
  check_close(sum_of_squares(mixture, f, 3), squares, 1e-6, "sum of squares of the box");
}

void moves_keep_moments() {
  Random random(7);
  Gaussian whole = random_mixture(random, 1)[0], a = whole, b;
  split(0.7, a, b);
  check_mixtures({merged(a, b)}, {whole}, 1e-12, "split and merged");
  check(merge_cost(a, b) > 0, "merging two halves costs something");
  check(std::fabs(merge_cost(a, a)) < 1e-12 * a.weight * a.weight, "merging twins costs nothing");
  for (int i = 0; i < 100; ++i) {
    const Sym3 c = rotated(matrix(random.rotation()), {random.uniform(-1, 3), random.uniform(-1, 3),
                                                       i % 2 ? 1.0 : 0.0, 0, 0, 0});
    const Eigen3 before = eigen(c), after = eigen(with_floor(c, 0.5));
    for (int axis = 0; axis < 3; ++axis)
      check(std::fabs(after.values[axis] - std::max(0.5, before.values[axis])) < 1e-12, "floor");
  }
}

void bad_input_is_refused() {
  const auto refused = [](const std::function<void()> &call, const char *what) {
    try {
      call();
    } catch (const std::domain_error &) {
      return;
    } catch (const std::out_of_range &) {
      return;
    }
    check(false, std::string(what) + " was not refused");
  };
  const Frame f = test_frame();
  Frame flat = f;
  flat.shape[1] = 0;
  refused([&] { voxel_grid(flat, 1); }, "a box without voxels");
  refused([&] { voxel_grid(f, NAN); }, "threshold NaN");
  std::vector<float> values(21 * 18 * 16, 1.0f);
  values[77] = NAN;
  refused(
      [&] {
        VoxelGrid grid = voxel_grid(f, 0.5);
        add_sections(grid, 0, 16, values.data());
      },
      "a voxel NaN");
  refused(
      [&] {
        VoxelGrid grid = voxel_grid(f, 0.5);
        add_sections(grid, 5, 16, values.data());
      },
      "sections out of step");
  refused(
      [&] {
        VoxelGrid grid = voxel_grid(f, 0.5);
        finish(grid);
      },
      "a map without voxels above the threshold");
  Random random(8);
  const VoxelGrid grid = grid_of(map_of(random_mixture(random, 3), f), f);
  MapFitOptions options;
  refused([&] { fit_map(grid, options); }, "neither number nor target");
  options.components = grid.voxels + 1;
  refused([&] { fit_map(grid, options); }, "more components than voxels");
  options.components = 2;
  options.outside = 2;
  refused([&] { fit_map(grid, options); }, "outside 2");
}

}  // namespace

int main() {
  expectation_matches();
  squares_match();
  squares_descend();
  rasterized_is_the_plain_sum();
  moves_keep_moments();
  bad_input_is_refused();
  return 0;
}

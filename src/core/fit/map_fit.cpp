#include "fit/map_fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "fit/fit_steps.h"
#include "fit/fit_work.h"
#include "fit/map_pass.h"
#include "fit/split_merge.h"
#include "math/random.h"

namespace emcore {
namespace {

// Lists are made with this reach (exp(-6.5) = 1.5e-3 of a maximum) and keep what has this share.
constexpr double MAP_FIT_REACH = 3.6;
constexpr double MAP_FIT_LEAST_SHARE = 2e-3;
// Least-squares steps before a level is measured: for the curve, and to decide on more components.
constexpr int MAP_FIT_LEVEL_SQUARES = 6, MAP_FIT_SEARCH_SQUARES = 30;

class MapFitter {
 public:
  MapFitter(const VoxelGrid &grid, const MapFitOptions &options)
      : grid_(grid),
        options_(options),
        random_(options.seed),
        start_(std::chrono::steady_clock::now()),
        outside_(options.outside * std::max(grid.threshold, 0.0) / grid.scale) {
    const Vec3 &h = grid.frame.voxel;
    voxel_volume_ = h.x * h.y * h.z;
    const double widest = std::max({h.x, h.y, h.z});
    floor_ = options.variance_floor > 0 ? options.variance_floor : widest * widest / 12;
    while ((coarse_.empty() ? grid_ : coarse_.back()).voxels > 20000)
      coarse_.push_back(halved(coarse_.empty() ? grid_ : coarse_.back()));
    least_weight_ = 1e-3 * voxel_volume_;
    std::vector<std::size_t> voxels{grid_.voxels};
    for (const VoxelGrid &g : coarse_) voxels.push_back(g.voxels);
    work_ = FitWork(std::move(voxels), options_.polish, level_squares());
  }

  MapFitResult run() {
    const bool search = options_.components == 0;
    const std::size_t most =
        search ? (options_.max_components ? std::min(options_.max_components, grid_.voxels)
                                          : std::max<std::size_t>(1, grid_.voxels / 2))
               : options_.components;
    if (!search) work_.expect(work_.growth(1, most) + work_.polish());
    Mixture mixture = first();
    Mixture below = mixture;
    if (!search && most == 1) return finished(mixture);
    for (;;) {
      if (search || options_.levels) {
        Mixture trial = mixture;
        squares(grid_for(trial.size()), trial, level_squares());
        report(trial);
        if (search && levels_.back().cc >= options_.target_cc) break;
        if (search) expect_search(most);
      }
      if (mixture.size() >= most) {
        if (search) not_reached();
        break;
      }
      below = mixture;
      const std::size_t next = std::min(most, 2 * mixture.size());
      grow_to(mixture, next);
      if (!search && next == most) break;
    }
    if (search) return least(below, mixture);
    return finished(mixture);
  }

 private:
  // One component with the moments of the whole map.
  Mixture first() {
    const Frame &f = grid_.frame;
    const Vec3 &h = f.voxel;
    const Vec3 size{h.x * f.shape[0], h.y * f.shape[1], h.z * f.shape[2]};
    const double wide = 1e4 * dot(size, size);  // the same density everywhere
    Mixture mixture(1);
    mixture[0] = {f.origin + 0.5 * size, {wide, wide, wide, 0, 0, 0}, wide * std::sqrt(wide)};
    expectation(grid_, mixture, 1);
    return mixture;
  }

  int level_squares() const {
    if (options_.components == 0) return MAP_FIT_SEARCH_SQUARES;
    return options_.levels ? MAP_FIT_LEVEL_SQUARES : 0;
  }

  // Said before each iteration; `work` is that of the one before.
  void tick(const Mixture &mixture, double work) {
    work_.add(work);
    if (options_.progress)
      options_.progress(mixture.size(), levels_.empty() ? nullptr : &levels_.back(), work_.share());
  }

  // What a search still has to do, judged by the levels so far.
  void expect_search(std::size_t most) {
    if (levels_.size() < 3) return;
    const MapFitLevel &a = levels_[levels_.size() - 2], &b = levels_.back();
    double size = components_for(options_.target_cc, a.components, a.cc, b.components, b.cc);
    if (!(size > 0)) return;
    size = std::min(std::exp2(std::ceil(std::log2(size))), static_cast<double>(most));
    work_.expect(work_.growth(b.components, static_cast<std::size_t>(size)) +
                 (1 + halvings(size / 2, size)) * work_.polish());
  }

  // Trials between two sizes until the least number is known.
  static double halvings(double low, double high) {
    return std::ceil(std::log2(std::max(1.0, (high - low) / std::max(1.0, high / 256))));
  }

  // The coarsest grid on which so many components still have voxels enough.
  const VoxelGrid &grid_for(std::size_t components) const {
    for (std::size_t i = coarse_.size(); i-- > 0;)
      if (coarse_[i].voxels >= kVoxelsEach * components) return coarse_[i];
    return grid_;
  }

  std::vector<NearList> lists_of(const VoxelGrid &grid, const std::vector<GridGaussian> &components,
                                 bool filled_only) {
    std::vector<NearList> lists =
        near_lists(grid, components, MAP_FIT_REACH, filled_only, options_.threads);
    prune(grid, components, MAP_FIT_LEAST_SHARE, options_.threads, lists);
    return lists;
  }

  double floor_on(const VoxelGrid &grid, double share) const {
    const Vec3 &h = grid.frame.voxel;
    const double widest = std::max({h.x, h.y, h.z});
    return std::max(floor_, share * widest * widest);
  }

  // Iterations of EM; lists are renewed while the components still move far.
  void expectation(const VoxelGrid &grid, Mixture &mixture, int iterations) {
    std::vector<NearList> lists;
    // Narrower than half a voxel a Gaussian is no longer told from its one sample by EM.
    const double floor = floor_on(grid, 0.25);
    for (int i = 0; i < iterations; ++i) {
      tick(mixture, static_cast<double>(grid.voxels));
      const std::vector<GridGaussian> components = in_voxels(mixture, grid.frame);
      if (i == 0 || i == 2 || i == 5 || i % 10 == 0) lists = lists_of(grid, components, true);
      const PassResult result =
          pass(grid, components, lists, ChunkWork::expectation, outside_, options_.threads);
      expectation_step(result, grid.frame, floor, least_weight_, mixture);
      revive(mixture);
    }
  }

  // Steps of least squares with Nesterov's momentum, which starts anew when the sum of squares
  // rises. Returns the sum of squares of the mixture, before its last step.
  double squares(const VoxelGrid &grid, Mixture &mixture, int iterations) {
    const double floor = &grid == &grid_ ? floor_ : floor_on(grid, 0.25);
    std::vector<NearList> lists;
    Mixture at = mixture;    // where the sum is taken: mixture moved on by the momentum
    Mixture good = mixture;  // the last such place that was no worse than the one before
    double least = std::numeric_limits<double>::infinity(), checkpoint = least;
    double step = options_.step;
    int accepted = 0, steady = 0;  // steps, and those since the momentum started
    for (int i = 0; i < iterations; ++i) {
      tick(mixture, 2.0 * static_cast<double>(grid.voxels));
      const std::vector<GridGaussian> components = in_voxels(at, grid.frame);
      const bool renew = i == 0 || i == 3 || i == 8 || i % 12 == 0;
      if (renew) lists = lists_of(grid, components, false);
      const PassResult result =
          pass(grid, components, lists, ChunkWork::squares, outside_, options_.threads);
      // New lists change the sum a little by themselves.
      if (result.sums.error > least * (renew ? 1.01 : 1.0001)) {
        if (steady > 1) {
          at = mixture;  // the same step without momentum
        } else {
          at = mixture = good;
          step = std::max(0.1, 0.5 * step);
        }
        steady = 0;
        least *= 1.001;
        continue;
      }
      least = result.sums.error;
      good = at;
      if (++accepted % 10 == 0) {
        if (least > checkpoint * (1 - 2e-3)) break;
        checkpoint = least;
      }
      const Mixture previous = mixture;
      mixture = at;
      squares_step(result, grid.frame, floor, step, options_.threads, mixture);
      ++steady;
      at = mixture;
      extrapolate(previous, steady / (steady + 3.0), floor, at);
    }
    revive(mixture);
    return least;
  }

  // Squared error near each component.
  std::vector<double> errors(const VoxelGrid &grid, const Mixture &mixture) {
    const std::vector<GridGaussian> components = in_voxels(mixture, grid.frame);
    const PassResult result = pass(grid, components, lists_of(grid, components, false),
                                   ChunkWork::squared_error, outside_, options_.threads);
    std::vector<double> errors(mixture.size());
    for (std::size_t k = 0; k < errors.size(); ++k) errors[k] = result.first[k].sum[0];
    return errors;
  }

  // Splits the n components with the greatest errors.
  void split_worst(const VoxelGrid &grid, Mixture &mixture, std::size_t n) {
    const std::vector<double> error = errors(grid, mixture);
    std::vector<std::size_t> order(mixture.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return error[a] > error[b]; });
    mixture.reserve(mixture.size() + n);
    for (std::size_t i = 0; i < n; ++i) {
      Gaussian sibling;
      split(0.75 + 0.02 * random_.normal(), mixture[order[i]], sibling);
      mixture.push_back(sibling);
    }
  }

  void grow_to(Mixture &mixture, std::size_t size) {
    while (mixture.size() < size) {
      const std::size_t next = grown(mixture.size(), size);
      const VoxelGrid &grid = grid_for(next);
      split_worst(grid, mixture, next - mixture.size());
      expectation(grid, mixture, kGrowthIterations);
    }
  }

  // A component without a part of the map starts again as half of the one with the greatest weight.
  void revive(Mixture &mixture) {
    for (Gaussian &g : mixture) {
      if (g.weight > least_weight_ * 1e-3 && std::isfinite(g.weight) &&
          is_positive_definite(g.covariance))
        continue;
      Gaussian &heaviest = *std::max_element(
          mixture.begin(), mixture.end(),
          [](const Gaussian &a, const Gaussian &b) { return a.weight < b.weight; });
      split(0.5, heaviest, g);
    }
  }

  // Merges the pairs that cost least and splits the components with the greatest errors, as long
  // as the sum of squares falls. Returns it.
  double rebalance(Mixture &mixture, double error, int rounds) {
    std::size_t n = std::max<std::size_t>(1, mixture.size() / 16);
    for (int round = 0; round < rounds && mixture.size() > 2; ++round) {
      Mixture trial = mixture;
      const std::vector<MergePair> pairs = cheapest_merges(
          trial, lists_of(grid_, in_voxels(trial, grid_.frame), true), n, options_.threads);
      if (pairs.empty()) break;
      std::vector<char> gone(trial.size(), 0);
      for (const MergePair &pair : pairs) {
        trial[pair.a] = merged(trial[pair.a], trial[pair.b]);
        gone[pair.b] = 1;
      }
      std::size_t kept = 0;
      for (std::size_t k = 0; k < trial.size(); ++k)
        if (!gone[k]) trial[kept++] = trial[k];
      trial.resize(kept);
      split_worst(grid_, trial, mixture.size() - kept);
      const double now = squares(grid_, trial, kRebalanceSquares);
      if (now < error) {
        mixture = trial;
        error = now;
      } else {
        n = std::max<std::size_t>(1, n / 4);
      }
    }
    return error;
  }

  void polish(Mixture &mixture) {
    const double end = work_.done() + work_.polish();
    expectation(grid_, mixture, kPolishExpectation);
    const double error = squares(grid_, mixture, options_.polish / 3);
    rebalance(mixture, error, kRebalanceRounds);
    squares(grid_, mixture, options_.polish);
    work_.advance_to(end);
  }

  void report(const Mixture &mixture) {
    levels_.push_back(measured(mixture));
    if (options_.keep_levels) kept_.push_back(in_map_units(mixture));
    tick(mixture, 0);
  }

  MapFitLevel measured(const Mixture &mixture) {
    MapFitLevel level = measure(grid_, in_map_units(mixture), options_.threads);
    level.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return level;
  }

  Mixture in_map_units(Mixture mixture) const {
    for (Gaussian &g : mixture) g.weight *= grid_.scale;
    return mixture;
  }

  MapFitResult finished(Mixture mixture) {
    polish(mixture);
    return result_of(mixture, measured(mixture));
  }

  // The levels below the result, and the result as the last of them.
  MapFitResult result_of(const Mixture &mixture, MapFitLevel last) {
    while (!levels_.empty() && levels_.back().components >= last.components) levels_.pop_back();
    if (kept_.size() > levels_.size()) kept_.resize(levels_.size());
    last.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    levels_.push_back(last);
    return {in_map_units(mixture), levels_, kept_};
  }

  // The least number between two sizes whose polished mixture reaches the target.
  MapFitResult least(const Mixture &below, const Mixture &enough) {
    Mixture base = below, best = enough;
    std::size_t low = below.size() == enough.size() ? 0 : below.size(), high = enough.size();
    work_.expect((1 + halvings(static_cast<double>(low), static_cast<double>(high))) *
                 work_.polish());
    polish(best);
    MapFitLevel reached = measured(best);
    while (high - low > std::max<std::size_t>(1, high / 256)) {
      const std::size_t middle = low + (high - low) / 2;
      Mixture grown = base;
      if (middle < grown.size()) break;
      grow_to(grown, middle);
      Mixture trial = grown;
      polish(trial);
      const MapFitLevel level = measured(trial);
      if (level.cc >= options_.target_cc) {
        best = trial;
        reached = level;
        high = middle;
      } else {
        base = grown;
        low = middle;
      }
    }
    return result_of(best, reached);
  }

  [[noreturn]] void not_reached() const {
    throw std::domain_error("target_cc " + std::to_string(options_.target_cc) +
                            " is not reached: " + std::to_string(levels_.back().components) +
                            " components, the most allowed, reach " +
                            std::to_string(levels_.back().cc));
  }

  const VoxelGrid &grid_;
  const MapFitOptions &options_;
  Random random_;
  std::chrono::steady_clock::time_point start_;
  double outside_, voxel_volume_, floor_, least_weight_;
  std::vector<VoxelGrid> coarse_;  // the map at half, a quarter ... of its resolution
  std::vector<MapFitLevel> levels_;
  std::vector<Mixture> kept_;
  FitWork work_{{1}, 0, 0};
};

}  // namespace

MapFitResult fit_map(const VoxelGrid &grid, const MapFitOptions &options) {
  if (options.components > grid.voxels)
    throw std::domain_error("components must not exceed the " + std::to_string(grid.voxels) +
                            " voxels above the threshold, got " +
                            std::to_string(options.components));
  if (options.components == 0 && !(options.target_cc > 0 && options.target_cc < 1))
    throw std::domain_error("target_cc must be between 0 and 1, got " +
                            std::to_string(options.target_cc));
  if (!(options.variance_floor >= 0) || !std::isfinite(options.variance_floor))
    throw std::domain_error("variance_floor must not be negative, got " +
                            std::to_string(options.variance_floor));
  if (!(options.outside >= 0 && options.outside <= 1))
    throw std::domain_error("outside must be between 0 and 1, got " +
                            std::to_string(options.outside));
  return MapFitter(grid, options).run();
}

}  // namespace emcore

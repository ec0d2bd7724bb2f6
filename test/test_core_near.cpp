// Models of isotropic Gaussians with a cutoff, against the sum over all pairs.
#include <algorithm>
#include <cmath>

#include "math/instruction_set.h"
#include "math/random.h"
#include "reference.h"
#include "score/mixture_score.h"

using namespace emcore;
using reference::check;
using reference::check_close;
using reference::random_mixture;

namespace {

// Isotropic components with a cutoff: the full sum within what is said to be left out, on any
// number of threads, for every noise model and scale; finite differences of forces are those of the
// full sum, which has its own.
void cutoff_is_bounded() {
  Random random(12);
  const Mixture data = random_mixture(random, 300, 60);
  Mixture model = random_mixture(random, 700, 60);
  for (Gaussian &g : model) {
    const double v = 1 + 5 * random.uniform();
    g.covariance = {v, v, v, 0, 0, 0};
  }
  model.push_back(model[0]);
  model.back().mean = {900, -40, 7};  // one that went astray
  for (const NoiseOptions &noise : {NoiseOptions{NoiseModel::lognormal, 0.1, {}, false},
                                    NoiseOptions{NoiseModel::lognormal, 0.1, {}, true},
                                    NoiseOptions{NoiseModel::lognormal_local, 0.1, {}, false, 0.05},
                                    NoiseOptions{NoiseModel::outliers, 0.2, {}, false}}) {
    ScoreOptions options;
    options.noise = noise;
    std::vector<GaussianGradient> expected, found;
    const double value = MixtureScore(data, options).evaluate(model, &expected);
    double largest = 0;
    for (const GaussianGradient &g : expected) largest = std::max(largest, norm(g.by_mean));
    for (double cutoff : {1e-2, 1e-4, 1e-6}) {
      options.cutoff = cutoff;
      options.threads = 1;
      const MixtureScore score(data, options);
      double left_out = -1;
      const double near = score.evaluate(model, &found, &left_out);
      check(std::fabs(near - value) <= left_out + 1e-5 * std::fabs(value), "error of the cutoff");
      for (std::size_t i = 0; i < model.size(); ++i)
        check(
            norm(found[i].by_mean - expected[i].by_mean) < (2 * std::sqrt(cutoff) + 1e-4) * largest,
            "forces with a cutoff");
      check_close(score.evaluate(model), near, 1e-12, "score without forces");
      options.threads = 3;
      std::vector<GaussianGradient> threaded;
      check(MixtureScore(data, options).evaluate(model, &threaded) == near, "cutoff on threads");
      for (std::size_t i = 0; i < model.size(); ++i)
        check(threaded[i].by_mean.x == found[i].by_mean.x, "forces with a cutoff on threads");
    }
    options.cutoff = 0;
  }
  // A model that no data component is near: log space, as without a cutoff.
  ScoreOptions options;
  options.cutoff = 1e-3;
  for (Gaussian &g : model) g.mean += Vec3{3000, 0, 0};
  std::vector<GaussianGradient> expected, found;
  const double value = MixtureScore(data, options).evaluate(model, &found);
  options.cutoff = 0;
  check_close(value, MixtureScore(data, options).evaluate(model, &expected), 1e-12, "far away");
  check_close(found[3].by_mean.x, expected[3].by_mean.x, 1e-9, "pull from far away");
}

// The list of pairs is kept while atoms move a little: the score stays within what is said to be
// left out. A list is not used for atoms that moved far, weigh or spread otherwise, or are others.
void list_is_kept_while_it_serves() {
  Random random(21);
  const Mixture data = random_mixture(random, 200, 40);
  Mixture model = random_mixture(random, 500, 40);
  for (Gaussian &g : model) g.covariance = {2, 2, 2, 0, 0, 0};
  ScoreOptions options;
  options.noise = {NoiseModel::lognormal, 0.1, {}, false};
  const MixtureScore full(data, options);
  options.cutoff = 1e-3;
  const auto check_now = [&](const MixtureScore &score, const char *what) {
    std::vector<GaussianGradient> expected, found;
    const double value = full.evaluate(model, &expected);
    double left_out = -1, largest = 0, worst = 0;
    const double near = score.evaluate(model, &found, &left_out);
    check(std::fabs(near - value) <= left_out + 1e-5 * std::fabs(value), what);
    for (std::size_t i = 0; i < model.size(); ++i) {
      largest = std::max(largest, norm(expected[i].by_mean));
      worst = std::max(worst, norm(found[i].by_mean - expected[i].by_mean));
    }
    check(worst < 0.03 * largest, what);
  };
  const MixtureScore score(data, options);
  for (double step : {0.05, 0.3, 5.0})
    for (int i = 0; i < 20; ++i) {
      for (Gaussian &g : model) g.mean += random.in_ball(step);
      check_now(score, "moved atoms with a list that is kept");
    }
  model[3].weight *= 5;
  check_now(score, "another weight");
  model[7].covariance = {9, 9, 9, 0, 0, 0};
  check_now(score, "another width");
  model.pop_back();
  check_now(score, "an atom less");
}

// Enough data for several parts.
void threads_do_not_matter() {
  Random random(31);
  const Mixture data = random_mixture(random, 2500, 120);
  Mixture model = random_mixture(random, 3000, 120);
  for (Gaussian &g : model) g.covariance = {3, 3, 3, 0, 0, 0};
  ScoreOptions options;
  options.cutoff = 1e-3;
  std::vector<GaussianGradient> one, several;
  double left_out = 0;
  const double value = MixtureScore(data, options).evaluate(model, &one, &left_out);
  const double full = MixtureScore(data, ScoreOptions()).evaluate(model);
  check(std::fabs(value - full) <= left_out + 1e-5 * std::fabs(full), "many components");
  options.threads = 3;
  const MixtureScore score(data, options);
  for (int again = 0; again < 2; ++again) {
    check(score.evaluate(model, &several) == value, "cutoff on threads, many components");
    for (std::size_t i = 0; i < model.size(); ++i)
      check(several[i].by_mean.x == one[i].by_mean.x && several[i].by_mean.z == one[i].by_mean.z,
            "forces on threads, many components");
  }
}

}  // namespace

int main() {
  for (const InstructionSet set : available_instruction_sets()) {
    set_instruction_set(set);
    cutoff_is_bounded();
    list_is_kept_while_it_serves();
    threads_do_not_matter();
  }
  return 0;
}

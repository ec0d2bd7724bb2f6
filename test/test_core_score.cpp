// The score against the slow reference, finite differences, the far field, moved scoring.
#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "math/instruction_set.h"
#include "math/random.h"
#include "reference.h"
#include "score/mixture_score.h"
#include "score/moved_score.h"

using namespace emcore;
using reference::check;
using reference::check_close;
using reference::check_refused;
using reference::random_mixture;

namespace {

Pose random_pose(Random &random, double radius) {
  return {random.rotation(), random.in_ball(radius)};
}

Mixture assembled(const std::vector<Mixture> &bodies, const std::vector<Pose> &poses) {
  Mixture all;
  for (std::size_t b = 0; b < bodies.size(); ++b)
    for (const Gaussian &g : moved(bodies[b], poses[b])) all.push_back(g);
  return all;
}

void value_matches_reference() {
  Random random(1);
  for (int n_data : {1, 15, 16, 70}) {
    const Mixture data = random_mixture(random, n_data, 30), model = random_mixture(random, 33, 30);
    for (const InstructionSet set : available_instruction_sets()) {
      set_instruction_set(set);
      ScoreOptions options;
      check_close(MixtureScore(data, options).evaluate(model),
                  reference::lognormal_score(model, data), 1e-12, "score on " + name(set));
      if (n_data == 1) continue;  // a single component has nothing left after profiling
      options.noise.profile_scale = true;
      check_close(MixtureScore(data, options).evaluate(model),
                  reference::lognormal_score(model, data, true), 1e-12, "profiled on " + name(set));
    }
  }
}

void single_precision_rows_match() {
  Random random(2);
  const Mixture data = random_mixture(random, 64, 30), model = random_mixture(random, 40, 30);
  const Pose pose = random_pose(random, 5);
  const ComponentTable<double> exact(data);
  const ComponentTable<float> table(data);
  std::vector<double> expected(64), found(64);
  for (const InstructionSet set : available_instruction_sets()) {
    set_instruction_set(set);
    overlap_row(exact, BodyTable(model), pose, expected.data());
    overlap_row(table, BodyTable(model), pose, found.data());
    for (int k = 0; k < 64; ++k)
      check_close(found[k], expected[k], 1e-4, "float row on " + name(set));
  }
}

// A body 2,000 Å away: plain overlaps are all zero, the score still falls towards the map.
void far_field_pulls() {
  Random random(3);
  const Mixture data = random_mixture(random, 20, 30), body = random_mixture(random, 5, 10);
  const MixtureScore score(data, ScoreOptions());
  double before = 0;
  for (double distance : {200.0, 500.0, 1000.0, 2000.0, 8000.0}) {
    const Mixture model = moved(body, Pose{{}, {distance, 0, 0}});
    std::vector<GaussianGradient> gradients;
    const double value = score.evaluate(model, &gradients);
    check_close(value, reference::lognormal_score(model, data), 1e-12, "far score");
    check(value > before, "score grows with distance");
    check(rigid_gradient(model, gradients, {distance, 0, 0}).by_translation.x > 0, "pull inwards");
    before = value;
  }
}

void gradients_match_finite_differences() {
  Random random(4);
  const Mixture data = random_mixture(random, 40, 30);
  std::vector<NoiseOptions> models(12);
  models[1].profile_scale = true;
  models[2].sigma_min = 2.0;
  models[3] = {NoiseModel::lognormal_local, 0.3, {}, true};
  models[4] = {NoiseModel::gaussian_local, 0, std::vector<double>(40, 2e-4), false};
  models[5] = {NoiseModel::outliers, 0, std::vector<double>(40, 2e-4), false};
  models[6] = {NoiseModel::gaussian, 0, std::vector<double>(40, 2e-4), false};
  models[7] = {NoiseModel::lognormal, 0, {}, false, 0.1};
  models[8] = {NoiseModel::lognormal, 2.0, {}, false, 1e-3};
  models[9] = {NoiseModel::lognormal_local, 0.1, {}, false, 0.1};
  models[10] = {NoiseModel::outliers, 0.1, {}, false};
  models[11] = {NoiseModel::correlated, 0.1, {}, false};
  for (const NoiseOptions &noise : models) {
    for (double distance : {10.0, 1500.0}) {
      ScoreOptions options;
      options.noise = noise;
      options.threads = 2;
      const MixtureScore score(data, options);
      const Mixture body = random_mixture(random, 70, 20);
      const Pose pose{random.rotation(), distance * random.direction()};
      std::vector<GaussianGradient> gradients;
      score.evaluate(moved(body, pose), &gradients);
      const PoseGradient g = rigid_gradient(moved(body, pose), gradients, pose.translation);
      const double size = norm(g.by_translation) + norm(g.by_rotation) / 20;
      for (int direction = 0; direction < 6; ++direction) {
        Vec3 shift, turn;
        double expected;
        double &x = direction < 3 ? (&shift.x)[direction] : (&turn.x)[direction - 3];
        expected =
            direction < 3 ? (&g.by_translation.x)[direction] : (&g.by_rotation.x)[direction - 3];
        const double step = direction < 3 ? 1e-3 : 1e-4;
        const auto at = [&](double s) {
          x = s;
          return score.evaluate(
              moved(body, Pose{rotation_about(turn) * pose.rotation, pose.translation + shift}));
        };
        // Richardson's extrapolation: the error of the plain difference is above 1e-6.
        const double coarse = (at(2 * step) - at(-2 * step)) / (4 * step);
        const double fine = (at(step) - at(-step)) / (2 * step);
        const double slope = (4 * fine - coarse) / 3;
        check(std::fabs(slope - expected) <= 1e-6 * (std::fabs(expected) + size) + 1e-9,
              "gradient of " + name(noise.model) + " direction " + std::to_string(direction) +
                  ": " + std::to_string(expected) + " against " + std::to_string(slope));
      }
    }
  }
}

// By single components too: IMP gives each Gaussian its own derivative.
void covariance_gradient_matches() {
  Random random(5);
  const Mixture data = random_mixture(random, 20, 20);
  Mixture model = random_mixture(random, 3, 20);
  const MixtureScore score(data, ScoreOptions());
  std::vector<GaussianGradient> gradients;
  score.evaluate(model, &gradients);
  const Vec3 torque = covariance_torque(model[1].covariance, gradients[1].by_covariance);
  const Sym3 covariance = model[1].covariance;
  for (int axis = 0; axis < 3; ++axis) {
    const auto at = [&](double angle) {
      Vec3 turn;
      (&turn.x)[axis] = angle;
      model[1].covariance = rotated(matrix(rotation_about(turn)), covariance);
      return score.evaluate(model);
    };
    const double slope = (at(1e-4) - at(-1e-4)) / 2e-4;
    check_close((&torque.x)[axis], slope, 1e-6, "torque on a component");
  }
}

void perfect_fit_is_finite() {
  Random random(6);
  const Mixture data = random_mixture(random, 30, 20);
  ScoreOptions options;
  options.noise.sigma_min = 0.1;
  const MixtureScore bounded(data, options);
  std::vector<GaussianGradient> gradients;
  check(std::isfinite(bounded.evaluate(data, &gradients)), "perfect fit has a finite score");
  check(std::isfinite(gradients[0].by_mean.x), "and a finite gradient");
  // A long way from perfect the bound does not matter: same score up to log P -> 0.
  const Mixture model = random_mixture(random, 30, 20);
  check_close(bounded.evaluate(model), MixtureScore(data, ScoreOptions()).evaluate(model), 1e-12,
              "sigma_min far below sigma");
}

void gamma_function() {
  // P(1, x) = 1 - exp(-x); P(1/2, x) = erf(sqrt x); P(3, x) = 1 - e^-x (1 + x + x²/2).
  for (double x : {1e-8, 0.01, 0.5, 3.0, 20.0, 60.0, 300.0}) {
    const auto value = [&](double a) {
      return log_gamma_p(a, x).log_p_over_x_to_a + a * std::log(x);
    };
    check_close(std::exp(value(1)), -std::expm1(-x), 1e-12, "P(1, x)");
    check_close(std::exp(value(0.5)), std::erf(std::sqrt(x)), 1e-12, "P(1/2, x)");
  }
  // Both branches meet: the deficit is the slope of the value.
  for (double a : {2.0, 131.0, 2000.0})
    for (double ratio : {0.01, 0.5, 1.0, 1.05, 1.2, 3.0}) {
      const double x = a * ratio, h = 1e-5 * x;
      const double slope =
          (log_gamma_p(a, x + h).log_p_over_x_to_a - log_gamma_p(a, x - h).log_p_over_x_to_a) /
          (2 * h);
      check(std::fabs(slope + log_gamma_p(a, x).deficit) < 1e-6 * (a / x), "slope of log P");
    }
}

void moved_score_equals_full_score(int moves, bool single_precision) {
  Random random(7);
  const double tolerance = single_precision ? 1e-5 : 1e-12;
  const Mixture data = random_mixture(random, 50, 40);
  for (int n_bodies : {1, 2, 3, 6, 7}) {
    std::vector<Mixture> bodies;
    std::vector<Pose> poses;
    for (int b = 0; b < n_bodies; ++b) {
      bodies.push_back(random_mixture(random, 4 + b, 15));
      poses.push_back(random_pose(random, 40));
    }
    ScoreOptions options;
    options.single_precision = single_precision;
    const auto score = std::make_shared<const MixtureScore>(data, options);
    MovedScore kept(score, bodies);
    check_close(kept.reset(poses), score->evaluate(assembled(bodies, poses)), tolerance, "reset");
    for (int step = 0; step < moves; ++step) {
      std::vector<std::size_t> which;
      std::vector<Pose> proposed;
      for (int b = 0; b < n_bodies; ++b)
        if (random.uniform() < 0.3) {
          which.push_back(b);
          proposed.push_back(random_pose(random, random.uniform() < 0.05 ? 3000 : 40));
        }
      const double value = kept.propose(which, proposed);
      const bool look = step % 50 == 0;
      std::vector<Pose> trial = poses;
      for (std::size_t j = 0; j < which.size(); ++j) trial[which[j]] = proposed[j];
      if (look)
        check_close(value, score->evaluate(assembled(bodies, trial)), tolerance, "proposal");
      if (random.uniform() < 0.5) {
        kept.accept();
        poses = trial;
      } else if (random.uniform() < 0.8) {  // else left pending: the next propose() rejects it
        kept.reject();
      }
      if (look && !which.empty() && step % 100 == 0) {
        kept.reject();
        check_close(kept.score(), score->evaluate(assembled(bodies, poses)), tolerance,
                    "kept score");
      }
    }
  }
}

// Bodies in a map so large that most of it hears of one or two of them in log space; the score is
// that of the poses, whatever the history.
void far_field_follows_moves(bool single_precision) {
  Random random(11);
  const int n_bodies = 12;
  const Mixture data = random_mixture(random, 500, 700);
  std::vector<Mixture> bodies;
  std::vector<Pose> poses;
  for (int b = 0; b < n_bodies; ++b) {
    bodies.push_back(random_mixture(random, 3 + 8 * b, 15));  // more than a chunk of 64 too
    poses.push_back(random_pose(random, 700));
  }
  ScoreOptions options;
  options.single_precision = single_precision;
  const auto score = std::make_shared<const MixtureScore>(data, options);
  MovedScore kept(score, bodies);
  kept.reset(poses);
  for (int step = 0; step < 200; ++step) {
    const std::size_t body = std::size_t(random.uniform() * n_bodies);
    const Pose there = random_pose(random, random.uniform() < 0.1 ? 5000 : 700);
    kept.propose({body}, {there});
    if (random.uniform() < 0.5) {
      poses[body] = there;
      kept.accept();
    }
    if (step % 20 != 0) continue;
    kept.reject();
    check_close(kept.score(), score->evaluate(assembled(bodies, poses)),
                single_precision ? 1e-5 : 1e-12, "far field");
    MovedScore fresh(score, bodies);
    check(fresh.reset(poses) == kept.score(), "far field from scratch");
  }
}

// A long body is near to some components for what its ball says of others: each has its own way to
// the sum, whichever it is computed with.
void far_components_do_not_depend_on_each_other() {
  Random random(14);
  const Mixture data = random_mixture(random, 40, 300);
  Mixture body = random_mixture(random, 20, 10);
  for (std::size_t i = 0; i < body.size(); ++i) body[i].mean.x += 300.0 * double(i);
  const MixtureScore score(data, ScoreOptions());
  const BodyTable table(body);
  for (double away : {0.0, 300.0, 1000.0}) {
    const Pose pose{Quaternion(), {0, away, 0}};
    std::vector<std::size_t> all(data.size());
    std::iota(all.begin(), all.end(), std::size_t(0));
    std::vector<double> together(all.size());
    log_overlap_row(score.table(), table, pose, all, together.data());
    for (std::size_t k : all) {
      double alone = 0;
      log_overlap_row(score.table(), table, pose, {k}, &alone);
      check(alone == together[k], "log overlap of a component, alone and with others");
    }
  }
}

void threads_do_not_matter() {
  Random random(8);
  const Mixture data = random_mixture(random, 700, 60), model = random_mixture(random, 300, 60);
  ScoreOptions options;
  std::vector<GaussianGradient> expected, found;
  const double value = MixtureScore(data, options).evaluate(model, &expected);
  for (unsigned threads : {2u, 3u, 7u}) {
    options.threads = threads;
    check(MixtureScore(data, options).evaluate(model, &found) == value, "score on threads");
    for (std::size_t i = 0; i < expected.size(); ++i)
      check(found[i].by_mean.x == expected[i].by_mean.x &&
                found[i].by_covariance.xy == expected[i].by_covariance.xy,
            "gradient on threads");
  }
}

void bad_input_is_refused() {
  Random random(9);
  Mixture data = random_mixture(random, 3, 20);
  check_refused([&] { MixtureScore({}, ScoreOptions()); }, "empty data");
  ScoreOptions options;
  options.noise.sigma_min = NAN;
  check_refused([&] { MixtureScore(data, options); }, "sigma_min NaN");
  options.noise = {NoiseModel::lognormal_local, 0, {}, false};
  check_refused([&] { MixtureScore(data, options); }, "local noise without sigma_min");
  data[1].weight = -1;
  check_refused([&] { MixtureScore(data, ScoreOptions()); }, "negative weight");
  data[1].weight = 1;
  data[1].covariance.xx = -3;
  check_refused([&] { MixtureScore(data, ScoreOptions()); }, "indefinite covariance");
}

}  // namespace

int main() {
  value_matches_reference();
  single_precision_rows_match();
  for (const InstructionSet set : available_instruction_sets()) {
    set_instruction_set(set);
    far_field_pulls();
    gradients_match_finite_differences();
    covariance_gradient_matches();
    moved_score_equals_full_score(1000, false);
    moved_score_equals_full_score(1000, true);
    far_field_follows_moves(false);
    far_field_follows_moves(true);
    far_components_do_not_depend_on_each_other();
    threads_do_not_matter();
  }
  perfect_fit_is_finite();
  gamma_function();
  bad_input_is_refused();
  return 0;
}

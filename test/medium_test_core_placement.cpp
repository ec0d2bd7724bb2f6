// Minimisation with forces and torques, and the global search on a complex whose answer is known.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "math/random.h"
#include "mixture/coarse_mixture.h"
#include "mixture/pair_overlap.h"
#include "reference.h"
#include "search/placement.h"
#include "search/by_size.h"
#include "search/candidates.h"
#include "search/field.h"

using namespace emcore;
using reference::check;
using reference::check_close;

namespace {

// A lumpy body: no two of its turns look alike.
Mixture random_body(Random &random, int n, double radius) {
  Mixture body;
  Vec3 center;
  for (int i = 0; i < n; ++i) {
    const Sym3 axes{
        random.uniform(15, 50), random.uniform(15, 50), random.uniform(15, 50), 0, 0, 0};
    body.push_back({random.in_ball(radius), rotated(matrix(random.rotation()), axes), 1000});
    center += (1.0 / n) * body.back().mean;
  }
  for (Gaussian &g : body) g.mean = g.mean - center;
  return body;
}

struct Complex {
  std::vector<Mixture> bodies;
  std::vector<Pose> native;
  Mixture data;
};

Complex random_complex(std::uint64_t seed) {
  Random random(seed);
  Complex c;
  const Vec3 places[4] = {{0, 0, 0}, {38, 4, -3}, {15, 34, 6}, {18, 8, 33}};
  for (int b = 0; b < 4; ++b) {
    c.bodies.push_back(random_body(random, 14 - 2 * b, 20));
    c.native.push_back({random.rotation(), places[b] + Vec3{200, -50, 10}});
    for (const Gaussian &g : moved(c.bodies[b], c.native[b])) c.data.push_back(g);
  }
  for (Gaussian &g : c.data)
    g.mean += random.in_ball(1);  // so that the best score is not -infinity
  return c;
}

void minimum_is_reached() {
  const Complex c = random_complex(1);
  const MixtureScore score(c.data, ScoreOptions());
  Random random(2);
  const PoseFunction function = [&](const std::vector<Pose> &poses,
                                    std::vector<PoseGradient> *gradients) {
    std::vector<GaussianGradient> parts;
    Mixture model = moved(c.bodies[0], poses[0]);
    for (int b = 1; b < 4; ++b)
      for (const Gaussian &g : moved(c.bodies[b], c.native[b])) model.push_back(g);
    const double value = score.evaluate(model, gradients ? &parts : nullptr);
    if (gradients) {
      model.resize(c.bodies[0].size());
      parts.resize(model.size());
      *gradients = {rigid_gradient(model, parts, poses[0].translation)};
    }
    return value;
  };
  Pose start = c.native[0];
  start.translation += Vec3{4, -3, 2};
  start.rotation = normalized(rotation_about({0.2, -0.1, 0.15}) * start.rotation);
  const MinimizeResult result = minimize_poses(function, {start}, {20}, MinimizeOptions());
  check(result.value < function({start}, nullptr), "lower score");
  check(norm(result.poses[0].translation - c.native[0].translation) < 0.5, "back in place");
  std::vector<PoseGradient> left;
  function(result.poses, &left);
  check(norm(left[0].by_translation) < 0.5, "no force left");
  // A body that does not rotate keeps its rotation; one with a negative radius keeps its place.
  const MinimizeResult fixed = minimize_poses(function, {start}, {0}, MinimizeOptions());
  check(fixed.poses[0].rotation.x == start.rotation.x, "rotation kept");
  const MinimizeResult still = minimize_poses(function, {start}, {-1}, MinimizeOptions());
  check(still.poses[0].translation.x == start.translation.x, "place kept");
}

void coarsening_keeps_moments() {
  const Complex c = random_complex(3);
  const Mixture coarse = coarsened(c.data, 9, 1);
  check(coarse.size() <= 9, "size");
  const auto moments = [](const Mixture &m) {
    Vec3 first;
    Sym3 second;
    for (const Gaussian &g : m) {
      first += g.weight * g.mean;
      second += g.weight * (g.covariance + outer(g.mean));
    }
    return std::make_pair(first, second);
  };
  check_close(mass(coarse), mass(c.data), 1e-12, "mass");
  check_close(moments(coarse).first.y, moments(c.data).first.y, 1e-10, "mean");
  check_close(moments(coarse).second.xz, moments(c.data).second.xz, 1e-10, "covariance");
  check(coarser(c.data, 1).size() == c.data.size(), "one for one");
  check(coarser(c.data, 1e6).size() == 1, "at least one");
}

void rotations_cover() {
  // Any rotation lies near one of 2000: for even spacing within about 17 degrees.
  const std::vector<Quaternion> grid = even_rotations(2000, Quaternion());
  Random random(4);
  for (int trial = 0; trial < 200; ++trial) {
    const Quaternion q = random.rotation();
    double best = 0;
    for (const Quaternion &g : grid)
      best = std::max(best, std::fabs(q.w * g.w + q.x * g.x + q.y * g.y + q.z * g.z));
    check(2 * std::acos(best) < 0.35, "gap in the rotations");
  }
}

void complex_is_assembled() {
  for (std::uint64_t seed : {11, 12}) {
    const Complex c = random_complex(seed);
    const auto score = std::make_shared<const MixtureScore>(c.data, ScoreOptions());
    PlacementOptions options;
    options.seed = seed;
    options.rotations = 600;
    options.candidates = 150;
    options.combinations = 8;
    options.solutions = 2;
    const auto solutions = place_bodies(score, c.bodies, {0, 1, 2, 3}, nullptr, options);
    for (int b = 0; b < 4; ++b) {
      const Pose &found = solutions[0].poses[b], &native = c.native[b];
      check(norm(found.translation - native.translation) < 2, "place of a body");
      const Quaternion turn = conjugate(found.rotation) * native.rotation;
      check(2 * std::acos(std::min(1.0, std::fabs(turn.w))) < 0.2, "orientation of a body");
    }
    options.threads = 3;
    const auto again = place_bodies(score, c.bodies, {0, 1, 2, 3}, nullptr, options);
    check(again.size() == solutions.size() && again[0].score == solutions[0].score,
          "the same for any number of threads");
  }
}

// Too few tries for an answer to come twice: it says so.
void unconfirmed_answers_say_so() {
  const Complex c = random_complex(13);
  const auto score = std::make_shared<const MixtureScore>(c.data, ScoreOptions());
  PlacementOptions options;
  options.rotations = 300;
  options.candidates = 60;
  options.combinations = 3;
  options.solutions = 2;
  options.sweeps = 1;
  options.searches = 1;
  const auto solutions = place_bodies(score, c.bodies, {0, 1, 2, 3}, nullptr, options);
  check(solutions.front().found == 1 && std::isfinite(solutions.front().score), "found once");
  options.sweeps = 0;
  const auto raw = place_bodies(score, c.bodies, {0, 1, 2, 3}, nullptr, options);
  check(solutions.front().score <= raw.front().score + 1e-9, "body by body it becomes no worse");
}

// Overlaps read from a grid against sums over all pairs of components.
void tabulated_overlaps_are_near() {
  const Complex c = random_complex(17);
  Mixture density = c.data;
  for (Gaussian g : moved(c.bodies[1], c.native[1])) {  // one body is taken away again
    g.weight = -g.weight;
    density.push_back(g);
  }
  const Mixture &body = c.bodies[0];
  const PlacementField field(density, body, 1);
  std::vector<Vec3> places;
  for (const Pose &pose : c.native) places.push_back(pose.translation);
  places.push_back({1e4, 0, 0});
  Random random(3);
  for (int turn = 0; turn < 20; ++turn) {
    const Quaternion rotation = random.rotation();
    std::vector<float> found(places.size());
    field.overlaps(rotation, places, found.data());
    double largest = 0;
    std::vector<double> exact;
    for (const Vec3 &place : places) {
      double sum = 0;
      for (const Gaussian &a : moved(body, {rotation, place}))
        for (Gaussian b : density) {
          const double sign = b.weight < 0 ? -1 : 1;
          b.weight *= sign;
          sum += sign * std::exp(pair_overlap(a, b).log_overlap);
        }
      exact.push_back(sum);
      largest = std::max(largest, std::fabs(sum));
    }
    for (std::size_t p = 0; p < places.size(); ++p)
      check(std::fabs(found[p] - exact[p]) < 0.05 * largest, "overlap from the grid");
    check(found.back() == 0, "nothing outside of the grid");
    // Between two points of the grid it is a polynomial: differences agree but at its edges.
    const Pose pose{rotation, places[turn % 4] + Vec3{0.3, 0.1, -0.2}};
    PoseGradient slope;
    const double value = field.overlap(pose, &slope);
    check_close(value, field.overlap(pose, nullptr), 1e-12, "value with and without slope");
    const double h = 1e-2, size = norm(slope.by_translation) + 1e-3 * largest;
    for (int a = 0; a < 3; ++a) {
      const Vec3 step{a == 0 ? h : 0, a == 1 ? h : 0, a == 2 ? h : 0};
      const double up = field.overlap({rotation, pose.translation + step}, nullptr);
      const double down = field.overlap({rotation, pose.translation - step}, nullptr);
      const double by = a == 0   ? slope.by_translation.x
                        : a == 1 ? slope.by_translation.y
                                 : slope.by_translation.z;
      check(std::fabs((up - down) / (2 * h) - by) < 0.1 * size, "slope by place");
      const auto turned = [&](double angle) {
        const Quaternion turn = rotation_about((angle / h) * step);
        return field.overlap({normalized(turn * rotation), pose.translation}, nullptr);
      };
      const double by_turn = a == 0   ? slope.by_rotation.x
                             : a == 1 ? slope.by_rotation.y
                                      : slope.by_rotation.z;
      const double expected = (turned(0.01) - turned(-0.01)) / 0.02;
      check(std::fabs(expected - by_turn) < 0.3 * norm(slope.by_rotation) + size, "slope by turn");
    }
  }
}

void bodies_go_in_by_size() {
  // A body of 5 components beside ones of 9 and 14: what these leave of the data shows its place.
  Random random(21);
  const Vec3 places[3] = {{0, 0, 0}, {40, 0, 0}, {20, 30, 0}};
  std::vector<Mixture> bodies;
  std::vector<Pose> native;
  Mixture data;
  for (int b : {0, 1, 2}) {  // the smallest first: the order is not that of the masses
    const int n = b == 0 ? 5 : 4 + 5 * b;
    bodies.push_back(random_body(random, n, 10.0 + 4 * b));
    native.push_back({random.rotation(), places[b]});
    for (const Gaussian &g : moved(bodies[b], native[b])) data.push_back(g);
  }
  PlacementOptions options;
  options.seed = 4;
  options.threads = 1;
  options.rotations = 1000;
  options.candidates = 50;
  const auto found = placed_by_size(data, bodies, 2, 0, options);
  check(found.size() == 2, "as many as were kept");
  for (int b = 0; b < 3; ++b) {
    const Quaternion turn = conjugate(native[b].rotation) * found[0][b].rotation;
    check(norm(found[0][b].translation - places[b]) < 2, "place");
    check(2 * std::acos(std::min(1.0, std::fabs(turn.w))) < 0.2, "orientation");
  }
  options.threads = 2;
  const auto again = placed_by_size(data, bodies, 2, 0, options);
  for (int b = 0; b < 3; ++b)
    check(again[0][b].translation.x == found[0][b].translation.x, "the same with two threads");
}

}  // namespace

int main() {
  tabulated_overlaps_are_near();
  bodies_go_in_by_size();
  minimum_is_reached();
  unconfirmed_answers_say_so();
  coarsening_keeps_moments();
  rotations_cover();
  complex_is_assembled();
  return 0;
}

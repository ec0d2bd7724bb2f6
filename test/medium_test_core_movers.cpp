// Each mover's detailed balance: distributions that are known.
#include <array>
#include <map>

#include "distributions.h"
#include "mixture/principal_axes.h"
#include "sample/global_movers.h"

using namespace emcore;
using namespace distributions;
using reference::check_close;
using reference::check_refused;

namespace {

void body_in_a_well() {
  const double k = 0.5, a = 2, t = 1.7;
  const auto term = std::make_shared<FunctionTerm>(
      1, [=](const std::vector<Pose> &p, double) { return well_and_field(p[0], k, a); });
  const FrameStore f = frames_of(setup_of(term, {rigid({0}, 4, 1.5, 0)}, {t}, 2000000));
  const std::size_t n = f.steps.size();
  check(n == 200000, "one frame every ten steps");
  for (int axis = 0; axis < 3; ++axis) {
    const auto coordinate = [&](std::size_t i) {
      const Vec3 &x = f.poses[i].translation;
      return axis == 0 ? x.x : axis == 1 ? x.y : x.z;
    };
    check_near(mean_of(n, coordinate), 0, 0.03, "mean position");
    check_near(mean_of(n, [&](std::size_t i) { return coordinate(i) * coordinate(i); }), t / k,
               0.05, "variance is kT/k");
  }
  check_near(mean_of(n, [&](std::size_t i) { return cosine(f.poses[i]); }), expected_cosine(a, t),
             0.01, "orientation");
}

// Bodies that only move together behave as one rigid body, wherever the axis runs.
void group_in_a_well() {
  const double k = 0.3, a = 3, t = 1;
  const std::vector<Pose> start = {{{}, {5, 0, 0}}, {{}, {-3, 4, 0}}, {{}, {0, -4, 9}}};
  for (const std::size_t center : {RigidMover::mean_of_all, std::size_t{0}}) {
    const auto term = std::make_shared<FunctionTerm>(3, [=](const std::vector<Pose> &p, double) {
      const Vec3 mean = (1.0 / 3) * (p[0].translation + p[1].translation + p[2].translation);
      return well_and_field({p[1].rotation, mean}, k, a);
    });
    SamplerSetup setup = setup_of(term, {rigid({0, 1, 2}, 3, 1, center)}, {t}, 1200000);
    setup.starts = {start};
    const FrameStore f = frames_of(setup);
    const std::size_t n = f.steps.size();
    check_near(mean_of(n, [&](std::size_t i) { return cosine(f.poses[3 * i + 1]); }),
               expected_cosine(a, t), 0.01, "orientation of a group");
    const auto squared = [&](std::size_t i) {
      const Vec3 mean = (1.0 / 3) * (f.poses[3 * i].translation + f.poses[3 * i + 1].translation +
                                     f.poses[3 * i + 2].translation);
      return dot(mean, mean) / 3;
    };
    check_near(mean_of(n, squared), t / k, 0.06, "variance of a group");
    const Pose *last = &f.poses[3 * (n - 1)];
    check_near(norm(last[0].translation - last[2].translation), norm(Vec3{5, 4, -9}), 1e-9,
               "a group keeps its shape");
  }
}

// Nothing but walls: uniform in the ball. From outside it only comes nearer.
void confined_body() {
  const auto flat =
      std::make_shared<FunctionTerm>(1, [](const std::vector<Pose> &, double) { return 0; });
  SamplerSetup setup = setup_of(flat, {rigid({0}, 6, 0, 0)}, {1}, 1000000);
  setup.confinement = {{5, 0, 0}, 10};
  setup.starts[0][0].translation = {30, 0, 0};
  const FrameStore f = frames_of(setup);
  const auto squared = [&](std::size_t i) {
    const Vec3 x = f.poses[i].translation - Vec3{5, 0, 0};
    return dot(x, x);
  };
  check_near(mean_of(f.steps.size(), squared), 60, 0.7, "uniform in a ball");
  for (std::size_t i = 100; i < f.steps.size(); ++i) check(squared(i) <= 100, "inside the walls");
}

// A body that only turns about its own z axis, in a field along x: <cos> = I1(a) / I0(a). About all
// three axes every orientation is reached.
void turns_about_own_axes() {
  const double a = 2;
  const auto about_z = std::make_shared<FunctionTerm>(1, [=](const std::vector<Pose> &p, double) {
    return -a * (p[0].rotation * Vec3{1, 0, 0}).x;
  });
  const auto turn = [](std::vector<Vec3> axes) {
    return std::make_shared<TurnMover>("turn", BodyGroup{0}, std::move(axes));
  };
  FrameStore f = frames_of(setup_of(about_z, {turn({{0, 0, 3}})}, {1}, 500000));
  double i0 = 0, i1 = 0;
  for (double t = 0; t < M_PI; t += 1e-4) {
    i0 += std::exp(a * std::cos(t));
    i1 += std::exp(a * std::cos(t)) * std::cos(t);
  }
  check_near(mean_of(f.steps.size(),
                     [&](std::size_t i) { return (f.poses[i].rotation * Vec3{1, 0, 0}).x; }),
             i1 / i0, 0.01, "turns about one axis");
  const auto field = std::make_shared<FunctionTerm>(
      1, [=](const std::vector<Pose> &p, double) { return well_and_field(p[0], 1, a); });
  f = frames_of(setup_of(field, {turn({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})}, {1}, 500000));
  check_near(mean_of(f.steps.size(), [&](std::size_t i) { return cosine(f.poses[i]); }),
             expected_cosine(a, 1), 0.01, "turns about three axes");
}

// Two bodies in two wells, one each: the right share of time each way round. A third one is carried
// by the first. Swaps are tried half as often as the steps of one body.
void swaps_change_places() {
  const auto term = std::make_shared<FunctionTerm>(3, [](const std::vector<Pose> &p, double) {
    double energy = 0;
    for (int b = 0; b < 2; ++b) {
      const Vec3 &x = p[b].translation;
      const Vec3 from{std::fabs(x.x) - 20, x.y, x.z};
      // The first body is better off on the right by 1 kT, the second by 0.2.
      energy += 0.5 * dot(from, from) + (x.x > 0 ? 0.0 : b == 0 ? 1.0 : 0.2);
    }
    return energy;
  });
  SamplerSetup setup =
      setup_of(term,
               {rigid({0, 2}, 1.5, 0), rigid({1}, 1.5, 0),
                std::make_shared<SwapMover>("swap", BodyGroup{0, 2}, BodyGroup{1})},
               {1}, 1500000);
  setup.mover_weights = {2, 2, 1};
  setup.starts = {{{{}, {20, 0, 0}}, {{}, {-20, 0, 0}}, {{}, {20, 5, 0}}}};
  Sampler sampler(setup);
  sampler.advance(1u << 30, 1e9);
  const FrameStore f = sampler.take_frames();
  const double right =
      mean_of(f.steps.size(), [&](std::size_t i) { return f.poses[3 * i].translation.x > 0; });
  check_near(right, std::exp(-0.2) / (std::exp(-0.2) + std::exp(-1.0)), 0.01, "swapped bodies");
  const Pose *last = &f.poses[3 * (f.steps.size() - 1)];
  check_near(norm(last[2].translation - last[0].translation - Vec3{0, 5, 0}), 0, 1e-9,
             "a carried body comes along");
  const double tried = double(sampler.counts()[0][2].tried) / 1500000;
  check_near(tried, 0.2, 0.005, "share of a mover");
}

// A parameter with density exp(-5 x / T) on [0, 1].
void parameter_between_bounds() {
  const auto term = std::make_shared<FunctionTerm>(
      1, [](const std::vector<Pose> &, double x) { return 5 * x; }, true);
  const auto mover = std::make_shared<ParameterMover>("x", 0, 0, 0.0, 1.0, 0.6);
  const FrameStore f = frames_of(setup_of(term, {mover}, {1.0}, 2000000));
  const double expected = 1 / 5.0 - 1 / (std::exp(5.0) - 1);
  check_near(mean_of(f.steps.size(), [&](std::size_t i) { return f.parameters[i]; }), expected,
             0.003, "parameter");
}

// Ten masses, wide in x, less in y, little in z, then turned and moved.
Mixture flat_body(std::uint64_t seed, const Quaternion &turn) {
  Random random(seed, 0);
  Mixture body;
  for (int i = 0; i < 10; ++i) {
    const Vec3 x = random.in_ball(1);
    body.push_back({turn * Vec3{16 * x.x, 7 * x.y, 3 * x.z} + Vec3{4, -3, 2}, {}, 1.0 + i % 3});
  }
  return body;
}

// Second moments about the centre of mass in the principal frame: diagonal, falling.
void frames_are_principal() {
  Random random(11, 0);
  for (int n = 0; n < 20; ++n) {
    const Mixture body = flat_body(n, random.rotation());
    const Vec3 center = center_of_mass(body);
    const Quaternion frame = principal_frame(body, center);
    Sym3 moments;
    for (const Gaussian &g : body)
      moments += g.weight * outer(conjugate(frame) * (g.mean - center));
    check(moments.xx > moments.yy && moments.yy > moments.zz, "moments fall");
    for (double element : {moments.xy, moments.xz, moments.yz})
      check(std::fabs(element) < 1e-9 * moments.xx, "moments are diagonal");
  }
}

void bad_groups_are_refused() {
  check_refused([] { SwapMover("swap", {0}, {}); }, "a swap with nothing");
  check_refused([] { SwapMover("swap", {0, 1}, {1}); }, "a body in both groups");
}

}  // namespace

int main() {
  body_in_a_well();
  group_in_a_well();
  confined_body();
  turns_about_own_axes();
  swaps_change_places();
  frames_are_principal();
  bad_groups_are_refused();
  parameter_between_bounds();
  return 0;
}

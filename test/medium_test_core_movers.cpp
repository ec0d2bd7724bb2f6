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

// Bodies 0 and 1 with frames of their own; body 2 is carried by the first.
struct AlignedPair {
  std::array<Quaternion, 2> frames;
  std::vector<Pose> start;
  std::shared_ptr<const Mover> mover;
};

AlignedPair aligned_pair() {
  Random random(5, 0);
  AlignedPair pair;
  for (int b = 0; b < 2; ++b) {
    const Mixture body = flat_body(b, random.rotation());
    pair.frames[b] = principal_frame(body, center_of_mass(body));
  }
  pair.start = {{random.rotation(), {20, 0, 0}},
                {random.rotation(), {-20, 3, 1}},
                {random.rotation(), {24, 5, -2}}};
  pair.mover = std::make_shared<AlignedSwapMover>("align", BodyGroup{0, 2}, BodyGroup{1},
                                                  pair.frames[0], pair.frames[1]);
  return pair;
}

// Which of the four turns took axes to axes, or kFlips for none.
std::size_t flip_between(const Quaternion &from, const Quaternion &to) {
  const Quaternion turn = conjugate(from) * to;
  const double parts[kFlips] = {turn.w, turn.x, turn.y, turn.z};
  for (std::size_t flip = 0; flip < kFlips; ++flip)
    if (std::fabs(std::fabs(parts[flip]) - 1) < 1e-9) return flip;
  return kFlips;
}

// Each body's principal axes come to lie along those that the other's had, each flip as often; what
// a body carries follows it rigidly.
void aligned_swaps_align() {
  const AlignedPair pair = aligned_pair();
  const std::vector<Pose> &at = pair.start;
  const std::vector<std::vector<double>> none;
  Random random(3, 0);
  std::map<std::pair<std::size_t, std::size_t>, int> drawn;
  Move move;
  for (int n = 0; n < 16000; ++n) {
    check(pair.mover->propose({at, none}, 1, random, &move) == 0, "a symmetric proposal");
    check(move.bodies == std::vector<std::size_t>({0, 2, 1}), "bodies that move");
    const Pose &first = move.poses[0], &carried = move.poses[1], &second = move.poses[2];
    check_close(norm(first.translation - at[1].translation) + 1, 1, 1e-12, "place of the first");
    check_close(norm(second.translation - at[0].translation) + 1, 1, 1e-12, "place of the second");
    const std::size_t one =
        flip_between(at[1].rotation * pair.frames[1], first.rotation * pair.frames[0]);
    const std::size_t two =
        flip_between(at[0].rotation * pair.frames[0], second.rotation * pair.frames[1]);
    check(one < kFlips && two < kFlips, "axes lie along the other's");
    ++drawn[{one, two}];
    const auto seen = [](const Pose &body, const Pose &bead) {
      return conjugate(body.rotation) * (bead.translation - body.translation);
    };
    check_close(norm(seen(first, carried) - seen(at[0], at[2])) + 1, 1, 1e-12, "a carried body");
  }
  check(drawn.size() == 16, "all flips are drawn");
  for (const auto &count : drawn) check_near(count.second, 1000, 150, "flips are drawn evenly");
}

// Alone, these moves lead from a start to 32 states: places as they were or not, and four flips of
// each body. Each is seen as often as Boltzmann says for an energy of places and orientations.
void aligned_swaps_visit_all_states() {
  const AlignedPair pair = aligned_pair();
  const auto energy = [](const std::vector<Pose> &p, double) {
    double sum = 0;
    for (int b = 0; b < 2; ++b)
      sum += (0.3 - 0.9 * b) * (p[b].rotation * Vec3{1, 0.5, 0.2}).x +
             0.8 * (p[b].rotation * Vec3{0.3, -1, 0.4 + b}).y +
             (p[b].translation.x > 0 ? 0.4 - b : 0) * (p[b].rotation * Vec3{0, 0.6, 1}).z;
    return sum;
  };
  SamplerSetup setup =
      setup_of(std::make_shared<FunctionTerm>(3, energy), {pair.mover}, {1}, 1000000);
  setup.starts = {pair.start};
  const FrameStore f = frames_of(setup);
  std::map<std::array<std::size_t, 3>, std::pair<double, double>> states;  // weight, times seen
  for (std::size_t i = 0; i < f.steps.size(); ++i) {
    const Pose *now = &f.poses[3 * i];
    const std::size_t swapped = now[0].translation.x > 0 ? 0 : 1;
    std::array<std::size_t, 3> state{swapped, 0, 0};
    for (std::size_t b = 0; b < 2; ++b) {
      const std::size_t whose = swapped ? 1 - b : b;
      state[1 + b] = flip_between(pair.start[whose].rotation * pair.frames[whose],
                                  now[b].rotation * pair.frames[b]);
    }
    auto &entry = states[state];
    entry.first = std::exp(-f.totals[i]);
    entry.second += 1;
  }
  check(states.size() == 32, "all states are seen, found " + std::to_string(states.size()));
  double sum = 0, least = 1;
  for (const auto &state : states) sum += state.second.first;
  for (const auto &state : states) {
    const double share = state.second.first / sum, n = static_cast<double>(f.steps.size());
    least = std::min(least, share);
    // Six standard deviations of independent frames: one that follows another is nearly so.
    check_near(state.second.second / n, share, 6 * std::sqrt(share / n), "a state's share");
  }
  check(least < 0.3 / 32, "states differ");
}

// With small steps: two wells, one each, and two fields. Orientations follow the fields, places the
// depths of the wells, whatever the moves carry from one body to the other.
void aligned_swaps_keep_a_distribution() {
  const AlignedPair pair = aligned_pair();
  const double fields[2] = {0.8, 1.7};
  const auto term = std::make_shared<FunctionTerm>(3, [=](const std::vector<Pose> &p, double) {
    double energy = 0;
    for (int b = 0; b < 2; ++b) {
      const Vec3 &x = p[b].translation;
      const Vec3 from{std::fabs(x.x) - 20, x.y, x.z};
      energy += 0.5 * dot(from, from) +
                (x.x > 0  ? 0.0
                 : b == 0 ? 1.0
                          : 0.2) -
                fields[b] * cosine(p[b]);
    }
    return energy;
  });
  SamplerSetup setup = setup_of(
      term, {rigid({0, 2}, 1.5, 0.5, 0), rigid({1}, 1.5, 0.5, 1), pair.mover}, {1}, 2000000);
  setup.starts = {pair.start};
  const FrameStore f = frames_of(setup);
  const std::size_t n = f.steps.size();
  const double right = mean_of(n, [&](std::size_t i) { return f.poses[3 * i].translation.x > 0; });
  check_near(right, std::exp(-0.2) / (std::exp(-0.2) + std::exp(-1.0)), 0.01, "aligned bodies");
  for (std::size_t b = 0; b < 2; ++b)
    check_near(mean_of(n, [&](std::size_t i) { return cosine(f.poses[3 * i + b]); }),
               expected_cosine(fields[b], 1), 0.01, "orientation of an aligned body");
}

void bad_groups_are_refused() {
  const Quaternion none{0, 0, 0, 0};
  check_refused([] { SwapMover("swap", {0}, {}); }, "a swap with nothing");
  check_refused([] { SwapMover("swap", {0, 1}, {1}); }, "a body in both groups");
  check_refused([] { AlignedSwapMover("align", {}, {1}, {}, {}); }, "an alignment of nothing");
  check_refused([] { AlignedSwapMover("align", {1}, {1}, {}, {}); }, "an alignment to itself");
  check_refused([&] { AlignedSwapMover("align", {0}, {1}, {}, none); }, "axes without direction");
}

}  // namespace

int main() {
  body_in_a_well();
  group_in_a_well();
  confined_body();
  turns_about_own_axes();
  swaps_change_places();
  frames_are_principal();
  aligned_swaps_align();
  aligned_swaps_visit_all_states();
  aligned_swaps_keep_a_distribution();
  bad_groups_are_refused();
  parameter_between_bounds();
  return 0;
}

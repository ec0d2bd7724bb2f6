// Moves to poses that the data suggest, wherever bodies are: a normalised density, and known
// distributions.
#include "sample/independence_mover.h"
#include "wells.h"

using namespace emcore;
using namespace wells;
using reference::check;
using reference::check_refused;

namespace {

PoseDensityOptions narrow() {
  PoseDensityOptions options;
  options.translation_sd = 1.2;
  options.rotation_sd = 0.9;
  options.broad_weight = 0.2;
  options.broad_center = {1, 0, 0};
  options.broad_sd = 4;
  return options;
}

PoseDensity three_centers() {
  Random random(12);
  std::vector<Pose> centers;
  for (int c = 0; c < 3; ++c) centers.push_back({random.rotation(), random.in_ball(4)});
  return PoseDensity(centers, {1, 2, 0.5}, narrow());
}

// Integral over all poses, by even draws of another density; and what is drawn has the density:
// the mean of f / q over draws of q is the integral of f.
void density_is_normalised() {
  const PoseDensity q = three_centers();
  Random random(13);
  double integral = 0;
  const double box = 60;
  const int n = 1000000;
  const auto other = [](const Pose &pose) {  // a density of its own
    const Vec3 x = pose.translation - Vec3{0.5, 1, -1};
    const double c = matrix(pose.rotation).m[2][2];
    return std::exp(-0.5 * dot(x, x) / 4) / std::pow(2 * M_PI * 4, 1.5) * (1 + 0.8 * c);
  };
  double back = 0, cosine = 0;
  for (int i = 0; i < n; ++i) {
    // Uniform orientations; places from a wide Gaussian.
    const double sd = 5;
    const Vec3 x = sd * Vec3{random.normal(), random.normal(), random.normal()};
    const Pose pose{random.rotation(), x};
    integral += std::exp(q.log_density(pose) + 0.5 * dot(x, x) / (sd * sd)) *
                std::pow(2 * M_PI * sd * sd, 1.5) / n;
    const Pose drawn = q.draw(random);
    check(norm(drawn.translation) < box, "draws stay near");
    const double ratio = other(drawn) * std::exp(-q.log_density(drawn));
    back += ratio / n;
    cosine += ratio * matrix(drawn.rotation).m[2][2] / n;
  }
  check_near(integral, 1, 0.02, "the density is normalised");
  check_near(back, 1, 0.02, "draws have the density");
  check_near(cosine, 0.8 / 3, 0.02, "draws have the density, by orientation");
}

// One center where bodies mostly are, one beside: enough is accepted to tell averages.
PoseDensity near_the_well() {
  PoseDensityOptions options = narrow();
  options.translation_sd = 1.5;
  options.rotation_sd = 1.2;
  return PoseDensity({Pose(), {rotation_about({1, 0, 1}), {2, 0, 1}}}, {2, 1}, options);
}

// Two bodies are placed, one of them with a third that it carries; a fourth moves by steps.
void independence_samples_wells() {
  // The carried one is in no well: it would not follow then.
  const auto some = [](const std::vector<Pose> &poses, double) {
    return wells_energy(Wells(), {poses[0], poses[1], poses[3]}, nullptr);
  };
  const auto mover = std::make_shared<IndependenceMover>(
      "to", std::vector<BodyGroup>{{0, 2}, {1}},
      std::vector<PoseDensity>{near_the_well(), near_the_well()});
  const auto steps = std::make_shared<RigidMover>("by", std::vector<std::size_t>{3}, 2.0, 1.5, 3);
  SamplerSetup setup =
      setup_of(std::make_shared<distributions::FunctionTerm>(4, some), {steps, mover}, 1, 4000000);
  setup.mover_weights = {1, 3};
  setup.starts[0][2].translation = {0, 5, 0};
  double acceptance = 0;
  FrameStore f = frames_of(setup, &acceptance);
  check(acceptance > 0.01 && acceptance < 0.9, "acceptance " + std::to_string(acceptance));
  check_averages(f, 4, Wells(), 1, "independence, one of two");
  const Pose *last = &f.poses[f.poses.size() - 4];
  const Vec3 carried = conjugate(last[0].rotation) * (last[2].translation - last[0].translation);
  check_near(norm(carried - Vec3{0, 5, 0}), 0, 1e-8, "a carried bead comes along");
  f.poses.erase(f.poses.begin());  // the second body comes first
  f.poses.resize(f.poses.size() - 3);
  check_averages(f, 4, Wells(), 1, "independence, the other");
}

// In three groups: one, two and three at a time, fewer by quarters, every one as often as the
// others.
void independence_picks_evenly() {
  const IndependenceMover mover("to", {{0}, {1}, {2}},
                                {three_centers(), three_centers(), three_centers()});
  const std::vector<Pose> poses(3);
  const std::vector<std::vector<double>> no_parameters;
  Random random(21);
  Move move;
  double sizes[3] = {}, picked[3] = {};
  const int n = 40000;
  for (int i = 0; i < n; ++i) {
    mover.propose({poses, no_parameters}, 1, random, &move);
    sizes[move.bodies.size() - 1] += 1.0 / n;
    for (std::size_t b : move.bodies) picked[b] += 1.0 / n;
  }
  check_near(sizes[0], 0.75, 0.01, "one body");
  check_near(sizes[1], 0.1875, 0.01, "two bodies");
  for (double share : picked) check_near(share, 1.3125 / 3, 0.01, "each body");
}

void bad_movers_are_refused() {
  check_refused([] { PoseDensity({Pose()}, {}, narrow()); }, "a center without weight");
  check_refused([] { PoseDensity({Pose()}, {-1}, narrow()); }, "a negative weight");
  check_refused(
      [] {
        PoseDensityOptions options = narrow();
        options.broad_weight = 0;
        PoseDensity({Pose()}, {1}, options);
      },
      "a density that is zero somewhere");
  check_refused([] { IndependenceMover("to", {{0, 1}, {1}}, {three_centers(), three_centers()}); },
                "a body twice");
}

}  // namespace

int main() {
  density_is_normalised();
  independence_samples_wells();
  independence_picks_evenly();
  bad_movers_are_refused();
  return 0;
}

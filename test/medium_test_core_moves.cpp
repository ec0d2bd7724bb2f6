// Moves that follow the slope of the score or the data's suggestions: known distributions, a
// normalised density, a leapfrog map that is reversible, keeps volumes and errs by step².
#include <IMP/emgmm/internal/body_images.h>
#include <IMP/emgmm/internal/hamiltonian.h>
#include <IMP/emgmm/internal/independence_mover.h>
#include <IMP/emgmm/internal/sampler.h>
#include <IMP/emgmm/internal/symmetric_mover.h>

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>

#include "reference.h"

using namespace emcore;
using reference::check;
using reference::check_close;
using reference::check_refused;

namespace {

void check_near(double found, double expected, double tolerance, const std::string &what) {
  check(std::fabs(found - expected) <= tolerance,
        what + ": found " + std::to_string(found) + ", expected " + std::to_string(expected));
}

// A smooth score with its slope: bodies in anisotropic wells and fields, tied by springs at points
// off their origins. A parameter scales the field.
struct Wells {
  Vec3 stiffness{0.4, 1.0, 2.5};  // kT/Å²
  Vec3 field{1.5, -0.7, 2.0};     // kT; of the body's own axes along the global ones
  double spring = 0;              // kT/Å²
};

double wells_energy(const Wells &w, const std::vector<Pose> &poses,
                    std::vector<PoseGradient> *gradients) {
  if (gradients) gradients->assign(poses.size(), PoseGradient());
  double energy = 0;
  const Vec3 own[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const double fields[3] = {w.field.x, w.field.y, w.field.z};
  for (std::size_t b = 0; b < poses.size(); ++b) {
    const Vec3 &x = poses[b].translation;
    const Vec3 slope{w.stiffness.x * x.x, w.stiffness.y * x.y, w.stiffness.z * x.z};
    energy += 0.5 * dot(slope, x);
    if (gradients) (*gradients)[b].by_translation += slope;
    for (int i = 0; i < 3; ++i) {
      const Vec3 axis = poses[b].rotation * own[i];
      const double along = dot(axis, own[i]);
      energy -= fields[i] * (along + 0.5 * along * along);
      // d(axis) = theta x axis
      if (gradients)
        (*gradients)[b].by_rotation += (-fields[i] * (1 + along)) * cross(axis, own[i]);
    }
  }
  const Vec3 arm{3, 1, -2};
  for (std::size_t b = 0; b + 1 < poses.size() && w.spring > 0; ++b) {
    const Vec3 at = poses[b] * arm, to = poses[b + 1] * arm;
    const Vec3 slope = w.spring * (at - to);
    energy += 0.5 * w.spring * dot(at - to, at - to);
    if (!gradients) continue;
    (*gradients)[b].by_translation += slope;
    (*gradients)[b].by_rotation += cross(at - poses[b].translation, slope);
    (*gradients)[b + 1].by_translation += -1.0 * slope;
    (*gradients)[b + 1].by_rotation += cross(to - poses[b + 1].translation, -1.0 * slope);
  }
  return energy;
}

class WellsTerm : public Term {
 public:
  WellsTerm(std::size_t bodies, Wells wells) : Term("wells"), poses_(bodies), wells_(wells) {}
  std::unique_ptr<Term> clone() const override { return std::make_unique<WellsTerm>(*this); }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override {
    return wells_energy(wells_, poses, gradients);
  }
  double reset(const std::vector<Pose> &poses) override {
    proposed_ = poses_ = poses;
    return score_ = proposed_score_ = evaluate(poses, nullptr);
  }
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override {
    proposed_ = poses_;
    for (std::size_t j = 0; j < bodies.size(); ++j) proposed_[bodies[j]] = poses[j];
    return proposed_score_ = evaluate(proposed_, nullptr);
  }
  void accept() override {
    poses_ = proposed_;
    score_ = proposed_score_;
  }
  void reject() override {}
  double score() const override { return score_; }

 private:
  std::vector<Pose> poses_, proposed_;
  Wells wells_;
  double score_ = 0, proposed_score_ = 0;
};

SamplerSetup setup_of(std::size_t bodies, Wells wells,
                      std::vector<std::shared_ptr<const Mover>> movers, double temperature,
                      std::uint64_t steps) {
  SamplerSetup setup;
  setup.starts = {std::vector<Pose>(bodies)};
  setup.terms = {{std::make_shared<WellsTerm>(bodies, wells), 1, false}};
  setup.movers = std::move(movers);
  setup.temperatures = {temperature};
  setup.schedule.steps = steps;
  setup.schedule.frame_interval = 5;
  setup.seed = 11;
  setup.threads = 1;
  return setup;
}

// What a frame says: squares of the positions, cosines of the own axes along the global ones.
std::vector<double> observed(const Pose &pose) {
  const Vec3 &x = pose.translation;
  const Mat3 r = matrix(pose.rotation);
  return {x.x * x.x, x.y * x.y, x.z * x.z, r.m[0][0], r.m[1][1], r.m[2][2], r.m[0][1] * r.m[1][2]};
}

std::vector<double> averages(const FrameStore &f, std::size_t bodies) {
  std::vector<double> sums(7, 0);
  for (std::size_t i = 0; i < f.poses.size(); i += bodies) {
    const std::vector<double> values = observed(f.poses[i]);
    for (std::size_t j = 0; j < values.size(); ++j)
      sums[j] += values[j] * static_cast<double>(bodies) / static_cast<double>(f.poses.size());
  }
  return sums;
}

// Of one body in its well, by even weights over many orientations.
std::vector<double> expected_averages(const Wells &wells, double temperature) {
  Wells fields = wells;
  Random random(3);
  std::vector<double> sums(7, 0);
  double norm = 0;
  for (int i = 0; i < 400000; ++i) {
    const Pose pose{random.rotation(), {}};
    const double weight = std::exp(-wells_energy(fields, {pose}, nullptr) / temperature);
    const std::vector<double> values = observed(pose);
    for (std::size_t j = 3; j < 7; ++j) sums[j] += weight * values[j];
    norm += weight;
  }
  for (double &sum : sums) sum /= norm;
  sums[0] = temperature / wells.stiffness.x;
  sums[1] = temperature / wells.stiffness.y;
  sums[2] = temperature / wells.stiffness.z;
  return sums;
}

void check_averages(const FrameStore &f, std::size_t bodies, const Wells &wells, double temperature,
                    const std::string &what) {
  const std::vector<double> found = averages(f, bodies);
  const std::vector<double> expected = expected_averages(wells, temperature);
  for (std::size_t j = 0; j < found.size(); ++j)
    check_near(found[j], expected[j], 0.015 * std::fmax(1, expected[j]) + 0.005,
               what + " " + std::to_string(j));
}

FrameStore frames_of(const SamplerSetup &setup, double *acceptance = nullptr) {
  Sampler sampler(setup);
  sampler.advance(1u << 30, 1e9);
  const MoverCount count = sampler.counts()[0].back();
  if (acceptance) *acceptance = double(count.accepted) / double(count.tried);
  return sampler.take_frames();
}

// ---- Hamiltonian moves

std::vector<Pose> scattered(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<Pose> poses;
  for (std::size_t b = 0; b < n; ++b) poses.push_back({random.rotation(), random.in_ball(3)});
  return poses;
}

std::vector<BodyMomentum> thrown(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<BodyMomentum> momenta(n);
  for (BodyMomentum &p : momenta) p = {random.in_ball(2), random.in_ball(2)};
  return momenta;
}

const Wells kTied{{0.4, 1.0, 2.5}, {1.5, -0.7, 2.0}, 0.3};
const PoseFunction tied = [](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
  return wells_energy(kTied, poses, gradients);
};

void slopes_of_the_test_are_right() {
  const std::vector<Pose> poses = scattered(3, 1);
  std::vector<PoseGradient> gradients;
  tied(poses, &gradients);
  const double h = 1e-5;
  for (std::size_t b = 0; b < 3; ++b) {
    const Vec3 way{0.3, -0.5, 0.8};
    const auto at = [&](double s, bool turn) {
      std::vector<Pose> p = poses;
      if (turn)
        p[b].rotation = rotation_about(s * way) * p[b].rotation;
      else
        p[b].translation += s * way;
      return tied(p, nullptr);
    };
    check_near((at(h, false) - at(-h, false)) / (2 * h), dot(gradients[b].by_translation, way),
               1e-7, "slope by translation");
    check_near((at(h, true) - at(-h, true)) / (2 * h), dot(gradients[b].by_rotation, way), 1e-7,
               "slope by rotation");
  }
}

void leapfrog_is_reversible() {
  const std::vector<double> radii = {5, 2, 0};
  std::vector<Pose> poses = scattered(3, 2);
  std::vector<BodyMomentum> momenta = thrown(3, 4);
  momenta[2].angular = Vec3();
  const std::vector<Pose> before = poses;
  const std::vector<BodyMomentum> momenta_before = momenta;
  check(leapfrog(tied, radii, 0.2, 30, &poses, &momenta), "finite");
  check(norm(poses[0].translation - before[0].translation) > 0.5, "it moved");
  for (BodyMomentum &p : momenta) p = {-1.0 * p.linear, -1.0 * p.angular};
  check(leapfrog(tied, radii, 0.2, 30, &poses, &momenta), "finite");
  for (std::size_t b = 0; b < 3; ++b) {
    check_near(norm(poses[b].translation - before[b].translation), 0, 1e-10, "back in place");
    const Quaternion turn = conjugate(before[b].rotation) * poses[b].rotation;
    check_near(norm({turn.x, turn.y, turn.z}), 0, 1e-10, "back in orientation");
    check_near(norm(momenta[b].linear + momenta_before[b].linear), 0, 1e-10, "momenta reversed");
    check_near(norm(momenta[b].angular + momenta_before[b].angular), 0, 1e-10, "momenta reversed");
  }
  check_near(poses[2].rotation.w, before[2].rotation.w, 0, "a bead does not turn");
  // A body that stays.
  std::vector<Pose> held = before;
  leapfrog(tied, {5, -1, 0}, 0.2, 10, &held, &momenta);
  check(std::memcmp(&held[1], &before[1], sizeof(Pose)) == 0, "a body that stays");
}

// Energy after the same time with steps of half the length: a quarter of the error.
void leapfrog_errs_by_the_square() {
  const auto error = [&](int steps) {
    std::vector<Pose> poses = scattered(3, 5);
    std::vector<BodyMomentum> momenta = thrown(3, 6);
    const double before = tied(poses, nullptr) + kinetic_energy(momenta);
    leapfrog(tied, {5, 2, 3}, 1.7 / steps, steps, &poses, &momenta);
    return tied(poses, nullptr) + kinetic_energy(momenta) - before;
  };
  for (int steps : {40, 80, 160}) check_near(error(steps) / error(2 * steps), 4, 0.1, "step²");
}

// Determinant of the map in (shift, rotation vector, momenta) about a point: 1.
void leapfrog_keeps_volumes() {
  const std::vector<double> radii = {2.5};
  const std::vector<Pose> from = scattered(1, 7);
  const std::vector<BodyMomentum> thrown_from = thrown(1, 8);
  const auto mapped = [&](const double *d, const Pose *center, std::vector<double> *out) {
    std::vector<Pose> poses = from;
    std::vector<BodyMomentum> p = thrown_from;
    poses[0].translation += Vec3{d[0], d[1], d[2]};
    poses[0].rotation = rotation_about({d[3], d[4], d[5]}) * poses[0].rotation;
    p[0].linear += Vec3{d[6], d[7], d[8]};
    p[0].angular += Vec3{d[9], d[10], d[11]};
    leapfrog(tied, radii, 0.5, 4, &poses, &p);
    if (!center) return poses[0];
    const Quaternion turn = poses[0].rotation * conjugate(center->rotation);
    const double sign = turn.w < 0 ? -2 : 2;
    const Vec3 t = poses[0].translation;
    *out = {t.x,
            t.y,
            t.z,
            sign * turn.x,
            sign * turn.y,
            sign * turn.z,
            p[0].linear.x,
            p[0].linear.y,
            p[0].linear.z,
            p[0].angular.x,
            p[0].angular.y,
            p[0].angular.z};
    return poses[0];
  };
  double zero[12] = {};
  const Pose center = mapped(zero, nullptr, nullptr);
  std::vector<std::vector<double>> jacobian(12);
  const double h = 1e-5;
  for (int i = 0; i < 12; ++i) {
    double d[12] = {};
    std::vector<double> up, down;
    d[i] = h;
    mapped(d, &center, &up);
    d[i] = -h;
    mapped(d, &center, &down);
    for (int j = 0; j < 12; ++j) jacobian[i].push_back((up[j] - down[j]) / (2 * h));
  }
  double determinant = 1;
  for (int i = 0; i < 12; ++i) {  // Gauss elimination with row pivots
    int pivot = i;
    for (int r = i + 1; r < 12; ++r)
      if (std::fabs(jacobian[r][i]) > std::fabs(jacobian[pivot][i])) pivot = r;
    if (pivot != i) {
      std::swap(jacobian[i], jacobian[pivot]);
      determinant = -determinant;
    }
    determinant *= jacobian[i][i];
    for (int r = i + 1; r < 12; ++r) {
      const double f = jacobian[r][i] / jacobian[i][i];
      for (int c = i; c < 12; ++c) jacobian[r][c] -= f * jacobian[i][c];
    }
  }
  check_near(determinant, 1, 1e-6, "volume");
}

// Long steps, many rejections: the distribution must not care.
void hamiltonian_samples_wells() {
  const Wells wells;
  const double t = 1.4;
  const auto mover = std::make_shared<HamiltonianMover>("all", std::vector<double>{1.7}, 0.9, 5);
  double acceptance = 0;
  const FrameStore f = frames_of(setup_of(1, wells, {mover}, t, 300000), &acceptance);
  check(acceptance > 0.4 && acceptance < 0.95, "steps that err: " + std::to_string(acceptance));
  check_averages(f, 1, wells, t, "Hamiltonian");
}

// Together with steps of one body, bodies tied to each other: the same averages as by small moves.
void hamiltonian_agrees_with_small_moves() {
  std::vector<std::shared_ptr<const Mover>> small;
  for (std::size_t b = 0; b < 2; ++b)
    small.push_back(
        std::make_shared<RigidMover>("rigid", std::vector<std::size_t>{b}, 1.5, 1.5, b));
  SamplerSetup setup = setup_of(2, kTied, small, 1, 2000000);
  const std::vector<double> expected = averages(frames_of(setup), 2);
  small.push_back(std::make_shared<HamiltonianMover>("all", std::vector<double>{4.0, 2.0}, 0.7, 6));
  const std::vector<double> found = averages(frames_of(setup_of(2, kTied, small, 1, 600000)), 2);
  for (std::size_t j = 0; j < 7; ++j)
    check_near(found[j], expected[j], 0.03 * std::fmax(0.7, expected[j]), "tied bodies");
}

// Steps are tuned in a burn-in to the share of its own.
void hamiltonian_is_tuned() {
  const auto mover = std::make_shared<HamiltonianMover>("all", std::vector<double>{1.7}, 0.01, 8);
  SamplerSetup setup = setup_of(1, Wells(), {mover}, 1, 300000);
  setup.schedule.burn_in = 30000;
  double acceptance = 0;
  Sampler sampler(setup);
  sampler.advance(1u << 30, 1e9);
  const MoverCount count = sampler.counts()[0][0];
  acceptance = double(count.accepted) / double(count.tried);
  // From 0.01 Å the largest factor, 10, is what tuning reaches.
  check(sampler.scales()[0][0] == 10 && acceptance > 0.95, "short steps grow");
  setup.movers = {std::make_shared<HamiltonianMover>("all", std::vector<double>{1.7}, 3.0, 8)};
  Sampler other(setup);
  other.advance(1u << 30, 1e9);
  const MoverCount long_steps = other.counts()[0][0];
  check_near(double(long_steps.accepted) / double(long_steps.tried), 0.65, 0.1, "tuned");
  check_averages(other.take_frames(), 1, Wells(), 1, "after tuning");
}

// A body and its image by a half turn about z, tied to each other: slopes of the source alone, and
// the averages of small moves with the image in tow.
void images_follow() {
  const std::vector<BodyImage> images = {
      {0, 1, {{0, 0, 0, 1}, {1, 2, 0}}, {normalized({1, 0.2, -0.3, 0.1}), {1, -1, 2}}}};
  const PoseFunction folded = with_images(tied, images);
  std::vector<Pose> poses = scattered(2, 9);
  std::vector<PoseGradient> gradients;
  folded(poses, &gradients);
  const double h = 1e-5;
  const Vec3 way{0.3, -0.5, 0.8};
  const auto at = [&](double s, bool turn) {
    std::vector<Pose> p = poses;
    if (turn)
      p[0].rotation = rotation_about(s * way) * p[0].rotation;
    else
      p[0].translation += s * way;
    return folded(p, nullptr);
  };
  check_near((at(h, false) - at(-h, false)) / (2 * h), dot(gradients[0].by_translation, way), 1e-6,
             "slope with images, translation");
  check_near((at(h, true) - at(-h, true)) / (2 * h), dot(gradients[0].by_rotation, way), 1e-6,
             "slope with images, rotation");
  check(dot(gradients[1].by_rotation, gradients[1].by_rotation) == 0, "none by the image");

  const auto plain =
      std::make_shared<RigidMover>("rigid", std::vector<std::size_t>{0}, 1.0, 1.0, 0);
  const auto small = std::make_shared<SymmetricMover>(plain, images);
  SamplerSetup setup = setup_of(2, kTied, {small}, 1, 1500000);
  place_images(images, &setup.starts[0]);
  const std::vector<double> expected = averages(frames_of(setup), 2);
  setup.movers = {
      std::make_shared<HamiltonianMover>("all", std::vector<double>{3.0, -1}, 0.5, 6, images)};
  setup.schedule.steps = 200000;
  const FrameStore f = frames_of(setup);
  const std::vector<double> found = averages(f, 2);
  for (std::size_t j = 0; j < 7; ++j)
    check_near(found[j], expected[j], 0.03 * std::fmax(0.7, expected[j]), "images");
  const Pose *last = &f.poses[f.poses.size() - 2];
  check_near(norm(image_pose(images[0], last[0]).translation - last[1].translation), 0, 1e-9,
             "the image is in place");
}

// ---- independence moves

PoseMixtureOptions narrow() {
  PoseMixtureOptions options;
  options.translation_sd = 1.2;
  options.rotation_sd = 0.9;
  options.broad_weight = 0.2;
  options.broad_center = {1, 0, 0};
  options.broad_sd = 4;
  return options;
}

PoseMixture three_centers() {
  Random random(12);
  std::vector<Pose> centers;
  for (int c = 0; c < 3; ++c) centers.push_back({random.rotation(), random.in_ball(4)});
  return PoseMixture(centers, {1, 2, 0.5}, narrow());
}

// Integral over all poses, by even draws of another density; and what is drawn has the density:
// the mean of f / q over draws of q is the integral of f.
void density_is_normalised() {
  const PoseMixture q = three_centers();
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
PoseMixture near_the_well() {
  PoseMixtureOptions options = narrow();
  options.translation_sd = 1.5;
  options.rotation_sd = 1.2;
  return PoseMixture({Pose(), {rotation_about({1, 0, 1}), {2, 0, 1}}}, {2, 1}, options);
}

// Two bodies are placed, one of them with a third that it carries; a fourth moves by steps.
void independence_samples_wells() {
  class SomeOf : public WellsTerm {
   public:
    using WellsTerm::WellsTerm;
    std::unique_ptr<Term> clone() const override { return std::make_unique<SomeOf>(*this); }
    // The carried one is in no well: it would not follow then.
    double evaluate(const std::vector<Pose> &poses, std::vector<PoseGradient> *) const override {
      return wells_energy(Wells(), {poses[0], poses[1], poses[3]}, nullptr);
    }
  };
  const auto mover = std::make_shared<IndependenceMover>(
      "to", std::vector<BodyGroup>{{0, 2}, {1}},
      std::vector<PoseMixture>{near_the_well(), near_the_well()});
  const auto steps = std::make_shared<RigidMover>("by", std::vector<std::size_t>{3}, 2.0, 1.5, 3);
  SamplerSetup setup = setup_of(4, Wells(), {steps, mover}, 1, 4000000);
  setup.mover_weights = {1, 3};
  setup.terms = {{std::make_shared<SomeOf>(4, Wells()), 1, false}};
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
  check_refused([] { PoseMixture({Pose()}, {}, narrow()); }, "a center without weight");
  check_refused([] { PoseMixture({Pose()}, {-1}, narrow()); }, "a negative weight");
  check_refused(
      [] {
        PoseMixtureOptions options = narrow();
        options.broad_weight = 0;
        PoseMixture({Pose()}, {1}, options);
      },
      "a density that is zero somewhere");
  check_refused([] { IndependenceMover("to", {{0, 1}, {1}}, {three_centers(), three_centers()}); },
                "a body twice");
  check_refused([] { HamiltonianMover("all", {-1}, 0.1, 5); }, "nothing that moves");
  check_refused([] { HamiltonianMover("all", {1}, 0, 5); }, "no step");
  check_refused([] { HamiltonianMover("all", {1, 1}, 0.1, 5, {{0, 1, {}, {}}}); }, "a free image");
}

}  // namespace

int main() {
  slopes_of_the_test_are_right();
  leapfrog_is_reversible();
  leapfrog_errs_by_the_square();
  leapfrog_keeps_volumes();
  hamiltonian_samples_wells();
  hamiltonian_agrees_with_small_moves();
  hamiltonian_is_tuned();
  images_follow();
  density_is_normalised();
  independence_samples_wells();
  independence_picks_evenly();
  bad_movers_are_refused();
  return 0;
}

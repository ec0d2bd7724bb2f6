// Moves along the slope of the score: a leapfrog map that is reversible, keeps volumes and errs by
// step², and known distributions.
#include <cstring>

#include "sample/body_images.h"
#include "sample/hamiltonian.h"
#include "sample/symmetric_mover.h"
#include "wells.h"

using namespace emcore;
using namespace wells;
using reference::check;
using reference::check_refused;

namespace {

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

void bad_movers_are_refused() {
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
  bad_movers_are_refused();
  return 0;
}

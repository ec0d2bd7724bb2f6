// A score with slopes whose averages are known, for tests of movers.
#ifndef EMGMM_TEST_WELLS_H
#define EMGMM_TEST_WELLS_H

#include "distributions.h"

namespace wells {

using namespace emcore;
using distributions::check_near;

// A smooth score with its slope: bodies in anisotropic wells and fields, tied by springs at points
// off their origins. A parameter scales the field.
struct Wells {
  Vec3 stiffness{0.4, 1.0, 2.5};  // kT/Å²
  Vec3 field{1.5, -0.7, 2.0};     // kT; of the body's own axes along the global ones
  double spring = 0;              // kT/Å²
};

inline double wells_energy(const Wells &w, const std::vector<Pose> &poses,
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

class WellsTerm : public distributions::FunctionTerm {
 public:
  WellsTerm(std::size_t bodies, const Wells &wells)
      : FunctionTerm(bodies, [wells](const std::vector<Pose> &poses,
                                     double) { return wells_energy(wells, poses, nullptr); }),
        wells_(wells) {}
  std::unique_ptr<Term> clone() const override { return std::make_unique<WellsTerm>(*this); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override {
    return wells_energy(wells_, poses, gradients);
  }

 private:
  Wells wells_;
};

inline SamplerSetup setup_of(std::shared_ptr<const Term> term,
                             std::vector<std::shared_ptr<const Mover>> movers, double temperature,
                             std::uint64_t steps) {
  SamplerSetup setup =
      distributions::setup_of(std::move(term), std::move(movers), {temperature}, steps);
  setup.schedule.frame_interval = 5;
  setup.seed = 11;
  return setup;
}

inline SamplerSetup setup_of(std::size_t bodies, const Wells &wells,
                             std::vector<std::shared_ptr<const Mover>> movers, double temperature,
                             std::uint64_t steps) {
  return setup_of(std::make_shared<WellsTerm>(bodies, wells), std::move(movers), temperature,
                  steps);
}

// What a frame says: squares of the positions, cosines of the own axes along the global ones.
inline std::vector<double> observed(const Pose &pose) {
  const Vec3 &x = pose.translation;
  const Mat3 r = matrix(pose.rotation);
  return {x.x * x.x, x.y * x.y, x.z * x.z, r.m[0][0], r.m[1][1], r.m[2][2], r.m[0][1] * r.m[1][2]};
}

inline std::vector<double> averages(const FrameStore &f, std::size_t bodies) {
  std::vector<double> sums(7, 0);
  for (std::size_t i = 0; i < f.poses.size(); i += bodies) {
    const std::vector<double> values = observed(f.poses[i]);
    for (std::size_t j = 0; j < values.size(); ++j)
      sums[j] += values[j] * static_cast<double>(bodies) / static_cast<double>(f.poses.size());
  }
  return sums;
}

// Of one body in its well, by even weights over many orientations.
inline std::vector<double> expected_averages(const Wells &wells, double temperature) {
  Random random(3);
  std::vector<double> sums(7, 0);
  double norm = 0;
  for (int i = 0; i < 400000; ++i) {
    const Pose pose{random.rotation(), {}};
    const double weight = std::exp(-wells_energy(wells, {pose}, nullptr) / temperature);
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

inline void check_averages(const FrameStore &f, std::size_t bodies, const Wells &wells,
                           double temperature, const std::string &what) {
  const std::vector<double> found = averages(f, bodies);
  const std::vector<double> expected = expected_averages(wells, temperature);
  for (std::size_t j = 0; j < found.size(); ++j)
    check_near(found[j], expected[j], 0.015 * std::fmax(1, expected[j]) + 0.005,
               what + " " + std::to_string(j));
}

inline FrameStore frames_of(const SamplerSetup &setup, double *acceptance = nullptr) {
  Sampler sampler(setup);
  sampler.advance(1u << 30, 1e9);
  const MoverCount count = sampler.counts()[0].back();
  if (acceptance) *acceptance = double(count.accepted) / double(count.tried);
  return sampler.take_frames();
}

}  // namespace wells

#endif

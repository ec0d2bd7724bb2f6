// Terms of any function, short runs of the sampler and checks of averages, for tests of movers.
#ifndef EMGMM_TEST_DISTRIBUTIONS_H
#define EMGMM_TEST_DISTRIBUTIONS_H

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reference.h"
#include "sample/movers.h"
#include "sample/sampler.h"

namespace distributions {

using namespace emcore;
using reference::check;

// Any function of the poses, and of one parameter, as a term.
class FunctionTerm : public Term {
 public:
  using Function = std::function<double(const std::vector<Pose> &, double)>;
  FunctionTerm(std::size_t bodies, Function function, bool has_parameter = false)
      : Term("function"),
        poses_(bodies),
        function_(std::move(function)),
        has_parameter_(has_parameter) {}
  std::unique_ptr<Term> clone() const override { return std::make_unique<FunctionTerm>(*this); }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses, std::vector<PoseGradient> *) const override {
    return function_(poses, parameter_);
  }
  double reset(const std::vector<Pose> &poses) override {
    proposed_ = poses_ = poses;
    proposed_parameter_ = parameter_;
    return score_ = proposed_score_ = evaluate(poses, nullptr);
  }
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override {
    for (std::size_t j = 0; j < bodies.size(); ++j) proposed_[bodies[j]] = poses[j];
    return proposed_score_ = function_(proposed_, parameter_);
  }
  void accept() override {
    poses_ = proposed_;
    parameter_ = proposed_parameter_;
    score_ = proposed_score_;
  }
  void reject() override {
    proposed_ = poses_;
    proposed_parameter_ = parameter_;
  }
  double score() const override { return score_; }
  std::vector<double> parameters() const override {
    return has_parameter_ ? std::vector<double>{parameter_} : std::vector<double>{};
  }
  void set_parameters(const std::vector<double> &values) override { parameter_ = values.at(0); }
  double propose_parameter(std::size_t, double value) override {
    proposed_parameter_ = value;
    return proposed_score_ = function_(poses_, value);
  }

 private:
  std::vector<Pose> poses_, proposed_;
  Function function_;
  bool has_parameter_;
  double parameter_ = 0.5, proposed_parameter_ = 0.5;
  double score_ = 0, proposed_score_ = 0;
};

inline SamplerSetup setup_of(std::shared_ptr<const Term> term,
                             std::vector<std::shared_ptr<const Mover>> movers,
                             std::vector<double> temperatures, std::uint64_t steps) {
  SamplerSetup setup;
  setup.starts.assign(temperatures.size(), std::vector<Pose>(term->bodies()));
  setup.terms.push_back({std::move(term), 1, false});
  setup.movers = std::move(movers);
  setup.temperatures = std::move(temperatures);
  setup.schedule.steps = steps;
  setup.seed = 42;
  setup.threads = 1;
  return setup;
}

inline FrameStore frames_of(const SamplerSetup &setup) {
  Sampler sampler(setup);
  while (!sampler.finished()) sampler.advance(setup.schedule.total(), 1e9);
  check(sampler.advance(10, 1) == 0, "a finished run does nothing");
  return sampler.take_frames();
}

inline double mean_of(std::size_t n, const std::function<double(std::size_t)> &value) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += value(i);
  return sum / static_cast<double>(n);
}

inline void check_near(double found, double expected, double tolerance, const std::string &what) {
  check(std::fabs(found - expected) <= tolerance,
        what + ": found " + std::to_string(found) + ", expected " + std::to_string(expected));
}

inline std::shared_ptr<Mover> rigid(std::vector<std::size_t> bodies, double translation,
                                    double rotation, std::size_t center = RigidMover::mean_of_all) {
  return std::make_shared<RigidMover>("rigid", std::move(bodies), translation, rotation, center);
}

// E = k/2 |t|² - a cos(angle of the body's z axis to z): <t_x²> = kT/k, <cos> = coth(a/T) - T/a.
inline double well_and_field(const Pose &pose, double k, double a) {
  const double z = 1 - 2 * (pose.rotation.x * pose.rotation.x + pose.rotation.y * pose.rotation.y);
  return 0.5 * k * dot(pose.translation, pose.translation) - a * z;
}
inline double cosine(const Pose &pose) {
  return 1 - 2 * (pose.rotation.x * pose.rotation.x + pose.rotation.y * pose.rotation.y);
}
inline double expected_cosine(double a, double t) { return 1 / std::tanh(a / t) - t / a; }

}  // namespace distributions

#endif

// Moves from coarse to fine: known distributions come out whatever the coarse score is, on one
// level and on two, with images, with other terms and their parameters in force.
#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "reference.h"
#include "sample/coarse_mover.h"
#include "sample/sampler.h"
#include "sample/symmetric_mover.h"

using namespace emcore;
using reference::check;
using reference::check_refused;

namespace {

void check_near(double found, double expected, double tolerance, const std::string &what) {
  check(std::fabs(found - expected) <= tolerance,
        what + ": found " + std::to_string(found) + ", expected " + std::to_string(expected));
}

using Energy = std::function<double(const std::vector<Pose> &, double)>;

// Any function of the poses, and of one parameter where it is given a value.
class FunctionTerm : public Term {
 public:
  FunctionTerm(std::size_t bodies, Energy energy, std::vector<double> parameters = {})
      : Term("function"), poses_(bodies), energy_(std::move(energy)), parameters_(parameters) {}
  std::unique_ptr<Term> clone() const override { return std::make_unique<FunctionTerm>(*this); }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses, std::vector<PoseGradient> *) const override {
    return energy_(poses, parameters_.empty() ? 0 : parameters_[0]);
  }
  double reset(const std::vector<Pose> &poses) override {
    proposed_ = poses_ = poses;
    proposed_parameters_ = parameters_;
    return score_ = proposed_score_ = evaluate(poses, nullptr);
  }
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override {
    proposed_ = poses_;
    proposed_parameters_ = parameters_;
    for (std::size_t j = 0; j < bodies.size(); ++j) proposed_[bodies[j]] = poses[j];
    return proposed_score_ = evaluate(proposed_, nullptr);
  }
  void accept() override {
    poses_ = proposed_;
    parameters_ = proposed_parameters_;
    score_ = proposed_score_;
  }
  void reject() override {  // accept() without a proposal, after another term's, changes nothing
    proposed_ = poses_;
    proposed_parameters_ = parameters_;
    proposed_score_ = score_;
  }
  double score() const override { return score_; }
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double> &values) override { parameters_ = values; }
  double propose_parameter(std::size_t, double value) override {
    proposed_ = poses_;
    proposed_parameters_ = {value};
    return proposed_score_ = energy_(poses_, value);
  }

 private:
  std::vector<Pose> poses_, proposed_;
  Energy energy_;
  std::vector<double> parameters_, proposed_parameters_;
  double score_ = 0, proposed_score_ = 0;
};

double squared(const Vec3 &x) { return dot(x, x); }

// The z component of a body's own z axis.
double upright(const Pose &pose) { return matrix(pose.rotation).m[2][2]; }

// A well of stiffness k at a place, and a field that turns the body upright.
double well(const Pose &pose, double k, const Vec3 &at, double field) {
  return 0.5 * k * squared(pose.translation - at) - field * upright(pose);
}

std::shared_ptr<const Mover> steps_of(std::size_t body, double translation, double rotation) {
  return std::make_shared<RigidMover>("step", std::vector<std::size_t>{body}, translation, rotation,
                                      body);
}

CoarseOptions chain_of(int steps, double heat, double weight) {
  CoarseOptions options;
  options.steps = steps;
  options.heat = heat;
  options.weight = weight;
  return options;
}

struct Run {
  SamplerSetup setup;
  double acceptance = 0;  // of the last mover
  FrameStore frames;

  Run(std::vector<WeightedTerm> terms, std::vector<std::shared_ptr<const Mover>> movers,
      double temperature, std::uint64_t steps) {
    setup.starts = {std::vector<Pose>(terms[0].term->bodies())};
    setup.terms = std::move(terms);
    setup.movers = std::move(movers);
    setup.temperatures = {temperature};
    setup.schedule.steps = steps;
    setup.schedule.frame_interval = 2;
    setup.seed = 3;
    setup.threads = 1;
  }
  void make() {
    Sampler sampler(setup);
    sampler.advance(1u << 30, 1e9);
    const MoverCount count = sampler.counts()[0].back();
    acceptance = double(count.accepted) / double(count.tried);
    frames = sampler.take_frames();
  }
  // Mean of a function of the poses of a frame.
  double mean(const std::function<double(const Pose *)> &of) const {
    const std::size_t bodies = setup.starts[0].size();
    double sum = 0;
    for (std::size_t i = 0; i < frames.poses.size(); i += bodies) sum += of(&frames.poses[i]);
    return sum * static_cast<double>(bodies) / static_cast<double>(frames.poses.size());
  }
};

// Variance T / k in each direction; Langevin's function of the field.
// Tolerances are four times what other random numbers change, or more.
void check_well(const Run &run, double k, const Vec3 &at, double field, double temperature,
                const std::string &what) {
  const double variance = temperature / k, x = field / temperature;
  check_near(run.mean([&](const Pose *p) { return squared(p->translation - at) / 3; }), variance,
             0.02 * variance, what + ", spread");
  check_near(run.mean([&](const Pose *p) { return p->translation.x; }), at.x,
             0.03 * std::sqrt(variance), what + ", place");
  check_near(run.mean([&](const Pose *p) { return upright(*p); }), 1 / std::tanh(x) - 1 / x, 0.015,
             what + ", orientation");
}

const Vec3 kAt{1, -2, 0.5};

WeightedTerm fine_well() {
  return {std::make_shared<FunctionTerm>(
              1, [](const std::vector<Pose> &p, double) { return well(p[0], 0.8, kAt, 1.7); }),
          1, false};
}

// The coarse score is wrong in place, stiffness, field, weight and temperature.
std::shared_ptr<const Term> coarse_well(double k, double field) {
  return std::make_shared<FunctionTerm>(1, [k, field](const std::vector<Pose> &p, double) {
    return well(p[0], k, {0.2, -1.5, 0}, field);
  });
}

void one_level_samples_a_well() {
  for (int steps : {1, 2, 12}) {
    const auto mover = std::make_shared<CoarseMover>(
        "coarse",
        std::vector<std::shared_ptr<const Mover>>{steps_of(0, 3, 2), steps_of(0, 0.7, 0.4)},
        std::vector<double>{1, 2}, coarse_well(0.5, 0.9), chain_of(steps, 1.3, 0.7));
    Run run({fine_well()}, {mover}, 1.4, 7200000 / (steps + 5));
    run.make();
    check(run.acceptance > 0.2 && run.acceptance < 0.98,
          "the coarse score is not the score: " + std::to_string(run.acceptance));
    check_well(run, 0.8, kAt, 1.7, 1.4, "one level, " + std::to_string(steps) + " steps");
  }
}

void two_levels_sample_a_well() {
  const std::vector<std::shared_ptr<const Mover>> steps = {steps_of(0, 3, 2)};
  const auto lower = std::make_shared<CoarseMover>("coarser", steps, std::vector<double>(),
                                                   coarse_well(0.3, 0.4), chain_of(6, 1.6, 0.9));
  const auto mover = std::make_shared<CoarseMover>(
      "coarse", std::vector<std::shared_ptr<const Mover>>{steps[0], lower}, std::vector<double>(),
      coarse_well(0.6, 1.2), chain_of(4, 1.2, 0.8));
  Run run({fine_well()}, {mover}, 1, 250000);
  run.make();
  check(run.acceptance > 0.2 && run.acceptance < 0.98,
        "accepted " + std::to_string(run.acceptance));
  check_well(run, 0.8, kAt, 1.7, 1, "two levels");
}

// With the score itself as coarse score everything that moved is accepted.
void own_score_is_accepted() {
  const WeightedTerm term = fine_well();
  const auto mover = std::make_shared<CoarseMover>(
      "coarse", std::vector<std::shared_ptr<const Mover>>{steps_of(0, 1, 1)}, std::vector<double>(),
      term.term, chain_of(30, 1, 1));
  Run run({term}, {mover}, 1, 20000);
  run.make();
  check(run.acceptance > 0.9999, "the score itself: " + std::to_string(run.acceptance));
}

// Two deep wells far apart, with one and three quarters of the population: steps alone stay in
// one, and the coarse score has one shallow well over both.
void far_wells_get_their_shares() {
  const auto energy = [](const std::vector<Pose> &p, double) {
    const Vec3 &x = p[0].translation;
    const double a = std::log(0.25) - 2 * squared(x - Vec3{-6, 0, 0});
    const double b = std::log(0.75) - 2 * squared(x - Vec3{6, 0, 0});
    return -std::fmax(a, b) - std::log1p(std::exp(-std::fabs(a - b)));
  };
  const auto coarse = std::make_shared<FunctionTerm>(1, [](const std::vector<Pose> &p, double) {
    const Vec3 &x = p[0].translation;
    return 0.02 * x.x * x.x + 0.7 * (x.y * x.y + x.z * x.z) - 0.1 * x.x;
  });
  const auto mover = std::make_shared<CoarseMover>(
      "coarse", std::vector<std::shared_ptr<const Mover>>{steps_of(0, 8, 0)}, std::vector<double>(),
      coarse, chain_of(20, 1, 1));
  Run run({{std::make_shared<FunctionTerm>(1, energy), 1, false}}, {steps_of(0, 1, 0), mover}, 1,
          1600000);
  run.setup.starts[0][0].translation = {-6, 0, 0};
  run.make();
  check(run.acceptance > 0.005, "some arrive: " + std::to_string(run.acceptance));
  check_near(run.mean([](const Pose *p) { return p->translation.x > 0 ? 1.0 : 0.0; }), 0.75, 0.03,
             "population of the far well");
  const auto from_nearest = [](const Pose *p) {
    const Vec3 &x = p->translation;
    return squared({std::fabs(x.x) - 6, x.y, x.z});
  };
  check_near(run.mean(from_nearest), 0.75, 0.02, "spread in the wells");
}

// Two bodies with a spring between them that is a term of its own, at half weight, with a stiffness
// that is sampled, too: it is in force in the inner chain as the replica has it.
void other_terms_are_kept() {
  const auto wells = std::make_shared<FunctionTerm>(2, [](const std::vector<Pose> &p, double) {
    return well(p[0], 1, {}, 0) + well(p[1], 1, {}, 0);
  });
  const auto rough = std::make_shared<FunctionTerm>(2, [](const std::vector<Pose> &p, double) {
    return well(p[0], 0.7, {0.3, 0, 0}, 0) + well(p[1], 0.6, {}, 0);
  });
  // With the square root of its determinant the marginal of the stiffness is even in [0.5, 4].
  const auto spring = std::make_shared<FunctionTerm>(
      2,
      [](const std::vector<Pose> &p, double s) {
        return s * squared(p[0].translation - p[1].translation) - 2 * 1.5 * std::log(1 + 2 * s);
      },
      std::vector<double>{1.0});
  CoarseOptions options = chain_of(15, 1.2, 1.1);
  options.term = 1;
  const auto mover = std::make_shared<CoarseMover>(
      "coarse", std::vector<std::shared_ptr<const Mover>>{steps_of(0, 2, 0), steps_of(1, 2, 0)},
      std::vector<double>(), rough, options);
  const auto stiffness = std::make_shared<ParameterMover>("s", 0, 0, 0.5, 4, 1.0);
  Run run({{spring, 0.5, false}, {wells, 1, false}}, {stiffness, mover}, 1, 600000);
  run.make();
  check(run.acceptance > 0.3, "with the spring in it: " + std::to_string(run.acceptance));
  double sum = 0;
  for (double s : run.frames.parameters) sum += s;
  check_near(sum / static_cast<double>(run.frames.parameters.size()), 2.25, 0.05, "stiffness");
  // Sum and difference are independent: 2 and 2 / (1 + 2 s) in each direction.
  check_near(run.mean([](const Pose *p) { return squared(p[0].translation + p[1].translation); }),
             6, 0.1, "the sum");
  check_near(run.mean([](const Pose *p) { return squared(p[0].translation - p[1].translation); }),
             3 * std::log(9.0 / 2.0) / 3.5, 0.03, "the difference");
}

// The image by a half turn about z follows in the inner chain and is where it belongs afterwards.
void images_follow_in_the_chain() {
  const std::vector<BodyImage> images = {{0, 1, {{0, 0, 0, 1}, {2, 0, 0}}, Pose()}};
  const auto both = [](double k) {
    return std::make_shared<FunctionTerm>(2, [k](const std::vector<Pose> &p, double) {
      return 0.5 * k * (squared(p[0].translation) + squared(p[1].translation));
    });
  };
  const auto mover = std::make_shared<CoarseMover>(
      "coarse",
      std::vector<std::shared_ptr<const Mover>>{
          std::make_shared<SymmetricMover>(steps_of(0, 2, 1), images)},
      std::vector<double>(), both(0.6), chain_of(10, 1, 1));
  check(mover->bodies().size() == 2, "source and image");
  Run run({{both(1), 1, false}}, {mover}, 1, 200000);
  run.setup.starts[0][1].translation = {2, 0, 0};
  run.make();
  // x² + (2 - x)² + 2 (y² + z²), halved: about 1 in x, half a Å² in each direction.
  check_near(run.mean([](const Pose *p) { return p->translation.x; }), 1, 0.02, "place");
  check_near(run.mean([](const Pose *p) { return squared(p->translation - Vec3{1, 0, 0}); }), 1.5,
             0.03, "spread");
  const Pose *last = &run.frames.poses[run.frames.poses.size() - 2];
  check_near(norm(image_pose(images[0], last[0]).translation - last[1].translation), 0, 1e-12,
             "the image is in place");
}

void result_does_not_depend_on_threads() {
  std::vector<std::vector<double>> totals;
  for (unsigned threads : {1u, 3u}) {
    const auto mover = std::make_shared<CoarseMover>(
        "coarse", std::vector<std::shared_ptr<const Mover>>{steps_of(0, 3, 2)},
        std::vector<double>(), coarse_well(0.5, 0.9), chain_of(7, 1.3, 0.7));
    Run run({fine_well()}, {steps_of(0, 1, 1), mover}, 1, 3000);
    run.setup.starts.assign(5, run.setup.starts[0]);
    run.setup.temperatures = {1, 1.2, 1.4, 1.7, 2};
    run.setup.schedule.exchange_interval = 10;
    run.setup.threads = threads;
    run.make();
    totals.push_back(run.frames.totals);
  }
  check(totals[0] == totals[1] && totals[0].size() == 1500, "the same on any number of threads");
}

void bad_movers_are_refused() {
  using Movers = std::vector<std::shared_ptr<const Mover>>;
  const auto make = [](const Movers &movers, const std::vector<double> &shares,
                       const CoarseOptions &options) {
    CoarseMover("coarse", movers, shares, coarse_well(1, 1), options);
  };
  const Movers one = {steps_of(0, 1, 1)};
  check_refused([&] { make({}, {}, chain_of(5, 1, 1)); }, "no inner mover");
  check_refused([&] { make(one, {1, 2}, chain_of(5, 1, 1)); }, "a share too many");
  check_refused([&] { make(one, {-1}, chain_of(5, 1, 1)); }, "a negative share");
  check_refused([&] { make(one, {}, chain_of(0, 1, 1)); }, "no steps");
  check_refused([&] { make(one, {}, chain_of(5, 0, 1)); }, "no heat");
  check_refused([&] { make(one, {}, chain_of(5, 1, NAN)); }, "a weight that is no number");
  check_refused([&] { make({steps_of(1, 1, 1)}, {}, chain_of(5, 1, 1)); },
                "a body that is not there");
  check_refused(
      [&] {
        make({std::make_shared<ParameterMover>("p", 0, 0, 0, 1, 0.1)}, {}, chain_of(5, 1, 1));
      },
      "a mover of a parameter");
  check_refused(
      [&] {
        CoarseOptions options = chain_of(5, 1, 1);
        options.term = 1;
        const auto mover = std::make_shared<CoarseMover>("coarse", one, std::vector<double>(),
                                                         coarse_well(1, 1), options);
        Run({fine_well()}, {mover}, 1, 10).make();
      },
      "a term that is not there");
}

}  // namespace

int main() {
  one_level_samples_a_well();
  two_levels_sample_a_well();
  own_score_is_accepted();
  far_wells_get_their_shares();
  other_terms_are_kept();
  images_follow_in_the_chain();
  result_does_not_depend_on_threads();
  bad_movers_are_refused();
}

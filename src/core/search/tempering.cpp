#include "search/tempering.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "sample/global_movers.h"
#include "sample/sampler.h"

namespace emcore {

namespace {

constexpr double kPiece = 0.25;  // seconds between looks at whether to stop

struct WeightedMovers {
  std::vector<std::shared_ptr<const Mover>> movers;
  std::vector<double> weights;
};

WeightedMovers tempering_movers(const TemperingProblem &problem,
                                std::shared_ptr<const Mover> suggested,
                                const TemperingOptions &options) {
  const std::size_t n = problem.frames.size();
  std::vector<std::vector<std::shared_ptr<const Mover>>> kinds(4);
  for (std::size_t b = 0; b < n; ++b) {
    const std::string number = std::to_string(b);
    kinds[0].push_back(std::make_shared<RigidMover>("body " + number, std::vector<std::size_t>{b},
                                                    options.max_translation, options.max_rotation,
                                                    b));
    const Mat3 axes = matrix(problem.frames[b]);
    kinds[1].push_back(std::make_shared<TurnMover>(
        "turn " + number, BodyGroup{b},
        std::vector<Vec3>{axes * Vec3{1, 0, 0}, axes * Vec3{0, 1, 0}, axes * Vec3{0, 0, 1}}));
    for (std::size_t c = b + 1; c < n; ++c)
      kinds[2].push_back(std::make_shared<SwapMover>("swap " + number + " " + std::to_string(c),
                                                     BodyGroup{b}, BodyGroup{c}));
  }
  if (suggested) kinds[3].push_back(std::move(suggested));
  WeightedMovers result;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    const double share = kind == 0 ? 1 : options.global_share;
    for (const std::shared_ptr<const Mover> &mover : kinds[kind]) {
      result.movers.push_back(mover);
      result.weights.push_back(share * n / kinds[kind].size());
    }
  }
  return result;
}

// Frames of the coldest level.
Arrangements one_round(const ArrangementScore &score, const Arrangements &starts, int round,
                       const TemperingProblem &problem, const TemperingOptions &options) {
  const std::size_t n = problem.frames.size();
  SamplerSetup setup;
  for (const WeightedTerm &t : score.terms()) setup.terms.push_back({t.term, t.weight, false});
  const std::vector<Pose> &best = starts.front().poses;
  WeightedMovers movers =
      tempering_movers(problem, problem.suggest ? problem.suggest(best) : nullptr, options);
  setup.movers = std::move(movers.movers);
  setup.mover_weights = std::move(movers.weights);
  setup.confinement = problem.confinement;
  for (std::size_t level = 0; level < options.levels; ++level) {
    const double share = options.levels > 1 ? double(level) / (options.levels - 1) : 0;
    setup.temperatures.push_back(std::pow(options.hottest, share));
    setup.starts.push_back(starts[level % starts.size()].poses);
  }
  const std::uint64_t steps = options.steps_a_body * n;
  setup.schedule.steps = setup.schedule.high_steps = steps;
  setup.schedule.low_weight = 1;
  setup.schedule.frame_interval = std::max<std::uint64_t>(1, steps / options.frames);
  setup.schedule.exchange_interval = 100;
  setup.seed = options.seed + round;
  setup.threads = score.threads();
  Sampler sampler(std::move(setup));
  while (!sampler.finished()) {
    if (score.stopped()) throw SearchStopped();
    sampler.advance(steps, kPiece);
    if (problem.progress)
      problem.progress((round + double(sampler.done()) / steps) / options.rounds);
  }
  const FrameStore store = sampler.take_frames();
  Arrangements frames;
  for (std::size_t f = 0; f < store.totals.size(); ++f)
    frames.push_back(
        {store.totals[f], {store.poses.begin() + f * n, store.poses.begin() + (f + 1) * n}});
  return frames;
}

}  // namespace

Tempered tempered(const ArrangementScore &score, const Starts &starts,
                  const TemperingProblem &problem, const TemperingOptions &options) {
  Tempered result;
  Arrangements &found = result.found;
  found = score.all_minimized(starts);
  for (int round = 0; round < options.rounds; ++round) {
    const Arrangements best = score.distinct(found, options.kept);
    const Arrangements cold = one_round(score, best, round, problem, options);
    const Arrangements reached = score.all_minimized(score.distinct(cold, options.solutions));
    result.frames.insert(result.frames.end(), cold.begin(), cold.end());
    found.insert(found.end(), reached.begin(), reached.end());
    const bool better = std::any_of(reached.begin(), reached.end(), [&](const Arrangement &a) {
      return a.score <= best.front().score - options.gain;
    });
    if (!better) break;
  }
  found = score.distinct(std::move(found), options.solutions);
  return result;
}

}  // namespace emcore

#include "sample/coarse_mover.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "terms/term.h"

namespace emcore {

namespace {

// Largest steps of rigid bodies, Å and rad.
constexpr double kCoarseSteps[][2] = {{40, 3.14}, {10, 0.6}, {3, 0.15}};

bool is_same_coarse_pose(const Pose &a, const Pose &b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace

CoarseChain coarse_chain(const std::vector<std::vector<std::size_t>> &groups,
                         const std::vector<std::size_t> &beads, double bead_step) {
  CoarseChain chain;
  for (const std::vector<std::size_t> &group : groups)
    for (const auto &step : kCoarseSteps)
      chain.movers.push_back(
          std::make_shared<RigidMover>("step", group, step[0], step[1], group.at(0)));
  const std::size_t rigid = chain.movers.size();
  const double kinds = (rigid > 0) + !beads.empty();
  chain.shares.assign(rigid, 1 / kinds / static_cast<double>(rigid));
  for (std::size_t b : beads) {
    chain.movers.push_back(
        std::make_shared<RigidMover>("step", std::vector<std::size_t>{b}, bead_step, 0.0, b));
    chain.shares.push_back(1 / kinds / static_cast<double>(beads.size()));
  }
  return chain;
}

CoarseMover::CoarseMover(std::string name, std::vector<std::shared_ptr<const Mover>> movers,
                         const std::vector<double> &shares, std::shared_ptr<const Term> coarse,
                         const CoarseOptions &options)
    : Mover(std::move(name)),
      movers_(std::move(movers)),
      running_shares_(shares.size()),
      coarse_(std::move(coarse)),
      options_(options) {
  if (movers_.empty()) throw std::domain_error("mover " + this->name() + " has no inner movers");
  if (!shares.empty() && shares.size() != movers_.size())
    throw std::domain_error("mover " + this->name() + " needs one share an inner mover (" +
                            std::to_string(movers_.size()) + "), got " +
                            std::to_string(shares.size()));
  for (double share : shares)
    if (!(share > 0 && std::isfinite(share)))
      throw std::domain_error("shares of inner movers must be positive, got " +
                              std::to_string(share));
  if (options_.steps < 1)
    throw std::domain_error("steps of mover " + this->name() + " must be positive, got " +
                            std::to_string(options_.steps));
  if (!(options_.heat > 0 && std::isfinite(options_.heat)))
    throw std::domain_error("heat of mover " + this->name() + " must be positive, got " +
                            std::to_string(options_.heat));
  if (!(options_.weight > 0 && std::isfinite(options_.weight)))
    throw std::domain_error("weight of the coarse term of mover " + this->name() +
                            " must be positive, got " + std::to_string(options_.weight));
  for (const auto &mover : movers_) {
    const std::vector<std::size_t> &own = mover->bodies();
    // Parameters belong to the terms of the run, which a proposal of poses leaves as they are.
    if (own.empty())
      throw std::domain_error("mover " + mover->name() + " moves no bodies, so mover " +
                              this->name() + " cannot use it");
    bodies_.insert(bodies_.end(), own.begin(), own.end());
  }
  std::sort(bodies_.begin(), bodies_.end());
  bodies_.erase(std::unique(bodies_.begin(), bodies_.end()), bodies_.end());
  if (bodies_.back() >= coarse_->bodies())
    throw std::domain_error("mover " + this->name() + " moves body " +
                            std::to_string(bodies_.back()) + " of " +
                            std::to_string(coarse_->bodies()) + " in its coarse term");
  std::partial_sum(shares.begin(), shares.end(), running_shares_.begin());
}

double CoarseMover::propose(const MoverState &state, double, Random &random, Move *move) const {
  if (!state.terms || !state.weights || options_.term >= state.terms->size() ||
      coarse_->bodies() != state.poses.size())
    throw std::domain_error("mover " + name() + " has a coarse term that does not fit the run");
  // Movers are shared by the replicas; the inner chain is made anew each time. What it starts from
  // are the replica's own terms, with their parameters; they are not owned here.
  std::vector<std::shared_ptr<const Term>> terms;
  for (const auto &term : *state.terms)
    terms.push_back(std::shared_ptr<const Term>(std::shared_ptr<void>(), term.get()));
  terms[options_.term] = coarse_;
  std::vector<double> weights = *state.weights;
  weights[options_.term] *= options_.weight;
  Replica inner(terms, state.poses, random);
  const std::vector<Pose> before = inner.poses();
  const double temperature = options_.heat * state.temperature;
  const double start = inner.total(weights);
  std::vector<MoverCount> counts(movers_.size());
  inner.run(static_cast<std::uint64_t>(options_.steps), movers_, running_shares_,
            options_.confinement, weights, temperature, std::vector<double>(movers_.size(), 1.0),
            &counts);
  random = inner.random;
  move->bodies.clear();
  move->poses.clear();
  for (std::size_t b : bodies_)
    if (!is_same_coarse_pose(inner.poses()[b], before[b])) {
      move->bodies.push_back(b);
      move->poses.push_back(inner.poses()[b]);
    }
  if (move->bodies.empty()) {  // nowhere: not worth being counted as accepted
    move->bodies = {bodies_.front()};
    move->poses = {state.poses[bodies_.front()]};
    return -HUGE_VAL;
  }
  return (inner.total(weights) - start) / temperature;
}

}  // namespace emcore

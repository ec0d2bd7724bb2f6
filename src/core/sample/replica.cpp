#include "sample/replica.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace emcore {

namespace {

std::size_t picked_mover(std::size_t n, const std::vector<double> &shares, Random &random) {
  if (shares.empty()) return random.below(n);
  const double at = shares.back() * random.uniform();
  const auto found = std::upper_bound(shares.begin(), shares.end(), at);
  return std::min(n - 1, static_cast<std::size_t>(found - shares.begin()));
}

constexpr double kFarthest = 1e8;  // Å: beyond, a double no longer tells atoms apart

bool is_rigid(const Pose &pose) {
  const Quaternion &q = pose.rotation;
  const double norm = q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
  return std::abs(norm - 1) < 1e-3 &&
         dot(pose.translation, pose.translation) < kFarthest * kFarthest;
}

}  // namespace

Replica::Replica(const std::vector<std::shared_ptr<const Term>> &terms,
                 const std::vector<Pose> &poses, Random stream)
    : random(stream), poses_(poses) {
  for (Pose &pose : poses_) pose.rotation = normalized(pose.rotation);
  for (const auto &term : terms) {
    terms_.push_back(term->clone());
    terms_.back()->reset(poses_);
    parameters_.push_back(terms_.back()->parameters());
  }
}

double Replica::total(const std::vector<double> &weights) const {
  double sum = 0;
  for (std::size_t t = 0; t < terms_.size(); ++t) sum += weights[t] * terms_[t]->score();
  return sum;
}

std::vector<double> Replica::scores() const {
  std::vector<double> scores;
  for (const auto &term : terms_) scores.push_back(term->score());
  return scores;
}

std::vector<double> Replica::parameters() const {
  std::vector<double> all;
  for (const auto &values : parameters_) all.insert(all.end(), values.begin(), values.end());
  return all;
}

void Replica::run(std::uint64_t steps, const std::vector<std::shared_ptr<const Mover>> &movers,
                  const std::vector<double> &shares, const Confinement &confinement,
                  const std::vector<double> &weights, double temperature,
                  const std::vector<double> &scales, std::vector<MoverCount> *counts,
                  BestScore *best) {
  const MoverState state{poses_, parameters_};
  double current = total(weights);
  if (best && current < best->value) best->value = current;
  for (std::uint64_t step = 0; step < steps; ++step) {
    const std::size_t m = picked_mover(movers.size(), shares, random);
    const double log_ratio = movers[m]->propose(state, scales[m], random, &move_);
    ++(*counts)[m].tried;
    bool allowed = true;
    for (std::size_t j = 0; j < move_.bodies.size() && allowed; ++j)
      allowed = confinement.allows(poses_[move_.bodies[j]].translation, move_.poses[j].translation);
    if (!allowed) continue;
    const bool is_parameter = move_.bodies.empty();
    double proposed = 0;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      double score;
      if (!is_parameter)
        score = terms_[t]->propose(move_.bodies, move_.poses);
      else if (t == move_.term)
        score = terms_[t]->propose_parameter(move_.parameter, move_.value);
      else
        score = terms_[t]->score();
      proposed += weights[t] * score;
    }
    // Metropolis-Hastings; a score that is not a number is never accepted.
    const double exponent = (current - proposed) / temperature + log_ratio;
    const bool accepted = exponent >= 0 || random.uniform() < std::exp(exponent);
    if (accepted) {
      ++(*counts)[m].accepted;
      for (std::size_t j = 0; j < move_.bodies.size(); ++j)
        poses_[move_.bodies[j]] = move_.poses[j];
      if (is_parameter) parameters_[move_.term][move_.parameter] = move_.value;
      current = proposed;
      if (best && current < best->value) {
        best->value = current;
        ++best->found[m];
      }
    }
    for (auto &term : terms_) accepted ? term->accept() : term->reject();
  }
}

double Replica::refresh() {
  double drift = 0;
  for (auto &term : terms_) {
    const double kept = term->score();
    const double fresh = term->reset(poses_);
    drift = std::max(drift, std::abs(fresh - kept) / std::max(1.0, std::abs(fresh)));
  }
  return drift;
}

void Replica::restore(const std::vector<Pose> &poses, const std::vector<double> &parameters,
                      const Random &stream) {
  std::size_t count = 0;
  for (const auto &values : parameters_) count += values.size();
  if (poses.size() != poses_.size() || parameters.size() != count)
    throw std::domain_error("stored state has " + std::to_string(poses.size()) + " bodies and " +
                            std::to_string(parameters.size()) + " parameters, the system has " +
                            std::to_string(poses_.size()) + " and " + std::to_string(count));
  if (!std::all_of(poses.begin(), poses.end(), is_rigid))
    throw std::domain_error("stored state is broken: a pose that is no rotation and translation");
  for (double value : parameters)
    if (!std::isfinite(value))
      throw std::domain_error("stored state is broken: a parameter that is " +
                              std::to_string(value));
  if (stream.is_stuck()) throw std::domain_error("stored state is broken: random numbers");
  poses_ = poses;
  random = stream;
  auto next = parameters.begin();
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const auto end = next + static_cast<std::ptrdiff_t>(parameters_[t].size());
    parameters_[t].assign(next, end);
    next = end;
    if (!parameters_[t].empty()) terms_[t]->set_parameters(parameters_[t]);
    terms_[t]->reset(poses_);
  }
}

}  // namespace emcore

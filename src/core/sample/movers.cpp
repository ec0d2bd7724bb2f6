#include "sample/movers.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "math/constants.h"

namespace emcore {

RigidMover::RigidMover(std::string name, std::vector<std::size_t> bodies, double max_translation,
                       double max_rotation, std::size_t center)
    : Mover(std::move(name)),
      bodies_(std::move(bodies)),
      max_translation_(max_translation),
      max_rotation_(max_rotation),
      center_(center) {
  if (bodies_.empty()) throw std::domain_error("mover " + this->name() + " has no bodies");
  std::sort(bodies_.begin(), bodies_.end());
  if (std::adjacent_find(bodies_.begin(), bodies_.end()) != bodies_.end())
    throw std::domain_error("mover " + this->name() + " names a body twice");
  if (!(max_translation_ >= 0 && std::isfinite(max_translation_)))
    throw std::domain_error("max_translation of mover " + this->name() +
                            " must be 0 or positive, got " + std::to_string(max_translation_));
  if (!(max_rotation_ >= 0 && std::isfinite(max_rotation_)))
    throw std::domain_error("max_rotation of mover " + this->name() +
                            " must be 0 or positive, got " + std::to_string(max_rotation_));
  if (center_ != mean_of_all && !std::binary_search(bodies_.begin(), bodies_.end(), center_))
    throw std::domain_error("mover " + this->name() + " turns about body " +
                            std::to_string(center_) + ", which it does not move");
}

double RigidMover::propose(const MoverState &state, double scale, Random &random,
                           Move *move) const {
  move->bodies = bodies_;
  move->poses.resize(bodies_.size());
  const Vec3 shift = random.in_ball(scale * max_translation_);
  if (max_rotation_ == 0) {
    for (std::size_t j = 0; j < bodies_.size(); ++j) {
      const Pose &pose = state.poses[bodies_[j]];
      move->poses[j] = {pose.rotation, pose.translation + shift};
    }
    return 0;
  }
  Vec3 center;
  if (center_ != mean_of_all) {
    center = state.poses[center_].translation;
  } else {
    for (std::size_t b : bodies_) center += state.poses[b].translation;
    center = (1.0 / static_cast<double>(bodies_.size())) * center;
  }
  const double angle = std::min(scale * max_rotation_, kPi) * random.uniform(-1, 1);
  const Quaternion turn = rotation_about(angle * random.direction());
  for (std::size_t j = 0; j < bodies_.size(); ++j) {
    const Pose &pose = state.poses[bodies_[j]];
    // Normalised every time: rounding never adds up.
    move->poses[j] = {normalized(turn * pose.rotation),
                      turn * (pose.translation - center) + center + shift};
  }
  return 0;
}

ParameterMover::ParameterMover(std::string name, std::size_t term, std::size_t parameter,
                               double low, double high, double max_step)
    : Mover(std::move(name)),
      term_(term),
      parameter_(parameter),
      low_(low),
      high_(high),
      max_step_(max_step) {
  if (!(low < high)) throw std::domain_error("mover " + this->name() + " needs low < high");
  if (!(max_step > 0 && max_step <= high - low))
    throw std::domain_error("max_step of mover " + this->name() +
                            " must be positive and at most the range, got " +
                            std::to_string(max_step));
}

double ParameterMover::propose(const MoverState &state, double scale, Random &random,
                               Move *move) const {
  move->bodies.clear();
  move->poses.clear();
  move->term = term_;
  move->parameter = parameter_;
  double value = state.parameters[term_][parameter_];
  value += std::min(scale * max_step_, high_ - low_) * random.uniform(-1, 1);
  // Reflection keeps the proposal symmetric.
  if (value < low_) value = 2 * low_ - value;
  if (value > high_) value = 2 * high_ - value;
  move->value = value;
  return 0;
}

}  // namespace emcore

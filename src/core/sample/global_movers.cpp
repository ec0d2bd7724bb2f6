#include "sample/global_movers.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "math/constants.h"

namespace emcore {

namespace {

// Both groups in one list, checked.
std::vector<std::size_t> two_groups(const std::string &name, BodyGroup first,
                                    const BodyGroup &second) {
  if (first.empty() || second.empty())
    throw std::domain_error("mover " + name + " needs two bodies");
  first.insert(first.end(), second.begin(), second.end());
  check_group(name, first);
  return first;
}

}  // namespace

void check_group(const std::string &name, BodyGroup bodies) {
  if (bodies.empty()) throw std::domain_error("mover " + name + " has no bodies");
  std::sort(bodies.begin(), bodies.end());
  if (std::adjacent_find(bodies.begin(), bodies.end()) != bodies.end())
    throw std::domain_error("mover " + name + " names a body twice");
}

SwapMover::SwapMover(std::string name, BodyGroup first, BodyGroup second)
    : Mover(std::move(name)),
      first_size_(first.size()),
      bodies_(two_groups(this->name(), std::move(first), second)) {}

double SwapMover::propose(const MoverState &state, double, Random &, Move *move) const {
  move->bodies = bodies_;
  move->poses.resize(bodies_.size());
  const Vec3 way =
      state.poses[bodies_[first_size_]].translation - state.poses[bodies_[0]].translation;
  for (std::size_t j = 0; j < bodies_.size(); ++j) {
    const Pose &pose = state.poses[bodies_[j]];
    move->poses[j] = {pose.rotation, pose.translation + (j < first_size_ ? 1.0 : -1.0) * way};
  }
  return 0;
}

TurnMover::TurnMover(std::string name, BodyGroup group, std::vector<Vec3> axes)
    : Mover(std::move(name)), bodies_(std::move(group)), axes_(std::move(axes)) {
  check_group(this->name(), bodies_);
  if (axes_.empty()) throw std::domain_error("mover " + this->name() + " has no axis");
  for (Vec3 &axis : axes_) {
    const double length = norm(axis);
    if (!(length > 0 && std::isfinite(length)))
      throw std::domain_error("mover " + this->name() + " has an axis without direction");
    axis = (1 / length) * axis;
  }
}

double TurnMover::propose(const MoverState &state, double, Random &random, Move *move) const {
  const Vec3 &axis = axes_[random.below(axes_.size())];
  const bool half = random.uniform() < 0.5;
  const double angle = half ? kPi : random.uniform(-kPi, kPi);
  const Pose &body = state.poses[bodies_[0]];
  const Quaternion turn = rotation_about(angle * (body.rotation * axis));
  move->bodies = bodies_;
  move->poses.resize(bodies_.size());
  for (std::size_t j = 0; j < bodies_.size(); ++j) {
    const Pose &pose = state.poses[bodies_[j]];
    move->poses[j] = {normalized(turn * pose.rotation),
                      turn * (pose.translation - body.translation) + body.translation};
  }
  return 0;
}

}  // namespace emcore

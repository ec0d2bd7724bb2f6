#include "sample/global_movers.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "math/constants.h"
#include "mixture/principal_axes.h"

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

// Bodies [begin, end) of the list follow the first of them, which goes to `to`.
void carry(const MoverState &state, const std::vector<std::size_t> &bodies, std::size_t begin,
           std::size_t end, const Pose &to, Move *move) {
  const Pose &from = state.poses[bodies[begin]];
  const Quaternion turn = to.rotation * conjugate(from.rotation);
  for (std::size_t j = begin; j < end; ++j) {
    const Pose &pose = state.poses[bodies[j]];
    move->poses[j] = {normalized(turn * pose.rotation),
                      turn * (pose.translation - from.translation) + to.translation};
  }
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

AlignedSwapMover::AlignedSwapMover(std::string name, BodyGroup first, BodyGroup second,
                                   const Quaternion &first_frame, const Quaternion &second_frame)
    : Mover(std::move(name)),
      first_size_(first.size()),
      bodies_(two_groups(this->name(), std::move(first), second)) {
  const auto checked = [&](const Quaternion &q) {
    const double square = q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
    if (!(square > 0 && std::isfinite(square)))
      throw std::domain_error("mover " + this->name() + " has principal axes without direction");
    return normalized(q);
  };
  first_frame_ = checked(first_frame);
  second_frame_ = checked(second_frame);
}

double AlignedSwapMover::propose(const MoverState &state, double, Random &random,
                                 Move *move) const {
  const Pose &first = state.poses[bodies_[0]], &second = state.poses[bodies_[first_size_]];
  const std::size_t flip = random.below(kFlips), other_flip = random.below(kFlips);
  move->bodies = bodies_;
  move->poses.resize(bodies_.size());
  carry(state, bodies_, 0, first_size_,
        {aligned_rotation(first_frame_, second.rotation, second_frame_, flip), second.translation},
        move);
  carry(state, bodies_, first_size_, bodies_.size(),
        {aligned_rotation(second_frame_, first.rotation, first_frame_, other_flip),
         first.translation},
        move);
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

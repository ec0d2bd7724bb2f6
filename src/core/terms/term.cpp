#include "terms/term.h"

#include <stdexcept>

namespace emcore {

void MovedPoses::reset(const std::vector<Pose> &poses) {
  reject();
  poses_ = poses;
  rotations_.resize(poses.size());
  slot_.assign(poses.size(), none);
  for (std::size_t b = 0; b < poses.size(); ++b) rotations_[b] = matrix(poses[b].rotation);
}

void MovedPoses::propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) {
  reject();
  bodies_ = bodies;
  proposed_ = poses;
  proposed_rotations_.resize(poses.size());
  for (std::size_t j = 0; j < bodies.size(); ++j) {
    slot_[bodies[j]] = j;
    proposed_rotations_[j] = matrix(poses[j].rotation);
  }
}

void MovedPoses::accept() {
  for (std::size_t j = 0; j < bodies_.size(); ++j) {
    poses_[bodies_[j]] = proposed_[j];
    rotations_[bodies_[j]] = proposed_rotations_[j];
  }
  reject();
}

void MovedPoses::reject() {
  for (std::size_t b : bodies_) slot_[b] = none;
  bodies_.clear();
}

double Term::evaluate_moved(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses,
                            std::vector<PoseGradient> *gradients) const {
  std::vector<PoseGradient> all;
  const double value = evaluate(poses, gradients ? &all : nullptr);
  if (gradients) {
    gradients->clear();
    for (std::size_t b : bodies) gradients->push_back(all.at(b));
  }
  return value;
}

double Term::pair_score(std::size_t, const Pose &, std::size_t, const Pose &) const { return 0; }

void Term::set_parameters(const std::vector<double> &values) {
  if (!values.empty())
    throw std::domain_error(name_ + " has no parameters, got " + std::to_string(values.size()));
}

double Term::propose_parameter(std::size_t index, double) {
  throw std::out_of_range(name_ + " has no parameter " + std::to_string(index));
}

void check_poses(const Term &term, const std::vector<Pose> &poses) {
  if (poses.size() != term.bodies())
    throw std::domain_error(term.name() + " needs one pose a body (" +
                            std::to_string(term.bodies()) + "), got " +
                            std::to_string(poses.size()));
}

}  // namespace emcore

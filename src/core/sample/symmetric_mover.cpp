#include "sample/symmetric_mover.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace emcore {

SymmetricMover::SymmetricMover(std::shared_ptr<const Mover> mover,
                               const std::vector<BodyImage> &images)
    : Mover(mover->name()), mover_(std::move(mover)), bodies_(mover_->bodies()) {
  const std::vector<std::size_t> &own = mover_->bodies();
  for (const BodyImage &image : images) {
    if (std::find(own.begin(), own.end(), image.image) != own.end())
      throw std::domain_error("mover " + name() + " moves body " + std::to_string(image.image) +
                              ", which is the image of another");
    if (std::find(own.begin(), own.end(), image.source) == own.end()) continue;
    if (std::find(bodies_.begin(), bodies_.end(), image.image) != bodies_.end())
      throw std::domain_error("body " + std::to_string(image.image) + " is an image twice");
    images_.push_back(image);
    bodies_.push_back(image.image);
  }
}

double SymmetricMover::propose(const MoverState &state, double scale, Random &random,
                               Move *move) const {
  const double log_ratio = mover_->propose(state, scale, random, move);
  const std::size_t own = move->bodies.size();
  for (const BodyImage &image : images_)
    for (std::size_t j = 0; j < own; ++j)
      if (move->bodies[j] == image.source) {
        const Pose pose = image_pose(image, move->poses[j]);
        move->bodies.push_back(image.image);
        move->poses.push_back(pose);
      }
  return log_ratio;
}

}  // namespace emcore

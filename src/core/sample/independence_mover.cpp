#include "sample/independence_mover.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace emcore {

IndependenceMover::IndependenceMover(std::string name, std::vector<BodyGroup> groups,
                                     std::vector<PoseDensity> densities)
    : Mover(std::move(name)), groups_(std::move(groups)), densities_(std::move(densities)) {
  if (densities_.size() != groups_.size())
    throw std::domain_error("mover " + this->name() + " needs one density a group (" +
                            std::to_string(groups_.size()) + "), got " +
                            std::to_string(densities_.size()));
  for (const BodyGroup &group : groups_) {
    check_group(this->name(), group);
    bodies_.insert(bodies_.end(), group.begin(), group.end());
  }
  check_group(this->name(), bodies_);
}

double IndependenceMover::propose(const MoverState &state, double, Random &random,
                                  Move *move) const {
  move->bodies.clear();
  move->poses.clear();
  // Which ones does not depend on where they are.
  std::size_t count = 1;
  while (count < groups_.size() && random.uniform() < 0.25) ++count;
  double log_ratio = 0;
  for (std::size_t g = 0, left = groups_.size(); count > 0; ++g, --left) {
    if (random.below(left) >= count) continue;  // each subset of that size is as likely
    --count;
    const Pose &old = state.poses[groups_[g][0]];
    const Pose drawn = densities_[g].draw(random);
    const Quaternion turn = normalized(drawn.rotation * conjugate(old.rotation));
    for (std::size_t b : groups_[g]) {
      const Pose &pose = state.poses[b];
      move->bodies.push_back(b);
      move->poses.push_back({normalized(turn * pose.rotation),
                             turn * (pose.translation - old.translation) + drawn.translation});
    }
    log_ratio += densities_[g].log_density(old) - densities_[g].log_density(drawn);
  }
  return log_ratio;
}

}  // namespace emcore

// Proposals that do not depend on where a body is: places that the data suggest for it.
#ifndef EMGMM_SAMPLE_INDEPENDENCE_MOVER_H
#define EMGMM_SAMPLE_INDEPENDENCE_MOVER_H

#include <string>
#include <vector>

#include "sample/global_movers.h"
#include "sample/pose_density.h"

namespace emcore {

// Some bodies, each with what it carries, go to poses drawn from a fixed density q of each;
// accepted with the ratio of q(old) / q(new) (Hastings 1970). Mostly one body, each further one in
// a quarter of the cases, any of them: one alone may find its place taken by another.
class IndependenceMover : public Mover {
 public:
  // One density a group. Throws std::domain_error for no group, an empty one or a body twice.
  IndependenceMover(std::string name, std::vector<BodyGroup> groups,
                    std::vector<PoseDensity> densities);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<BodyGroup> groups_;
  std::vector<PoseDensity> densities_;
  std::vector<std::size_t> bodies_;
};

}  // namespace emcore

#endif

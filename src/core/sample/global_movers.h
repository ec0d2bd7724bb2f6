// Large moves out of a wrong arrangement: two bodies change places, or one turns over.
#ifndef EMGMM_SAMPLE_GLOBAL_MOVERS_H
#define EMGMM_SAMPLE_GLOBAL_MOVERS_H

#include <string>
#include <vector>

#include "sample/movers.h"

namespace emcore {

// A body and the beads that it carries along; the body comes first.
using BodyGroup = std::vector<std::size_t>;

// Throws std::domain_error for no bodies or one twice; `name` is the mover's.
void check_group(const std::string &name, BodyGroup bodies);

// Two groups exchange the places of their bodies; orientations stay. The way back is the same
// move, so the proposal is symmetric.
class SwapMover : public Mover {
 public:
  // Throws std::domain_error for an empty group or a body in both.
  SwapMover(std::string name, BodyGroup first, BodyGroup second);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::size_t first_size_;
  std::vector<std::size_t> bodies_;
};

// A group turns about one of its body's own axes through the body's origin: half the time by half
// a turn, else by any angle. The axes are fixed in the body, and an angle is as likely as its
// negative, so the proposal is symmetric.
class TurnMover : public Mover {
 public:
  // axes: in the body's frame, of any length. Throws std::domain_error for none or a zero one.
  TurnMover(std::string name, BodyGroup group, std::vector<Vec3> axes);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<std::size_t> bodies_;
  std::vector<Vec3> axes_;  // of length 1
};

}  // namespace emcore

#endif

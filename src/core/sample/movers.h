// Trial moves of Monte Carlo: each proposes new poses and says how the proposal is to be weighed.
#ifndef EMGMM_SAMPLE_MOVERS_H
#define EMGMM_SAMPLE_MOVERS_H

#include <string>
#include <utility>
#include <vector>

#include "math/random.h"
#include "mixture/gaussian.h"

namespace emcore {

struct Move {
  std::vector<std::size_t> bodies;
  std::vector<Pose> poses;  // one each
  // Or, with no bodies: a new value of one parameter of one term.
  std::size_t term = 0, parameter = 0;
  double value = 0;
};

// What a mover may look at: the state of one replica.
struct MoverState {
  const std::vector<Pose> &poses;
  const std::vector<std::vector<double>> &parameters;  // of each term
};

// The share of accepted steps that a burn-in tunes them to: near the best for few dimensions
// (Roberts and Rosenthal 2001).
constexpr double kWantedAcceptance = 0.3;

// A mover has no state of its own: all replicas share it.
class Mover {
 public:
  explicit Mover(std::string name) : name_(std::move(name)) {}
  virtual ~Mover() = default;
  const std::string &name() const { return name_; }

  // Fills `move`; `scale` multiplies the largest step. Returns the log of q(back) / q(there), 0
  // for a symmetric proposal.
  virtual double propose(const MoverState &state, double scale, Random &random,
                         Move *move) const = 0;
  // Bodies it may move, for checks.
  virtual const std::vector<std::size_t> &bodies() const = 0;

 private:
  std::string name_;
};

// Bodies moved as one: a translation uniform in a ball and a turn by an angle uniform in
// [-max_rotation, max_rotation] about an axis of any direction, as IMP.core.RigidBodyMover and
// TransformMover do. The axis runs through the origin of `center`, or through the mean of all
// origins: both are carried along rigidly, so that the way back is as likely as the way there.
class RigidMover : public Mover {
 public:
  static constexpr std::size_t mean_of_all = static_cast<std::size_t>(-1);
  // Throws std::domain_error for no bodies, a body named twice, or steps that are not finite.
  RigidMover(std::string name, std::vector<std::size_t> bodies, double max_translation,
             double max_rotation, std::size_t center = mean_of_all);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<std::size_t> bodies_;
  double max_translation_;  // Å
  double max_rotation_;     // rad
  std::size_t center_;
};

// A parameter of a term: a step uniform in [-max_step, max_step], reflected at its bounds.
class ParameterMover : public Mover {
 public:
  ParameterMover(std::string name, std::size_t term, std::size_t parameter, double low, double high,
                 double max_step);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }
  std::size_t term() const { return term_; }
  std::size_t parameter() const { return parameter_; }

 private:
  std::vector<std::size_t> bodies_;
  std::size_t term_, parameter_;
  double low_, high_, max_step_;
};

}  // namespace emcore

#endif

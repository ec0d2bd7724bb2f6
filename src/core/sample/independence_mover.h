// Proposals that do not depend on where a body is: places that the data suggest for it.
#ifndef EMGMM_SAMPLE_INDEPENDENCE_MOVER_H
#define EMGMM_SAMPLE_INDEPENDENCE_MOVER_H

#include <string>
#include <vector>

#include "sample/global_movers.h"

namespace emcore {

struct PoseMixtureOptions {
  double translation_sd = 2;  // Å, about each center, in each direction
  double rotation_sd = 0.1;   // rad, likewise of the rotation vector
  // The broad component: any orientation, places Gaussian about a point.
  double broad_weight = 0.1;  // its share
  Vec3 broad_center;          // Å
  double broad_sd = 50;       // Å, in each direction
};

// A normalised density of poses, per Å³ and per unit of the normalised Haar measure of rotations,
// positive everywhere. About each center the translation is Gaussian, and so is the rotation
// vector, cut off at half a turn; beside these the broad component.
class PoseMixture {
 public:
  // weights: of the centers, relative. Throws std::domain_error for numbers that fit no density.
  PoseMixture(std::vector<Pose> centers, std::vector<double> weights,
              const PoseMixtureOptions &options);

  double log_density(const Pose &pose) const;
  Pose draw(Random &random) const;

 private:
  std::vector<Pose> centers_;
  std::vector<double> shares_, log_weights_;  // running sums; of the centers, then the broad one
  PoseMixtureOptions options_;
  double log_narrow_, log_broad_;  // normalisation
};

// Some bodies, each with what it carries, go to poses drawn from a fixed density q of each;
// accepted with the ratio of q(old) / q(new) (Hastings 1970). Mostly one body, each further one in
// a quarter of the cases, any of them: one alone may find its place taken by another.
class IndependenceMover : public Mover {
 public:
  // One density a group. Throws std::domain_error for no group, an empty one or a body twice.
  IndependenceMover(std::string name, std::vector<BodyGroup> groups,
                    std::vector<PoseMixture> densities);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<BodyGroup> groups_;
  std::vector<PoseMixture> densities_;
  std::vector<std::size_t> bodies_;
};

}  // namespace emcore

#endif

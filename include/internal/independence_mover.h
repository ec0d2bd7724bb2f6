// Proposals that do not depend on where a body is: places that the data suggest for it.
#ifndef IMPEMGMM_INTERNAL_INDEPENDENCE_MOVER_H
#define IMPEMGMM_INTERNAL_INDEPENDENCE_MOVER_H

#include <IMP/emgmm/internal/global_movers.h>

#include <string>
#include <vector>

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

// A body goes to a pose drawn from a fixed density q, with what it carries; accepted with the
// ratio q(old) / q(new) (Hastings 1970).
class IndependenceMover : public Mover {
 public:
  // Throws std::domain_error for an empty group or a body twice.
  IndependenceMover(std::string name, BodyGroup group, PoseMixture density);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<std::size_t> bodies_;
  PoseMixture density_;
};

}  // namespace emcore

#endif

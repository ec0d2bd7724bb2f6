// A density of poses, from which moves draw: near some poses, and now and then anywhere.
#ifndef EMGMM_SAMPLE_POSE_DENSITY_H
#define EMGMM_SAMPLE_POSE_DENSITY_H

#include <vector>

#include "math/random.h"
#include "mixture/gaussian.h"

namespace emcore {

struct PoseDensityOptions {
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
class PoseDensity {
 public:
  // weights: of the centers, relative. Throws std::domain_error for numbers that fit no density.
  PoseDensity(std::vector<Pose> centers, std::vector<double> weights,
              const PoseDensityOptions &options);

  double log_density(const Pose &pose) const;
  Pose draw(Random &random) const;

  const std::vector<Pose> &centers() const { return centers_; }
  const std::vector<double> &weights() const { return weights_; }
  const PoseDensityOptions &options() const { return options_; }

 private:
  std::vector<Pose> centers_;
  std::vector<double> weights_;               // of the centers, as given
  std::vector<double> shares_, log_weights_;  // running sums; of the centers, then the broad one
  PoseDensityOptions options_;
  double log_narrow_, log_broad_;  // normalisation
};

}  // namespace emcore

#endif

// Minimisation over the poses of rigid bodies with forces and torques.
#ifndef EMGMM_SAMPLE_MINIMIZE_H
#define EMGMM_SAMPLE_MINIMIZE_H

#include <vector>

#include "terms/pose_function.h"

namespace emcore {

struct MinimizeOptions {
  int max_evaluations = 200;
  double tolerance = 1e-4;  // stops when 5 steps together gain less, kT
  double max_step = 3;      // Å that any body may move, or turn at its radius, in one step
};

struct MinimizeResult {
  std::vector<Pose> poses;
  double value;  // kT
  int evaluations;
  bool converged;  // by the tolerance, not by max_evaluations
};

// Limited-memory BFGS over translations and, scaled by each body's radius, rotations about the
// bodies' origins. radii: Å, radius of gyration; 0 for a body that does not rotate, negative for
// one that stays where it is.
MinimizeResult minimize_poses(const PoseFunction &function, std::vector<Pose> start,
                              const std::vector<double> &radii, const MinimizeOptions &options);

}  // namespace emcore

#endif

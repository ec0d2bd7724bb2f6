#include "terms/density_term.h"

namespace emcore {

double DensityTerm::evaluate(const std::vector<Pose> &poses,
                             std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  return score_.mixture_score().evaluate_bodies(score_.bodies(), poses, gradients);
}

}  // namespace emcore

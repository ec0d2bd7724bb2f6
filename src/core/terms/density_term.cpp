#include "terms/density_term.h"

namespace emcore {

double DensityTerm::evaluate(const std::vector<Pose> &poses,
                             std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  std::vector<Mixture> placed;
  Mixture model;
  for (std::size_t b = 0; b < poses.size(); ++b) {
    placed.push_back(moved(score_.body(b), poses[b]));
    model.insert(model.end(), placed.back().begin(), placed.back().end());
  }
  std::vector<GaussianGradient> by_component;
  const double value = score_.mixture_score().evaluate(model, gradients ? &by_component : nullptr);
  if (!gradients) return value;
  gradients->clear();
  auto next = by_component.begin();
  for (std::size_t b = 0; b < poses.size(); ++b) {
    const auto end = next + static_cast<std::ptrdiff_t>(placed[b].size());
    gradients->push_back(rigid_gradient(placed[b], {next, end}, poses[b].translation));
    next = end;
  }
  return value;
}

}  // namespace emcore

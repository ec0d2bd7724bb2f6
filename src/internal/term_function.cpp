#include <IMP/emgmm/internal/term_function.h>

namespace emcore {

PoseFunction pose_function(const std::vector<TermWeight> &terms) {
  if (terms.empty()) return nullptr;
  return [terms](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
    double sum = 0;
    std::vector<PoseGradient> own;
    if (gradients) gradients->assign(poses.size(), PoseGradient());
    for (const TermWeight &t : terms) {
      sum += t.weight * t.term->evaluate(poses, gradients ? &own : nullptr);
      for (std::size_t b = 0; gradients && b < own.size(); ++b) {
        (*gradients)[b].by_translation += t.weight * own[b].by_translation;
        (*gradients)[b].by_rotation += t.weight * own[b].by_rotation;
      }
    }
    return sum;
  };
}

PairScore pair_function(const std::vector<TermWeight> &terms) {
  if (terms.empty()) return nullptr;
  return [terms](std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c) {
    double sum = 0;
    for (const TermWeight &t : terms) sum += t.weight * t.term->pair_score(b, at_b, c, at_c);
    return sum;
  };
}

}  // namespace emcore

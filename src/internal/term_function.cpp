#include <IMP/emgmm/internal/term_function.h>

namespace emcore {

namespace {

void add_gradient(double weight, const PoseGradient &own, PoseGradient *sum) {
  sum->by_translation += weight * own.by_translation;
  sum->by_rotation += weight * own.by_rotation;
}

}  // namespace

PoseFunction pose_function(const std::vector<TermWeight> &terms) {
  if (terms.empty()) return nullptr;
  return [terms](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
    double sum = 0;
    std::vector<PoseGradient> own;
    if (gradients) gradients->assign(poses.size(), PoseGradient());
    for (const TermWeight &t : terms) {
      sum += t.weight * t.term->evaluate(poses, gradients ? &own : nullptr);
      for (std::size_t b = 0; gradients && b < own.size(); ++b)
        add_gradient(t.weight, own[b], &(*gradients)[b]);
    }
    return sum;
  };
}

PoseFunction moved_pose_function(const std::vector<TermWeight> &terms,
                                 const std::vector<std::size_t> &bodies) {
  if (terms.empty()) return nullptr;
  return [terms, bodies](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
    double sum = 0;
    std::vector<PoseGradient> own;
    if (gradients) gradients->assign(poses.size(), PoseGradient());
    for (const TermWeight &t : terms) {
      sum += t.weight * t.term->evaluate_moved(bodies, poses, gradients ? &own : nullptr);
      for (std::size_t j = 0; gradients && j < own.size(); ++j)
        add_gradient(t.weight, own[j], &(*gradients)[bodies[j]]);
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

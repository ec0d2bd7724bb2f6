#include "terms/pose_function.h"

namespace emcore {

namespace {

// Weighted sum of what `evaluate` says of each term: its value, and derivatives that belong to
// body_of(0), body_of(1), ...
template <class Evaluate, class BodyOf>
PoseFunction weighted_sum(const std::vector<WeightedTerm> &terms, Evaluate evaluate,
                          BodyOf body_of) {
  if (terms.empty()) return nullptr;
  return [=](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
    double sum = 0;
    std::vector<PoseGradient> own;
    if (gradients) gradients->assign(poses.size(), PoseGradient());
    for (const WeightedTerm &t : terms) {
      sum += t.weight * evaluate(*t.term, poses, gradients ? &own : nullptr);
      for (std::size_t j = 0; gradients && j < own.size(); ++j) {
        PoseGradient &of_body = (*gradients)[body_of(j)];
        of_body.by_translation += t.weight * own[j].by_translation;
        of_body.by_rotation += t.weight * own[j].by_rotation;
      }
    }
    return sum;
  };
}

}  // namespace

PoseFunction pose_function(const std::vector<WeightedTerm> &terms) {
  return weighted_sum(
      terms,
      [](const Term &term, const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
        return term.evaluate(poses, gradients);
      },
      [](std::size_t b) { return b; });
}

PoseFunction moved_pose_function(const std::vector<WeightedTerm> &terms,
                                 const std::vector<std::size_t> &bodies) {
  return weighted_sum(
      terms,
      [bodies](const Term &term, const std::vector<Pose> &poses,
               std::vector<PoseGradient> *gradients) {
        return term.evaluate_moved(bodies, poses, gradients);
      },
      [bodies](std::size_t j) { return bodies[j]; });
}

PairScore pair_function(const std::vector<WeightedTerm> &terms) {
  if (terms.empty()) return nullptr;
  return [terms](std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c) {
    double sum = 0;
    for (const WeightedTerm &t : terms) sum += t.weight * t.term->pair_score(b, at_b, c, at_c);
    return sum;
  };
}

}  // namespace emcore

#include "search/problem.h"

namespace emcore {

namespace {

// The density and the extra terms, all bodies at once.
double placement_score(const PlacementProblem &problem, const std::vector<Pose> &poses,
                       std::vector<PoseGradient> *gradients) {
  double value = problem.score->evaluate_bodies(problem.bodies, poses, gradients);
  if (problem.extra) {
    std::vector<PoseGradient> more;
    value += problem.extra(poses, gradients ? &more : nullptr);
    for (std::size_t b = 0; gradients && b < more.size(); ++b) {
      (*gradients)[b].by_translation += more[b].by_translation;
      (*gradients)[b].by_rotation += more[b].by_rotation;
    }
  }
  return value;
}

}  // namespace

PlacementSolution refined_together(const PlacementProblem &problem, const std::vector<Pose> &poses,
                                   int evaluations) {
  MinimizeOptions minimize;
  minimize.max_evaluations = evaluations;
  minimize.tolerance = 1e-3;
  const MinimizeResult best =
      minimize_poses([&](const std::vector<Pose> &p,
                         std::vector<PoseGradient> *g) { return placement_score(problem, p, g); },
                     poses, problem.radii, minimize);
  return {ranked_score(best.value), best.poses};
}

PlacementMove refined_alone(const PlacementProblem &problem, MovedScore *kept,
                            const PlacementMove &move, int evaluations) {
  std::vector<double> radii;
  for (std::size_t b : move.bodies) radii.push_back(problem.radii[b]);
  MinimizeOptions minimize;
  minimize.max_evaluations = evaluations;
  minimize.tolerance = 1e-2;
  std::vector<Pose> all = kept->poses();
  const MinimizeResult best = minimize_poses(
      [&](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
        double value = kept->propose(move.bodies, poses);
        for (std::size_t j = 0; j < poses.size(); ++j) all[move.bodies[j]] = poses[j];
        std::vector<PoseGradient> more;
        if (problem.extra) value += problem.extra(all, gradients ? &more : nullptr);
        if (gradients) {
          gradients->clear();
          for (std::size_t b : move.bodies) {
            gradients->push_back(kept->gradient(b));
            if (more.empty()) continue;
            gradients->back().by_translation += more[b].by_translation;
            gradients->back().by_rotation += more[b].by_rotation;
          }
        }
        return value;
      },
      move.poses, radii, minimize);
  kept->reject();
  return {ranked_score(best.value), move.bodies, best.poses};
}

}  // namespace emcore

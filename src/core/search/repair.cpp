#include "search/repair.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "math/random.h"
#include "mixture/principal_axes.h"

namespace emcore {

namespace {

// The four rotations that put the principal axes of body b where those of body c are.
std::vector<Quaternion> aligned_rotations(const PlacementProblem &problem, std::size_t b,
                                          std::size_t c, const Quaternion &rotation_c) {
  std::vector<Quaternion> result;
  for (std::size_t flip = 0; flip < kFlips; ++flip)
    result.push_back(aligned_rotation(problem.frames[b], rotation_c, problem.frames[c], flip));
  return result;
}

// Step 4 for one body: everything that it could do, scored with the others in place.
std::vector<PlacementMove> scanned_moves(const PlacementProblem &problem, MovedScore *scan,
                                         std::size_t b, const std::vector<Quaternion> &rotations) {
  const std::vector<Pose> poses = scan->poses();
  std::vector<PlacementMove> moves;
  const auto try_move = [&](std::vector<std::size_t> bodies, std::vector<Pose> proposed) {
    double value = scan->propose(bodies, proposed);
    scan->reject();
    if (problem.extra) {
      std::vector<Pose> all = poses;
      for (std::size_t j = 0; j < bodies.size(); ++j) all[bodies[j]] = proposed[j];
      value += problem.extra(all, nullptr);
    }
    moves.push_back({ranked_score(value), std::move(bodies), std::move(proposed)});
  };
  for (const PlacementCandidate &candidate : problem.candidates(b)) try_move({b}, {candidate.pose});
  for (const Quaternion &rotation : rotations)
    try_move({b}, {Pose{rotation, poses[b].translation}});
  for (std::size_t c = 0; c < poses.size(); ++c) {
    if (c == b || problem.kinds[c] == problem.kinds[b]) continue;
    for (const Quaternion &qb : aligned_rotations(problem, b, c, poses[c].rotation))
      for (const Quaternion &qc : aligned_rotations(problem, c, b, poses[b].rotation))
        try_move({b, c}, {Pose{qb, poses[c].translation}, Pose{qc, poses[b].translation}});
  }
  constexpr std::size_t best = 12;
  std::partial_sort(
      moves.begin(), moves.begin() + std::min(best, moves.size()), moves.end(),
      [](const PlacementMove &x, const PlacementMove &y) { return x.score < y.score; });
  moves.resize(std::min(best, moves.size()));
  return moves;
}

}  // namespace

std::vector<double> missed_of_bodies(const std::shared_ptr<const MixtureScore> &score,
                                     const std::vector<Mixture> &bodies,
                                     const std::vector<Pose> &poses) {
  MovedScore exact(score, bodies);
  exact.reset(poses);
  std::vector<double> missed;
  for (std::size_t b = 0; b < bodies.size(); ++b) {
    const Pose away{poses[b].rotation, poses[b].translation + Vec3{1e4, 0, 0}};
    missed.push_back((exact.propose({b}, {away}) - exact.score()) / mass(bodies[b]));
    exact.reject();
  }
  return missed;
}

PlacementSolution improved_placement(const PlacementProblem &problem, PlacementSolution solution,
                                     std::uint64_t stream) {
  Random random(problem.options.seed, stream);
  MovedScore scan(problem.single_score, problem.bodies), exact(problem.score, problem.bodies);
  const std::size_t n = problem.bodies.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::size_t unchanged = 0;  // bodies in a row for which nothing better was found
  for (int sweep = 0; sweep < problem.options.sweeps && unchanged < n; ++sweep) {
    for (std::size_t j = n - 1; j > 0; --j) std::swap(order[j], order[random.below(j + 1)]);
    for (std::size_t b : order) {
      if (problem.stopped()) return solution;
      scan.reset(solution.poses);
      exact.reset(solution.poses);
      const std::vector<Quaternion> rotations =
          even_rotations(problem.options.rotations, random.rotation());
      PlacementMove best{solution.score - 0.01, {}, {}};
      for (const PlacementMove &move : scanned_moves(problem, &scan, b, rotations)) {
        const PlacementMove trial = refined_alone(problem, &exact, move, 30);
        if (trial.score < best.score) best = trial;
      }
      ++unchanged;
      if (best.bodies.empty()) continue;
      for (std::size_t j = 0; j < best.bodies.size(); ++j)
        solution.poses[best.bodies[j]] = best.poses[j];
      solution = refined_together(problem, solution.poses, 60);
      unchanged = 0;
    }
  }
  return refined_together(problem, solution.poses, 200);
}

}  // namespace emcore

#include "search/placement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "math/parallel.h"
#include "math/random.h"
#include "mixture/principal_axes.h"
#include "search/by_size.h"
#include "search/candidates.h"
#include "search/problem.h"
#include "search/repair.h"

namespace emcore {

namespace {

constexpr std::size_t kWidthBySize = 3;
constexpr std::size_t kRefinedBySize = 120;
// Pairs of candidates that the choice of combinations looks at grow with the square of these.
constexpr std::size_t kCandidatesOfAll = 2000;

// The same up to an exchange of identical bodies.
bool is_same_arrangement(const PlacementProblem &problem, const std::vector<Pose> &a,
                         const std::vector<Pose> &b) {
  std::vector<char> taken(b.size(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    bool matched = false;
    for (std::size_t j = 0; j < b.size() && !matched; ++j) {
      if (taken[j] || problem.kinds[i] != problem.kinds[j]) continue;
      matched = is_same_place(a[i], b[j], problem.radii[i]);
      if (matched) taken[j] = 1;
    }
    if (!matched) return false;
  }
  return true;
}

// Best first, each arrangement once.
std::vector<PlacementSolution> distinct_solutions(const PlacementProblem &problem,
                                                  std::vector<PlacementSolution> solutions) {
  std::stable_sort(
      solutions.begin(), solutions.end(),
      [](const PlacementSolution &a, const PlacementSolution &b) { return a.score < b.score; });
  std::vector<PlacementSolution> distinct;
  for (const PlacementSolution &s : solutions) {
    const bool known = std::any_of(distinct.begin(), distinct.end(), [&](const auto &d) {
      return is_same_arrangement(problem, d.poses, s.poses);
    });
    if (!known && distinct.size() < problem.options.solutions) distinct.push_back(s);
  }
  return distinct;
}

// Arrangements that put the largest bodies first, one search for each weight of the extra terms.
std::vector<std::vector<Pose>> starts_by_size(const PlacementProblem &problem) {
  PlacementOptions options = problem.options;
  options.rotations = std::min(options.rotations, kRotationsBySize);
  options.candidates = 50;
  options.refined = kRefinedBySize;
  std::vector<std::vector<Pose>> result;
  for (double share : options.pair_score ? std::vector<double>{0, 0.05} : std::vector<double>{0})
    for (std::vector<Pose> &poses :
         placed_by_size(problem.score->data(), problem.bodies, kWidthBySize, share, options))
      result.push_back(std::move(poses));
  return result;
}

// Arrangements of candidates, and by size.
std::vector<std::vector<Pose>> starts_of_search(const PlacementProblem &problem) {
  const std::size_t n = problem.bodies.size();
  std::vector<const std::vector<PlacementCandidate> *> candidates;
  for (std::size_t b = 0; b < n; ++b) candidates.push_back(&problem.candidates(b));
  std::vector<std::vector<Pose>> starts;
  if (n > 2) starts = starts_by_size(problem);
  for (const std::vector<std::size_t> &choice : placement_combinations(
           problem.bodies, candidates, {nullptr, problem.options.pair_score}, problem.options)) {
    starts.emplace_back();
    for (std::size_t b = 0; b < n; ++b)
      starts.back().push_back(problem.candidates(b)[choice[b]].pose);
  }
  return starts;
}

// Steps 1 to 4 once.
std::vector<PlacementSolution> searched(PlacementProblem *state) {
  PlacementOptions options = state->options;
  const std::size_t n = state->bodies.size();
  options.candidates = std::min(options.candidates, std::max<std::size_t>(1, kCandidatesOfAll / n));
  state->candidates_of_kind.clear();
  for (std::size_t b = 0; b < n; ++b) {
    if (state->stopped()) return {};
    std::vector<PlacementCandidate> &own = state->candidates_of_kind[state->kinds[b]];
    if (own.empty())
      own = placement_candidates(state->score->data(), {}, state->bodies[b], options);
  }
  const PlacementProblem &problem = *state;
  const std::vector<std::vector<Pose>> starts =
      options.starts.empty() ? starts_of_search(problem) : options.starts;
  std::vector<PlacementSolution> solutions(starts.size());
  parallel_for(solutions.size(), options.threads,
               [&](std::size_t s) { solutions[s] = refined_together(problem, starts[s], 150); });
  solutions = distinct_solutions(problem, std::move(solutions));
  if (options.sweeps == 0) return solutions;
  parallel_for(solutions.size(), options.threads, [&](std::size_t s) {
    solutions[s] = improved_placement(problem, solutions[s], 5000 + s);
  });
  return distinct_solutions(problem, std::move(solutions));
}

}  // namespace

std::vector<PlacementSolution> place_bodies(std::shared_ptr<const MixtureScore> score,
                                            const std::vector<Mixture> &bodies,
                                            const std::vector<int> &kinds,
                                            const PoseFunction &extra,
                                            const PlacementOptions &options) {
  if (bodies.empty()) throw std::domain_error("placement needs at least one body");
  if (kinds.size() != bodies.size())
    throw std::domain_error("placement needs one kind a body, got " + std::to_string(kinds.size()) +
                            " for " + std::to_string(bodies.size()));
  ScoreOptions single = score->options();
  single.single_precision = true;
  PlacementProblem problem{score,  std::make_shared<MixtureScore>(score->data(), single),
                           bodies, kinds,
                           {},     {},
                           {},     extra,
                           options};
  for (std::size_t b = 0; b < bodies.size(); ++b) {
    if (bodies[b].empty())
      throw std::domain_error("body " + std::to_string(b) + " has no components to place");
    check_mixture(bodies[b], ("body " + std::to_string(b)).c_str());
    problem.radii.push_back(gyration_radius(bodies[b]));
    problem.frames.push_back(principal_frame(bodies[b], {}));
  }
  std::vector<PlacementSolution> solutions;
  Random seeds(options.seed, 42);
  for (int search = 0; search < options.searches && !problem.stopped(); ++search) {
    problem.options.seed = seeds.bits();
    for (const PlacementSolution &s : searched(&problem)) {
      const auto known = std::find_if(solutions.begin(), solutions.end(), [&](const auto &d) {
        return is_same_arrangement(problem, d.poses, s.poses);
      });
      if (known == solutions.end()) {
        solutions.push_back(s);
        continue;
      }
      ++known->found;
      if (s.score < known->score) known->score = s.score, known->poses = s.poses;
    }
    solutions = distinct_solutions(problem, std::move(solutions));
    if (!solutions.empty() && solutions.front().found >= options.confirmations) return solutions;
  }
  return solutions;
}

}  // namespace emcore

#include <IMP/emgmm/internal/em_algebra.h>
#include <IMP/emgmm/internal/moved_score.h>
#include <IMP/emgmm/internal/parallel.h>
#include <IMP/emgmm/internal/placement.h>
#include <IMP/emgmm/internal/placement_by_size.h>
#include <IMP/emgmm/internal/placement_candidates.h>
#include <IMP/emgmm/internal/random.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

namespace emcore {

namespace {

// What every step of the search for one arrangement needs.
struct PlacementProblem {
  std::shared_ptr<const MixtureScore> score;         // double precision, for results
  std::shared_ptr<const MixtureScore> single_score;  // single precision, for scanning
  std::vector<Mixture> bodies;
  std::vector<int> kinds;
  std::vector<double> radii;
  std::vector<Mat3> axes;  // columns: principal axes in the local frame, longest first
  std::map<int, std::vector<PlacementCandidate>> candidates_of_kind;
  PoseFunction extra;
  PlacementOptions options;

  const std::vector<PlacementCandidate> &candidates(std::size_t b) const {
    return candidates_of_kind.at(kinds[b]);
  }

  double extra_score(const std::vector<Pose> &poses) const {
    return extra ? extra(poses, nullptr) : 0;
  }
  bool stopped() const { return options.stop && options.stop(); }
};

// Into what others leave, bodies go with fewer turns tried (19 degrees apart): small ones are left.
constexpr std::size_t kRotationsBySize = 1000;
constexpr std::size_t kWidthBySize = 3;
constexpr std::size_t kRefinedBySize = 120;
constexpr std::size_t kRefinedAnew = 200;
// Pairs of candidates that the choice of combinations looks at grow with the square of these.
constexpr std::size_t kCandidatesOfAll = 2000;

// Without a number nothing can be ranked: worse than all others.
double ranked(double score) { return std::isnan(score) ? 1e300 : score; }

struct PlacementMove {
  double score;
  std::vector<std::size_t> bodies;
  std::vector<Pose> poses;
};

// All bodies at once.
double placement_score(const PlacementProblem &problem, const std::vector<Pose> &poses,
                       std::vector<PoseGradient> *gradients) {
  Mixture model;
  for (std::size_t b = 0; b < poses.size(); ++b)
    for (const Gaussian &g : moved(problem.bodies[b], poses[b])) model.push_back(g);
  std::vector<GaussianGradient> by_component;
  double value = problem.score->evaluate(model, gradients ? &by_component : nullptr);
  if (gradients) {
    gradients->clear();
    std::size_t first = 0;
    for (std::size_t b = 0; b < poses.size(); ++b) {
      const std::size_t last = first + problem.bodies[b].size();
      gradients->push_back(rigid_gradient(
          {model.begin() + first, model.begin() + last},
          {by_component.begin() + first, by_component.begin() + last}, poses[b].translation));
      first = last;
    }
  }
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

PlacementSolution refined_together(const PlacementProblem &problem, const std::vector<Pose> &poses,
                                   int evaluations) {
  MinimizeOptions minimize;
  minimize.max_evaluations = evaluations;
  minimize.tolerance = 1e-3;
  const MinimizeResult best =
      minimize_poses([&](const std::vector<Pose> &p,
                         std::vector<PoseGradient> *g) { return placement_score(problem, p, g); },
                     poses, problem.radii, minimize);
  return {ranked(best.value), best.poses};
}

// Some bodies with the others where `kept` has them: only the moved ones are computed.
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
  return {ranked(best.value), move.bodies, best.poses};
}

// Eigenvectors of the second moments as columns in order of falling eigenvalue, right-handed.
Mat3 principal_axes(const Mixture &body) {
  Sym3 s;
  for (const Gaussian &g : body) s += g.weight * (g.covariance + outer(g.mean));
  const Eigen3 own = eigen(s);
  const Vec3 x = own.vectors[2], y = own.vectors[1], z = cross(x, y);
  Mat3 result;
  const Vec3 columns[3] = {x, y, z};
  for (int j = 0; j < 3; ++j)
    result.m[0][j] = columns[j].x, result.m[1][j] = columns[j].y, result.m[2][j] = columns[j].z;
  return result;
}

Quaternion quaternion_of(const Mat3 &r) {
  // Shepperd's choice of the largest component.
  const double t[4] = {r.m[0][0] + r.m[1][1] + r.m[2][2], r.m[0][0], r.m[1][1], r.m[2][2]};
  const int largest = std::max_element(t, t + 4) - t;
  Quaternion q;
  if (largest == 0)
    q = {1 + t[0], r.m[2][1] - r.m[1][2], r.m[0][2] - r.m[2][0], r.m[1][0] - r.m[0][1]};
  else if (largest == 1)
    q = {r.m[2][1] - r.m[1][2], 1 + 2 * t[1] - t[0], r.m[0][1] + r.m[1][0], r.m[0][2] + r.m[2][0]};
  else if (largest == 2)
    q = {r.m[0][2] - r.m[2][0], r.m[0][1] + r.m[1][0], 1 + 2 * t[2] - t[0], r.m[1][2] + r.m[2][1]};
  else
    q = {r.m[1][0] - r.m[0][1], r.m[0][2] + r.m[2][0], r.m[1][2] + r.m[2][1], 1 + 2 * t[3] - t[0]};
  return normalized(q);
}

// The four rotations that put the principal axes of body b where those of body c are.
std::vector<Quaternion> aligned_rotations(const PlacementProblem &problem, std::size_t b,
                                          std::size_t c, const Quaternion &rotation_c) {
  std::vector<Quaternion> result;
  const Quaternion from = quaternion_of(problem.axes[b]);
  const Quaternion to = rotation_c * quaternion_of(problem.axes[c]);
  for (const Quaternion &flip : {Quaternion{1, 0, 0, 0}, Quaternion{0, 1, 0, 0},
                                 Quaternion{0, 0, 1, 0}, Quaternion{0, 0, 0, 1}})
    result.push_back(to * flip * conjugate(from));
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
    moves.push_back({ranked(value), std::move(bodies), std::move(proposed)});
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

PlacementSolution improved(const PlacementProblem &problem, PlacementSolution solution,
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

// Takes out some bodies, those that the score misses least first, and places them together anew
// in what the others leave of the data.
PlacementSolution recreated(const PlacementProblem &problem, const PlacementSolution &solution,
                            std::uint64_t stream) {
  const std::size_t n = problem.bodies.size();
  PlacementOptions options = problem.options;
  Random random(options.seed, stream);
  options.seed = random.bits();
  options.rotations = std::min(options.rotations, kRotationsBySize);
  options.refined = kRefinedAnew;
  MovedScore exact(problem.score, problem.bodies);
  exact.reset(solution.poses);
  std::vector<std::pair<double, std::size_t>> by_cost;
  for (std::size_t b = 0; b < n; ++b) {
    const Pose away{solution.poses[b].rotation, solution.poses[b].translation + Vec3{1e4, 0, 0}};
    const double cost = (exact.propose({b}, {away}) - exact.score()) / mass(problem.bodies[b]);
    by_cost.emplace_back(ranked(cost * std::exp(0.5 * random.normal())), b);
  }
  exact.reject();
  std::sort(by_cost.begin(), by_cost.end());
  const std::size_t removed_count = std::min(n, 2 + random.below(n / 2 + 1));
  std::vector<std::size_t> removed;
  for (std::size_t j = 0; j < removed_count; ++j) removed.push_back(by_cost[j].second);
  std::sort(removed.begin(), removed.end());

  Mixture fixed;
  for (std::size_t b = 0; b < n; ++b)
    if (!std::binary_search(removed.begin(), removed.end(), b))
      for (const Gaussian &g : moved(problem.bodies[b], solution.poses[b])) fixed.push_back(g);
  std::map<int, std::vector<PlacementCandidate>> by_kind;
  std::vector<Mixture> bodies;
  std::vector<const std::vector<PlacementCandidate> *> candidates;
  for (std::size_t b : removed) {
    if (problem.stopped()) return solution;
    std::vector<PlacementCandidate> &own = by_kind[problem.kinds[b]];
    if (own.empty())
      own = placement_candidates(problem.score->data(), fixed, problem.bodies[b], options);
    candidates.push_back(&own);
    bodies.push_back(problem.bodies[b]);
  }
  PlacementGuide guide;
  if (options.pair_score) {
    guide.pair = [&](std::size_t i, const Pose &at_i, std::size_t j, const Pose &at_j) {
      return options.pair_score(removed[i], at_i, removed[j], at_j);
    };
    guide.alone = [&](std::size_t i, const Pose &at_i) {
      double sum = 0;
      for (std::size_t b = 0; b < n; ++b)
        if (!std::binary_search(removed.begin(), removed.end(), b))
          sum += options.pair_score(removed[i], at_i, b, solution.poses[b]);
      return sum;
    };
  }
  options.combinations = 6;
  PlacementSolution best = solution;
  for (const std::vector<std::size_t> &choice :
       placement_combinations(bodies, candidates, guide, options)) {
    std::vector<Pose> poses = solution.poses;
    for (std::size_t j = 0; j < removed.size(); ++j)
      poses[removed[j]] = (*candidates[j])[choice[j]].pose;
    const PlacementSolution trial = refined_together(problem, poses, 60);
    if (trial.score < best.score - 0.01) best = trial;
  }
  return best;
}

// Repair and recreation in turn, until `patience` recreations in a row changed nothing.
PlacementSolution polished(const PlacementProblem &problem, PlacementSolution solution,
                           std::uint64_t stream) {
  const int patience = 2 + static_cast<int>(problem.bodies.size()) / 2;
  for (int failures = 0, round = 0; failures < patience && !problem.stopped(); ++round) {
    PlacementSolution trial = recreated(problem, solution, stream + 2 * round);
    if (trial.score < solution.score - 0.01) {
      solution = improved(problem, trial, stream + 2 * round + 1);
      failures = 0;
    } else {
      ++failures;
    }
  }
  return solution;
}

// The same up to an exchange of identical bodies.
bool is_same_arrangement(const PlacementProblem &problem, const std::vector<Pose> &a,
                         const std::vector<Pose> &b) {
  std::vector<char> taken(b.size(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    bool matched = false;
    for (std::size_t j = 0; j < b.size() && !matched; ++j) {
      if (taken[j] || problem.kinds[i] != problem.kinds[j]) continue;
      const Quaternion turn = conjugate(a[i].rotation) * b[j].rotation;
      matched = norm(a[i].translation - b[j].translation) < 3 &&
                2 * std::acos(std::min(1.0, std::fabs(turn.w))) * problem.radii[i] < 4;
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
  parallel_for(solutions.size(), options.threads,
               [&](std::size_t s) { solutions[s] = improved(problem, solutions[s], 5000 + s); });
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
    problem.axes.push_back(principal_axes(bodies[b]));
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
  if (options.polished == 0 || problem.stopped()) return solutions;
  PlacementProblem alone = problem;  // two at a time, each on one thread
  alone.options.threads = 1;
  parallel_for(std::min(options.polished, solutions.size()), options.threads, [&](std::size_t s) {
    const PlacementSolution before = solutions[s];
    solutions[s] = polished(alone, before, 9000 + 500 * s);
    if (solutions[s].score < before.score - 0.01) solutions[s].found = 1;
  });
  return distinct_solutions(problem, std::move(solutions));
}

}  // namespace emcore

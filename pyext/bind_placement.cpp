// Global placement, for emgmm.placement.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bindings.h"
#include "search/placement.h"
#include "search/placement_candidates.h"
#include "search/placement_choices.h"
#include "search/placement_repair.h"
#include "terms/pose_function.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::vector<Mixture> to_mixtures(const nb::list &bodies) {
  std::vector<Mixture> mixtures;
  for (nb::handle body : bodies) {
    const nb::tuple arrays = nb::cast<nb::tuple>(body);
    mixtures.push_back(to_mixture(nb::cast<Points>(arrays[0]), nb::cast<Matrices>(arrays[1]),
                                  nb::cast<Values>(arrays[2])));
  }
  return mixtures;
}

std::vector<WeightedTerm> to_weighted_terms(const std::vector<std::shared_ptr<Term>> &terms,
                                            const std::vector<double> &weights,
                                            std::size_t bodies) {
  if (weights.size() != terms.size())
    throw std::domain_error("one weight a term is needed (" + std::to_string(terms.size()) +
                            "), got " + std::to_string(weights.size()));
  std::vector<WeightedTerm> result;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (terms[t]->bodies() != bodies)
      throw std::domain_error("term " + terms[t]->name() + " is of " +
                              std::to_string(terms[t]->bodies()) + " bodies, placed are " +
                              std::to_string(bodies));
    result.push_back({terms[t], weights[t]});
  }
  return result;
}

nb::list place(std::shared_ptr<MixtureScore> score, const nb::list &bodies,
               const std::vector<int> &kinds, const std::vector<std::shared_ptr<Term>> &terms,
               const std::vector<double> &weights,
               const std::vector<std::shared_ptr<Term>> &clashes, std::uint64_t seed,
               unsigned threads, std::size_t rotations, std::size_t candidates,
               std::size_t combinations, std::size_t solutions, int sweeps, int confirmations,
               int searches, const std::vector<PoseRows> &starts, std::size_t polished) {
  const std::vector<Mixture> mixtures = to_mixtures(bodies);
  std::vector<WeightedTerm> extra = to_weighted_terms(terms, weights, mixtures.size());
  PlacementOptions options;
  options.pair_score = pair_function(extra);
  const std::vector<WeightedTerm> unguided =
      to_weighted_terms(clashes, std::vector<double>(clashes.size(), 1.0), mixtures.size());
  extra.insert(extra.end(), unguided.begin(), unguided.end());
  options.seed = seed;
  options.threads = threads;
  options.rotations = rotations;
  options.candidates = candidates;
  options.combinations = combinations;
  options.solutions = solutions;
  options.sweeps = sweeps;
  options.confirmations = confirmations;
  options.searches = searches;
  options.polished = polished;
  for (const PoseRows &start : starts) {
    check_rows(start.shape(0), mixtures.size(), "poses of a start");
    options.starts.push_back(to_poses(start));
  }
  // Polled from any thread: takes the lock only to look for Ctrl-C.
  options.stop = [] {
    nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return false;
    throw nb::python_error();
  };
  std::vector<PlacementSolution> found;
  {
    nb::gil_scoped_release release;
    found = place_bodies(score, mixtures, kinds, pose_function(extra), options);
  }
  nb::list result;
  for (const PlacementSolution &solution : found) {
    std::vector<Vec3> translations;
    std::vector<double> quaternions;
    for (const Pose &pose : solution.poses) {
      translations.push_back(pose.translation);
      quaternions.insert(quaternions.end(),
                         {pose.rotation.w, pose.rotation.x, pose.rotation.y, pose.rotation.z});
    }
    result.append(nb::make_tuple(solution.score, solution.found,
                                 to_numpy(std::move(quaternions), {solution.poses.size(), 4}),
                                 points_to_numpy(translations)));
  }
  return result;
}

nb::tuple candidates_of_body(const MixtureScore &score, const Points &means,
                             const Matrices &covariances, const Values &weights,
                             const Points &fixed_means, const Matrices &fixed_covariances,
                             const Values &fixed_weights, std::uint64_t seed, unsigned threads,
                             std::size_t rotations, std::size_t refined, std::size_t candidates) {
  const Mixture body = to_mixture(means, covariances, weights);
  const Mixture fixed = to_mixture(fixed_means, fixed_covariances, fixed_weights);
  if (body.empty()) throw std::domain_error("a body without components has no place");
  PlacementOptions options;
  options.seed = seed;
  options.threads = threads;
  options.rotations = rotations;
  options.refined = refined;
  options.candidates = candidates;
  std::vector<PlacementCandidate> found;
  {
    nb::gil_scoped_release release;
    found = placement_candidates(score.data(), fixed, body, options);
  }
  std::vector<Pose> poses;
  std::vector<double> overlaps;
  for (const PlacementCandidate &candidate : found) {
    poses.push_back(candidate.pose);
    overlaps.push_back(candidate.overlap);
  }
  const std::size_t n = found.size();
  return nb::make_tuple(poses_to_numpy(poses, {n, 7}), to_numpy(std::move(overlaps), {n}));
}

nb::list choices_of_bodies(const MixtureScore &score, const nb::list &bodies, const PoseRows &poses,
                           const std::vector<std::size_t> &placed,
                           const std::vector<PoseRows> &candidates,
                           const std::vector<std::shared_ptr<Term>> &terms,
                           const std::vector<double> &weights, double most_energy, std::size_t most,
                           std::uint64_t seed, unsigned threads) {
  const std::vector<Mixture> mixtures = to_mixtures(bodies);
  const std::vector<Pose> at = to_poses(poses);
  std::vector<std::vector<Pose>> tried;
  for (const PoseRows &rows : candidates) tried.push_back(to_poses(rows));
  const PairScore uncapped = pair_function(to_weighted_terms(terms, weights, mixtures.size()));
  PairScore pair;
  if (uncapped)
    pair = [&](std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c) {
      return std::min(most_energy, uncapped(b, at_b, c, at_c));
    };
  ChoiceOptions options;
  options.most = most;
  options.seed = seed;
  options.threads = threads;
  std::vector<std::vector<std::size_t>> found;
  {
    nb::gil_scoped_release release;
    found = placement_choices(score, mixtures, at, placed, tried, pair, options);
  }
  nb::list result;
  for (const std::vector<std::size_t> &choice : found) {
    std::vector<Pose> chosen = at;
    for (std::size_t j = 0; j < placed.size(); ++j) chosen[placed[j]] = tried[j][choice[j]];
    result.append(poses_to_numpy(chosen, {at.size(), 7}));
  }
  return result;
}

nb::ndarray<nb::numpy, double> missed(const std::shared_ptr<MixtureScore> &score,
                                      const nb::list &bodies, const PoseRows &poses) {
  const std::vector<Mixture> mixtures = to_mixtures(bodies);
  check_rows(poses.shape(0), mixtures.size(), "poses");
  return to_numpy(missed_of_bodies(score, mixtures, to_poses(poses)), {mixtures.size()});
}

nb::list minimized_choices_of_bodies(const std::shared_ptr<MixtureScore> &score,
                                     const nb::list &bodies,
                                     const std::vector<PoseRows> &arrangements,
                                     const std::vector<std::size_t> &placed,
                                     const std::vector<std::shared_ptr<Term>> &terms,
                                     const std::vector<double> &weights, int evaluations,
                                     unsigned threads) {
  const std::vector<Mixture> mixtures = to_mixtures(bodies);
  const std::vector<WeightedTerm> extra = to_weighted_terms(terms, weights, mixtures.size());
  std::vector<std::vector<Pose>> starts;
  for (const PoseRows &rows : arrangements) {
    check_rows(rows.shape(0), mixtures.size(), "poses");
    starts.push_back(to_poses(rows));
  }
  for (std::size_t b : placed)
    if (b >= mixtures.size())
      throw std::domain_error("placed bodies must be below " + std::to_string(mixtures.size()) +
                              ", got " + std::to_string(b));
  std::vector<PlacementSolution> found;
  {
    nb::gil_scoped_release release;
    found = minimized_choices(score, mixtures, extra, starts, placed, evaluations, threads);
  }
  nb::list result;
  for (const PlacementSolution &solution : found)
    result.append(
        nb::make_tuple(solution.score, poses_to_numpy(solution.poses, {mixtures.size(), 7})));
  return result;
}

}  // namespace

void bind_placement(nb::module_ &m) {
  m.def("place_bodies", &place, "score"_a, "bodies"_a, "kinds"_a,
        "terms"_a = std::vector<std::shared_ptr<Term>>(), "weights"_a = std::vector<double>(),
        "clashes"_a = std::vector<std::shared_ptr<Term>>(), "seed"_a = 0, "threads"_a = 0,
        "rotations"_a = 2000, "candidates"_a = 400, "combinations"_a = 24, "solutions"_a = 6,
        "sweeps"_a = 6, "confirmations"_a = 2, "searches"_a = 4,
        "starts"_a = std::vector<PoseRows>(), "polished"_a = 0,
        "terms: further terms of the score over the placed bodies; clashes: those that guide no "
        "choice of candidates, since these overlap before they are refined. Best arrangements as "
        "(score kT, "
        "times found, quaternions (n, 4) wxyz, translations (n, 3) "
        "Å).");
  m.def("placement_candidates", &candidates_of_body, "score"_a, "means"_a, "covariances"_a,
        "weights"_a, "fixed_means"_a, "fixed_covariances"_a, "fixed_weights"_a, "seed"_a = 0,
        "threads"_a = 0, "rotations"_a = 2000, "refined"_a = 600, "candidates"_a = 400,
        "Places of one body in what the fixed components (may be none) leave of the data, best "
        "first: (poses (n, 7), overlaps (n,) Da²/Å³).");
  m.def(
      "placement_choices", &choices_of_bodies, "score"_a, "bodies"_a, "poses"_a, "placed"_a,
      "candidates"_a, "terms"_a, "weights"_a, "most_energy"_a = 10.0, "most"_a = 24, "seed"_a = 0,
      "threads"_a = 0,
      "Arrangements (n, 7) of all bodies in which the placed ones (ascending) are at one of their "
      "candidates each, best first by the score and what the terms say of pairs of bodies (kT, "
      "at most so much a pair).");
  m.def("missed_of_bodies", &missed, "score"_a, "bodies"_a, "poses"_a,
        "(n,) kT a Da by which the score of these poses (n, 7) rises without each body.");
  m.def("minimized_choices", &minimized_choices_of_bodies, "score"_a, "bodies"_a, "arrangements"_a,
        "placed"_a, "terms"_a, "weights"_a, "evaluations"_a, "threads"_a = 0,
        "Arrangements (n, 7) that differ in the placed bodies alone, these minimised with the "
        "others where they are: [(score, poses)], best first; scores, kT, are comparable with each "
        "other alone.");
}

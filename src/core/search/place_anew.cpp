#include "search/place_anew.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "math/random.h"
#include "search/choices.h"
#include "search/repair.h"

namespace emcore {

namespace {

// Bodies to take out, ascending, by what is missed of each, kT a Da. It is low of those that stand
// in others' places: in three arrangements of RNA polymerase II each body that did was among the
// seven lowest of 13.
std::vector<std::size_t> taken_out(Random *random, const std::vector<Mixture> &bodies,
                                   const std::vector<double> &missed,
                                   const std::vector<Pose> &poses,
                                   const PlaceAnewOptions &options) {
  double mean = 0;
  for (const Mixture &body : bodies) mean += mass(body) / bodies.size();
  std::vector<std::pair<double, std::size_t>> by_missed;
  for (std::size_t b = 0; b < bodies.size(); ++b)
    if (mass(bodies[b]) <= options.large * mean)
      by_missed.emplace_back(
          std::max(missed[b], 0.0) * std::exp(options.missed_noise * random->normal()), b);
  std::sort(by_missed.begin(), by_missed.end());
  std::vector<std::size_t> least;
  for (const auto &[of_body, b] : by_missed) least.push_back(b);
  const std::size_t count =
      options.least_taken + random->below(options.most_taken - options.least_taken + 1);
  if (random->uniform() < options.near_share) {
    const auto away = [&](std::size_t b) {
      return norm(poses[b].translation - poses[least.front()].translation);
    };
    std::vector<double> distances;
    for (std::size_t b : least) distances.push_back(away(b));
    std::sort(distances.begin(), distances.end());
    const double reach = distances[std::min(count + options.near_more, distances.size()) - 1];
    least.erase(
        std::remove_if(least.begin(), least.end(), [&](std::size_t b) { return away(b) > reach; }),
        least.end());
  }
  least.resize(std::min(count, least.size()));
  std::sort(least.begin(), least.end());
  return least;
}

// Poses with the taken bodies at what goes together best: in what the others leave of the data, or
// where the parents have them.
Starts choices_of(const ArrangementScore &soft, const Densities &densities,
                  const std::vector<WeightedTerm> &guides, const Arrangements &parents,
                  const Arrangement &parent, const std::vector<std::size_t> &taken,
                  std::uint64_t seed, const PlaceAnewOptions &options) {
  PlacementOptions placement;
  placement.seed = seed;
  placement.threads = soft.threads();
  placement.rotations = options.rotations;
  placement.refined = options.refined;
  std::vector<std::size_t> others;
  for (std::size_t b = 0; b < parent.poses.size(); ++b)
    if (!std::binary_search(taken.begin(), taken.end(), b)) others.push_back(b);
  std::vector<std::vector<Pose>> candidates;
  for (std::size_t b : taken) {
    if (soft.stopped()) throw SearchStopped();
    candidates.emplace_back();
    for (const Arrangement &known : parents) candidates.back().push_back(known.poses[b]);
    for (const PlacementCandidate &c : densities.candidates(b, others, parent.poses, placement))
      candidates.back().push_back(c.pose);
  }
  PairScore pair;
  if (const PairScore uncapped = pair_function(guides))
    pair = [&options, uncapped](std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c) {
      return std::min(options.most_energy, uncapped(b, at_b, c, at_c));
    };
  ChoiceOptions choosing;
  choosing.most = options.choices;
  choosing.seed = seed;
  choosing.threads = soft.threads();
  Starts choices;
  for (const std::vector<std::size_t> &choice :
       placement_choices(*densities.score(), densities.bodies(), parent.poses, taken, candidates,
                         pair, choosing)) {
    choices.push_back(parent.poses);
    for (std::size_t j = 0; j < taken.size(); ++j)
      choices.back()[taken[j]] = candidates[j][choice[j]];
  }
  const std::vector<WeightedTerm> extra(soft.terms().begin() + 1, soft.terms().end());
  for (const Sieve &sieve : options.lightly) {
    if (soft.stopped()) throw SearchStopped();
    const std::vector<PlacementSolution> minimized =
        minimized_choices(densities.score(), densities.bodies(), extra, choices, taken,
                          sieve.evaluations, soft.threads());
    choices.clear();
    for (std::size_t i = 0; i < std::min(sieve.kept, minimized.size()); ++i)
      choices.push_back(minimized[i].poses);
  }
  return choices;
}

// The best of them, minimised, that are not the parent again.
Arrangements sieved(const ArrangementScore &score, const std::vector<Sieve> &sieves,
                    const Arrangement &parent, Starts *choices) {
  Arrangements children;
  for (const Sieve &sieve : sieves) {
    Arrangements minimized = score.all_minimized(*choices, sieve.evaluations);
    std::stable_sort(minimized.begin(), minimized.end(),
                     [](const Arrangement &a, const Arrangement &b) { return a.score < b.score; });
    children.clear();
    choices->clear();
    for (Arrangement &one : minimized) {
      if (children.size() == sieve.kept) break;
      if (score.is_same(one, parent)) continue;
      choices->push_back(one.poses);
      children.push_back(std::move(one));
    }
  }
  return children;
}

}  // namespace

Arrangements placed_anew(const ArrangementScore &score, const ArrangementScore &soft,
                         const Densities &densities, const std::vector<WeightedTerm> &guides,
                         Arrangements found, const PlaceAnewOptions &options) {
  Random random(options.seed, 77);
  int failures = 0;
  for (int round = 0; round < options.rounds && failures < options.patience; ++round) {
    if (options.progress) options.progress(double(failures) / options.patience);
    const Arrangements parents = score.distinct(found, options.recombination.parents);
    const bool from_best = random.uniform() < options.best_share;
    const Arrangement &parent = parents[from_best ? 0 : random.below(parents.size())];
    const std::vector<double> missed =
        missed_of_bodies(densities.score(), densities.bodies(), parent.poses);
    const std::vector<std::size_t> taken =
        taken_out(&random, densities.bodies(), missed, parent.poses, options);
    Starts choices =
        choices_of(soft, densities, guides, parents, parent, taken, options.seed + round, options);
    sieved(soft, options.softly, parent, &choices);
    const Arrangements children = sieved(score, options.fully, parent, &choices);
    found = parents;
    found.insert(found.end(), children.begin(), children.end());
    found = score.distinct(std::move(found), options.recombination.parents);
    if (round % options.exchanged == options.exchanged - 1)
      found =
          recombined(score, std::move(found), options.recombination.parents, options.recombination);
    failures = found.front().score < parents.front().score - options.gain ? 0 : failures + 1;
  }
  return found;
}

}  // namespace emcore

#include "search/global_search.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mixture/principal_axes.h"
#include "sample/independence_mover.h"
#include "search/candidate_density.h"
#include "search/densities.h"
#include "search/problem.h"

namespace emcore {

namespace {

void append(Arrangements *to, const Arrangements &more) {
  to->insert(to->end(), more.begin(), more.end());
}

Arrangements as_arrangements(const std::vector<PlacementSolution> &solutions) {
  Arrangements arrangements;
  for (const PlacementSolution &s : solutions) arrangements.push_back({s.score, s.poses});
  return arrangements;
}

// Shares of the work of one search of many bodies that are done when its parts begin, as measured
// with RNA polymerase II; searches take kSearches of all, what follows the rest.
constexpr double kScanned = 0.25, kTempered = 0.9, kSearches = 0.6;

class Search {
 public:
  Search(const SearchProblem &problem, const SearchOptions &options)
      : problem_(problem),
        options_(options),
        fine_(problem.data, problem.options, problem.bodies),
        coarse_(is_many() ? fine_.coarse(options.coarse) : fine_) {
    for (const Mixture &body : fine_.bodies()) {
      radii_.push_back(gyration_radius(body));
      frames_.push_back(principal_frame(body, {}));
    }
  }

  SearchResult result();

 private:
  bool is_many() const { return problem_.bodies.size() > options_.many_bodies; }
  bool stopped() const { return options_.stop && options_.stop(); }
  void tell(const std::string &stage, double share);
  void keep(const Arrangements &found);
  int searches_that_ended_in(const Arrangement &arrangement) const;

  ArrangementScore score(const Densities &densities, const std::vector<WeightedTerm> &clashes,
                         double share = 1) const;
  std::vector<PlacementSolution> scanned(std::uint64_t seed, int confirmations, int searches,
                                         int sweeps, const Starts &starts = {},
                                         const std::vector<WeightedTerm> &clashes = {}) const;
  Tempered replica_exchange(const ArrangementScore &score, const Starts &starts, int rounds,
                            std::uint64_t seed, double from, double to);
  std::shared_ptr<const Mover> into_what_larger_leave(const std::vector<Pose> &poses,
                                                      std::uint64_t seed) const;
  Arrangements minimized_anew(const ArrangementScore &score, const std::vector<Arrangements> &lists,
                              std::size_t most) const;
  void of_few();
  void of_many();
  Arrangements searched(const ArrangementScore &hard, int number);
  Arrangements placed_anew_twice(Arrangements found);
  Arrangements placed_anew_by(const Densities &densities, const Arrangements &found, int patience,
                              double from, double to);

  const SearchProblem &problem_;
  const SearchOptions &options_;
  Densities fine_, coarse_;
  std::vector<double> radii_;
  std::vector<Quaternion> frames_;  // principal to local coordinates
  SearchProgress progress_;
  std::vector<PlacementSolution> ends_;   // of independent searches
  std::vector<PlacementSolution> found_;  // what there is if the search is stopped
};

void Search::tell(const std::string &stage, double share) {
  progress_.stage = stage;
  progress_.share = share;
  if (options_.progress) options_.progress(progress_);
}

void Search::keep(const Arrangements &found) {
  found_.clear();
  for (const Arrangement &a : found)
    found_.push_back({ranked_score(a.score), a.poses, std::max(1, searches_that_ended_in(a))});
  if (!found_.empty()) progress_.best = found_.front().score;
}

int Search::searches_that_ended_in(const Arrangement &arrangement) const {
  const ArrangementScore judge = score(coarse_, {});
  int count = 0;
  for (const PlacementSolution &end : ends_)
    if (judge.are_alike({end.score, end.poses}, arrangement)) count += end.found;
  return count;
}

// With such an excluded volume, and so much of it; the density comes first.
ArrangementScore Search::score(const Densities &densities, const std::vector<WeightedTerm> &clashes,
                               double share) const {
  std::vector<WeightedTerm> terms{{densities.term(), 1}};
  terms.insert(terms.end(), problem_.terms.begin(), problem_.terms.end());
  for (const WeightedTerm &t : clashes) terms.push_back({t.term, share * t.weight});
  return {std::move(terms), radii_, problem_.kinds, options_.threads, options_.stop};
}

std::vector<PlacementSolution> Search::scanned(std::uint64_t seed, int confirmations, int searches,
                                               int sweeps, const Starts &starts,
                                               const std::vector<WeightedTerm> &clashes) const {
  PlacementOptions options = options_.scan;
  options.seed = seed;
  options.threads = options_.threads;
  options.confirmations = confirmations;
  options.searches = searches;
  options.sweeps = sweeps;
  options.starts = starts;
  options.stop = options_.stop;
  options.pair_score = pair_function(problem_.terms);
  std::vector<WeightedTerm> extra = problem_.terms;
  extra.insert(extra.end(), clashes.begin(), clashes.end());
  std::vector<PlacementSolution> found = place_bodies(
      coarse_.score(), coarse_.bodies(), problem_.kinds, pose_function(extra), options);
  if (found.empty()) throw SearchStopped();
  return found;
}

// A mover of bodies to where what the larger ones, at their poses, leave of the data holds them; of
// those with such places. Null where none has one.
std::shared_ptr<const Mover> Search::into_what_larger_leave(const std::vector<Pose> &poses,
                                                            std::uint64_t seed) const {
  const std::vector<Mixture> &bodies = coarse_.bodies();
  std::vector<std::size_t> order(bodies.size());
  for (std::size_t b = 0; b < order.size(); ++b) order[b] = b;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return mass(bodies[a]) > mass(bodies[b]); });
  PlacementOptions options;
  options.seed = seed;
  options.threads = options_.threads;
  options.rotations = kRotationsBySize;
  std::vector<std::size_t> larger;
  std::vector<BodyGroup> groups;
  std::vector<PoseDensity> densities;
  for (std::size_t b : order) {
    if (stopped()) throw SearchStopped();
    const std::vector<PlacementCandidate> places = coarse_.candidates(b, larger, poses, options);
    if (!places.empty() && places.front().overlap > 0) {
      groups.push_back({b});
      densities.push_back(
          density_of_candidates(coarse_.score()->data(), places, radii_[b], options_.place_power));
    }
    larger.push_back(b);
  }
  if (groups.empty()) return nullptr;
  return std::make_shared<IndependenceMover>("places", std::move(groups), std::move(densities));
}

// What replica exchange by this score finds from some arrangements; it is the work between two
// shares of all.
Tempered Search::replica_exchange(const ArrangementScore &score, const Starts &starts, int rounds,
                                  std::uint64_t seed, double from, double to) {
  TemperingOptions options = options_.tempering;
  options.rounds = rounds;
  options.solutions = options_.solutions;
  options.seed = seed;
  TemperingProblem problem;
  problem.frames = frames_;
  problem.confinement = problem_.confinement;
  problem.suggest = [&](const std::vector<Pose> &poses) {
    return into_what_larger_leave(poses, seed);
  };
  problem.progress = [&](double share) { tell("replica exchange", from + share * (to - from)); };
  return tempered(score, starts, problem, options);
}

// What the best of each list, at most so many, whose scores may be of other terms, become with this
// score.
Arrangements Search::minimized_anew(const ArrangementScore &score,
                                    const std::vector<Arrangements> &lists,
                                    std::size_t most) const {
  Arrangements starts;
  for (const Arrangements &list : lists) append(&starts, score.distinct(list, most));
  return score.all_minimized(starts);
}

void Search::of_few() {
  tell("each body everywhere", 0);
  found_ = scanned(options_.seed, options_.confirmations, options_.searches, options_.scan.sweeps);
  ends_ = found_;
  const bool tempering =
      problem_.bodies.size() > 1 && found_.front().found < options_.confirmations;
  progress_.best = found_.front().score;
  if (!tempering && problem_.clashes.empty()) return;
  std::vector<Arrangements> lists{as_arrangements(found_)};
  Starts starts;
  for (const PlacementSolution &s : found_) starts.push_back(s.poses);
  if (tempering) {  // with nothing that hinders them
    Tempered reached = replica_exchange(score(fine_, {}), starts, 1, options_.seed, 0.3, 0.7);
    lists = {std::move(reached.found), std::move(reached.frames)};
  }
  tell("the best arrangements exchange bodies", 0.7);
  const ArrangementScore hard = score(fine_, problem_.clashes);
  if (!problem_.clashes.empty())
    lists[0] = hard.distinct(hard.all_minimized(lists[0]), options_.solutions);
  const Arrangements best = recombined(hard, minimized_anew(hard, lists, options_.frames),
                                       options_.judged, options_.recombination);
  keep(hard.distinct(best, options_.solutions));
}

// Where one search of many bodies ends.
Arrangements Search::searched(const ArrangementScore &hard, int number) {
  const double each = kSearches / progress_.searches, begin = (number - 1) * each;
  const std::uint64_t seed = options_.seed + 1000 * std::uint64_t(number - 1);
  tell("each body everywhere", begin);
  PlacementOptions scan = options_.scan;
  Starts starts;
  for (const PlacementSolution &s : scanned(seed, 1, 1, 0)) {
    if (starts.size() == options_.tempering.kept) break;
    starts.push_back(s.poses);
  }
  const ArrangementScore soft = score(coarse_, problem_.soft_clashes, options_.soft);
  const Tempered reached = replica_exchange(soft, starts, options_.rounds_of_many, seed,
                                            begin + kScanned * each, begin + kTempered * each);
  tell("minimising what was found", begin + kTempered * each);
  return minimized_anew(hard, {reached.found, reached.frames}, options_.frames_of_many);
}

// None of the searches need be right: of RNA polymerase II in its 21 Å map each has other small
// subunits elsewhere, and together they hold all, or all but a few that stand in each other's
// places and are placed anew. What tells right from wrong there is the excluded volume of residues:
// with it the fitted structure was 28 to 36 kT better than what single searches had found, with the
// tenth of ten-residue beads 3 to 9 kT.
void Search::of_many() {
  const ArrangementScore hard = score(coarse_, problem_.clashes);
  progress_.searches =
      options_.confirmations > 1 ? std::min(options_.searches, options_.searches_of_many) : 1;
  Arrangements all, best_of_each;
  bool agree = false;
  for (int number = 1; number <= progress_.searches && !(agree && number > 2); ++number) {
    progress_.search = number;
    const Arrangements reached = searched(hard, number);
    append(&all, reached);
    best_of_each.push_back(hard.distinct(reached, 1).front());
    ends_.push_back({best_of_each.back().score, best_of_each.back().poses, 1});
    agree = std::all_of(best_of_each.begin(), best_of_each.end(), [&](const Arrangement &a) {
      return hard.are_alike(a, best_of_each.front());
    });
    keep(hard.distinct(all, options_.solutions));
  }
  tell("arrangements exchange bodies", kSearches);
  Arrangements best = recombined(hard, all, options_.judged, options_.recombination);
  keep(hard.distinct(best, options_.solutions));
  if (agree && hard.are_alike(best_of_each.front(), best.front())) {
    Starts starts;  // what some bodies still do better elsewhere
    for (std::size_t i = 0; i < std::min(options_.looked_at, best.size()); ++i)
      starts.push_back(best[i].poses);
    append(&best, hard.all_minimized(as_arrangements(scanned(
                      options_.seed, 1, 1, options_.scan.sweeps, starts, problem_.clashes))));
  } else {
    best = placed_anew_twice(std::move(best));
  }
  tell("judging by the fine mixtures", 0.95);
  best = recombined(hard, std::move(best), options_.judged, options_.recombination);
  const ArrangementScore fine = score(fine_, problem_.clashes);
  best = minimized_anew(fine, {best}, options_.frames);
  keep(fine.distinct(best, options_.solutions));
}

// These and what becomes of them when some bodies at a time are placed anew: by a robust score,
// which undoes rings, and of the best by the run's own, which puts the last ones right.
Arrangements Search::placed_anew_twice(Arrangements found) {
  const ArrangementScore hard = score(coarse_, problem_.clashes);
  const Densities robust = coarse_.robust(options_.robust_sigma);
  const double middle = 0.85;
  append(&found, hard.all_minimized(
                     placed_anew_by(robust, found, options_.anew.patience, kSearches, middle)));
  keep(hard.distinct(found, options_.solutions));
  append(&found,
         placed_anew_by(coarse_, hard.distinct(found, 1), options_.patience_own, middle, 0.95));
  return found;
}

Arrangements Search::placed_anew_by(const Densities &densities, const Arrangements &found,
                                    int patience, double from, double to) {
  PlaceAnewOptions options = options_.anew;
  options.patience = patience;
  options.seed = options_.seed;
  options.recombination = options_.recombination;
  options.progress = [&](double share) {
    tell("some bodies placed anew", from + share * (to - from));
  };
  const ArrangementScore own = score(densities, problem_.clashes);
  std::vector<WeightedTerm> guides = problem_.terms;
  for (const WeightedTerm &t : problem_.soft_clashes)
    guides.push_back({t.term, options_.soft * t.weight});
  return placed_anew(own, score(densities, problem_.clashes, options_.soft), densities, guides,
                     own.all_minimized(found), options);
}

SearchResult Search::result() {
  SearchResult result;
  try {
    is_many() ? of_many() : of_few();
    tell("done", 1);
  } catch (const SearchStopped &) {
    result.stopped = true;
  }
  result.solutions = found_;
  const ArrangementScore judge = score(coarse_, {});
  for (const PlacementSolution &s : found_)
    result.elsewhere.push_back(judge.elsewhere(s.poses, found_.front().poses));
  return result;
}

void check_problem(const SearchProblem &problem) {
  const std::size_t n = problem.bodies.size();
  if (problem.kinds.size() != n)
    throw std::domain_error("placement needs one kind a body, got " +
                            std::to_string(problem.kinds.size()) + " for " + std::to_string(n));
  for (const auto *terms : {&problem.terms, &problem.clashes, &problem.soft_clashes})
    for (const WeightedTerm &t : *terms)
      if (t.term->bodies() != n)
        throw std::domain_error("term " + t.term->name() + " is of " +
                                std::to_string(t.term->bodies()) + " bodies, placed are " +
                                std::to_string(n));
}

}  // namespace

SearchResult global_search(const SearchProblem &problem, const SearchOptions &options) {
  check_problem(problem);
  if (options.searches < 1)
    throw std::domain_error("searches must be at least 1, got " + std::to_string(options.searches));
  SearchOptions own = options;
  own.confirmations = std::min(options.confirmations, options.searches);
  own.scan.solutions = problem.bodies.size() > options.many_bodies
                           ? std::max(options.solutions, options.tempering.kept)
                           : options.solutions;
  return Search(problem, own).result();
}

}  // namespace emcore

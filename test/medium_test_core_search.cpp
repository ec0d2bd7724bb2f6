// The later steps of the global search, and the whole of it, on complexes whose answer is known.
#include <algorithm>
#include <cmath>
#include <set>

#include "mixture/principal_axes.h"
#include "reference.h"
#include "search/global_search.h"
#include "toy_complex.h"

using namespace emcore;
using reference::check;
using reference::check_close;

namespace {

const Quaternion kHalfTurn{0, 1, 0, 0};

Arrangement with_half_turns(const toy::Complex &c, const ArrangementScore &score,
                            std::initializer_list<int> bodies) {
  std::vector<Pose> poses = c.native;
  for (int b : bodies) poses[b].rotation = kHalfTurn * poses[b].rotation;
  return score.minimized(poses);
}

void what_each_has_right_comes_together() {
  const toy::Complex c = toy::complex_of_four();
  const ArrangementScore score = c.score(0);
  const Arrangement right = score.minimized(c.native);
  Arrangements parents;
  for (auto bodies : {std::initializer_list<int>{0, 1}, {2, 3}, {0, 2}}) {
    parents.push_back(with_half_turns(c, score, bodies));
    check(parents.back().score > right.score + 5, "parents are wrong");
  }
  const Arrangements found = recombined(score, parents, 3);
  check(found.size() == 3, "as many as were asked for");
  check(found[0].score < right.score + 0.05, "the best has all of them right");
  check(toy::farthest(found[0].poses, right.poses) < 0.5, "and where they are");
  for (std::size_t i = 1; i < 3; ++i) {
    const std::vector<double> apart = score.apart(found[0].poses, found[i].poses);
    check(*std::max_element(apart.begin(), apart.end()) > kSamePlace, "others differ");
  }
  const Arrangements alone = recombined(score, {parents[0]}, 6);
  check(alone.size() == 1 && alone[0].score == parents[0].score, "one alone stays");
}

void bodies_whose_places_are_taken_go_along() {
  const toy::Complex c = toy::complex_of_four();
  const ArrangementScore score = c.score(0);
  std::vector<Pose> swapped = c.native;
  std::swap(swapped[0].translation, swapped[1].translation);
  RecombinationOptions options;
  options.generations = 1;  // only both at once can do it
  const Arrangements found =
      recombined(score, {score.minimized(swapped), with_half_turns(c, score, {2, 3})}, 1, options);
  check(found[0].score < score.minimized(c.native).score + 0.05, "two at once");
}

void arrangements_are_compared() {
  const toy::Complex c = toy::complex_of_four();
  const ArrangementScore score = c.score(0);
  std::vector<Pose> other = c.native;
  other[0].translation += Vec3{3, 0, 4};
  other[1].rotation = kHalfTurn * other[1].rotation;
  const std::vector<double> apart = score.apart(c.native, other);
  check_close(apart[0], 5, 1e-9, "moved");
  check_close(apart[1], 3.14159265358979 * c.radii[1], 1e-6, "turned at its radius");
  check(apart[2] < 1e-6 && apart[3] < 1e-6, "in place");

  std::vector<Pose> near = c.native, far = c.native;
  near[0].translation.x += 1;
  far[0].translation.x += 2 * kSamePlace;
  const Arrangements kept = score.distinct({{3, c.native}, {1, far}, {2, near}}, 5);
  check(kept.size() == 2 && kept[0].score == 1 && kept[1].score == 2, "the best of those alike");
  check(score.distinct(kept, 1).size() == 1, "at most so many");

  std::vector<Pose> swapped = c.native;
  std::swap(swapped[0], swapped[1]);
  const ArrangementScore copies({{c.densities().term(), 1}}, c.radii, {0, 0, 1, 2}, 1);
  check(score.distinct({{2, c.native}, {2.01, swapped}}, 5).size() == 2, "no copies");
  check(copies.distinct({{2, c.native}, {2.01, swapped}}, 5).size() == 1, "copies changed places");
  check(copies.distinct({{2, c.native}, {5, swapped}}, 5).size() == 2, "and the score minds");
  check(copies.are_alike({0, c.native}, {7, swapped}), "alike whatever they score");
  check(!score.are_alike({0, c.native}, {7, swapped}), "no copies are not alike");
  swapped[1].rotation = kHalfTurn * swapped[1].rotation;
  check(copies.distinct({{2, c.native}, {2.01, swapped}}, 5).size() == 2, "one of them turned");
}

void threads_change_nothing() {
  const toy::Complex c = toy::complex_of_four();
  Random random(2);
  Starts starts(7, c.native);
  for (std::vector<Pose> &poses : starts)
    for (Pose &pose : poses) pose.translation += random.in_ball(8);
  const Arrangements one = c.score(1, 1).all_minimized(starts, 30);
  for (unsigned threads : {3u, 0u})
    check(toy::equal(one, c.score(1, threads).all_minimized(starts, 30)), "threads");
}

TemperingProblem tempering_problem(const toy::Complex &c) {
  TemperingProblem problem;
  Vec3 center;
  for (std::size_t b = 0; b < c.bodies.size(); ++b) {
    problem.frames.push_back(principal_frame(c.bodies[b], {}));
    center += (1.0 / c.bodies.size()) * c.native[b].translation;
  }
  problem.confinement = {center, 80};
  return problem;
}

// What ends in the right place depends on the random numbers: most of several have to.
void scattered_bodies_find_their_places() {
  const toy::Complex c = toy::complex_of({{0, 0, 0}, {38, 4, -3}, {15, 34, 6}}, 4);
  const double expected = c.score().minimized(c.native).score;
  int right = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    std::vector<Pose> wrong = c.native;
    for (Pose &pose : wrong) {
      pose.translation += random.in_ball(15);
      pose.rotation = random.rotation();
    }
    check(c.score().minimized(wrong).score > expected + 5, "the start is wrong");
    TemperingOptions options;
    options.seed = seed;
    options.solutions = 3;
    options.steps_a_body = 8000;
    const Tempered reached = tempered(c.score(), {wrong}, tempering_problem(c), options);
    check(std::is_sorted(
              reached.found.begin(), reached.found.end(),
              [](const Arrangement &a, const Arrangement &b) { return a.score < b.score; }),
          "best first");
    check(!reached.frames.empty(), "cold frames");
    right += reached.found.front().score < expected + 0.5 &&
             toy::farthest(reached.found.front().poses, c.native) < 2;
  }
  check(right >= 3, "three of five searches end right");
}

void tempering_keeps_what_is_good_on_any_threads() {
  const toy::Complex c = toy::complex_of({{0, 0, 0}, {38, 4, -3}, {15, 34, 6}}, 4);
  TemperingOptions options;
  options.seed = 2;
  options.steps_a_body = 2000;
  double last = 0;
  TemperingProblem problem = tempering_problem(c);
  problem.progress = [&](double share) {
    check(share >= last && share <= 1, "progress goes on");
    last = share;
  };
  const Tempered one = tempered(c.score(1, 1), {c.native}, problem, options);
  check(last == 1, "to the end");
  check(one.found.front().score <= c.score().minimized(c.native).score + 1e-6, "nothing is lost");
  problem.progress = nullptr;
  const Tempered two = tempered(c.score(1, 2), {c.native}, problem, options);
  check(toy::equal(one.found, two.found) && toy::equal(one.frames, two.frames), "threads");
}

void bodies_in_each_others_places_are_mended() {
  const toy::Complex c = toy::complex_of_five();
  const Densities densities = c.densities();
  const ArrangementScore score = c.score(densities), soft = c.score(densities, 0.1);
  const double expected = score.minimized(c.native).score;
  Random random(1);
  std::vector<Pose> wrong = c.native;
  for (int b : {1, 2, 3}) wrong[b] = {random.rotation(), c.native[b == 3 ? 1 : b + 1].translation};
  const Arrangement start = score.minimized(wrong);
  check(start.score > expected + 10, "the start is wrong");
  PlaceAnewOptions options;
  options.patience = 12;
  const std::vector<WeightedTerm> guides{{c.volume, 0.1}};
  const Arrangements found = placed_anew(score, soft, densities, guides, {start}, options);
  check(found.front().score < expected + 0.5, "as good as the native one");
  check(toy::farthest(found.front().poses, c.native) < 2, "in place");
  options.patience = 3;
  const Arrangement best = score.minimized(c.native);
  check(placed_anew(score, score, densities, guides, {best}, options).front().score <= best.score,
        "the best is kept");
}

void coarse_densities_hold_as_much() {
  const toy::Complex c = toy::complex_of_five();
  ScoreOptions options;
  options.noise.model = NoiseModel::lognormal_local;
  options.noise.sigma_min = 0.1;
  options.noise.component_sigma.assign(c.data.size(), 0.1);
  const Densities fine(c.data, options, c.bodies), coarse = fine.coarse(4000);
  check_close(mass(coarse.score()->data()), mass(c.data), 1e-9, "mass of the data");
  check(coarse.score()->data().size() <= c.data.size() / 3, "few components");
  for (std::size_t b = 0; b < c.bodies.size(); ++b)
    check_close(mass(coarse.bodies()[b]), mass(c.bodies[b]), 1e-9, "mass of a body");
  check(std::isfinite(coarse.term()->evaluate(c.native, nullptr)), "sigmas of components are gone");
  const Densities same = fine.coarse(1000);
  check(same.term()->evaluate(c.native, nullptr) == fine.term()->evaluate(c.native, nullptr),
        "few components stay as they are");
  check(fine.robust(0.1).score()->noise().options().model == NoiseModel::outliers, "robust");
}

SearchProblem search_problem(const toy::Complex &c) {
  SearchProblem problem;
  problem.data = c.data;
  problem.options.noise.sigma_min = 0.1;
  problem.bodies = c.bodies;
  problem.kinds = c.kinds;
  problem.clashes = problem.soft_clashes = {{c.volume, 1}};
  problem.confinement = {{10, 10, 10}, 120};
  return problem;
}

// Searched for as few and as many bodies, with searches that agree and with bodies placed anew.
void the_whole_search_finds_the_answer() {
  const toy::Complex c = toy::complex_of_four();
  const SearchProblem problem = search_problem(c);
  SearchOptions options;
  options.seed = 3;
  options.scan.rotations = 600;
  options.scan.candidates = 150;
  options.tempering.steps_a_body = 1000;
  options.anew.patience = options.patience_own = 2;
  std::vector<SearchResult> results;
  for (std::size_t many : {std::size_t(6), std::size_t(1)}) {
    options.many_bodies = many;
    std::set<std::string> stages;
    double last = 0;
    options.progress = [&](const SearchProgress &now) {
      stages.insert(now.stage);
      check(now.share >= last && now.share <= 1, "progress goes on");
      last = now.share;
    };
    results.push_back(global_search(problem, options));
    const SearchResult &result = results.back();
    check(!result.stopped && !result.solutions.empty(), "an answer");
    check(toy::farthest(result.solutions.front().poses, c.native) < 2, "the right one");
    check(result.elsewhere.size() == result.solutions.size(), "compared with the best");
    check(result.elsewhere.front() == std::vector<char>(4, 0), "which is where it is");
    check(stages.count("each body everywhere") == 1, "told what is done");
    options.threads = 2;
    options.progress = nullptr;
    const SearchResult again = global_search(problem, options);
    check(toy::equal(again.solutions.front().poses, result.solutions.front().poses), "threads");
    options.threads = 0;
  }
  check_close(results[0].solutions.front().score, results[1].solutions.front().score, 0.01,
              "few or many: one score");
}

void a_search_that_is_stopped_keeps_what_it_has() {
  const toy::Complex c = toy::complex_of_four();
  SearchOptions options;
  options.scan.rotations = 600;
  options.scan.candidates = 150;
  options.many_bodies = 1;
  bool enough = false;
  options.stop = [&] { return enough; };
  options.progress = [&](const SearchProgress &now) {
    if (now.search == 2) enough = true;
  };
  options.tempering.steps_a_body = 500;
  const SearchResult result = global_search(search_problem(c), options);
  check(result.stopped, "it was stopped");
  check(!result.solutions.empty() && std::isfinite(result.solutions.front().score), "kept");
}

void impossible_problems_are_refused() {
  const auto refused = [](const SearchProblem &problem, const SearchOptions &options) {
    try {
      global_search(problem, options);
    } catch (const std::domain_error &) {
      return true;
    }
    return false;
  };
  const SearchProblem good = search_problem(toy::complex_of_four());
  SearchProblem problem = good;
  problem.kinds.pop_back();
  check(refused(problem, {}), "a kind a body");
  problem = good;
  problem.bodies[1].clear();
  check(refused(problem, {}), "a body without components");
  problem = good;
  problem.clashes = {{toy::complex_of_five().volume, 1}};
  check(refused(problem, {}), "a term of other bodies");
  SearchOptions none;
  none.searches = 0;
  check(refused(good, none), "no search");
}

}  // namespace

int main() {
  what_each_has_right_comes_together();
  bodies_whose_places_are_taken_go_along();
  arrangements_are_compared();
  threads_change_nothing();
  scattered_bodies_find_their_places();
  tempering_keeps_what_is_good_on_any_threads();
  bodies_in_each_others_places_are_mended();
  coarse_densities_hold_as_much();
  the_whole_search_finds_the_answer();
  a_search_that_is_stopped_keeps_what_it_has();
  impossible_problems_are_refused();
  return 0;
}

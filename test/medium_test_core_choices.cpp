// Which candidates of several bodies go together: against all choices that there are.
#include <algorithm>
#include <cmath>

#include "reference.h"
#include "search/choices.h"
#include "search/repair.h"
#include "toy_complex.h"

using namespace emcore;
using reference::check;
using reference::check_close;

namespace {

// Poses about one, the last but one of them that pose.
std::vector<Pose> near(Random *random, const Pose &pose, std::size_t n) {
  std::vector<Pose> poses;
  for (std::size_t i = 0; i < n; ++i)
    poses.push_back(
        {normalized(random->rotation() * pose.rotation), pose.translation + random->in_ball(20)});
  poses[n - 2] = pose;
  return poses;
}

double full_score(const toy::Complex &c, const Densities &densities, double share,
                  const std::vector<Pose> &poses) {
  Mixture model;
  for (std::size_t b = 0; b < poses.size(); ++b)
    for (const Gaussian &g : moved(c.bodies[b], poses[b])) model.push_back(g);
  return densities.score()->evaluate(model) + share * c.volume->evaluate(poses, nullptr);
}

void choices_are_the_best_of_all() {
  const toy::Complex c = toy::complex_of_five();
  const Densities densities = c.densities();
  const std::vector<std::size_t> placed{1, 2, 4};
  for (double share : {0.0, 0.2}) {
    Random random(3);
    std::vector<std::vector<Pose>> candidates;
    for (std::size_t b : placed) candidates.push_back(near(&random, c.native[b], 7));
    const PairScore pair = share > 0 ? pair_function({{c.volume, share}}) : nullptr;
    const auto chosen = [&](const std::vector<std::size_t> &choice) {
      std::vector<Pose> poses = c.native;
      for (std::size_t j = 0; j < 3; ++j) poses[placed[j]] = candidates[j][choice[j]];
      return full_score(c, densities, share, poses);
    };
    std::vector<double> every;
    for (std::size_t i = 0; i < 7; ++i)
      for (std::size_t j = 0; j < 7; ++j)
        for (std::size_t k = 0; k < 7; ++k) every.push_back(chosen({i, j, k}));
    std::sort(every.begin(), every.end());
    ChoiceOptions options;
    options.seed = 1;
    options.threads = 1;
    const auto found = placement_choices(*densities.score(), c.bodies, c.native, placed, candidates,
                                         pair, options);
    check(found.size() == options.most, "as many as asked for");
    for (std::size_t i = 0; i < 5; ++i)
      check_close(chosen(found[i]), every[i], 1e-3, "the best choices");
    options.threads = 2;
    check(placement_choices(*densities.score(), c.bodies, c.native, placed, candidates, pair,
                            options) == found,
          "on any number of threads");
  }
}

void placed_bodies_are_minimised_where_the_others_are() {
  const toy::Complex c = toy::complex_of_five();
  const std::vector<std::size_t> placed{1, 3};
  const std::vector<WeightedTerm> terms{{c.volume, 0.3}};
  for (const Densities &densities : {c.densities(), c.densities().robust(0.1)}) {
    Random random(7);
    std::vector<std::vector<Pose>> starts(5, c.native);
    for (std::vector<Pose> &start : starts)
      for (std::size_t b : placed) start[b].translation += random.in_ball(9);
    const auto minimized = [&](int evaluations, unsigned threads) {
      return minimized_choices(densities.score(), c.bodies, terms, starts, placed, evaluations,
                               threads);
    };
    // Scores leave out what the others have among themselves, which is the same in all.
    const auto unmoved = minimized(1, 1);
    const double apart =
        unmoved.front().score - full_score(c, densities, 0.3, unmoved.front().poses);
    for (const PlacementSolution &s : unmoved)
      check(std::fabs(s.score - apart - full_score(c, densities, 0.3, s.poses)) < 2e-3, "score");
    const auto best = minimized(60, 1);
    for (const PlacementSolution &s : best) {
      for (std::size_t b : {0, 2, 4})
        check(s.poses[b].translation.x == c.native[b].translation.x, "the others stay");
      check(std::fabs(s.score - apart - full_score(c, densities, 0.3, s.poses)) < 2e-3, "score");
    }
    const double least = full_score(c, densities, 0.3, best.front().poses);
    for (std::size_t b : placed)
      for (const Vec3 &shift :
           {Vec3{0.3, 0, 0}, Vec3{-0.3, 0, 0}, Vec3{0, 0.3, 0}, Vec3{0, 0, 0.3}}) {
        std::vector<Pose> poses = best.front().poses;
        poses[b].translation += shift;
        check(full_score(c, densities, 0.3, poses) > least - 0.02, "nothing better is near");
      }
    const auto two = minimized(60, 2);
    for (std::size_t i = 0; i < best.size(); ++i)
      check(toy::equal(best[i].poses, two[i].poses), "on any number of threads");
  }
}

void missed_is_what_the_score_rises_without_the_body() {
  const toy::Complex c = toy::complex_of_five();
  const Densities densities = c.densities();
  const std::vector<double> missed = missed_of_bodies(densities.score(), c.bodies, c.native);
  const double with_all = full_score(c, densities, 0, c.native);
  for (std::size_t b = 0; b < c.bodies.size(); ++b) {
    Mixture model;
    for (std::size_t other = 0; other < c.bodies.size(); ++other)
      if (other != b)
        for (const Gaussian &g : moved(c.bodies[other], c.native[other])) model.push_back(g);
    const double rise = densities.score()->evaluate(model) - with_all;
    check(missed[b] > 0, "each is missed");
    check_close(missed[b], rise / mass(c.bodies[b]), 1e-9, "by so much a Da");
  }
}

template <class Call>
bool is_refused(const Call &call) {
  try {
    call();
  } catch (const std::domain_error &) {
    return true;
  }
  return false;
}

void what_makes_no_sense_is_refused() {
  const toy::Complex c = toy::complex_of_five();
  const Densities densities = c.densities();
  const std::vector<Pose> one{c.native[0]};
  const auto choose = [&](const std::vector<std::size_t> &placed,
                          const std::vector<std::vector<Pose>> &candidates) {
    return placement_choices(*densities.score(), c.bodies, c.native, placed, candidates, nullptr,
                             {});
  };
  check(is_refused([&] { choose({1, 0}, {one, one}); }), "bodies that do not ascend");
  check(is_refused([&] { choose({0, 5}, {one, one}); }), "a body that is not there");
  check(is_refused([&] { choose({0}, {one, one}); }), "another number of lists");
  check(choose({0, 1}, {one, {}}).empty(), "a body without candidates has no choice");
  std::vector<Pose> elsewhere = c.native;
  elsewhere[2].translation.x += 0.1;
  check(is_refused([&] {
          minimized_choices(densities.score(), c.bodies, {}, {c.native, elsewhere}, {1, 3}, 5, 1);
        }),
        "arrangements that differ elsewhere");
}

}  // namespace

int main() {
  choices_are_the_best_of_all();
  placed_bodies_are_minimised_where_the_others_are();
  missed_is_what_the_score_rises_without_the_body();
  what_makes_no_sense_is_refused();
  return 0;
}

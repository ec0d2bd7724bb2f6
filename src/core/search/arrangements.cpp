#include "search/arrangements.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "math/parallel.h"
#include "search/candidates.h"

namespace emcore {

namespace {

// kT: more, and where copies are matters (a chain goes on in one of them).
constexpr double kNotMinded = 0.1;

Arrangements sorted(Arrangements arrangements) {
  std::stable_sort(arrangements.begin(), arrangements.end(),
                   [](const Arrangement &a, const Arrangement &b) { return a.score < b.score; });
  return arrangements;
}

// Poses of one, but of a body those of the other, and so of all whose places that takes.
std::vector<Pose> exchanged(const std::vector<Pose> &one, const std::vector<Pose> &other,
                            std::size_t body, const std::vector<double> &radii) {
  std::vector<Pose> poses = one;
  std::vector<char> taken(one.size(), 0);
  std::vector<std::size_t> todo{body};
  while (!todo.empty()) {
    const std::size_t b = todo.back();
    todo.pop_back();
    taken[b] = 1;
    poses[b] = other[b];
    for (std::size_t c = 0; c < one.size(); ++c)
      if (!taken[c] &&
          norm(one[c].translation - other[b].translation) < std::max(radii[b], radii[c]) / 2)
        todo.push_back(c);
  }
  return poses;
}

// Tells arrangements that differ by less than a tenth of an Å from others: each is tried once.
std::vector<long long> rounded(const std::vector<Pose> &poses) {
  std::vector<long long> key;
  for (const Pose &p : poses)
    for (double value : {p.rotation.w, p.rotation.x, p.rotation.y, p.rotation.z, p.translation.x,
                         p.translation.y, p.translation.z})
      key.push_back(std::llround(10 * value));
  return key;
}

}  // namespace

ArrangementScore::ArrangementScore(std::vector<WeightedTerm> terms, std::vector<double> radii,
                                   std::vector<int> kinds, unsigned threads,
                                   std::function<bool()> stop)
    : terms_(std::move(terms)),
      function_(pose_function(terms_)),
      radii_(std::move(radii)),
      kinds_(std::move(kinds)),
      has_copies_(std::set<int>(kinds_.begin(), kinds_.end()).size() < kinds_.size()),
      threads_(threads),
      stop_(std::move(stop)) {}

Arrangement ArrangementScore::minimized(const std::vector<Pose> &poses, int evaluations) const {
  if (stopped()) throw SearchStopped();
  MinimizeOptions options;
  options.max_evaluations = evaluations;
  const MinimizeResult best = minimize_poses(function_, poses, radii_, options);
  return {best.value, best.poses};
}

Arrangements ArrangementScore::all_minimized(const Starts &starts, int evaluations) const {
  Arrangements found(starts.size());
  parallel_for(starts.size(), threads_,
               [&](std::size_t s) { found[s] = minimized(starts[s], evaluations); });
  return found;
}

Arrangements ArrangementScore::all_minimized(const Arrangements &starts, int evaluations) const {
  Starts poses;
  for (const Arrangement &start : starts) poses.push_back(start.poses);
  return all_minimized(poses, evaluations);
}

Arrangements ArrangementScore::distinct(Arrangements arrangements, std::size_t most) const {
  Arrangements kept;
  for (Arrangement &one : arrangements = sorted(std::move(arrangements))) {
    if (kept.size() == most) break;
    const bool known = std::any_of(kept.begin(), kept.end(),
                                   [&](const Arrangement &other) { return is_same(one, other); });
    if (!known) kept.push_back(std::move(one));
  }
  return kept;
}

bool ArrangementScore::is_same(const Arrangement &a, const Arrangement &b) const {
  const std::vector<double> moved = apart(a.poses, b.poses);
  if (*std::max_element(moved.begin(), moved.end()) <= kSamePlace) return true;
  return has_copies_ && std::fabs(a.score - b.score) <= kNotMinded && are_alike(a, b);
}

bool ArrangementScore::are_alike(const Arrangement &a, const Arrangement &b) const {
  const auto none = [](const std::vector<char> &flags) {
    return std::none_of(flags.begin(), flags.end(), [](char flag) { return flag; });
  };
  return none(elsewhere(a.poses, b.poses)) && none(elsewhere(b.poses, a.poses));
}

std::vector<char> ArrangementScore::elsewhere(const std::vector<Pose> &a,
                                              const std::vector<Pose> &b) const {
  std::vector<char> away(a.size(), 1);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size() && away[i]; ++j)
      if (kinds_[i] == kinds_[j]) away[i] = !is_same_place(a[i], b[j], radii_[i]);
  return away;
}

std::vector<double> ArrangementScore::apart(const std::vector<Pose> &a,
                                            const std::vector<Pose> &b) const {
  std::vector<double> moved;
  for (std::size_t i = 0; i < a.size(); ++i) moved.push_back(pose_distance(a[i], b[i], radii_[i]));
  return moved;
}

Arrangements recombined(const ArrangementScore &score, Arrangements found, std::size_t most,
                        const RecombinationOptions &options) {
  std::set<std::vector<long long>> tried;
  for (int generation = 0; generation < options.generations; ++generation) {
    const Arrangements parents = score.distinct(found, options.parents);
    Starts starts;
    for (const Arrangement &one : parents) {
      if (one.score > parents.front().score + options.near_best) continue;
      for (const Arrangement &other : parents) {
        if (&one == &other) continue;
        const std::vector<double> apart = score.apart(one.poses, other.poses);
        for (std::size_t body = 0; body < apart.size(); ++body) {
          if (apart[body] <= kSamePlace) continue;
          std::vector<Pose> poses = exchanged(one.poses, other.poses, body, score.radii());
          if (tried.insert(rounded(poses)).second) starts.push_back(std::move(poses));
        }
      }
    }
    Arrangements children =
        score.distinct(score.all_minimized(starts, kShortMinimization), options.children);
    children = score.all_minimized(children);
    found.insert(found.end(), children.begin(), children.end());
    found = score.distinct(std::move(found), std::max(most, options.parents));
    bool unchanged = true;
    for (std::size_t i = 0; i < std::min(found.size(), options.parents); ++i)
      unchanged &= i < parents.size() && found[i].score == parents[i].score;
    if (unchanged) break;
  }
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace emcore

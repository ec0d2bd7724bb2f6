#include "search/choices.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "math/parallel.h"
#include "math/random.h"
#include "search/problem.h"

namespace emcore {

namespace {

using Choice = std::vector<std::size_t>;
using RankedChoice = std::pair<double, Choice>;

// Tables from which the score of a choice is put together.
class ChoiceTables {
 public:
  ChoiceTables(const MixtureScore &score, const Mixture &fixed, const std::vector<Mixture> &bodies,
               const std::vector<std::vector<Pose>> &candidates, const PlacementGuide &guide,
               const ChoiceOptions &options);

  std::size_t bodies() const { return rows_.size(); }
  std::size_t candidates(std::size_t b) const { return kept_[b].size(); }

  // kT, of indices into what is kept of the candidates. `scratch` keeps its memory between calls.
  struct Scratch {
    std::vector<const double *> rows, summed;
    std::vector<double> sum, log_ratios;
    std::vector<std::size_t> far;
  };
  double score(const Choice &choice, Scratch *scratch) const;

  // Choices of the same groups put no body far from where the other does.
  Choice groups(Choice choice) const {
    for (std::size_t b = 0; b < choice.size(); ++b) choice[b] = groups_[b][choice[b]];
    return choice;
  }

  // Its indices into all candidates.
  Choice original(Choice choice) const {
    for (std::size_t b = 0; b < choice.size(); ++b) choice[b] = kept_[b][choice[b]];
    return choice;
  }

 private:
  double density_score(const std::vector<const double *> &rows, Scratch *scratch) const;

  const MixtureScore &score_;
  double model_weight_;
  std::vector<Choice> kept_;    // of each body: the candidates that score best without the others
  std::vector<Choice> groups_;  // of each body and kept one: the first that is as good as there
  std::vector<double> fixed_;
  std::vector<std::vector<double>> rows_;   // of each body: a row a candidate
  std::vector<std::vector<double>> alone_;  // guide, kT
  std::vector<std::vector<float>> pairs_;   // of bodies b < c: a row a candidate of b
};

ChoiceTables::ChoiceTables(const MixtureScore &score, const Mixture &fixed,
                           const std::vector<Mixture> &bodies,
                           const std::vector<std::vector<Pose>> &candidates,
                           const PlacementGuide &guide, const ChoiceOptions &options)
    : score_(score),
      model_weight_(mass(fixed)),
      kept_(bodies.size()),
      groups_(bodies.size()),
      fixed_(score.table().padded_size, 0.0),
      rows_(bodies.size()),
      alone_(bodies.size()),
      pairs_(bodies.size() * bodies.size()) {
  const std::size_t n = bodies.size(), padded = score.table().padded_size;
  if (!fixed.empty()) overlap_row(score.table(), BodyTable(fixed), Pose(), fixed_.data());
  for (const Mixture &body : bodies) model_weight_ += mass(body);
  for (std::size_t b = 0; b < n; ++b) {
    const std::size_t m = candidates[b].size();
    std::vector<double> rows(m * padded), alone(m, 0.0);
    std::vector<std::pair<double, std::size_t>> order(m);
    const BodyTable table(bodies[b]);
    parallel_for(m, options.threads, [&](std::size_t i) {
      overlap_row(score.table(), table, candidates[b][i], &rows[i * padded]);
      if (guide.alone) alone[i] = guide.alone(b, candidates[b][i]);
      Scratch scratch;
      order[i] = {alone[i] + density_score({fixed_.data(), &rows[i * padded]}, &scratch), i};
    });
    std::sort(order.begin(), order.end());
    order.resize(std::min(options.kept, m));
    for (const auto &[score_alone, i] : order) {
      kept_[b].push_back(i);
      alone_[b].push_back(alone[i]);
      rows_[b].insert(rows_[b].end(), &rows[i * padded], &rows[i * padded] + padded);
    }
    const double radius = gyration_radius(bodies[b]);
    for (std::size_t i = 0; i < kept_[b].size(); ++i) {
      std::size_t first = 0;
      while (first < i &&
             !(groups_[b][first] == first &&
               is_same_place(candidates[b][kept_[b][first]], candidates[b][kept_[b][i]], radius,
                             options.apart, options.apart)))
        ++first;
      groups_[b].push_back(first);
    }
  }
  for (std::size_t b = 0; guide.pair && b < n; ++b)
    for (std::size_t c = b + 1; c < n; ++c) {
      std::vector<float> &own = pairs_[b * n + c];
      own.resize(this->candidates(b) * this->candidates(c));
      parallel_for(this->candidates(b), options.threads, [&](std::size_t i) {
        for (std::size_t j = 0; j < kept_[c].size(); ++j)
          own[i * kept_[c].size() + j] = static_cast<float>(
              guide.pair(b, candidates[b][kept_[b][i]], c, candidates[c][kept_[c][j]]));
      });
    }
}

double ChoiceTables::score(const Choice &choice, Scratch *scratch) const {
  const std::size_t n = rows_.size(), padded = fixed_.size();
  double value = 0;
  std::vector<const double *> &rows = scratch->rows;
  rows.assign(1, fixed_.data());
  for (std::size_t b = 0; b < n; ++b) {
    rows.push_back(&rows_[b][choice[b] * padded]);
    value += alone_[b][choice[b]];
    for (std::size_t c = b + 1; c < n; ++c)
      if (const std::vector<float> &table = pairs_[b * n + c]; !table.empty())
        value += table[choice[b] * candidates(c) + choice[c]];
  }
  return value + density_score(rows, scratch);
}

double ChoiceTables::density_score(const std::vector<const double *> &rows,
                                   Scratch *scratch) const {
  constexpr std::size_t batch = ComponentTable<double>::batch;
  const auto &blocks = score_.table().every_block;
  scratch->sum.assign(fixed_.size(), 0.0);
  scratch->log_ratios.resize(fixed_.size());
  scratch->summed = rows;
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    add_rows(scratch->summed.data(), rows.size(), &scratch->sum[block * batch]);
    for (const double *&row : scratch->summed) row += batch;
  }
  // What no body reaches counts as the least that may be trusted of an overlap.
  const auto far_logs = [&](const std::vector<std::size_t> &which, double *logs) {
    for (std::size_t j = 0; j < which.size(); ++j)
      logs[j] = std::log(score_.table().trusted_overlap[which[j]] * model_weight_);
  };
  std::vector<double> &l = scratch->log_ratios;
  score_.log_ratios_from<double>(scratch->sum.data(), blocks.data(), blocks.size(), model_weight_,
                                 far_logs, l.data(), &scratch->far);
  const NoiseScore &noise = score_.noise();
  const std::size_t size = score_.table().size;
  if (!noise.is_of_a_sum()) return noise.evaluate({l.begin(), l.begin() + size}, nullptr);
  return noise.score_of_sum(noise.part_of_sum(l.data(), 0, size));
}

// By groups, the best choice of each that one run of annealing came by.
std::map<Choice, RankedChoice> annealed(const ChoiceTables &tables, const ChoiceOptions &options,
                                        std::size_t run) {
  const std::size_t n = tables.bodies();
  Random random(options.seed, run);
  ChoiceTables::Scratch scratch;
  Choice choice(n);
  for (std::size_t b = 0; b < n; ++b) choice[b] = random.below(tables.candidates(b));
  double current = tables.score(choice, &scratch);
  std::map<Choice, RankedChoice> best;
  const std::size_t steps = options.steps * n;
  for (std::size_t step = 0; step < steps; ++step) {
    const double temperature =
        options.hottest * std::pow(options.coldest / options.hottest, double(step) / steps);
    const std::size_t b = random.below(n), former = choice[b];
    choice[b] = random.below(tables.candidates(b));
    const double proposed = tables.score(choice, &scratch);
    if (!(proposed <= current || random.uniform() < std::exp((current - proposed) / temperature))) {
      choice[b] = former;
      continue;
    }
    current = proposed;
    const RankedChoice ranked{current, choice};
    RankedChoice &known = best.emplace(tables.groups(choice), ranked).first->second;
    known = std::min(known, ranked);
  }
  return best;
}

// All bodies but the placed ones must be where the first arrangement has them.
void check_in_place(const std::vector<std::vector<Pose>> &arrangements,
                    const std::vector<std::size_t> &placed) {
  const auto numbers = [](const Pose &p) {
    return std::array<double, 7>{p.rotation.w,    p.rotation.x,    p.rotation.y,   p.rotation.z,
                                 p.translation.x, p.translation.y, p.translation.z};
  };
  const std::vector<Pose> &first = arrangements.front();
  for (std::size_t b = 0; b < first.size(); ++b) {
    if (std::find(placed.begin(), placed.end(), b) != placed.end()) continue;
    for (const std::vector<Pose> &other : arrangements)
      if (numbers(other[b]) != numbers(first[b]))
        throw std::domain_error("body " + std::to_string(b) +
                                " is not placed and must be at one pose in all arrangements");
  }
}

}  // namespace

std::vector<Choice> placement_choices(const MixtureScore &score, const std::vector<Mixture> &bodies,
                                      const std::vector<Pose> &poses,
                                      const std::vector<std::size_t> &placed,
                                      const std::vector<std::vector<Pose>> &candidates,
                                      const PairScore &pair, const ChoiceOptions &options) {
  if (poses.size() != bodies.size())
    throw std::domain_error("one pose a body is needed (" + std::to_string(bodies.size()) +
                            "), got " + std::to_string(poses.size()));
  if (candidates.size() != placed.size())
    throw std::domain_error("one list of candidates a placed body is needed (" +
                            std::to_string(placed.size()) + "), got " +
                            std::to_string(candidates.size()));
  for (std::size_t j = 0; j < placed.size(); ++j)
    if (placed[j] >= bodies.size() || (j > 0 && placed[j] <= placed[j - 1]))
      throw std::domain_error("placed bodies must be ascending and below " +
                              std::to_string(bodies.size()) + ", got " + std::to_string(placed[j]));
  for (const std::vector<Pose> &own : candidates)
    if (own.empty()) return {};
  std::vector<Mixture> own;
  for (std::size_t b : placed) own.push_back(bodies[b]);
  const ChoiceTables tables(score, bodies_in_place(bodies, poses, placed), own, candidates,
                            guide_of_placed(placed, poses, pair), options);
  std::vector<std::map<Choice, RankedChoice>> found(options.runs);
  parallel_for(options.runs, options.threads,
               [&](std::size_t run) { found[run] = annealed(tables, options, run); });
  std::map<Choice, RankedChoice> best;
  for (const auto &one : found)
    for (const auto &[groups, ranked] : one) {
      RankedChoice &known = best.emplace(groups, ranked).first->second;
      known = std::min(known, ranked);
    }
  std::vector<RankedChoice> ranked;
  for (const auto &[groups, choice] : best) ranked.push_back(choice);
  const std::size_t most = std::min(options.most, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + most, ranked.end());
  std::vector<Choice> result;
  for (std::size_t i = 0; i < most; ++i) result.push_back(tables.original(ranked[i].second));
  return result;
}

std::vector<PlacementSolution> minimized_choices(const std::shared_ptr<const MixtureScore> &score,
                                                 const std::vector<Mixture> &bodies,
                                                 const std::vector<WeightedTerm> &terms,
                                                 const std::vector<std::vector<Pose>> &arrangements,
                                                 const std::vector<std::size_t> &placed,
                                                 int evaluations, unsigned threads) {
  if (arrangements.empty()) return {};
  check_in_place(arrangements, placed);
  PlacementProblem problem;
  problem.extra = moved_pose_function(terms, placed);
  for (const Mixture &body : bodies) problem.radii.push_back(gyration_radius(body));
  MovedScore in_place(score, bodies);
  in_place.reset(arrangements.front());
  std::vector<PlacementSolution> found(arrangements.size());
  constexpr std::size_t kAtOnce = 16;  // for one copy of the score
  parallel_for((found.size() + kAtOnce - 1) / kAtOnce, threads, [&](std::size_t k) {
    MovedScore own = in_place;
    for (std::size_t i = k * kAtOnce; i < std::min(found.size(), (k + 1) * kAtOnce); ++i) {
      PlacementMove move{0, placed, {}};
      for (std::size_t b : placed) move.poses.push_back(arrangements[i][b]);
      move = refined_alone(problem, &own, move, evaluations);
      found[i] = {move.score, arrangements[i]};
      for (std::size_t j = 0; j < placed.size(); ++j) found[i].poses[placed[j]] = move.poses[j];
    }
  });
  std::stable_sort(
      found.begin(), found.end(),
      [](const PlacementSolution &a, const PlacementSolution &b) { return a.score < b.score; });
  return found;
}

}  // namespace emcore

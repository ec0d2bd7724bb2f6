#include <IMP/emgmm/internal/parallel.h>
#include <IMP/emgmm/internal/placement_choices.h>
#include <IMP/emgmm/internal/random.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace emcore {

namespace {

constexpr std::size_t kKeptOfRun = 200;

using Choice = std::vector<std::size_t>;
using RankedChoice = std::pair<double, Choice>;

// Tables from which the score of a choice is put together.
class ChoiceTables {
 public:
  ChoiceTables(const MixtureScore &score, const Mixture &fixed, const std::vector<Mixture> &bodies,
               const std::vector<std::vector<Pose>> &candidates, const PlacementGuide &guide,
               std::size_t kept, unsigned threads);

  std::size_t bodies() const { return rows_.size(); }
  std::size_t candidates(std::size_t b) const { return kept_[b].size(); }

  // kT, of indices into what is kept of the candidates. `scratch` keeps its memory between calls.
  struct Scratch {
    std::vector<const double *> rows, summed;
    std::vector<double> sum, log_ratios;
    std::vector<std::size_t> far;
  };
  double score(const Choice &choice, Scratch *scratch) const;

  // Its indices into all candidates.
  Choice original(Choice choice) const {
    for (std::size_t b = 0; b < choice.size(); ++b) choice[b] = kept_[b][choice[b]];
    return choice;
  }

 private:
  double density_score(const std::vector<const double *> &rows, Scratch *scratch) const;

  const MixtureScore &score_;
  double model_weight_;
  std::vector<Choice> kept_;  // of each body: the candidates that score best without the others
  std::vector<double> fixed_;
  std::vector<std::vector<double>> rows_;   // of each body: a row a candidate
  std::vector<std::vector<double>> alone_;  // guide, kT
  std::vector<std::vector<float>> pairs_;   // of bodies b < c: a row a candidate of b
};

ChoiceTables::ChoiceTables(const MixtureScore &score, const Mixture &fixed,
                           const std::vector<Mixture> &bodies,
                           const std::vector<std::vector<Pose>> &candidates,
                           const PlacementGuide &guide, std::size_t kept, unsigned threads)
    : score_(score),
      model_weight_(mass(fixed)),
      kept_(bodies.size()),
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
    parallel_for(m, threads, [&](std::size_t i) {
      overlap_row(score.table(), table, candidates[b][i], &rows[i * padded]);
      if (guide.alone) alone[i] = guide.alone(b, candidates[b][i]);
      Scratch scratch;
      order[i] = {alone[i] + density_score({fixed_.data(), &rows[i * padded]}, &scratch), i};
    });
    std::sort(order.begin(), order.end());
    order.resize(std::min(kept, m));
    for (const auto &[score_alone, i] : order) {
      kept_[b].push_back(i);
      alone_[b].push_back(alone[i]);
      rows_[b].insert(rows_[b].end(), &rows[i * padded], &rows[i * padded] + padded);
    }
  }
  for (std::size_t b = 0; guide.pair && b < n; ++b)
    for (std::size_t c = b + 1; c < n; ++c) {
      std::vector<float> &own = pairs_[b * n + c];
      own.resize(this->candidates(b) * this->candidates(c));
      parallel_for(this->candidates(b), threads, [&](std::size_t i) {
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

// The best that one run of annealing came by.
std::set<RankedChoice> annealed(const ChoiceTables &tables, const ChoiceOptions &options,
                                std::size_t run) {
  const std::size_t n = tables.bodies();
  Random random(options.seed, run);
  ChoiceTables::Scratch scratch;
  Choice choice(n);
  for (std::size_t b = 0; b < n; ++b) choice[b] = random.below(tables.candidates(b));
  double current = tables.score(choice, &scratch);
  std::set<RankedChoice> kept;
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
    if (kept.size() < kKeptOfRun || current < kept.rbegin()->first) {
      kept.insert({current, choice});
      if (kept.size() > kKeptOfRun) kept.erase(std::prev(kept.end()));
    }
  }
  return kept;
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
                            guide_of_placed(placed, poses, pair), options.kept, options.threads);
  std::vector<std::set<RankedChoice>> found(options.runs);
  parallel_for(options.runs, options.threads,
               [&](std::size_t run) { found[run] = annealed(tables, options, run); });
  std::set<RankedChoice> ranked;
  for (const std::set<RankedChoice> &one : found) ranked.insert(one.begin(), one.end());
  std::vector<double> radii;
  for (const Mixture &body : own) radii.push_back(gyration_radius(body));
  const auto is_same = [&](const Choice &x, const Choice &y) {
    for (std::size_t b = 0; b < own.size(); ++b)
      if (!is_same_place(candidates[b][x[b]], candidates[b][y[b]], radii[b], options.apart,
                         options.apart))
        return false;
    return true;
  };
  std::vector<Choice> result;
  for (const RankedChoice &ranked_one : ranked) {
    if (result.size() == options.most) break;
    const Choice one = tables.original(ranked_one.second);
    if (std::none_of(result.begin(), result.end(),
                     [&](const Choice &kept) { return is_same(kept, one); }))
      result.push_back(one);
  }
  return result;
}

}  // namespace emcore

#include "score/mixture_score.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "math/parallel.h"
#include "mixture/pair_overlap.h"

namespace emcore {

namespace {

// Work for one task: enough to outweigh handing it to a thread.
constexpr std::size_t kDataBlocks = 16;  // of 16 components
constexpr std::size_t kModelBlock = 64;
// A sum of which the cutoff may have left out more than this share is formed again from all pairs.
constexpr double kNearTrust = 30;

const Mixture &checked_data(const Mixture &data) {
  if (data.empty()) throw std::domain_error("the data mixture has no components");
  check_mixture(data, "data mixture");
  return data;
}

std::vector<BodyTable> tables_of(const Mixture &model) {
  std::vector<BodyTable> tables;
  for (std::size_t i = 0; i < model.size(); i += kModelBlock)
    tables.emplace_back(
        Mixture(model.begin() + i, model.begin() + std::min(model.size(), i + kModelBlock)));
  return tables;
}

// Every part of the model against the blocks of data that it reaches.
std::vector<double> overlaps_with(const ComponentTable<double> &table, const Mixture &model,
                                  unsigned threads) {
  constexpr std::size_t batch = ComponentTable<double>::batch;
  const std::vector<BodyTable> parts = tables_of(model);
  std::vector<std::vector<std::uint32_t>> reached(parts.size());
  parallel_for(parts.size(), threads,
               [&](std::size_t p) { blocks_in_reach(table, parts[p], Pose(), &reached[p]); });
  std::vector<double> row(table.padded_size, 0.0);
  const std::size_t tasks = (table.blocks.size() + kDataBlocks - 1) / kDataBlocks;
  parallel_for(tasks, threads, [&](std::size_t t) {
    std::vector<double> part_row(kDataBlocks * batch);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const auto begin = std::lower_bound(reached[p].begin(), reached[p].end(), t * kDataBlocks);
      const auto end = std::lower_bound(begin, reached[p].end(), (t + 1) * kDataBlocks);
      if (begin == end) continue;
      overlap_row(table, parts[p], Pose(), &*begin, std::size_t(end - begin), part_row.data());
      for (auto b = begin; b != end; ++b) {
        const double *values = &part_row[std::size_t(b - begin) * batch];
        add_rows(&values, 1, &row[*b * batch]);
      }
    }
  });
  return row;
}

std::vector<double> plus_floor(std::vector<double> overlaps, std::size_t size, double floor) {
  overlaps.resize(size);
  for (double &overlap : overlaps) overlap += floor;
  return overlaps;
}

std::vector<double> logs(std::vector<double> values) {
  for (double &value : values) value = std::log(value);
  return values;
}

}  // namespace

MixtureScore::MixtureScore(Mixture data, const ScoreOptions &options)
    : data_(checked_data(data)),
      options_(options),
      table_(data_),
      single_table_(options.single_precision ? data_ : Mixture()),
      overlaps_dd_(
          plus_floor(overlaps_with(table_, data_, options.threads), data_.size(), options.floor)),
      log_overlaps_dd_(logs(overlaps_dd_)),
      noise_(options.noise, overlaps_dd_, data_) {
  if (!(options.cutoff >= 0 && options.cutoff < 1))
    throw std::domain_error("cutoff must be from 0 to below 1, got " +
                            std::to_string(options.cutoff));
  if (options.cutoff > 0) near_ = std::make_unique<const NearOverlap>(data_);
  if (!(options.floor >= 0))
    throw std::domain_error("floor must be 0 or positive, got " + std::to_string(options.floor));
}

void MixtureScore::log_ratios(const Mixture &model, const std::vector<double> &row,
                              std::vector<double> *result, std::vector<std::size_t> *far) const {
  result->resize(table_.padded_size);
  log_ratios_from<double>(
      row.data(), table_.every_block.data(), table_.every_block.size(), mass(model),
      [&](const std::vector<std::size_t> &which, double *logs) {
        log_overlap_row(table_, BodyTable(model), Pose(), which, logs);
      },
      result->data(), far);
  result->resize(table_.size);
}

std::vector<double> MixtureScore::log_ratios(const Mixture &model) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  std::vector<double> result;
  std::vector<std::size_t> far;
  log_ratios(model, overlaps_with(table_, model, options_.threads), &result, &far);
  return result;
}

double MixtureScore::evaluate(const Mixture &model, std::vector<GaussianGradient> *gradients,
                              double *left_out) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  if (near_)
    if (const std::optional<NearModel> atoms = near_->isotropic(model))
      return evaluate_near(model, *atoms, gradients, left_out);
  if (left_out) *left_out = 0;
  const std::vector<double> row = overlaps_with(table_, model, options_.threads);
  std::vector<double> l, slopes;
  std::vector<std::size_t> far;
  log_ratios(model, row, &l, &far);
  const double score = noise_.evaluate(l, gradients ? &slopes : nullptr);
  if (!gradients) return score;

  // d score / d ov_MD,k; far components, whose overlap is not to be trusted, follow one by one.
  std::vector<double> by_overlap(table_.padded_size, 0.0);
  for (std::size_t k = 0; k < table_.size; ++k)
    by_overlap[k] = slopes[k] / (row[k] + options_.floor);
  for (std::size_t k : far) by_overlap[k] = 0;
  gradients->assign(model.size(), GaussianGradient());
  const std::size_t blocks = (model.size() + kModelBlock - 1) / kModelBlock;
  parallel_for(blocks, options_.threads, [&](std::size_t b) {
    const std::size_t begin = b * kModelBlock, end = std::min(model.size(), begin + kModelBlock);
    std::vector<std::uint32_t> reached;
    blocks_in_reach(table_, BodyTable(Mixture(model.begin() + begin, model.begin() + end)), Pose(),
                    &reached);
    overlap_gradient(table_, &model[begin], end - begin, by_overlap.data(), reached.data(),
                     reached.size(), &(*gradients)[begin]);
    for (std::size_t k : far)
      for (std::size_t i = begin; i < end; ++i)
        add_far_gradient(model[i], k, l[k], slopes[k], &(*gradients)[i]);
  });
  return score;
}

// One pass where the score is of a sum: the derivative of a component's part is known as soon as
// its overlap is. Otherwise (a scale that is profiled) one pass for the overlaps, one for forces.
double MixtureScore::evaluate_near(const Mixture &model, const NearModel &atoms,
                                   std::vector<GaussianGradient> *gradients,
                                   double *left_out) const {
  const std::size_t n = table_.size;
  const bool of_a_sum = noise_.is_of_a_sum();
  // parts: of the sum, or log ratios. by_overlap: of the sum, or 1 / overlap.
  std::vector<double> parts(n), by_overlap(n), left(left_out ? n : 0);
  std::vector<char> is_far(n, 0);
  std::vector<NearPoint> forces;
  near_->evaluate(
      atoms, options_.cutoff, options_.threads,
      [&](std::size_t n_here, const std::size_t *numbers, const double *overlaps,
          const double *left_out_of, double *slopes) {
        double floored[kNearBlock] = {}, parts_here[kNearBlock];
        for (std::size_t j = 0; j < n_here; ++j) {
          // Where the sum may not be trusted it is formed again, in log space.
          const bool far = options_.floor == 0 && !(left_out_of[j] < kNearTrust * overlaps[j]);
          is_far[numbers[j]] = far;
          floored[j] = far ? 1 : overlaps[j] + options_.floor;
        }
        if (of_a_sum) {
          noise_.parts_of_sum(n_here, numbers, floored, parts_here, slopes);
        } else {
          for (std::size_t j = 0; j < n_here; ++j) {
            parts_here[j] = std::log(floored[j]) - log_overlaps_dd_[numbers[j]];
            slopes[j] = 1 / floored[j];
          }
        }
        for (std::size_t j = 0; j < n_here; ++j) {
          const std::size_t k = numbers[j];
          if (is_far[k]) slopes[j] = 0;
          parts[k] = parts_here[j], by_overlap[k] = slopes[j];
          if (left_out) left[k] = left_out_of[j];
        }
      },
      gradients && of_a_sum ? &forces : nullptr);
  std::vector<std::size_t> far;
  for (std::size_t k = 0; k < n; ++k)
    if (is_far[k]) far.push_back(k);
  std::vector<double> far_logs(far.size()), far_slopes(far.size());
  if (!far.empty()) log_overlap_row(table_, BodyTable(model), Pose(), far, far_logs.data());
  for (std::size_t j = 0; j < far.size(); ++j) {
    far_logs[j] -= log_overlaps_dd_[far[j]];
    parts[far[j]] = of_a_sum ? noise_.part_of_sum(&far_logs[j], far[j], 1) : far_logs[j];
  }

  double score, scale = 1;
  if (of_a_sum) {
    double sum = 0;
    for (double part : parts) sum += part;
    score = noise_.score_of_sum(sum);
    scale = noise_.sum_slope(sum);
    for (std::size_t j = 0; j < far.size(); ++j)
      far_slopes[j] = scale * noise_.part_slope(far[j], far_logs[j]);
  } else {
    std::vector<double> slopes;
    score = noise_.evaluate(parts, &slopes);
    for (std::size_t j = 0; j < far.size(); ++j) far_slopes[j] = slopes[far[j]];
    for (std::size_t k = 0; k < n; ++k) by_overlap[k] *= slopes[k];
    if (gradients)
      near_->evaluate(
          atoms, options_.cutoff, options_.threads,
          [&](std::size_t n_here, const std::size_t *numbers, const double *, const double *,
              double *of_these) {
            for (std::size_t j = 0; j < n_here; ++j) of_these[j] = by_overlap[numbers[j]];
          },
          &forces);
  }
  if (left_out) {
    *left_out = 0;
    for (std::size_t k = 0; k < n; ++k) *left_out += std::fabs(scale * by_overlap[k]) * left[k];
  }
  if (!gradients) return score;
  gradients->resize(model.size());
  for (std::size_t i = 0; i < model.size(); ++i) {
    const NearPoint &f = forces[i];
    (*gradients)[i] = {{scale * f.x, scale * f.y, scale * f.z}, Sym3()};
  }
  for (std::size_t j = 0; j < far.size(); ++j)
    for (std::size_t i = 0; i < model.size(); ++i)
      add_far_gradient(model[i], far[j], far_logs[j], far_slopes[j], &(*gradients)[i]);
  return score;
}

void MixtureScore::add_far_gradient(const Gaussian &component, std::size_t k, double log_ratio,
                                    double slope, GaussianGradient *gradient) const {
  const PairOverlap pair = pair_overlap(component, data_[k]);
  const double share = std::exp(pair.log_overlap - log_ratio - log_overlaps_dd_[k]);
  const GaussianGradient g = pair_gradient(pair, slope * share);
  gradient->by_mean += g.by_mean;
  gradient->by_covariance += g.by_covariance;
}

double MixtureScore::evaluate_bodies(const std::vector<Mixture> &bodies,
                                     const std::vector<Pose> &poses,
                                     std::vector<PoseGradient> *gradients) const {
  std::vector<Mixture> placed;
  Mixture model;
  for (std::size_t b = 0; b < poses.size(); ++b) {
    placed.push_back(moved(bodies[b], poses[b]));
    model.insert(model.end(), placed.back().begin(), placed.back().end());
  }
  std::vector<GaussianGradient> by_component;
  const double value = evaluate(model, gradients ? &by_component : nullptr);
  if (!gradients) return value;
  gradients->clear();
  auto next = by_component.begin();
  for (std::size_t b = 0; b < poses.size(); ++b) {
    const auto end = next + static_cast<std::ptrdiff_t>(placed[b].size());
    gradients->push_back(rigid_gradient(placed[b], {next, end}, poses[b].translation));
    next = end;
  }
  return value;
}

double MixtureScore::cross_correlation(const Mixture &model) const {
  double md = 0, dd = 0;
  const std::vector<double> row = overlaps_with(table_, model, options_.threads);
  for (std::size_t k = 0; k < table_.size; ++k) {
    md += row[k];
    dd += overlaps_dd_[k] - options_.floor;
  }
  return md / std::sqrt(total_overlap(model, model, options_.threads) * dd);
}

double total_overlap(const Mixture &a, const Mixture &b, unsigned threads) {
  const ComponentTable<double> table(b);
  const std::vector<double> row = overlaps_with(table, a, threads);
  double sum = 0;
  for (std::size_t k = 0; k < table.size; ++k) sum += row[k];
  return sum;
}

}  // namespace emcore

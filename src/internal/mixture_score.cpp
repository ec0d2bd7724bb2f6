#include <IMP/emgmm/internal/mixture_score.h>
#include <IMP/emgmm/internal/parallel.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

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
      noise_(options.noise, overlaps_dd_) {
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
  if (near_ && is_isotropic(model)) return evaluate_near(model, gradients, left_out);
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
double MixtureScore::evaluate_near(const Mixture &model, std::vector<GaussianGradient> *gradients,
                                   double *left_out) const {
  const std::size_t n = table_.size;
  std::vector<double> l(n), slopes(n), left(n);
  std::vector<char> is_far(n, 0);
  const bool in_one = gradients && noise_.is_of_a_sum();
  std::vector<Vec3> forces;
  near_->evaluate(
      model, options_.cutoff, options_.threads,
      [&](std::size_t n_here, const std::size_t *numbers, const double *overlaps,
          const double *left_out_of, double *by_overlap) {
        double floored[16], logs[16];
        for (std::size_t j = 0; j < 16; ++j) {
          // Where the sum may not be trusted it is formed again, in log space.
          const bool far =
              j < n_here && options_.floor == 0 && !(left_out_of[j] < kNearTrust * overlaps[j]);
          floored[j] = j < n_here && !far ? overlaps[j] + options_.floor : 1;
          if (far) is_far[numbers[j]] = 1;
        }
        log_of(floored, 0, 16, logs);
        for (std::size_t j = 0; j < n_here; ++j) {
          const std::size_t k = numbers[j];
          l[k] = logs[j] - log_overlaps_dd_[k];
          left[k] = is_far[k] ? 0 : left_out_of[j] / floored[j];
          by_overlap[j] = in_one && !is_far[k] ? noise_.part_slope(k, l[k]) / floored[j] : 0;
        }
      },
      in_one ? &forces : nullptr);
  std::vector<std::size_t> far;
  for (std::size_t k = 0; k < n; ++k)
    if (is_far[k]) far.push_back(k);
  std::vector<double> logs(far.size());
  if (!far.empty()) log_overlap_row(table_, BodyTable(model), Pose(), far, logs.data());
  for (std::size_t j = 0; j < far.size(); ++j) l[far[j]] = logs[j] - log_overlaps_dd_[far[j]];

  const bool each_slope = left_out || !far.empty() || (gradients && !in_one);
  const double score = noise_.evaluate(l, each_slope ? &slopes : nullptr);
  if (left_out) {
    *left_out = 0;
    for (std::size_t k = 0; k < n; ++k) *left_out += std::fabs(slopes[k]) * left[k];
  }
  if (!gradients) return score;
  double scale = 1;
  if (in_one) {
    scale = noise_.sum_slope(noise_.part_of_sum(l.data(), 0, n));
  } else {
    near_->evaluate(
        model, options_.cutoff, options_.threads,
        [&](std::size_t n_here, const std::size_t *numbers, const double *overlaps, const double *,
            double *by_overlap) {
          for (std::size_t j = 0; j < n_here; ++j)
            by_overlap[j] =
                is_far[numbers[j]] ? 0 : slopes[numbers[j]] / (overlaps[j] + options_.floor);
        },
        &forces);
  }
  gradients->resize(model.size());
  for (std::size_t i = 0; i < model.size(); ++i) (*gradients)[i] = {scale * forces[i], Sym3()};
  for (std::size_t k : far)
    for (std::size_t i = 0; i < model.size(); ++i)
      add_far_gradient(model[i], k, l[k], slopes[k], &(*gradients)[i]);
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

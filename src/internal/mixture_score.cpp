#include <IMP/emgmm/internal/mixture_score.h>
#include <IMP/emgmm/internal/parallel.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace emcore {

namespace {

// Work for one task: enough to outweigh handing it to a thread.
constexpr std::size_t kDataBlock = 256;
constexpr std::size_t kModelBlock = 64;

const Mixture &checked_data(const Mixture &data) {
  if (data.empty()) throw std::domain_error("the data mixture has no components");
  check_mixture(data, "data mixture");
  return data;
}

std::vector<double> overlaps_with(const ComponentTable<double> &table, const BodyTable &model,
                                  unsigned threads) {
  std::vector<double> row(table.padded_size, 0.0);
  const std::size_t blocks = (table.padded_size + kDataBlock - 1) / kDataBlock;
  parallel_for(blocks, threads, [&](std::size_t b) {
    overlap_row(table, model, Pose(), b * kDataBlock,
                std::min(table.padded_size, (b + 1) * kDataBlock), row.data());
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
      overlaps_dd_(plus_floor(overlaps_with(table_, BodyTable(data_), options.threads),
                              data_.size(), options.floor)),
      log_overlaps_dd_(logs(overlaps_dd_)),
      noise_(options.noise, overlaps_dd_) {
  if (!(options.floor >= 0))
    throw std::domain_error("floor must be 0 or positive, got " + std::to_string(options.floor));
}

std::vector<double> MixtureScore::overlaps(const BodyTable &model) const {
  return overlaps_with(table_, model, options_.threads);
}

void MixtureScore::log_ratios(const BodyTable &model, const std::vector<double> &row,
                              std::vector<double> *result, std::vector<std::size_t> *far) const {
  double weight = 0;
  for (double w : model.weight) weight += w;
  log_ratios_from<double>(
      row.data(), weight,
      [&](const std::vector<std::size_t> &which, double *logs) {
        log_overlap_row(table_, model, Pose(), which, logs);
        *far = which;
      },
      result);
}

std::vector<double> MixtureScore::log_ratios(const Mixture &model) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  const BodyTable body(model);
  std::vector<double> result;
  std::vector<std::size_t> far;
  log_ratios(body, overlaps(body), &result, &far);
  return result;
}

double MixtureScore::evaluate(const Mixture &model,
                              std::vector<GaussianGradient> *gradients) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  const BodyTable body(model);
  const std::vector<double> row = overlaps(body);
  std::vector<double> l, slopes;
  std::vector<std::size_t> far;
  log_ratios(body, row, &l, &far);
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
    overlap_gradient(table_, &model[begin], end - begin, by_overlap.data(), 0, table_.padded_size,
                     &(*gradients)[begin]);
    for (std::size_t k : far)
      for (std::size_t i = begin; i < end; ++i)
        add_far_gradient(model[i], k, l[k], slopes[k], &(*gradients)[i]);
  });
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
  const std::vector<double> row = overlaps(BodyTable(model));
  for (std::size_t k = 0; k < table_.size; ++k) {
    md += row[k];
    dd += overlaps_dd_[k] - options_.floor;
  }
  return md / std::sqrt(total_overlap(model, model, options_.threads) * dd);
}

double total_overlap(const Mixture &a, const Mixture &b, unsigned threads) {
  const ComponentTable<double> table(b);
  const std::vector<double> row = overlaps_with(table, BodyTable(a), threads);
  double sum = 0;
  for (std::size_t k = 0; k < table.size; ++k) sum += row[k];
  return sum;
}

}  // namespace emcore

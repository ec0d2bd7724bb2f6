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

std::vector<double> overlaps_with(const ComponentTable<double> &table, const Mixture &model,
                                  unsigned threads) {
  std::vector<double> row(table.padded_size, 0.0);
  const std::size_t blocks = (table.padded_size + kDataBlock - 1) / kDataBlock;
  parallel_for(blocks, threads, [&](std::size_t b) {
    overlap_row(table, model.data(), model.size(), b * kDataBlock,
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
      overlaps_dd_(plus_floor(overlaps_with(table_, data_, options.threads), data_.size(),
                              options.floor)),
      log_overlaps_dd_(logs(overlaps_dd_)),
      noise_(options.noise, overlaps_dd_) {
  if (!(options.floor >= 0))
    throw std::domain_error("floor must be 0 or positive, got " + std::to_string(options.floor));
}

std::vector<double> MixtureScore::overlaps(const Mixture &model) const {
  return overlaps_with(table_, model, options_.threads);
}

double MixtureScore::far_log_overlap(const Mixture &model, std::size_t k) const {
  std::vector<double> terms;
  terms.reserve(model.size());
  for (const Gaussian &g : model) terms.push_back(pair_overlap(g, data_[k]).log_overlap);
  return log_sum_exp(terms);
}

std::vector<double> MixtureScore::log_ratios(const Mixture &model) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  std::vector<double> result;
  log_ratios_from(overlaps(model).data(), [&]() -> const Mixture & { return model; }, &result);
  return result;
}

double MixtureScore::evaluate(const Mixture &model,
                              std::vector<GaussianGradient> *gradients) const {
  if (model.empty()) throw std::domain_error("the model mixture has no components");
  const std::vector<double> row = overlaps(model);
  std::vector<double> log_ratios, slopes;
  log_ratios_from(row.data(), [&]() -> const Mixture & { return model; }, &log_ratios);
  const double score = noise_.evaluate(log_ratios, gradients ? &slopes : nullptr);
  if (!gradients) return score;

  // d score / d ov_MD,k; far components, whose overlap underflowed, follow one by one below.
  std::vector<double> by_overlap(table_.padded_size, 0.0);
  std::vector<std::size_t> far;
  for (std::size_t k = 0; k < table_.size; ++k) {
    if (is_far(row[k]))
      far.push_back(k);
    else
      by_overlap[k] = slopes[k] / (row[k] + options_.floor);
  }
  gradients->assign(model.size(), GaussianGradient());
  const std::size_t blocks = (model.size() + kModelBlock - 1) / kModelBlock;
  parallel_for(blocks, options_.threads, [&](std::size_t b) {
    const std::size_t begin = b * kModelBlock, end = std::min(model.size(), begin + kModelBlock);
    overlap_gradient(table_, &model[begin], end - begin, by_overlap.data(), 0, table_.padded_size,
                     &(*gradients)[begin]);
    for (std::size_t k : far) {
      const double log_overlap = log_ratios[k] + log_overlaps_dd_[k];
      for (std::size_t i = begin; i < end; ++i) {
        const PairOverlap pair = pair_overlap(model[i], data_[k]);
        const GaussianGradient g =
            pair_gradient(pair, slopes[k] * std::exp(pair.log_overlap - log_overlap));
        (*gradients)[i].by_mean += g.by_mean;
        (*gradients)[i].by_covariance += g.by_covariance;
      }
    }
  });
  return score;
}

double MixtureScore::cross_correlation(const Mixture &model) const {
  double md = 0, dd = 0;
  const std::vector<double> row = overlaps(model);
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

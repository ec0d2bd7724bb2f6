#include "score/correlated_noise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mixture/pair_overlap.h"

namespace emcore {

namespace {

constexpr std::size_t kPredecessors = 24;
constexpr double kLeastCorrelation = 0.01;
// Share of the noise that is a component's own: two that nearly coincide stay two.
constexpr double kOwn = 1e-3;

double dot(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// x of A x = b for a positive definite matrix (n x n, rows one after the other) by Cholesky.
std::vector<double> solved(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j * n + j] -= a[j * n + k] * a[j * n + k];
    a[j * n + j] = std::sqrt(a[j * n + j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

}  // namespace

CorrelatedNoise::CorrelatedNoise(const Mixture &data, const std::vector<double> &overlaps_dd)
    : overlaps_dd_(overlaps_dd) {
  const std::size_t n = data.size();
  std::vector<double> half_log(n);  // of ov_kk
  for (std::size_t k = 0; k < n; ++k)
    half_log[k] = 0.5 * pair_overlap(data[k], data[k]).log_overlap;
  const auto correlation = [&](std::size_t k, std::size_t l) {
    return std::exp(pair_overlap(data[k], data[l]).log_overlap - half_log[k] - half_log[l]);
  };
  first_.push_back(0);
  for (std::size_t k = 0; k < n; ++k) {
    std::vector<std::pair<double, std::uint32_t>> near;  // (minus the correlation, which)
    for (std::size_t l = 0; l < k; ++l)
      if (const double c = correlation(k, l); c > kLeastCorrelation)
        near.emplace_back(-c, std::uint32_t(l));
    const std::size_t m = std::min(near.size(), kPredecessors);
    std::partial_sort(near.begin(), near.begin() + std::ptrdiff_t(m), near.end());
    std::vector<double> among(m * m), with(m);
    for (std::size_t i = 0; i < m; ++i) {
      with[i] = -near[i].first;
      for (std::size_t j = 0; j < i; ++j)
        among[i * m + j] = among[j * m + i] = correlation(near[i].second, near[j].second);
      among[i * m + i] = 1 + kOwn;
    }
    const std::vector<double> share = solved(among, with);
    const double own = 1 / std::sqrt(1 + kOwn - dot(share, with));
    for (std::size_t i = 0; i < m; ++i) {
      which_.push_back(near[i].second);
      factor_.push_back(-own * share[i] * std::exp(-half_log[near[i].second]));
    }
    which_.push_back(std::uint32_t(k));
    factor_.push_back(own * std::exp(-half_log[k]));
    first_.push_back(std::uint32_t(which_.size()));
  }
  data_ = independent(overlaps_dd_);
  square_ = dot(data_, data_);
}

std::vector<double> CorrelatedNoise::independent(const std::vector<double> &overlaps) const {
  std::vector<double> result(overlaps.size());
  for (std::size_t k = 0; k < result.size(); ++k) {
    double sum = 0;
    for (std::size_t i = first_[k]; i < first_[k + 1]; ++i) sum += factor_[i] * overlaps[which_[i]];
    result[k] = sum;
  }
  return result;
}

double CorrelatedNoise::unexplained(const std::vector<double> &log_ratios,
                                    std::vector<double> *slopes) const {
  const std::size_t n = overlaps_dd_.size();
  // The scale is free: the largest log ratio becomes 0, so that nothing far away underflows.
  const double largest = *std::max_element(log_ratios.begin(), log_ratios.end());
  std::vector<double> overlaps(n);
  for (std::size_t k = 0; k < n; ++k)
    overlaps[k] = overlaps_dd_[k] * std::exp(log_ratios[k] - largest);
  const std::vector<double> model = independent(overlaps);
  const double both = dot(data_, model), square = dot(model, model);
  if (slopes) slopes->assign(n, 0.0);
  if (!(both > 0)) return 1;
  const double scale = both / square;
  if (slopes) {
    for (std::size_t k = 0; k < n; ++k) {
      const double by_part = -2 * scale / square_ * (data_[k] - scale * model[k]);
      for (std::size_t i = first_[k]; i < first_[k + 1]; ++i)
        (*slopes)[which_[i]] += by_part * factor_[i];
    }
    for (std::size_t k = 0; k < n; ++k) (*slopes)[k] *= overlaps[k];
  }
  // Not 1 - cc²: near a perfect fit that would cancel.
  double left = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double rest = data_[k] - scale * model[k];
    left += rest * rest;
  }
  return left / square_;
}

}  // namespace emcore

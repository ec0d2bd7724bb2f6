#include "score/noise_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "score/overlap.h"

namespace emcore {

namespace {

// h(z) = -log(erf(z) / z) for z >= 0, and its derivative; both models with one sigma for each
// component are h of a scaled deviation plus a constant.
struct ErfRatio {
  double value, slope;
};

ErfRatio minus_log_erf_ratio(double z) {
  constexpr double two_over_root_pi = 1.1283791670955126;
  if (z < 0.05) {
    // erf(z) = 2/sqrt(pi) z A(z²); the difference A - exp(-z²) cancels, so it is expanded too.
    const double t = z * z;
    const double a = 1 - t / 3 + t * t / 10 - t * t * t / 42 + t * t * t * t / 216;
    const double difference =
        t * (2.0 / 3 - t * (2.0 / 5 - t * (1.0 / 7 - t * (1.0 / 27 - t * (1.0 / 132)))));
    return {-std::log(two_over_root_pi * a), z > 0 ? difference / (z * a) : 0};
  }
  const double e = std::erf(z);
  return {-std::log(e / z), 1 / z - two_over_root_pi * std::exp(-z * z) / e};
}

}  // namespace

NoiseModel noise_model_from_name(const std::string &wanted) {
  for (auto model : {NoiseModel::lognormal, NoiseModel::lognormal_local, NoiseModel::gaussian,
                     NoiseModel::gaussian_local, NoiseModel::outliers, NoiseModel::correlated})
    if (name(model) == wanted) return model;
  throw std::domain_error(
      "noise model must be lognormal, lognormal_local, gaussian, gaussian_local, outliers or "
      "correlated, got '" +
      wanted + "'");
}

std::string name(NoiseModel model) {
  switch (model) {
    case NoiseModel::lognormal_local:
      return "lognormal_local";
    case NoiseModel::gaussian:
      return "gaussian";
    case NoiseModel::gaussian_local:
      return "gaussian_local";
    case NoiseModel::outliers:
      return "outliers";
    case NoiseModel::correlated:
      return "correlated";
    default:
      return "lognormal";
  }
}

namespace {

// std::lgamma also writes a variable that all threads share.
double log_gamma(double x) {
#ifdef _WIN32
  return std::lgamma(x);
#else
  int sign = 0;
  return lgamma_r(x, &sign);
#endif
}

}  // namespace

LogGammaP log_gamma_p(double a, double x) {
  // P x^-a = e^-x / Gamma(a + 1) (1 + tail), tail = x/(a+1) + x²/((a+1)(a+2)) + ...; the series
  // has positive terms only and converges for every x (terms fall once a + n > x).
  if (x < a + 30 + 6 * std::sqrt(a)) {
    double term = 1 / (a + 1), tail_over_x = term;
    for (int n = 2; term > 1e-17 * tail_over_x; ++n) {
      term *= x / (a + n);
      tail_over_x += term;
    }
    const double tail = x * tail_over_x;
    return {-x - log_gamma(a + 1) + std::log1p(tail), a * tail_over_x / (1 + tail)};
  }
  // So far up 1 - P is below 1e-9 and falling; Lentz' continued fraction for Q = 1 - P.
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 1000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-16) break;
  }
  const double log_density = (a - 1) * std::log(x) - x - log_gamma(a);
  const double q = std::exp(log_density + std::log(x)) * h;
  return {std::log1p(-q) - a * std::log(x), a / x - std::exp(log_density) / (1 - q)};
}

NoiseScore::NoiseScore(NoiseOptions options, std::vector<double> overlaps_dd, const Mixture &data)
    : options_(std::move(options)), overlaps_dd_(std::move(overlaps_dd)) {
  const bool lognormal =
      options_.model == NoiseModel::lognormal || options_.model == NoiseModel::lognormal_local;
  if (!(options_.sigma_min >= 0) || !std::isfinite(options_.sigma_min))
    throw std::domain_error("sigma_min must be 0 or positive, got " +
                            std::to_string(options_.sigma_min));
  if (options_.model == NoiseModel::correlated) options_.profile_scale = false;  // in any case is
  if (options_.profile_scale && !lognormal)
    throw std::domain_error("the scale can be profiled with lognormal noise models only, not " +
                            name(options_.model));
  if (!(options_.background >= 0 && options_.background < 1))
    throw std::domain_error("background must be from 0 to below 1, got " +
                            std::to_string(options_.background));
  if (options_.background > 0 && !lognormal)
    throw std::domain_error("a background can be had with lognormal noise models only, not " +
                            name(options_.model));
  // With a free scale the model would swell until it explains the background.
  if (options_.background > 0 && options_.profile_scale)
    throw std::domain_error("a background needs a fixed scale, not a profiled one");
  if (options_.model == NoiseModel::correlated) {
    if (!options_.component_sigma.empty())
      throw std::domain_error("the correlated noise model has one sigma for the whole map");
    if (data.size() != overlaps_dd_.size())
      throw std::domain_error("the correlated noise model needs the data mixture");
    correlated_ = std::make_shared<const CorrelatedNoise>(data, overlaps_dd_);
    return;
  }
  if (options_.component_sigma.empty() && options_.model != NoiseModel::lognormal) {
    if (!(options_.sigma_min > 0))
      throw std::domain_error(name(options_.model) +
                              " needs component_sigma or a positive sigma_min, got " +
                              std::to_string(options_.sigma_min));
    options_.component_sigma.assign(overlaps_dd_.size(), options_.sigma_min);
    if (!lognormal)
      for (std::size_t k = 0; k < overlaps_dd_.size(); ++k)
        options_.component_sigma[k] *= overlaps_dd_[k];
  }
  if (options_.model != NoiseModel::lognormal) {
    if (options_.component_sigma.size() != overlaps_dd_.size())
      throw std::domain_error("component_sigma must have " + std::to_string(overlaps_dd_.size()) +
                              " values, got " + std::to_string(options_.component_sigma.size()));
    for (double sigma : options_.component_sigma)
      if (!(sigma > 0))
        throw std::domain_error("component_sigma must be positive, got " + std::to_string(sigma));
  }
}

double NoiseScore::shift(const std::vector<double> &log_ratios) const {
  if (!options_.profile_scale) return 0;
  double sum = 0;
  for (double l : log_ratios) sum += l;
  return sum / log_ratios.size();
}

NoiseScore::Value NoiseScore::lognormal_of(double q) const {
  const double n = overlaps_dd_.size();
  if (options_.sigma_min > 0) {
    // eq. 12 with sigma from sigma_min on: n/2 log Q - log P(n/2, Q / 2 sigma_min²); the powers of
    // Q cancel before they are formed, so the perfect fit Q = 0 has a finite score.
    const double scale = 2 * options_.sigma_min * options_.sigma_min;
    const LogGammaP p = log_gamma_p(n / 2, q / scale);
    return {n / 2 * std::log(scale) - p.log_p_over_x_to_a, p.deficit / scale};
  }
  return {n / 2 * std::log(q), n / (2 * q)};
}

NoiseScore::Value NoiseScore::local_of(std::size_t k, double l) const {
  const double sigma = options_.component_sigma[k];
  if (options_.model == NoiseModel::lognormal_local) {
    // -log[erf(|l| / sqrt(2) sigma) / |l|]
    const double a = std::sqrt(0.5) / sigma;
    const ErfRatio h = minus_log_erf_ratio(a * std::fabs(l));
    return {h.value - std::log(a), std::copysign(a * h.slope, l)};
  }
  const double overlap = overlaps_dd_[k] * std::exp(l);
  const Value value = difference_of(k, overlap);
  return {value.score, value.slope * overlap};
}

// The models of differences of overlaps, by ov_MD.
NoiseScore::Value NoiseScore::difference_of(std::size_t k, double overlap) const {
  const double sigma = options_.component_sigma[k], delta = overlap - overlaps_dd_[k];
  const double z = delta / sigma;
  if (options_.model == NoiseModel::gaussian) return {0.5 * z * z, z / sigma};
  if (options_.model == NoiseModel::gaussian_local) {
    // -log[erf(delta / sqrt(2) sigma) / 2 delta]
    const double a = std::sqrt(0.5) / sigma;
    const ErfRatio h = minus_log_erf_ratio(a * std::fabs(delta));
    return {h.value - std::log(0.5 * a), std::copysign(a * h.slope, delta)};
  }
  return {std::log1p(0.5 * z * z), z / (1 + 0.5 * z * z) / sigma};
}

// log[(exp(l) + b) / (1 + b)], exact near 0 and finite far out.
double NoiseScore::with_background(double l) const {
  const double b = options_.background;
  if (b == 0) return l;
  return l < 1 ? std::log1p(std::expm1(l) / (1 + b))
               : l + std::log1p(b * std::exp(-l)) - std::log1p(b);
}

std::vector<double> NoiseScore::with_background(std::vector<double> log_ratios) const {
  if (options_.background > 0)
    for (double &l : log_ratios) l = with_background(l);
  return log_ratios;
}

NoiseScore::Value NoiseScore::part(std::size_t k, double log_ratio) const {
  const double l = with_background(log_ratio);
  Value value = options_.model == NoiseModel::lognormal ? Value{l * l, 2 * l} : local_of(k, l);
  // d l_k / d log ov_MD,k is the share of the model.
  if (options_.background > 0) value.slope /= 1 + options_.background * std::exp(-log_ratio);
  return value;
}

double NoiseScore::part_of_sum(const double *log_ratios, std::size_t first, std::size_t n) const {
  double sums[4] = {};  // side by side: additions need not wait for each other
  if (options_.model == NoiseModel::lognormal && options_.background == 0)
    for (std::size_t j = 0; j < n; ++j) sums[j % 4] += log_ratios[j] * log_ratios[j];
  else
    for (std::size_t j = 0; j < n; ++j) sums[j % 4] += part(first + j, log_ratios[j]).score;
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void NoiseScore::parts_of_sum(std::size_t n, const std::size_t *numbers, const double *overlaps,
                              double *parts, double *slopes) const {
  const bool lognormal =
      options_.model == NoiseModel::lognormal || options_.model == NoiseModel::lognormal_local;
  for (std::size_t begin = 0; begin < n; begin += 16) {
    const std::size_t end = std::min(n, begin + 16);
    double log_ratios[16];
    if (lognormal) {
      for (std::size_t j = 0; j < 16; ++j)
        log_ratios[j] =
            begin + j < end ? overlaps[begin + j] / overlaps_dd_[numbers[begin + j]] : 1;
      log_of(log_ratios, 0, 16, log_ratios);
    }
    for (std::size_t j = begin; j < end; ++j) {
      Value value;
      if (lognormal) {
        value = part(numbers[j], log_ratios[j - begin]);
        value.slope /= overlaps[j];
      } else {
        value = difference_of(numbers[j], overlaps[j]);
      }
      parts[j] = value.score, slopes[j] = value.slope;
    }
  }
}

NoiseScore::Value NoiseScore::of_sum(double sum) const {
  return options_.model == NoiseModel::lognormal ? lognormal_of(sum) : Value{sum, 1};
}

double NoiseScore::part_slope(std::size_t k, double log_ratio) const {
  return part(k, log_ratio).slope;
}

double NoiseScore::score_of_sum(double sum) const { return of_sum(sum).score; }

double NoiseScore::sum_slope(double sum) const { return of_sum(sum).slope; }

double NoiseScore::evaluate(const std::vector<double> &log_ratios,
                            std::vector<double> *slopes) const {
  const std::size_t n = log_ratios.size();
  if (correlated_) {
    // Q as in eq. 13, of the independent parts in units of their rms in the data.
    const Value value = lognormal_of(n * correlated_->unexplained(log_ratios, slopes));
    if (slopes)
      for (double &slope : *slopes) slope *= n * value.slope;
    return value.score;
  }
  std::vector<double> seen = log_ratios;
  const double mean = shift(log_ratios);  // a profiled scale goes with no background
  for (double &l : seen) l -= mean;
  const Value value = of_sum(part_of_sum(seen.data(), 0, n));
  if (!slopes) return value.score;
  slopes->resize(n);
  double slope_sum = 0;
  for (std::size_t k = 0; k < n; ++k)
    slope_sum += (*slopes)[k] = value.slope * part_slope(k, seen[k]);
  if (options_.profile_scale)  // the mean depends on every l_k
    for (double &slope : *slopes) slope -= slope_sum / n;
  return value.score;
}

double NoiseScore::sigma_estimate(const std::vector<double> &log_ratios) const {
  if (correlated_)
    return std::max(options_.sigma_min, std::sqrt(correlated_->unexplained(log_ratios, nullptr)));
  const std::vector<double> seen = with_background(log_ratios);
  const double mean = shift(seen);
  double q = 0;
  for (double l : seen) q += (l - mean) * (l - mean);
  return std::max(options_.sigma_min, std::sqrt(q / log_ratios.size()));
}

std::vector<double> NoiseScore::component_sigma_estimates(
    const std::vector<double> &log_ratios) const {
  std::vector<double> result = with_background(log_ratios);
  const double mean = shift(result);
  for (std::size_t k = 0; k < result.size(); ++k) {
    const double deviation = std::fabs(result[k] - mean);
    const double difference = overlaps_dd_[k] * std::expm1(log_ratios[k]);
    switch (options_.model) {
      case NoiseModel::lognormal:
        result[k] = std::max(options_.sigma_min, deviation);
        break;
      case NoiseModel::lognormal_local:
        result[k] = std::max(options_.component_sigma[k], deviation);
        break;
      case NoiseModel::gaussian:
        result[k] = options_.component_sigma[k];
        break;
      case NoiseModel::correlated:
        result[k] = std::max(options_.sigma_min * overlaps_dd_[k], std::fabs(difference));
        break;
      case NoiseModel::gaussian_local:
        result[k] = std::max(options_.component_sigma[k], std::fabs(difference));
        break;
      case NoiseModel::outliers:
        result[k] = std::hypot(options_.component_sigma[k], std::sqrt(0.5) * difference);
        break;
    }
  }
  return result;
}

}  // namespace emcore

// From overlaps to a score: how the noise of the map is inferred (doc/method.md, eq. 11
// to 13 and a to d and p).
#ifndef EMGMM_SCORE_NOISE_MODEL_H
#define EMGMM_SCORE_NOISE_MODEL_H

#include <memory>
#include <string>
#include <vector>

#include "score/correlated_noise.h"

namespace emcore {

enum class NoiseModel {
  lognormal,        // one unknown sigma for the map, marginalised (eq. 11-13)
  lognormal_local,  // one sigma for each data component, marginalised
  gaussian,         // differences of overlaps, sigma of each component known (EMMI's GAUSS)
  gaussian_local,   // the same, marginalised (EMMI's MARGINAL)
  outliers,         // differences of overlaps, heavy tails (EMMI's OUTLIERS)
  correlated        // one unknown sigma of the density, scale profiled, marginalised
};

NoiseModel noise_model_from_name(const std::string &name);
std::string name(NoiseModel model);

struct NoiseOptions {
  NoiseModel model = NoiseModel::lognormal;
  // lognormal: lower bound of sigma, 0 for eq. 13 as it stands; correlated: likewise, as a share of
  // the data. All others, where component_sigma
  // is not given: sigma_k or its lower bound, must be positive. In units of the log ratio; where
  // differences of overlaps count, in units of ov_DD,k, which is the same for small ones.
  double sigma_min = 0;
  // One positive value for each data component instead: gaussian and outliers (sigma_k),
  // gaussian_local (sigma_min,k) in Da²/Å³, lognormal_local (lower bound) in log ratio units.
  std::vector<double> component_sigma;
  // The factor c on ov_MD that minimises Q: the mean of the log ratios is subtracted
  // (lognormal models only).
  bool profile_scale = false;
  // Share b of each data component that may be there without any model (lognormal models with a
  // fixed scale only): l_k = log[(ov_MD,k + b ov_DD,k) / (1 + b) ov_DD,k]. 0 where ov_MD,k =
  // ov_DD,k as without it, but never below log[b / (1 + b)]: a part of the map that was not
  // modelled costs what it costs and pulls at nothing.
  double background = 0;
};

// log_ratio[k] = log(ov_MD,k / ov_DD,k) in; the score (kT, constants of eq. 13 dropped) out.
// Where slopes is given: slopes[k] = d score / d log ov_MD,k.
class NoiseScore {
 public:
  // overlaps_dd: ov_DD,k; the correlated model needs the data mixture too. Throws
  // std::domain_error for options that make no sense.
  NoiseScore(NoiseOptions options, std::vector<double> overlaps_dd, const Mixture &data = {});

  double evaluate(const std::vector<double> &log_ratios, std::vector<double> *slopes) const;

  // Unless the scale is profiled the score is a function of one sum over the data components: its
  // part of the components first ... first + n - 1, with these log ratios, and the score of the
  // whole.
  bool is_of_a_sum() const { return !options_.profile_scale && !correlated_; }
  double part_of_sum(const double *log_ratios, std::size_t first, std::size_t n) const;
  double score_of_sum(double sum) const;
  // Their derivatives: of the part of component k by its log ratio, of the score by the sum.
  double part_slope(std::size_t k, double log_ratio) const;
  double sum_slope(double sum) const;

  // The same where the overlaps themselves are known, of the n components numbers[j]: parts of the
  // sum, and their derivatives by ov_MD.
  void parts_of_sum(std::size_t n, const std::size_t *numbers, const double *overlaps,
                    double *parts, double *slopes) const;

  // Most probable sigma of the whole map: sqrt(Q / N_D), not below sigma_min (log ratio units;
  // correlated: of the data's rms).
  double sigma_estimate(const std::vector<double> &log_ratios) const;

  // The same for each component: |l_k|, not below its lower bound (log ratio units); gaussian_local
  // and correlated |ov_MD,k - ov_DD,k| likewise, gaussian its sigma_k, outliers the sigma of the
  // Gaussian that pulls as hard, sqrt(sigma_k² + (ov_MD,k - ov_DD,k)² / 2) (all three Da²/Å³).
  std::vector<double> component_sigma_estimates(const std::vector<double> &log_ratios) const;

  const NoiseOptions &options() const { return options_; }

 private:
  // A score and its derivative, by the log ratio or the overlap of a component or by Q.
  struct Value {
    double score, slope;
  };
  Value lognormal_of(double q) const;
  Value local_of(std::size_t k, double log_ratio) const;
  Value difference_of(std::size_t k, double overlap) const;
  Value part(std::size_t k, double log_ratio) const;
  Value of_sum(double sum) const;
  double with_background(double log_ratio) const;
  std::vector<double> with_background(std::vector<double> log_ratios) const;
  double shift(const std::vector<double> &log_ratios) const;

  NoiseOptions options_;
  std::vector<double> overlaps_dd_;
  std::shared_ptr<const CorrelatedNoise> correlated_;
};

// log P(a, x), P the regularised lower incomplete gamma function, and (a/x - d log P / dx) >= 0,
// which stays exact where both terms grow without bound (x -> 0). a > 0, x >= 0.
struct LogGammaP {
  double log_p_over_x_to_a;  // log(P(a, x) x^-a): finite at x = 0
  double deficit;            // a/x - d log P / dx
};
LogGammaP log_gamma_p(double a, double x);

}  // namespace emcore

#endif

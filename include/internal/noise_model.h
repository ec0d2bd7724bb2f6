// From overlaps to a score: how the noise of the map is inferred (design, section 2).
#ifndef IMPEMGMM_INTERNAL_NOISE_MODEL_H
#define IMPEMGMM_INTERNAL_NOISE_MODEL_H

#include <string>
#include <vector>

namespace emcore {

enum class NoiseModel {
  lognormal,        // one unknown sigma for the map, marginalised (eq. 11-13)
  lognormal_local,  // one sigma for each data component, marginalised
  gaussian_local,   // differences of overlaps, marginalised (EMMI's MARGINAL)
  outliers          // differences of overlaps, heavy tails (EMMI's OUTLIERS)
};

NoiseModel noise_model_from_name(const std::string &name);
std::string name(NoiseModel model);

struct NoiseOptions {
  NoiseModel model = NoiseModel::lognormal;
  // lognormal: lower bound of sigma, 0 for eq. 13 as it stands. lognormal_local: lower bound of
  // every sigma_k, must be positive. Both in units of the log ratio.
  double sigma_min = 0;
  // gaussian_local (sigma_min,k) and outliers (sigma_k): one positive value for each data
  // component, Da²/Å³. May be given to lognormal_local too (log ratio), instead of sigma_min.
  std::vector<double> component_sigma;
  // The factor c on ov_MD that minimises Q: the mean of the log ratios is subtracted
  // (lognormal models only).
  bool profile_scale = false;
};

// log_ratio[k] = log(ov_MD,k / ov_DD,k) in; the score (kT, constants of eq. 13 dropped) out.
// Where slopes is given: slopes[k] = d score / d log ov_MD,k.
class NoiseScore {
 public:
  // overlaps_dd: ov_DD,k. Throws std::domain_error for options that make no sense.
  NoiseScore(NoiseOptions options, std::vector<double> overlaps_dd);

  double evaluate(const std::vector<double> &log_ratios, std::vector<double> *slopes) const;

  // Most probable sigma of the whole map: sqrt(Q / N_D), not below sigma_min (log ratio units).
  double sigma_estimate(const std::vector<double> &log_ratios) const;

  const NoiseOptions &options() const { return options_; }

 private:
  double evaluate_lognormal(const std::vector<double> &log_ratios,
                            std::vector<double> *slopes) const;
  double shift(const std::vector<double> &log_ratios) const;

  NoiseOptions options_;
  std::vector<double> overlaps_dd_;
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

// Noise of the density itself, which neighbouring data components share (doc/method.md, eq. p).
#ifndef EMGMM_SCORE_CORRELATED_NOISE_H
#define EMGMM_SCORE_CORRELATED_NOISE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mixture/gaussian.h"

namespace emcore {

// White noise under data component k has the standard deviation sqrt(ov_kk), and under k and l the
// correlation ov_kl / sqrt(ov_kk ov_ll). Overlaps are made independent one after the other: of each
// what its nearest predecessors foretell is taken away (Vecchia, J. R. Stat. Soc. B 50 (1988) 297).
class CorrelatedNoise {
 public:
  // overlaps_dd: ov_DD,k.
  CorrelatedNoise(const Mixture &data, const std::vector<double> &overlaps_dd);

  // Share of the data's independent parts that the model, at the scale that fits best, leaves
  // unexplained: 1 - (y_D y_M)² / (y_D² y_M²), and 1 where they run against each other. Where
  // slopes is given: its derivatives by log ov_MD,k.
  double unexplained(const std::vector<double> &log_ratios, std::vector<double> *slopes) const;

 private:
  std::vector<double> independent(const std::vector<double> &overlaps) const;

  std::vector<double> overlaps_dd_, data_;    // data_: its independent parts
  std::vector<std::uint32_t> first_, which_;  // row k: which_[first_[k]] ... , itself last
  std::vector<double> factor_;
  double square_ = 0;  // of data_
};

}  // namespace emcore

#endif

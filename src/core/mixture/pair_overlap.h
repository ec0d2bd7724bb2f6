// Overlap of two Gaussians: the integral of their product (eq. 10), in log space.
#ifndef EMGMM_MIXTURE_PAIR_OVERLAP_H
#define EMGMM_MIXTURE_PAIR_OVERLAP_H

#include "mixture/gaussian.h"

namespace emcore {

// ov = w_a w_b (2 pi)^(-3/2) |S|^(-1/2) exp(-d.P.d / 2), S = C_a + C_b, d = mean_a - mean_b.
struct PairOverlap {
  double log_overlap;  // log(Da² / Å³)
  Sym3 precision;      // P = S^-1, Å^-2
  Vec3 slope;          // u = P d, Å^-1
};
PairOverlap pair_overlap(const Gaussian &a, const Gaussian &b);

// dE/d(mean_a, covariance_a) of a pair when dE/d(log ov) = t: -t u and t (u u^T - P) / 2.
GaussianGradient pair_gradient(const PairOverlap &pair, double t);

}  // namespace emcore

#endif

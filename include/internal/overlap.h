// Overlap of Gaussians (eq. 10): one pair in log space, and rows of a body against the data.
#ifndef IMPEMGMM_INTERNAL_OVERLAP_H
#define IMPEMGMM_INTERNAL_OVERLAP_H

#include <IMP/emgmm/internal/gaussian.h>

#include <cstddef>
#include <vector>

namespace emcore {

// One pair: ov = w_a w_b (2 pi)^(-3/2) |S|^(-1/2) exp(-d.P.d / 2), S = C_a + C_b, d = mean_a - mean_b.
struct PairOverlap {
  double log_overlap;  // log(Da² / Å³)
  Sym3 precision;      // P = S^-1, Å^-2
  Vec3 slope;          // u = P d, Å^-1
};
PairOverlap pair_overlap(const Gaussian &a, const Gaussian &b);

// dE/d(mean_a, covariance_a) of a pair when dE/d(log ov) = t: -t u and t (u u^T - P) / 2.
GaussianGradient pair_gradient(const PairOverlap &pair, double t);

// The data mixture as a structure of arrays, padded with weightless components to whole batches.
template <class T>
struct ComponentTable {
  static constexpr std::size_t batch = 16;
  explicit ComponentTable(const Mixture &mixture);
  std::size_t size = 0;         // components
  std::size_t padded_size = 0;  // a multiple of `batch`
  std::vector<T> x, y, z;       // Å
  std::vector<T> xx, yy, zz, xy, xz, yz;  // Å²
  std::vector<T> weight;        // times (2 pi)^(-3/2)
};

// row[k] = sum over the n components of ov_ik for data components begin <= k < end (multiples of
// ComponentTable::batch). Double: relative error of a term below 1e-14, terms under exp(-700)
// count as zero. Float: relative error below 1e-4, terms under exp(-60) count as zero.
template <class T>
void overlap_row(const ComponentTable<T> &data, const Gaussian *components, std::size_t n,
                 std::size_t begin, std::size_t end, double *row);

// Adds to gradients[i] the derivative of E by component i when dE/d(ov_MD,k) = slope[k]
// (padded_size values), over data components begin <= k < end.
void overlap_gradient(const ComponentTable<double> &data, const Gaussian *components,
                      std::size_t n, const double *slope, std::size_t begin, std::size_t end,
                      GaussianGradient *gradients);

// log of the sum of exp(log_terms); -infinity for none.
double log_sum_exp(const std::vector<double> &log_terms);

}  // namespace emcore

#endif

// Overlaps (eq. 10, pair_overlap.h) of a body with the data: rows of them, sums and derivatives.
#ifndef EMGMM_SCORE_OVERLAP_H
#define EMGMM_SCORE_OVERLAP_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mixture/gaussian.h"

namespace emcore {

// The data mixture as a structure of arrays, padded with weightless components to whole batches.
// Means are kept relative to the mixture's centre, so that single precision does not suffer from
// a map that lies far from the origin.
template <class T>
struct ComponentTable {
  static constexpr std::size_t batch = 16;
  explicit ComponentTable(const Mixture &mixture);
  std::size_t size = 0;                   // components
  std::size_t padded_size = 0;            // a multiple of `batch`
  Vec3 center;                            // Å
  std::vector<T> x, y, z;                 // Å, from the centre
  std::vector<T> xx, yy, zz, xy, xz, yz;  // Å²
  std::vector<T> weight;                  // times (2 pi)^(-3/2)
  // Components 16 b ... 16 b + 15 of block b, and groups of 16 blocks: the box of their means (Å,
  // from the centre) and the largest eigenvalue of their covariances (Å²).
  struct Extent {
    Vec3 low, high;
    double spread = 0;
  };
  std::vector<Extent> blocks, groups;
  std::vector<std::uint32_t> every_block;  // 0, 1, 2, ...
  // A row's element may be trusted from trusted_overlap[k] x (total weight of the model) on: below
  // it, terms that the kernels bound from below (exp2_negative) could count.
  std::vector<double> trusted_overlap;
  std::vector<double> log_peak, spread;  // log of weight |C|^(-1/2); largest eigenvalue of C, Å²
};

// Components of a body in its local frame, as arrays.
struct BodyTable {
  explicit BodyTable(const Mixture &mixture);
  std::size_t size = 0;
  std::vector<double> x, y, z, xx, yy, zz, xy, xz, yz, weight;
  Vec3 center;                    // of a ball around the means
  double radius = 0, spread = 0;  // Å; largest eigenvalue of a covariance, Å²
  double log_mass = 0;            // log(Da)
};

// Appends the blocks, in ascending order, where an overlap with the body at `pose` may reach
// 2^-110 (double) or 2^-72 (float) of its largest possible value. What is left out cannot change a
// trusted element of a row.
template <class T>
void blocks_in_reach(const ComponentTable<T> &data, const BodyTable &body, const Pose &pose,
                     std::vector<std::uint32_t> *blocks);

// row[16 j + l] = sum over the body's components of ov_ik for data component k = 16 blocks[j] + l,
// the body at `pose`. Relative error of a trusted element below 1e-12 (double) or 1e-4 (float,
// mostly 1e-6).
template <class T>
void overlap_row(const ComponentTable<T> &data, const BodyTable &body, const Pose &pose,
                 const std::uint32_t *blocks, std::size_t n_blocks, double *row);
// The same for all data components, padded_size of them.
template <class T>
void overlap_row(const ComponentTable<T> &data, const BodyTable &body, const Pose &pose,
                 double *row) {
  overlap_row(data, body, pose, data.every_block.data(), data.every_block.size(), row);
}

// log_row[j] = log of the sum over the body's components of ov_ik for the data components
// k = which[j]: in log space from the first step, so it never underflows (eq. 9).
void log_overlap_row(const ComponentTable<double> &data, const BodyTable &body, const Pose &pose,
                     const std::vector<std::size_t> &which, double *log_row);

// sum[l] += the 16 elements of each of the n rows.
void add_rows(const double *const *rows, std::size_t n, double *sum);

// logs[k] = log(values[k] + offset), n a multiple of ComponentTable::batch, all values positive.
void log_of(const double *values, double offset, std::size_t n, double *logs);

// Adds to gradients[i] the derivative of E by component i when dE/d(ov_MD,k) = slope[k]
// (padded_size values), over the data components of these blocks.
void overlap_gradient(const ComponentTable<double> &data, const Gaussian *components, std::size_t n,
                      const double *slope, const std::uint32_t *blocks, std::size_t n_blocks,
                      GaussianGradient *gradients);

// log of the sum of exp(log_terms); -infinity for none.
double log_sum_exp(const std::vector<double> &log_terms);

}  // namespace emcore

#endif

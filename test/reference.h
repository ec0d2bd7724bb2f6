// Slow reference kernels: plain loops, long double where it helps, no cutoff, no threads, no
// shared code with the fast paths. Every fast path must match these.
#ifndef EMGMM_TEST_REFERENCE_H
#define EMGMM_TEST_REFERENCE_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "math/random.h"
#include "mixture/gaussian.h"

namespace reference {

using emcore::Gaussian;
using emcore::Mixture;

inline long double log_overlap(const Gaussian &a, const Gaussian &b) {
  // Cholesky of S = C_a + C_b; |S| = product of squared pivots, d.P.d = |L^-1 d|².
  const long double s[3][3] = {{(long double)a.covariance.xx + b.covariance.xx,
                                (long double)a.covariance.xy + b.covariance.xy,
                                (long double)a.covariance.xz + b.covariance.xz},
                               {(long double)a.covariance.xy + b.covariance.xy,
                                (long double)a.covariance.yy + b.covariance.yy,
                                (long double)a.covariance.yz + b.covariance.yz},
                               {(long double)a.covariance.xz + b.covariance.xz,
                                (long double)a.covariance.yz + b.covariance.yz,
                                (long double)a.covariance.zz + b.covariance.zz}};
  const long double d[3] = {(long double)a.mean.x - b.mean.x, (long double)a.mean.y - b.mean.y,
                            (long double)a.mean.z - b.mean.z};
  long double l[3][3] = {}, y[3], log_det = 0, form = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j <= i; ++j) {
      long double sum = s[i][j];
      for (int k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
    }
    long double sum = d[i];
    for (int k = 0; k < i; ++k) sum -= l[i][k] * y[k];
    y[i] = sum / l[i][i];
    form += y[i] * y[i];
    log_det += 2 * std::log(l[i][i]);
  }
  return std::log((long double)a.weight) + std::log((long double)b.weight) -
         1.5L * std::log(2 * 3.14159265358979323846264338328L) - 0.5L * log_det - 0.5L * form;
}

// log of the sum of overlaps of `g` with a mixture, by the largest term: never underflows.
inline long double log_overlap(const Mixture &mixture, const Gaussian &g) {
  long double top = -INFINITY, sum = 0;
  for (const Gaussian &h : mixture) top = std::fmax(top, log_overlap(h, g));
  for (const Gaussian &h : mixture) sum += std::exp(log_overlap(h, g) - top);
  return top + std::log(sum);
}

// eq. 13 without constants: N/2 log sum of squared log ratios.
inline double lognormal_score(const Mixture &model, const Mixture &data, bool profile = false) {
  std::vector<long double> l;
  long double mean = 0, q = 0;
  for (const Gaussian &g : data) {
    l.push_back(log_overlap(model, g) - log_overlap(data, g));
    mean += l.back() / data.size();
  }
  for (long double x : l) q += profile ? (x - mean) * (x - mean) : x * x;
  return 0.5 * data.size() * std::log(q);
}

// Checks of the C++ tests: a failure prints where and what, and ends the program.
inline void check_close(double found, double expected, double relative, const std::string &what) {
  const double error = std::fabs(found - expected) / std::fmax(1e-300, std::fabs(expected));
  if (error <= relative) return;
  std::fprintf(stderr, "FAILED %s: found %.17g, expected %.17g, relative error %.3g > %.3g\n",
               what.c_str(), found, expected, error, relative);
  std::exit(1);
}
inline void check(bool condition, const std::string &what) {
  if (condition) return;
  std::fprintf(stderr, "FAILED %s\n", what.c_str());
  std::exit(1);
}

// Something that has to throw std::domain_error.
template <class Function>
void check_refused(const Function &make, const std::string &what) {
  try {
    make();
  } catch (const std::domain_error &) {
    return;
  }
  check(false, what + " is refused");
}

inline emcore::Sym3 random_covariance(emcore::Random &random) {
  const emcore::Sym3 axes{
      random.uniform(5, 60), random.uniform(5, 60), random.uniform(5, 60), 0, 0, 0};
  return emcore::rotated(matrix(random.rotation()), axes);
}

inline Mixture random_mixture(emcore::Random &random, int n, double radius) {
  Mixture mixture;
  for (int i = 0; i < n; ++i)
    mixture.push_back({random.in_ball(radius), random_covariance(random), random.uniform(0.5, 2)});
  return mixture;
}

}  // namespace reference

#endif

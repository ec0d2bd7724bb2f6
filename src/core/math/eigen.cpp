#include "math/eigen.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace emcore {

Eigen3 eigen(const Sym3 &m) {
  double a[3][3] = {{m.xx, m.xy, m.xz}, {m.xy, m.yy, m.yz}, {m.xz, m.yz, m.zz}};
  double v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  for (int sweep = 0; sweep < 32; ++sweep) {
    const double off = a[0][1] * a[0][1] + a[0][2] * a[0][2] + a[1][2] * a[1][2];
    const double diagonal = a[0][0] * a[0][0] + a[1][1] * a[1][1] + a[2][2] * a[2][2];
    if (!(off > 1e-32 * diagonal)) break;
    for (int p = 0; p < 2; ++p)
      for (int q = p + 1; q < 3; ++q) {
        if (a[p][q] == 0) continue;
        const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int i = 0; i < 3; ++i) {
          const double x = a[i][p], y = a[i][q];
          a[i][p] = c * x - s * y;
          a[i][q] = s * x + c * y;
        }
        for (int i = 0; i < 3; ++i) {
          const double x = a[p][i], y = a[q][i];
          a[p][i] = c * x - s * y;
          a[q][i] = s * x + c * y;
        }
        for (int i = 0; i < 3; ++i) {
          const double x = v[i][p], y = v[i][q];
          v[i][p] = c * x - s * y;
          v[i][q] = s * x + c * y;
        }
      }
  }
  int order[3] = {0, 1, 2};
  std::sort(order, order + 3, [&](int i, int j) { return a[i][i] < a[j][j]; });
  Eigen3 result;
  for (int i = 0; i < 3; ++i) {
    const int k = order[i];
    result.values[i] = a[k][k];
    result.vectors[i] = {v[0][k], v[1][k], v[2][k]};
  }
  return result;
}

Sym3 with_floor(const Sym3 &covariance, double floor) {
  const double sum =
      covariance.xx + covariance.yy + covariance.zz + covariance.xy + covariance.xz + covariance.yz;
  if (!std::isfinite(sum)) return {floor, floor, floor, 0, 0, 0};
  // Sylvester's criterion of C - floor * 1 spares most matrices the eigenvalues.
  const Sym3 above = covariance + Sym3{-floor, -floor, -floor, 0, 0, 0};
  if (is_positive_definite(above)) return covariance;
  const Eigen3 e = eigen(covariance);
  Sym3 result;
  for (int i = 0; i < 3; ++i) result += std::max(e.values[i], floor) * outer(e.vectors[i]);
  return result;
}

}  // namespace emcore

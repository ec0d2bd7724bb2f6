#include "fit/fit_steps.h"

#include <algorithm>
#include <cmath>

#include "math/eigen.h"
#include "math/parallel.h"

namespace emcore {
namespace {

constexpr std::size_t kStepBlock = 512;  // components a task

// First and second moments in Å from the middle of the box.
struct StepMoments {
  double zeroth;
  Vec3 first;
  Sym3 second;
};

StepMoments step_moments(const BrickMoments &moments, const Vec3 &h) {
  const double *s = moments.sum;
  return {s[0],
          {s[1] * h.x, s[2] * h.y, s[3] * h.z},
          {s[4] * h.x * h.x, s[5] * h.y * h.y, s[6] * h.z * h.z, s[7] * h.x * h.y, s[8] * h.x * h.z,
           s[9] * h.y * h.z}};
}

Vec3 center_in_map(const double *center, const Frame &frame) {
  return frame.origin +
         Vec3{center[0] * frame.voxel.x, center[1] * frame.voxel.y, center[2] * frame.voxel.z};
}

// a b^T + b a^T
Sym3 both_products(const Vec3 &a, const Vec3 &b) {
  return {2 * a.x * b.x,         2 * a.y * b.y,         2 * a.z * b.z,
          a.x * b.y + a.y * b.x, a.x * b.z + a.z * b.x, a.y * b.z + a.z * b.y};
}

// a m a for symmetric a and m.
Sym3 sandwich(const Sym3 &a, const Sym3 &m) {
  Mat3 r;
  const double rows[3][3] = {{a.xx, a.xy, a.xz}, {a.xy, a.yy, a.yz}, {a.xz, a.yz, a.zz}};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) r.m[i][j] = rows[i][j];
  return rotated(r, m);
}

double trace_product(const Sym3 &a, const Sym3 &b) {
  return a.xx * b.xx + a.yy * b.yy + a.zz * b.zz + 2 * (a.xy * b.xy + a.xz * b.xz + a.yz * b.yz);
}

// The covariance whose Gaussian has the fourth moments of a distribution sampled at steps h. Where
// it is narrower than the grid, nearly all of it sits on one voxel and E[y^4] = h^2 E[y^2] comes
// from the neighbours, not 3 E[y^2]^2; without this the step overshoots many times.
Sym3 fourth_moments(const Sym3 &spread, double h2) {
  if (is_positive_definite(spread + Sym3{-0.4 * h2, -0.4 * h2, -0.4 * h2, 0, 0, 0})) return spread;
  const Eigen3 e = eigen(spread);
  Sym3 result;
  for (int i = 0; i < 3; ++i) {
    const double s = e.values[i];
    result += std::sqrt(s * s + s * h2 / 3 * std::exp(-6 * s / h2)) * outer(e.vectors[i]);
  }
  return result;
}

}  // namespace

Gaussian gaussian_of(const BrickMoments &moments, const double *center, const Frame &frame) {
  const StepMoments m = step_moments(moments, frame.voxel);
  const Vec3 &h = frame.voxel;
  const Vec3 mean = (1 / m.zeroth) * m.first;
  return {mean + center_in_map(center, frame), (1 / m.zeroth) * m.second + (-1.0) * outer(mean),
          m.zeroth * h.x * h.y * h.z};
}

void expectation_step(const PassResult &result, const Frame &frame, double floor,
                      double least_weight, Mixture &mixture) {
  for (std::size_t k = 0; k < mixture.size(); ++k) {
    const double volume = frame.voxel.x * frame.voxel.y * frame.voxel.z;
    if (!(result.first[k].sum[0] * volume > least_weight)) {
      mixture[k].weight = 0;
      continue;
    }
    mixture[k] = gaussian_of(result.first[k], result.center, frame);
    mixture[k].covariance = with_floor(mixture[k].covariance, floor);
  }
}

void squares_step(const PassResult &result, const Frame &frame, double floor, double step,
                  unsigned threads, Mixture &mixture) {
  const Vec3 center = center_in_map(result.center, frame);
  const double h2 = std::pow(frame.voxel.x * frame.voxel.y * frame.voxel.z, 2.0 / 3);
  const auto advance = [&](std::size_t k) {
    Gaussian &g = mixture[k];
    const StepMoments a = step_moments(result.first[k], frame.voxel);
    const StepMoments b = step_moments(result.second[k], frame.voxel);
    if (!(a.zeroth > 0)) return;
    const double s = 1 / a.zeroth;
    const Vec3 m = s * a.first;
    const Sym3 spread = with_floor(s * a.second + (-1.0) * outer(m), 0.25 * floor);
    // Moments of e = (w - t) / t under q.
    const double e0 = s * (b.zeroth - a.zeroth);
    const Vec3 d1 = s * (b.first - a.first);
    const Vec3 e1 = d1 - e0 * m;
    const Sym3 e2 =
        s * (b.second + (-1.0) * a.second) + (-1.0) * both_products(m, d1) + e0 * outer(m);
    const Sym3 inverse_spread = inverse(spread);
    const Vec3 linear = inverse_spread * e1;
    const Sym3 quadratic = sandwich(inverse(fourth_moments(spread, h2)), e2 + (-e0) * spread);
    const double constant = std::clamp(e0 - 0.5 * trace_product(quadratic, spread), -1.0, 1.0);

    const Sym3 precision = inverse(g.covariance);
    const double old_determinant = determinant(g.covariance);
    const Vec3 from_m = (g.mean - center) - m;
    // Where the component is seen, grown by the grid that samples it.
    const Sym3 seen = spread + Sym3{0.25 * h2, 0.25 * h2, 0.25 * h2, 0, 0, 0};
    const Sym3 inverse_seen = inverse(seen);
    for (double eta = step; eta > 0.01 * step; eta *= 0.5) {
      const Sym3 p = precision + (-eta) * quadratic;
      // Neither more than twice as wide in any direction nor, below, half as wide in volume.
      if (!is_positive_definite(p + (-0.5) * precision)) continue;
      const Sym3 c = inverse(p);
      if (!(determinant(c) > 0.125 * old_determinant)) continue;
      const Vec3 shift = eta * (c * (linear + quadratic * from_m));
      const Vec3 y = from_m + shift;
      // A component seen only by its tail could grow without end where nothing contradicts it.
      if (dot(y, inverse_seen * y) > std::max(4.0, dot(from_m, inverse_seen * from_m))) continue;
      if (!is_positive_definite(5.0 * seen + (-1.0) * c) && determinant(c) > old_determinant)
        continue;
      const double change = eta * (constant + dot(linear, y) + 0.5 * dot(y, quadratic * y)) -
                            0.5 * dot(shift, precision * shift);
      if (!(std::fabs(change) < 1.5)) continue;
      const Sym3 floored = with_floor(c, floor);
      g.mean += shift;
      g.weight *= std::exp(change) * std::sqrt(determinant(floored) / old_determinant);
      g.covariance = floored;
      break;
    }
  };
  const std::size_t blocks = (mixture.size() + kStepBlock - 1) / kStepBlock;
  parallel_for(blocks, threads, [&](std::size_t block) {
    const std::size_t end = std::min(mixture.size(), (block + 1) * kStepBlock);
    for (std::size_t k = block * kStepBlock; k < end; ++k) advance(k);
  });
}

void extrapolate(const Mixture &previous, double momentum, double floor, Mixture &mixture) {
  for (std::size_t k = 0; k < mixture.size(); ++k) {
    Gaussian &g = mixture[k];
    const Gaussian &old = previous[k];
    const Sym3 c = g.covariance + momentum * (g.covariance + (-1.0) * old.covariance);
    if (!is_positive_definite(c + Sym3{-floor, -floor, -floor, 0, 0, 0}) ||
        !is_positive_definite(2.0 * g.covariance + (-1.0) * c))
      continue;
    const double factor = std::pow(g.weight / old.weight, momentum);
    if (!(factor > 0.5 && factor < 2)) continue;
    g.covariance = c;
    g.weight *= factor;
    g.mean += momentum * (g.mean - old.mean);
  }
}

}  // namespace emcore

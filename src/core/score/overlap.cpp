#include "score/overlap.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/constants.h"
#include "math/simd.h"

namespace emcore {

namespace {

const double kOverlapNorm = std::exp(-1.5 * kLogTwoPi);  // (2 pi)^(-3/2)

// Exponents of 2 down to which overlaps are summed (exp2_negative<float> ends at -87): less would
// leave more of the data to the dearer log space, more would bring in bodies that add nothing.
template <class T>
constexpr double kOverlapReach = sizeof(T) == 8 ? 110 : 72;

template <class Extent>
void extend(Extent *all, const Extent &part) {
  all->low = {std::min(all->low.x, part.low.x), std::min(all->low.y, part.low.y),
              std::min(all->low.z, part.low.z)};
  all->high = {std::max(all->high.x, part.high.x), std::max(all->high.y, part.high.y),
               std::max(all->high.z, part.high.z)};
  all->spread = std::max(all->spread, part.spread);
}

// One model component against N data components.
template <class T, int N>
struct OverlapBatch {
  using B = simd::Batch<T, N>;
  B value;                         // ov
  B pxx, pyy, pzz, pxy, pxz, pyz;  // S^-1
  B ux, uy, uz;                    // S^-1 d
};

// The data components k ... k + N - 1 in registers.
template <class T, int N>
struct DataBatch {
  using B = simd::Batch<T, N>;
  B x, y, z, xx, yy, zz, xy, xz, yz, weight;
};

template <class T, int N>
EMGMM_INLINE DataBatch<T, N> load_data(const ComponentTable<T> &t, std::size_t k) {
  return {simd::load<T, N>(&t.x[k]),     simd::load<T, N>(&t.y[k]),  simd::load<T, N>(&t.z[k]),
          simd::load<T, N>(&t.xx[k]),    simd::load<T, N>(&t.yy[k]), simd::load<T, N>(&t.zz[k]),
          simd::load<T, N>(&t.xy[k]),    simd::load<T, N>(&t.xz[k]), simd::load<T, N>(&t.yz[k]),
          simd::load<T, N>(&t.weight[k])};
}

template <int N>
EMGMM_INLINE OverlapBatch<double, N> overlap_slopes(const DataBatch<double, N> &data,
                                                    const Gaussian &g, const Vec3 &center) {
  using B = simd::Batch<double, N>;
  const B sxx = data.xx + g.covariance.xx, syy = data.yy + g.covariance.yy,
          szz = data.zz + g.covariance.zz, sxy = data.xy + g.covariance.xy,
          sxz = data.xz + g.covariance.xz, syz = data.yz + g.covariance.yz;
  const Vec3 mean = g.mean - center;
  const B dx = mean.x - data.x, dy = mean.y - data.y, dz = mean.z - data.z;
  const B axx = syy * szz - syz * syz, axy = sxz * syz - sxy * szz, axz = sxy * syz - syy * sxz;
  const B ayy = sxx * szz - sxz * sxz, ayz = sxy * sxz - sxx * syz, azz = sxx * syy - sxy * sxy;
  const B det = sxx * axx + (sxy * axy + sxz * axz);
  const B root = simd::reciprocal_sqrt<N>(det);
  const B inv = root * root;
  OverlapBatch<double, N> o;
  o.pxx = axx * inv, o.pyy = ayy * inv, o.pzz = azz * inv;
  o.pxy = axy * inv, o.pxz = axz * inv, o.pyz = ayz * inv;
  o.ux = o.pxx * dx + (o.pxy * dy + o.pxz * dz);
  o.uy = o.pxy * dx + (o.pyy * dy + o.pyz * dz);
  o.uz = o.pxz * dx + (o.pyz * dy + o.pzz * dz);
  const B form = dx * o.ux + (dy * o.uy + dz * o.uz);
  o.value =
      (data.weight * g.weight) * root * simd::exp2_negative<N>(-0.72134752044448170368 * form);
  return o;
}

template <int N>
EMGMM_INLINE void overlap_gradient_body(const ComponentTable<double> &data,
                                        const Gaussian *components, std::size_t n,
                                        const double *slope, const std::uint32_t *blocks,
                                        std::size_t n_blocks, GaussianGradient *gradients) {
  using B = simd::Batch<double, N>;
  for (std::size_t i = 0; i < n; ++i) {
    B fx{}, fy{}, fz{}, gxx{}, gyy{}, gzz{}, gxy{}, gxz{}, gyz{};
    for (std::size_t j = 0; j < n_blocks; ++j)
      for (std::size_t l = 0; l < data.batch; l += N) {
        const std::size_t k = blocks[j] * data.batch + l;
        const OverlapBatch<double, N> o =
            overlap_slopes<N>(load_data<double, N>(data, k), components[i], data.center);
        const B t = o.value * simd::load<double, N>(slope + k);
        const B tx = t * o.ux, ty = t * o.uy, tz = t * o.uz;
        fx -= tx, fy -= ty, fz -= tz;
        gxx += tx * o.ux - t * o.pxx, gyy += ty * o.uy - t * o.pyy, gzz += tz * o.uz - t * o.pzz;
        gxy += tx * o.uy - t * o.pxy, gxz += tx * o.uz - t * o.pxz, gyz += ty * o.uz - t * o.pyz;
      }
    GaussianGradient &g = gradients[i];
    g.by_mean += Vec3{simd::sum<double, N>(fx), simd::sum<double, N>(fy), simd::sum<double, N>(fz)};
    g.by_covariance +=
        0.5 * Sym3{simd::sum<double, N>(gxx), simd::sum<double, N>(gyy), simd::sum<double, N>(gzz),
                   simd::sum<double, N>(gxy), simd::sum<double, N>(gxz), simd::sum<double, N>(gyz)};
  }
}

// The same body compiled for each instruction set: 16, 32 and 64 bytes a batch.
void overlap_gradient_baseline(const ComponentTable<double> &data, const Gaussian *components,
                               std::size_t n, const double *slope, const std::uint32_t *blocks,
                               std::size_t n_blocks, GaussianGradient *gradients) {
  overlap_gradient_body<2>(data, components, n, slope, blocks, n_blocks, gradients);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void overlap_gradient_avx2(const ComponentTable<double> &data,
                                             const Gaussian *components, std::size_t n,
                                             const double *slope, const std::uint32_t *blocks,
                                             std::size_t n_blocks, GaussianGradient *gradients) {
  overlap_gradient_body<4>(data, components, n, slope, blocks, n_blocks, gradients);
}
EMGMM_TARGET_AVX512 void overlap_gradient_avx512(const ComponentTable<double> &data,
                                                 const Gaussian *components, std::size_t n,
                                                 const double *slope, const std::uint32_t *blocks,
                                                 std::size_t n_blocks,
                                                 GaussianGradient *gradients) {
  overlap_gradient_body<8>(data, components, n, slope, blocks, n_blocks, gradients);
}
#endif

}  // namespace

template <class T>
ComponentTable<T>::ComponentTable(const Mixture &mixture)
    : size(mixture.size()), padded_size((mixture.size() + batch - 1) / batch * batch) {
  for (const Gaussian &g : mixture) center += (1.0 / size) * g.mean;
  // What may be left out, times a margin that keeps its share of a sum below rounding.
  const double least = std::exp2(-kOverlapReach<T>) * (sizeof(T) == 8 ? 1e16 : 1e6);
  for (std::size_t k = 0; k < padded_size; ++k) {
    // A padding component sits at the centre with unit covariance and no weight.
    const Gaussian g = k < size ? mixture[k] : Gaussian{center, {1, 1, 1, 0, 0, 0}, 0};
    const Vec3 d = g.mean - center;
    x.push_back(T(d.x)), y.push_back(T(d.y)), z.push_back(T(d.z));
    xx.push_back(T(g.covariance.xx)), yy.push_back(T(g.covariance.yy));
    zz.push_back(T(g.covariance.zz)), xy.push_back(T(g.covariance.xy));
    xz.push_back(T(g.covariance.xz)), yz.push_back(T(g.covariance.yz));
    weight.push_back(T(g.weight * kOverlapNorm));
    const double peak = g.weight * kOverlapNorm / std::sqrt(determinant(g.covariance));
    trusted_overlap.push_back(peak * least);
    log_peak.push_back(std::log(peak));
    spread.push_back(largest_eigenvalue(g.covariance));
    if (k % batch == 0) {
      blocks.push_back({d, d, 0});
      every_block.push_back(std::uint32_t(k / batch));
    }
    if (k < size) extend(&blocks.back(), {d, d, spread[k]});
  }
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (b % batch == 0) groups.push_back(blocks[b]);
    extend(&groups.back(), blocks[b]);
  }
}

BodyTable::BodyTable(const Mixture &mixture) : size(mixture.size()) {
  for (const Gaussian &g : mixture) {
    x.push_back(g.mean.x), y.push_back(g.mean.y), z.push_back(g.mean.z);
    xx.push_back(g.covariance.xx), yy.push_back(g.covariance.yy), zz.push_back(g.covariance.zz);
    xy.push_back(g.covariance.xy), xz.push_back(g.covariance.xz), yz.push_back(g.covariance.yz);
    weight.push_back(g.weight);
    center += (1.0 / size) * g.mean;
    spread = std::max(spread, largest_eigenvalue(g.covariance));
  }
  for (const Gaussian &g : mixture) radius = std::max(radius, norm(g.mean - center));
  log_mass = std::log(mass(mixture));
}

template <class T>
void blocks_in_reach(const ComponentTable<T> &data, const BodyTable &body, const Pose &pose,
                     std::vector<std::uint32_t> *blocks) {
  if (body.size == 0) return;
  const Vec3 ball = matrix(pose.rotation) * body.center + pose.translation - data.center;
  // Beyond |d|² = 2 reach (spread of both): q >= |d|² / (largest eigenvalue of S).
  const double by_spread = 2 * kOverlapReach<T> * 0.69314718055994530942 * (1 + 1e-9);
  const auto reaches = [&](const typename ComponentTable<T>::Extent &e) {
    const double x = std::max({e.low.x - ball.x, ball.x - e.high.x, 0.0});
    const double y = std::max({e.low.y - ball.y, ball.y - e.high.y, 0.0});
    const double z = std::max({e.low.z - ball.z, ball.z - e.high.z, 0.0});
    const double distance2 = x * x + y * y + z * z;
    if (distance2 <= by_spread * body.spread) return true;  // no root in the commonest case
    const double gap = std::max(0.0, std::sqrt(distance2) - body.radius);
    return gap * gap <= by_spread * (e.spread + body.spread);
  };
  for (std::size_t g = 0; g < data.groups.size(); ++g) {
    if (!reaches(data.groups[g])) continue;
    const std::size_t end = std::min(data.blocks.size(), (g + 1) * data.batch);
    for (std::size_t b = g * data.batch; b < end; ++b)
      if (reaches(data.blocks[b])) blocks->push_back(std::uint32_t(b));
  }
}

template void blocks_in_reach<double>(const ComponentTable<double> &, const BodyTable &,
                                      const Pose &, std::vector<std::uint32_t> *);
template void blocks_in_reach<float>(const ComponentTable<float> &, const BodyTable &, const Pose &,
                                     std::vector<std::uint32_t> *);

void overlap_gradient(const ComponentTable<double> &data, const Gaussian *components, std::size_t n,
                      const double *slope, const std::uint32_t *blocks, std::size_t n_blocks,
                      GaussianGradient *gradients) {
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return overlap_gradient_avx512(data, components, n, slope, blocks, n_blocks, gradients);
    case InstructionSet::avx2:
      return overlap_gradient_avx2(data, components, n, slope, blocks, n_blocks, gradients);
#endif
    default:
      return overlap_gradient_baseline(data, components, n, slope, blocks, n_blocks, gradients);
  }
}

template struct ComponentTable<double>;
template struct ComponentTable<float>;

double log_sum_exp(const std::vector<double> &log_terms) {
  double top = -std::numeric_limits<double>::infinity();
  for (double term : log_terms) top = std::max(top, term);
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (double term : log_terms) sum += std::exp(term - top);
  return top + std::log(sum);
}

}  // namespace emcore

#include <IMP/emgmm/internal/overlap.h>
#include <IMP/emgmm/internal/simd.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace emcore {

namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;
const double kOverlapNorm = std::exp(-1.5 * kLogTwoPi);  // (2 pi)^(-3/2)

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
                                        const double *slope, std::size_t begin, std::size_t end,
                                        GaussianGradient *gradients) {
  using B = simd::Batch<double, N>;
  for (std::size_t i = 0; i < n; ++i) {
    B fx{}, fy{}, fz{}, gxx{}, gyy{}, gzz{}, gxy{}, gxz{}, gyz{};
    for (std::size_t k = begin; k < end; k += N) {
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
                               std::size_t n, const double *slope, std::size_t begin,
                               std::size_t end, GaussianGradient *gradients) {
  overlap_gradient_body<2>(data, components, n, slope, begin, end, gradients);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void overlap_gradient_avx2(const ComponentTable<double> &data,
                                             const Gaussian *components, std::size_t n,
                                             const double *slope, std::size_t begin,
                                             std::size_t end, GaussianGradient *gradients) {
  overlap_gradient_body<4>(data, components, n, slope, begin, end, gradients);
}
EMGMM_TARGET_AVX512 void overlap_gradient_avx512(const ComponentTable<double> &data,
                                                 const Gaussian *components, std::size_t n,
                                                 const double *slope, std::size_t begin,
                                                 std::size_t end, GaussianGradient *gradients) {
  overlap_gradient_body<8>(data, components, n, slope, begin, end, gradients);
}
#endif

}  // namespace

PairOverlap pair_overlap(const Gaussian &a, const Gaussian &b) {
  const Sym3 s = a.covariance + b.covariance;
  const Vec3 d = a.mean - b.mean;
  PairOverlap pair;
  pair.precision = inverse(s);
  pair.slope = pair.precision * d;
  pair.log_overlap = std::log(a.weight * b.weight) - 1.5 * kLogTwoPi -
                     0.5 * std::log(determinant(s)) - 0.5 * dot(d, pair.slope);
  return pair;
}

GaussianGradient pair_gradient(const PairOverlap &pair, double t) {
  return {-t * pair.slope, 0.5 * t * (outer(pair.slope) + -1.0 * pair.precision)};
}

template <class T>
ComponentTable<T>::ComponentTable(const Mixture &mixture)
    : size(mixture.size()), padded_size((mixture.size() + batch - 1) / batch * batch) {
  for (const Gaussian &g : mixture) center += (1.0 / size) * g.mean;
  // What exp2_negative gives at least, times a margin that keeps its share of a sum below rounding.
  const double least = sizeof(T) == 8 ? 0x1p-1000 * 1e16 : 0x1p-87 * 1e6;
  for (std::size_t k = 0; k < padded_size; ++k) {
    // A padding component sits at the centre with unit covariance and no weight.
    const Gaussian g = k < size ? mixture[k] : Gaussian{center, {1, 1, 1, 0, 0, 0}, 0};
    const Vec3 d = g.mean - center;
    x.push_back(T(d.x)), y.push_back(T(d.y)), z.push_back(T(d.z));
    xx.push_back(T(g.covariance.xx)), yy.push_back(T(g.covariance.yy));
    zz.push_back(T(g.covariance.zz)), xy.push_back(T(g.covariance.xy));
    xz.push_back(T(g.covariance.xz)), yz.push_back(T(g.covariance.yz));
    weight.push_back(T(g.weight * kOverlapNorm));
    trusted_overlap.push_back(g.weight * kOverlapNorm / std::sqrt(determinant(g.covariance)) *
                              least);
  }
}

BodyTable::BodyTable(const Mixture &mixture) : size(mixture.size()) {
  for (const Gaussian &g : mixture) {
    x.push_back(g.mean.x), y.push_back(g.mean.y), z.push_back(g.mean.z);
    xx.push_back(g.covariance.xx), yy.push_back(g.covariance.yy), zz.push_back(g.covariance.zz);
    xy.push_back(g.covariance.xy), xz.push_back(g.covariance.xz), yz.push_back(g.covariance.yz);
    weight.push_back(g.weight);
  }
}

void overlap_gradient(const ComponentTable<double> &data, const Gaussian *components, std::size_t n,
                      const double *slope, std::size_t begin, std::size_t end,
                      GaussianGradient *gradients) {
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return overlap_gradient_avx512(data, components, n, slope, begin, end, gradients);
    case InstructionSet::avx2:
      return overlap_gradient_avx2(data, components, n, slope, begin, end, gradients);
#endif
    default:
      return overlap_gradient_baseline(data, components, n, slope, begin, end, gradients);
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

#include <IMP/emgmm/internal/overlap.h>
#include <IMP/emgmm/internal/simd.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace emcore {

namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;
const double kOverlapNorm = std::exp(-1.5 * kLogTwoPi);  // (2 pi)^(-3/2)

// What value and gradient share, for N data components beside one model component.
template <class T, int N>
struct OverlapBatch {
  using B = simd::Batch<T, N>;
  B value;                          // ov
  B pxx, pyy, pzz, pxy, pxz, pyz;   // S^-1
  B ux, uy, uz;                     // S^-1 d
};

// The data components k ... k + N - 1 in registers.
template <class T, int N>
struct DataBatch {
  using B = simd::Batch<T, N>;
  B x, y, z, xx, yy, zz, xy, xz, yz, weight;
};

template <class T, int N>
EMGMM_INLINE DataBatch<T, N> load_data(const ComponentTable<T> &t, std::size_t k) {
  return {simd::load<T, N>(&t.x[k]),  simd::load<T, N>(&t.y[k]),  simd::load<T, N>(&t.z[k]),
          simd::load<T, N>(&t.xx[k]), simd::load<T, N>(&t.yy[k]), simd::load<T, N>(&t.zz[k]),
          simd::load<T, N>(&t.xy[k]), simd::load<T, N>(&t.xz[k]), simd::load<T, N>(&t.yz[k]),
          simd::load<T, N>(&t.weight[k])};
}

template <class T, int N>
EMGMM_INLINE simd::Batch<T, N> overlap_value(const DataBatch<T, N> &data, const Gaussian &g) {
  using B = simd::Batch<T, N>;
  const B sxx = data.xx + T(g.covariance.xx), syy = data.yy + T(g.covariance.yy),
          szz = data.zz + T(g.covariance.zz), sxy = data.xy + T(g.covariance.xy),
          sxz = data.xz + T(g.covariance.xz), syz = data.yz + T(g.covariance.yz);
  const B dx = T(g.mean.x) - data.x, dy = T(g.mean.y) - data.y, dz = T(g.mean.z) - data.z;
  const B axx = syy * szz - syz * syz, axy = sxz * syz - sxy * szz, axz = sxy * syz - syy * sxz;
  const B ayy = sxx * szz - sxz * sxz, ayz = sxy * sxz - sxx * syz, azz = sxx * syy - sxy * sxy;
  const B det = sxx * axx + (sxy * axy + sxz * axz);
  const B form = (dx * (axx * dx + T(2) * (axy * dy + axz * dz)) +
                  dy * (ayy * dy + T(2) * (ayz * dz))) + dz * (azz * dz);
  const B root = simd::reciprocal_sqrt<N>(det);
  return (data.weight * T(g.weight)) * root *
         simd::exp_negative<N>(T(-0.5) * form * (root * root));
}

template <int N>
EMGMM_INLINE OverlapBatch<double, N> overlap_slopes(const DataBatch<double, N> &data,
                                                    const Gaussian &g) {
  using B = simd::Batch<double, N>;
  const B sxx = data.xx + g.covariance.xx, syy = data.yy + g.covariance.yy,
          szz = data.zz + g.covariance.zz, sxy = data.xy + g.covariance.xy,
          sxz = data.xz + g.covariance.xz, syz = data.yz + g.covariance.yz;
  const B dx = g.mean.x - data.x, dy = g.mean.y - data.y, dz = g.mean.z - data.z;
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
  o.value = (data.weight * g.weight) * root * simd::exp_negative<N>(-0.5 * form);
  return o;
}

template <class T, int N>
EMGMM_INLINE void overlap_row_body(const ComponentTable<T> &data, const Gaussian *components,
                                   std::size_t n, std::size_t begin, std::size_t end,
                                   double *row) {
  for (std::size_t k = begin; k < end; k += N) {
    const DataBatch<T, N> batch = load_data<T, N>(data, k);
    simd::Batch<T, N> sum{};
    for (std::size_t i = 0; i < n; ++i) sum += overlap_value<T, N>(batch, components[i]);
    for (int l = 0; l < N; ++l) row[k + l] = sum[l];
  }
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
      const OverlapBatch<double, N> o = overlap_slopes<N>(load_data<double, N>(data, k), components[i]);
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

// The same bodies compiled for each instruction set: 16, 32 and 64 bytes a batch.
template <class T>
void overlap_row_baseline(const ComponentTable<T> &data, const Gaussian *components, std::size_t n,
                          std::size_t begin, std::size_t end, double *row) {
  overlap_row_body<T, 16 / sizeof(T)>(data, components, n, begin, end, row);
}
void overlap_gradient_baseline(const ComponentTable<double> &data, const Gaussian *components,
                               std::size_t n, const double *slope, std::size_t begin,
                               std::size_t end, GaussianGradient *gradients) {
  overlap_gradient_body<2>(data, components, n, slope, begin, end, gradients);
}
#if EMGMM_DISPATCH_X86
template <class T>
EMGMM_TARGET_AVX2 void overlap_row_avx2(const ComponentTable<T> &data, const Gaussian *components,
                                        std::size_t n, std::size_t begin, std::size_t end,
                                        double *row) {
  overlap_row_body<T, 32 / sizeof(T)>(data, components, n, begin, end, row);
}
template <class T>
EMGMM_TARGET_AVX512 void overlap_row_avx512(const ComponentTable<T> &data,
                                            const Gaussian *components, std::size_t n,
                                            std::size_t begin, std::size_t end, double *row) {
  overlap_row_body<T, 64 / sizeof(T)>(data, components, n, begin, end, row);
}
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
  // A padding component sits at the last mean with unit covariance and no weight.
  const Vec3 rest = mixture.empty() ? Vec3{} : mixture.back().mean;
  for (std::size_t k = 0; k < padded_size; ++k) {
    const Gaussian g = k < size ? mixture[k] : Gaussian{rest, {1, 1, 1, 0, 0, 0}, 0};
    x.push_back(T(g.mean.x)), y.push_back(T(g.mean.y)), z.push_back(T(g.mean.z));
    xx.push_back(T(g.covariance.xx)), yy.push_back(T(g.covariance.yy));
    zz.push_back(T(g.covariance.zz)), xy.push_back(T(g.covariance.xy));
    xz.push_back(T(g.covariance.xz)), yz.push_back(T(g.covariance.yz));
    weight.push_back(T(g.weight * kOverlapNorm));
  }
}

template <class T>
void overlap_row(const ComponentTable<T> &data, const Gaussian *components, std::size_t n,
                 std::size_t begin, std::size_t end, double *row) {
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return overlap_row_avx512<T>(data, components, n, begin, end, row);
    case InstructionSet::avx2:
      return overlap_row_avx2<T>(data, components, n, begin, end, row);
#endif
    default:
      return overlap_row_baseline<T>(data, components, n, begin, end, row);
  }
}

void overlap_gradient(const ComponentTable<double> &data, const Gaussian *components,
                      std::size_t n, const double *slope, std::size_t begin, std::size_t end,
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
template void overlap_row<double>(const ComponentTable<double> &, const Gaussian *, std::size_t,
                                  std::size_t, std::size_t, double *);
template void overlap_row<float>(const ComponentTable<float> &, const Gaussian *, std::size_t,
                                 std::size_t, std::size_t, double *);

double log_sum_exp(const std::vector<double> &log_terms) {
  double top = -std::numeric_limits<double>::infinity();
  for (double term : log_terms) top = std::max(top, term);
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (double term : log_terms) sum += std::exp(term - top);
  return top + std::log(sum);
}

}  // namespace emcore

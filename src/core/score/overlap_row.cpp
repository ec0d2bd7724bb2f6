// Rows of overlaps: the kernel under every Monte Carlo move.
#include <algorithm>
#include <cmath>
#include <limits>

#include "math/simd.h"
#include "score/overlap.h"

namespace emcore {

namespace {

// Distances are multiplied by this, so that exp(-q/2) is 2^-(scaled q) without another product.
constexpr double kRowScale = 0.84932180028801904272;  // sqrt(log2(e) / 2)
constexpr double kRowLogTwo = 0.69314718055994530942;
constexpr std::size_t kRowChunk = 64;

// Up to kRowChunk components in the frame of the data, one row of values a quantity.
template <class T>
struct RowChunk {
  T x[kRowChunk], y[kRowChunk], z[kRowChunk];  // scaled by kRowScale, from the data's centre
  T xx[kRowChunk], yy[kRowChunk], zz[kRowChunk], xy[kRowChunk], xz[kRowChunk], yz[kRowChunk];
  T weight[kRowChunk];
};

template <class T>
EMGMM_INLINE void move_chunk(const BodyTable &body, const Mat3 &rotation, const Vec3 &translation,
                             std::size_t begin, std::size_t n, RowChunk<T> *chunk) {
  const double (&r)[3][3] = rotation.m;
  for (std::size_t j = 0; j < n; ++j) {
    const std::size_t i = begin + j;
    const double x = body.x[i], y = body.y[i], z = body.z[i];
    chunk->x[j] = T(kRowScale * (r[0][0] * x + r[0][1] * y + r[0][2] * z + translation.x));
    chunk->y[j] = T(kRowScale * (r[1][0] * x + r[1][1] * y + r[1][2] * z + translation.y));
    chunk->z[j] = T(kRowScale * (r[2][0] * x + r[2][1] * y + r[2][2] * z + translation.z));
    const double xx = body.xx[i], yy = body.yy[i], zz = body.zz[i];
    const double xy = body.xy[i], xz = body.xz[i], yz = body.yz[i];
    // Rows of R C, then R C R^T.
    const double ax = r[0][0] * xx + r[0][1] * xy + r[0][2] * xz;
    const double ay = r[0][0] * xy + r[0][1] * yy + r[0][2] * yz;
    const double az = r[0][0] * xz + r[0][1] * yz + r[0][2] * zz;
    const double bx = r[1][0] * xx + r[1][1] * xy + r[1][2] * xz;
    const double by = r[1][0] * xy + r[1][1] * yy + r[1][2] * yz;
    const double bz = r[1][0] * xz + r[1][1] * yz + r[1][2] * zz;
    const double cx = r[2][0] * xx + r[2][1] * xy + r[2][2] * xz;
    const double cy = r[2][0] * xy + r[2][1] * yy + r[2][2] * yz;
    const double cz = r[2][0] * xz + r[2][1] * yz + r[2][2] * zz;
    chunk->xx[j] = T(ax * r[0][0] + ay * r[0][1] + az * r[0][2]);
    chunk->xy[j] = T(ax * r[1][0] + ay * r[1][1] + az * r[1][2]);
    chunk->xz[j] = T(ax * r[2][0] + ay * r[2][1] + az * r[2][2]);
    chunk->yy[j] = T(bx * r[1][0] + by * r[1][1] + bz * r[1][2]);
    chunk->yz[j] = T(bx * r[2][0] + by * r[2][1] + bz * r[2][2]);
    chunk->zz[j] = T(cx * r[2][0] + cy * r[2][1] + cz * r[2][2]);
    chunk->weight[j] = T(body.weight[i]);
  }
}

// |S|^(-1/2) and the scaled exponent d.P.d of component j of the chunk.
template <class T, int N>
struct RowTerm {
  simd::Batch<T, N> root, exponent;
};

template <class T, int N>
EMGMM_INLINE RowTerm<T, N> row_term(const RowChunk<T> &c, std::size_t j, simd::Batch<T, N> x,
                                    simd::Batch<T, N> y, simd::Batch<T, N> z, simd::Batch<T, N> xx,
                                    simd::Batch<T, N> yy, simd::Batch<T, N> zz,
                                    simd::Batch<T, N> xy, simd::Batch<T, N> xz,
                                    simd::Batch<T, N> yz) {
  using B = simd::Batch<T, N>;
  const B sxx = xx + c.xx[j], syy = yy + c.yy[j], szz = zz + c.zz[j];
  const B sxy = xy + c.xy[j], sxz = xz + c.xz[j], syz = yz + c.yz[j];
  const B dx = c.x[j] - x, dy = c.y[j] - y, dz = c.z[j] - z;
  const B axx = syy * szz - syz * syz, axy = sxz * syz - sxy * szz, axz = sxy * syz - syy * sxz;
  const B ayy = sxx * szz - sxz * sxz, ayz = sxy * sxz - sxx * syz, azz = sxx * syy - sxy * sxy;
  const B det = sxx * axx + (sxy * axy + sxz * axz);
  const B form = dx * (axx * dx + T(2) * (axy * dy + axz * dz)) +
                 (dy * (ayy * dy + T(2) * (ayz * dz)) + dz * (azz * dz));
  const B root = simd::reciprocal_sqrt<N>(det);
  return {root, form * (root * root)};
}

template <class T, int N>
EMGMM_INLINE void row_body(const ComponentTable<T> &data, const BodyTable &body,
                           const Mat3 &rotation, const Vec3 &translation,
                           const std::uint32_t *blocks, std::size_t n_blocks, double *row) {
  using B = simd::Batch<T, N>;
  constexpr std::size_t batch = ComponentTable<T>::batch;
  RowChunk<T> chunk;
  if (body.size == 0) std::fill_n(row, n_blocks * batch, 0.0);
  for (std::size_t first = 0; first < body.size; first += kRowChunk) {
    const std::size_t n = body.size - first < kRowChunk ? body.size - first : kRowChunk;
    move_chunk<T>(body, rotation, translation, first, n, &chunk);
    for (std::size_t b = 0; b < n_blocks; ++b) {
      for (std::size_t from = 0; from < batch; from += N) {
        const std::size_t k = blocks[b] * batch + from;
        double *element = row + b * batch + from;
        const B x = T(kRowScale) * simd::load<T, N>(&data.x[k]);
        const B y = T(kRowScale) * simd::load<T, N>(&data.y[k]);
        const B z = T(kRowScale) * simd::load<T, N>(&data.z[k]);
        const B xx = simd::load<T, N>(&data.xx[k]), yy = simd::load<T, N>(&data.yy[k]);
        const B zz = simd::load<T, N>(&data.zz[k]), xy = simd::load<T, N>(&data.xy[k]);
        const B xz = simd::load<T, N>(&data.xz[k]), yz = simd::load<T, N>(&data.yz[k]);
        B sum{};
        for (std::size_t j = 0; j < n; ++j) {
          const RowTerm<T, N> t = row_term<T, N>(chunk, j, x, y, z, xx, yy, zz, xy, xz, yz);
          sum += chunk.weight[j] * (t.root * simd::exp2_negative<N>(-t.exponent));
        }
        sum *= simd::load<T, N>(&data.weight[k]);
        if (first == 0)
          for (int l = 0; l < N; ++l) element[l] = sum[l];
        else
          for (int l = 0; l < N; ++l) element[l] += sum[l];
      }
    }
  }
}

template <int N>
EMGMM_INLINE void add_rows_body(const double *const *rows, std::size_t n, double *sum) {
  using B = simd::Batch<double, N>;
  for (std::size_t l = 0; l < ComponentTable<double>::batch; l += N) {
    B s = simd::load<double, N>(sum + l);
    for (std::size_t r = 0; r < n; ++r) s += simd::load<double, N>(rows[r] + l);
    simd::store<double, N>(sum + l, s);
  }
}

// Exponents of 2 that a term may lie below the bound of its body before it is lost.
constexpr double kRowDepth = 900;

// The sum over the components, times 2^offset: an exponent that the body's ball cannot undercut
// takes the sum back into the range of numbers. Where it is not enough (a long body seen from
// afar) the smallest exponent is looked up first.
template <int N>
EMGMM_INLINE void log_row_body(const ComponentTable<double> &data, const BodyTable &body,
                               const Mat3 &rotation, const Vec3 &translation,
                               const std::vector<std::size_t> &which, double *log_row) {
  using B = simd::Batch<double, N>;
  RowChunk<double> chunk;
  const Vec3 center = rotation * body.center + translation;
  if (body.size <= kRowChunk) move_chunk<double>(body, rotation, translation, 0, body.size, &chunk);
  for (std::size_t first_k = 0; first_k < which.size(); first_k += N) {
    const std::size_t n_k = which.size() - first_k < N ? which.size() - first_k : N;
    B x, y, z, xx, yy, zz, xy, xz, yz, weight, offset;
    for (std::size_t l = 0; l < N; ++l) {
      const std::size_t k = which[first_k + (l < n_k ? l : 0)];
      x[l] = kRowScale * data.x[k], y[l] = kRowScale * data.y[k], z[l] = kRowScale * data.z[k];
      xx[l] = data.xx[k], yy[l] = data.yy[k], zz[l] = data.zz[k];
      xy[l] = data.xy[k], xz[l] = data.xz[k], yz[l] = data.yz[k], weight[l] = data.weight[k];
      const Vec3 d = center - Vec3{data.x[k], data.y[k], data.z[k]};
      const double gap = kRowScale * std::max(0.0, norm(d) - body.radius);
      offset[l] = gap * gap / (body.spread + data.spread[k]);
    }
    B sum{};
    for (int pass = 0; pass < 3; ++pass) {  // sum; or smallest exponent, then sum
      B lowest = simd::broadcast<double, N>(1e300);
      sum = B{};
      for (std::size_t first = 0; first < body.size; first += kRowChunk) {
        const std::size_t n = body.size - first < kRowChunk ? body.size - first : kRowChunk;
        if (body.size > kRowChunk)
          move_chunk<double>(body, rotation, translation, first, n, &chunk);
        for (std::size_t j = 0; j < n; ++j) {
          const RowTerm<double, N> t =
              row_term<double, N>(chunk, j, x, y, z, xx, yy, zz, xy, xz, yz);
          const B below = offset - t.exponent;
          lowest = t.exponent < lowest ? t.exponent : lowest;
          sum += (chunk.weight[j] * t.root) * simd::exp2_negative<N>(below < 0.0 ? below : B{});
        }
      }
      bool is_enough = true;
      // Each component by itself: its value must not depend on which others it is computed with.
      for (int l = 0; l < N; ++l) {
        if (lowest[l] - offset[l] < kRowDepth) continue;
        offset[l] = lowest[l];
        is_enough = false;
      }
      if (is_enough) break;
    }
    const B result = simd::log_positive<N>(sum * weight) - kRowLogTwo * offset;
    for (std::size_t l = 0; l < n_k; ++l) log_row[first_k + l] = result[l];
  }
}

template <int N>
EMGMM_INLINE void log_of_body(const double *values, double offset, std::size_t n, double *logs) {
  for (std::size_t k = 0; k < n; k += N)
    simd::store<double, N>(logs + k,
                           simd::log_positive<N>(simd::load<double, N>(values + k) + offset));
}

// The same bodies compiled for each instruction set: 16, 32 and 64 bytes a batch.
#define EMGMM_ROW_KERNELS(SUFFIX, TARGET, BYTES)                                                  \
  template <class T>                                                                              \
  TARGET void row_##SUFFIX(const ComponentTable<T> &data, const BodyTable &body,                  \
                           const Mat3 &rotation, const Vec3 &translation,                         \
                           const std::uint32_t *blocks, std::size_t n_blocks, double *row) {      \
    row_body<T, BYTES / sizeof(T)>(data, body, rotation, translation, blocks, n_blocks, row);     \
  }                                                                                               \
  TARGET void add_rows_##SUFFIX(const double *const *rows, std::size_t n, double *sum) {          \
    add_rows_body<BYTES / 8>(rows, n, sum);                                                       \
  }                                                                                               \
  TARGET void log_row_##SUFFIX(const ComponentTable<double> &data, const BodyTable &body,         \
                               const Mat3 &rotation, const Vec3 &translation,                     \
                               const std::vector<std::size_t> &which, double *log_row) {          \
    log_row_body<BYTES / 8>(data, body, rotation, translation, which, log_row);                   \
  }                                                                                               \
  TARGET void log_of_##SUFFIX(const double *values, double offset, std::size_t n, double *logs) { \
    log_of_body<BYTES / 8>(values, offset, n, logs);                                              \
  }

EMGMM_ROW_KERNELS(baseline, , 16)
#if EMGMM_DISPATCH_X86
EMGMM_ROW_KERNELS(avx2, EMGMM_TARGET_AVX2, 32)
EMGMM_ROW_KERNELS(avx512, EMGMM_TARGET_AVX512, 64)
#define EMGMM_ROW_CALL(FUNCTION, ...)          \
  switch (instruction_set()) {                 \
    case InstructionSet::avx512:               \
      return FUNCTION##_avx512(__VA_ARGS__);   \
    case InstructionSet::avx2:                 \
      return FUNCTION##_avx2(__VA_ARGS__);     \
    default:                                   \
      return FUNCTION##_baseline(__VA_ARGS__); \
  }
#else
#define EMGMM_ROW_CALL(FUNCTION, ...) return FUNCTION##_baseline(__VA_ARGS__)
#endif

}  // namespace

template <class T>
void overlap_row(const ComponentTable<T> &data, const BodyTable &body, const Pose &pose,
                 const std::uint32_t *blocks, std::size_t n_blocks, double *row) {
  const Mat3 rotation = matrix(pose.rotation);
  const Vec3 translation = pose.translation - data.center;
  EMGMM_ROW_CALL(row, data, body, rotation, translation, blocks, n_blocks, row);
}

template void overlap_row<double>(const ComponentTable<double> &, const BodyTable &, const Pose &,
                                  const std::uint32_t *, std::size_t, double *);
template void overlap_row<float>(const ComponentTable<float> &, const BodyTable &, const Pose &,
                                 const std::uint32_t *, std::size_t, double *);

void log_overlap_row(const ComponentTable<double> &data, const BodyTable &body, const Pose &pose,
                     const std::vector<std::size_t> &which, double *log_row) {
  if (body.size == 0) {
    std::fill_n(log_row, which.size(), -std::numeric_limits<double>::infinity());
    return;
  }
  const Mat3 rotation = matrix(pose.rotation);
  const Vec3 translation = pose.translation - data.center;
  EMGMM_ROW_CALL(log_row, data, body, rotation, translation, which, log_row);
}

void add_rows(const double *const *rows, std::size_t n, double *sum) {
  EMGMM_ROW_CALL(add_rows, rows, n, sum);
}

void log_of(const double *values, double offset, std::size_t n, double *logs) {
  EMGMM_ROW_CALL(log_of, values, offset, n, logs);
}

#undef EMGMM_ROW_KERNELS
#undef EMGMM_ROW_CALL

}  // namespace emcore

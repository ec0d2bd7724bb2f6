#include <IMP/emgmm/internal/em_kernel.h>
#include <IMP/emgmm/internal/simd.h>

#include <algorithm>

namespace emcore {
namespace {

template <int W>
using EmFloats = simd::Batch<float, W>;
using EmQuad = simd::Batch<float, 4>;

alignas(64) const float EM_X[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
alignas(64) const float EM_Y[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

// A voxel where the mixture is below this is out of reach of its listed components.
constexpr float EM_OUT_OF_REACH = 1e-20f;

// Densities of one splat on the brick at (bx, by, bz) voxels of its chunk; added to totals.
template <int W>
EMGMM_INLINE void em_density(const Splat &s, float bx, float by, float bz, float *density,
                             float *totals) {
  using Float = EmFloats<W>;
  const float ox = bx - s.x, oy = by - s.y, oz = bz - s.z;
  for (int part = 0; part < 16 / W; ++part) {
    Float dx = simd::load<float, W>(EM_X + part * W);
    Float dy = simd::load<float, W>(EM_Y + part * W);
    dx += ox;
    dy += oy;
    const Float plane = (dx * s.xx + dy * s.xy) * dx + (dy * dy * s.yy + s.power);
    const Float slope = dx * s.xz + dy * s.yz;
    for (int z = 0; z < 4; ++z) {
      const float dz = oz + z;
      const Float y = simd::exp2_negative<W>(plane + (slope + dz * s.zz) * dz);
      const int at = z * 16 + part * W;
      simd::store<float, W>(density + at, y);
      Float total = simd::load<float, W>(totals + at);
      total += y;
      simd::store<float, W>(totals + at, total);
    }
  }
}

// Adds the ten moments of density * factor, about the middle of the brick, to `moments`, about the
// chunk's first voxel. Sums over z, then y, then x: three quarters of the work is on whole vectors.
template <int W>
EMGMM_INLINE void em_moments(const float *density, const float *factor, double bx, double by,
                             double bz, BrickMoments &moments) {
  using Float = EmFloats<W>;
  alignas(64) float zeroth[16], first[16], second[16];
  for (int part = 0; part < 16 / W; ++part) {
    Float r[4];
    for (int z = 0; z < 4; ++z) {
      const int at = z * 16 + part * W;
      r[z] = simd::load<float, W>(density + at) * simd::load<float, W>(factor + at);
    }
    const Float outer = r[0] + r[3], inner = r[1] + r[2];
    const Float s0 = outer + inner;
    const Float s1 = (r[3] - r[0]) * 1.5f + (r[2] - r[1]) * 0.5f;
    const Float s2 = outer * 2.25f + inner * 0.25f;
    simd::store<float, W>(zeroth + part * W, s0);
    simd::store<float, W>(first + part * W, s1);
    simd::store<float, W>(second + part * W, s2);
  }
  EmQuad a[4], b[4], c[4];
  for (int y = 0; y < 4; ++y) {
    a[y] = simd::load<float, 4>(zeroth + 4 * y);
    b[y] = simd::load<float, 4>(first + 4 * y);
    c[y] = simd::load<float, 4>(second + 4 * y);
  }
  const EmQuad a_outer = a[0] + a[3], a_inner = a[1] + a[2];
  const EmQuad q0 = a_outer + a_inner;
  const EmQuad qy = (a[3] - a[0]) * 1.5f + (a[2] - a[1]) * 0.5f;
  const EmQuad qyy = a_outer * 2.25f + a_inner * 0.25f;
  const EmQuad qz = b[0] + b[1] + b[2] + b[3];
  const EmQuad qyz = (b[3] - b[0]) * 1.5f + (b[2] - b[1]) * 0.5f;
  const EmQuad qzz = c[0] + c[1] + c[2] + c[3];

  const auto sum = [](const EmQuad &q)
                       __attribute__((always_inline)) { return (q[0] + q[3]) + (q[1] + q[2]); };
  const auto along = [](const EmQuad &q) __attribute__((always_inline)) {
    return (q[3] - q[0]) * 1.5f + (q[2] - q[1]) * 0.5f;
  };
  const double m0 = sum(q0), mx = along(q0), my = sum(qy), mz = sum(qz);
  const double mxx = (q0[0] + q0[3]) * 2.25f + (q0[1] + q0[2]) * 0.25f;
  const double myy = sum(qyy), mzz = sum(qzz), mxy = along(qy), mxz = along(qz), myz = sum(qyz);
  const double x = bx + 1.5, y = by + 1.5, z = bz + 1.5;  // the middle of the brick
  moments.sum[0] += m0;
  moments.sum[1] += mx + x * m0;
  moments.sum[2] += my + y * m0;
  moments.sum[3] += mz + z * m0;
  moments.sum[4] += mxx + 2 * x * mx + x * x * m0;
  moments.sum[5] += myy + 2 * y * my + y * y * m0;
  moments.sum[6] += mzz + 2 * z * mz + z * z * m0;
  moments.sum[7] += mxy + x * my + y * mx + x * y * m0;
  moments.sum[8] += mxz + x * mz + z * mx + x * z * m0;
  moments.sum[9] += myz + y * mz + z * my + y * z * m0;
}

// What each density is multiplied with, voxel by voxel, and the sums over the brick.
template <int W>
EMGMM_INLINE void em_factors(const ChunkTask &task, const float *w, const float *t, float *first,
                             float *second) {
  using Float = EmFloats<W>;
  const Float zero{}, limit = zero + task.outside;
  const ChunkWork work = task.work;
  Float wt{}, st{}, tt{}, covered{}, squares{};
  for (int at = 0; at < 64; at += W) {
    Float wv = simd::load<float, W>(w + at);
    Float tv = simd::load<float, W>(t + at);
    const Float inside = wv > zero ? tv : zero;
    const Float reached = tv > zero + EM_OUT_OF_REACH ? (wv > zero ? wv : zero) : zero;
    wt += wv * inside;
    st += inside;
    tt += inside * inside;
    covered += reached;
    if (work == ChunkWork::expectation) {
      const Float f = reached / tv;
      simd::store<float, W>(first + at, f);
    } else if (work == ChunkWork::shares) {
      // Below the threshold a share matters where the mixture is more than a trace.
      const Float trace = zero + 0.05f;
      const Float least = wv > zero ? zero + EM_OUT_OF_REACH : trace;
      const Float f = (zero + 1.0f) / (tv > least ? tv : least);
      simd::store<float, W>(first + at, f);
    } else if (work != ChunkWork::total) {
      // -1 marks voxels out of the box, which say nothing.
      const Float exceeding = wv == zero ? (tv > limit ? tv : zero) : zero;
      const Float counted = wv > zero ? tv : exceeding;
      const Float target = wv > zero ? wv : (exceeding > zero ? limit : zero);
      const Float error = target - counted;
      squares += error * error;
      if (work == ChunkWork::squares) {
        simd::store<float, W>(first + at, counted);
        simd::store<float, W>(second + at, target);
      } else {
        const Float f = tv > zero + EM_OUT_OF_REACH ? error * error / tv : zero;
        simd::store<float, W>(first + at, f);
      }
    }
  }
  for (int i = 0; i < W; ++i) {
    task.sums->wt += wt[i];
    task.sums->t += st[i];
    task.sums->tt += tt[i];
    task.sums->covered += covered[i];
    task.sums->error += squares[i];
  }
}

template <int W>
EMGMM_INLINE float em_greatest_share(const float *density, const float *inverse) {
  using Float = EmFloats<W>;
  Float greatest{};
  for (int at = 0; at < 64; at += W) {
    Float d = simd::load<float, W>(density + at);
    Float f = simd::load<float, W>(inverse + at);
    d *= f;
    greatest = d > greatest ? d : greatest;
  }
  float result = 0;
  for (int i = 0; i < W; ++i) result = greatest[i] > result ? greatest[i] : result;
  return result;
}

template <int W>
EMGMM_INLINE void em_chunk(const ChunkTask &task, Brick *densities) {
  const Splat *splats = task.splats->data();
  for (std::size_t b = 0; b < task.bricks; ++b) {
    const int place = task.places[b];
    const float bx = EM_BRICK * (place & 3), by = EM_BRICK * (place >> 2 & 3),
                bz = EM_BRICK * (place >> 4);
    Brick totals{}, first, second;
    const std::uint32_t begin = task.starts[b], end = task.starts[b + 1];
    for (std::uint32_t i = begin; i < end; ++i)
      em_density<W>(splats[task.list[i]], bx, by, bz, densities[i - begin].value, totals.value);
    if (task.totals) task.totals[b] = totals;
    if (!task.values) continue;
    em_factors<W>(task, task.values[b].value, totals.value, first.value, second.value);
    if (task.work == ChunkWork::total) continue;
    if (task.work == ChunkWork::shares) {
      for (std::uint32_t i = begin; i < end; ++i)
        task.shares[i] = em_greatest_share<W>(densities[i - begin].value, first.value);
      continue;
    }
    for (std::uint32_t i = begin; i < end; ++i)
      em_moments<W>(densities[i - begin].value, first.value, bx, by, bz, task.first[task.list[i]]);
    if (task.work == ChunkWork::squares)
      for (std::uint32_t i = begin; i < end; ++i)
        em_moments<W>(densities[i - begin].value, second.value, bx, by, bz,
                      task.second[task.list[i]]);
  }
}

void em_chunk_baseline(const ChunkTask &task, Brick *densities) { em_chunk<4>(task, densities); }
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void em_chunk_avx2(const ChunkTask &task, Brick *densities) {
  em_chunk<8>(task, densities);
}
EMGMM_TARGET_AVX512 void em_chunk_avx512(const ChunkTask &task, Brick *densities) {
  em_chunk<16>(task, densities);
}
#endif

}  // namespace

void run(const ChunkTask &task) {
  std::size_t longest = 0;
  for (std::size_t b = 0; b < task.bricks; ++b)
    longest = std::max<std::size_t>(longest, task.starts[b + 1] - task.starts[b]);
  static thread_local std::vector<Brick> densities;
  if (densities.size() < longest) densities.resize(longest);
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return em_chunk_avx512(task, densities.data());
    case InstructionSet::avx2:
      return em_chunk_avx2(task, densities.data());
#endif
    default:
      return em_chunk_baseline(task, densities.data());
  }
}

}  // namespace emcore

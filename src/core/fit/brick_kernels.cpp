#include "fit/brick_kernels.h"

#include <algorithm>
#include <cstring>

#include "math/simd.h"

namespace emcore {
namespace {

template <int W>
using Floats = simd::Batch<float, W>;
using Quad = simd::Batch<float, 4>;

alignas(64) const float kBrickX[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
alignas(64) const float kBrickY[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

// Moments are taken about the middle of the chunk, where single precision has the most digits.
constexpr float kMiddle = 0.5f * (kChunk - 1);
// A voxel where the mixture is below this is out of reach of its listed components.
constexpr float kOutOfReach = 1e-20f;

// Densities of one splat on the brick at (bx, by, bz) voxels of its chunk; added to totals.
template <int W>
EMGMM_INLINE void splat_density(const Splat &s, float bx, float by, float bz, float *density,
                                float *totals) {
  using Float = Floats<W>;
  const float ox = bx - s.x, oy = by - s.y, oz = bz - s.z;
  for (int part = 0; part < 16 / W; ++part) {
    Float dx = simd::load<float, W>(kBrickX + part * W);
    Float dy = simd::load<float, W>(kBrickY + part * W);
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

// Sums of four quads: (sum a, sum b, sum c, sum d).
EMGMM_INLINE Quad quad_sums(const Quad &a, const Quad &b, const Quad &c, const Quad &d) {
#if defined(__clang__) || __GNUC__ >= 12
  const Quad ab =
      __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd =
      __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
#else
  const auto sum = [](const Quad &q) { return (q[0] + q[2]) + (q[1] + q[3]); };
  return Quad{sum(a), sum(b), sum(c), sum(d)};
#endif
}

EMGMM_INLINE void add_quad(const Quad &sums, double *to) {
  typedef double Four __attribute__((vector_size(32)));
  Four total;
  std::memcpy(&total, to, sizeof total);
  total += __builtin_convertvector(sums, Four);
  std::memcpy(to, &total, sizeof total);
}

// Adds the ten moments of density * factor about the chunk's middle; x, y, z: the first voxel of
// the brick from there. Sums over z, then y, then x: most of the work is on whole vectors.
template <int W>
EMGMM_INLINE void moments_of(const float *density, const float *factor, float x, float y, float z,
                             BrickMoments &moments) {
  using Float = Floats<W>;
  alignas(64) float zeroth[16], first[16], second[16];
  const float z0 = z, z1 = z + 1, z2 = z + 2, z3 = z + 3;
  for (int part = 0; part < 16 / W; ++part) {
    Float r[4];
    for (int k = 0; k < 4; ++k) {
      const int at = k * 16 + part * W;
      r[k] = simd::load<float, W>(density + at) * simd::load<float, W>(factor + at);
    }
    const Float s0 = (r[0] + r[1]) + (r[2] + r[3]);
    const Float s1 = (r[0] * z0 + r[1] * z1) + (r[2] * z2 + r[3] * z3);
    const Float s2 = (r[0] * (z0 * z0) + r[1] * (z1 * z1)) + (r[2] * (z2 * z2) + r[3] * (z3 * z3));
    simd::store<float, W>(zeroth + part * W, s0);
    simd::store<float, W>(first + part * W, s1);
    simd::store<float, W>(second + part * W, s2);
  }
  const float y0 = y, y1 = y + 1, y2 = y + 2, y3 = y + 3;
  Quad a[4], b[4], c[4];
  for (int j = 0; j < 4; ++j) {
    a[j] = simd::load<float, 4>(zeroth + 4 * j);
    b[j] = simd::load<float, 4>(first + 4 * j);
    c[j] = simd::load<float, 4>(second + 4 * j);
  }
  const Quad q = (a[0] + a[1]) + (a[2] + a[3]);
  const Quad qy = (a[0] * y0 + a[1] * y1) + (a[2] * y2 + a[3] * y3);
  const Quad qyy = (a[0] * (y0 * y0) + a[1] * (y1 * y1)) + (a[2] * (y2 * y2) + a[3] * (y3 * y3));
  const Quad qz = (b[0] + b[1]) + (b[2] + b[3]);
  const Quad qyz = (b[0] * y0 + b[1] * y1) + (b[2] * y2 + b[3] * y3);
  const Quad qzz = (c[0] + c[1]) + (c[2] + c[3]);
  const Quad xs{x, x + 1, x + 2, x + 3};
  const Quad qx = q * xs;
  add_quad(quad_sums(q, qx, qy, qz), moments.sum);
  add_quad(quad_sums(qx * xs, qyy, qzz, qy * xs), moments.sum + 4);
  add_quad(quad_sums(qz * xs, qyz, qzz, qzz), moments.sum + 8);
}

// Running sums of a chunk, lane by lane.
template <int W>
struct LaneSums {
  Floats<W> wt{}, t{}, tt{}, covered{}, error{};
};

// What each density is multiplied with, voxel by voxel, and the sums over the brick. False where
// no voxel counts, so that all factors of the least squares are zero.
template <int W, ChunkWork work>
EMGMM_INLINE bool factors_of(float outside, const float *w, const float *t, float *first,
                             float *second, LaneSums<W> &sums) {
  using Float = Floats<W>;
  const Float zero{}, limit = zero + outside;
  Float any{};
  for (int at = 0; at < 64; at += W) {
    const Float wv = simd::load<float, W>(w + at);
    const Float tv = simd::load<float, W>(t + at);
    const Float inside = wv > zero ? tv : zero;
    sums.wt += wv * inside;
    sums.t += inside;
    sums.tt += inside * inside;
    if constexpr (work == ChunkWork::expectation) {
      const Float reached = tv > zero + kOutOfReach ? (wv > zero ? wv : zero) : zero;
      sums.covered += reached;
      const Float f = reached / tv;
      simd::store<float, W>(first + at, f);
    } else if constexpr (work == ChunkWork::shares) {
      // Below the threshold a share matters where the mixture is more than a trace.
      const Float trace = zero + 0.05f;
      const Float least = wv > zero ? zero + kOutOfReach : trace;
      const Float f = (zero + 1.0f) / (tv > least ? tv : least);
      simd::store<float, W>(first + at, f);
    } else if constexpr (work != ChunkWork::total) {
      // -1 marks voxels out of the box, which say nothing.
      const Float exceeding = wv == zero ? (tv > limit ? tv : zero) : zero;
      const Float counted = wv > zero ? tv : exceeding;
      const Float target = wv > zero ? wv : (exceeding > zero ? limit : zero);
      const Float error = target - counted;
      sums.error += error * error;
      any += counted;
      if constexpr (work == ChunkWork::squares) {
        simd::store<float, W>(first + at, counted);
        simd::store<float, W>(second + at, target);
      } else {
        const Float f = tv > zero + kOutOfReach ? error * error / tv : zero;
        simd::store<float, W>(first + at, f);
      }
    }
  }
  if constexpr (work == ChunkWork::squares || work == ChunkWork::squared_error)
    return simd::sum<float, W>(any) > 0;
  return true;
}

template <int W>
EMGMM_INLINE float greatest_share(const float *density, const float *inverse) {
  using Float = Floats<W>;
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

template <int W, ChunkWork work>
EMGMM_INLINE void fill_bricks(const ChunkTask &task, Brick *densities) {
  const Splat *splats = task.splats->data();
  LaneSums<W> sums;
  for (std::size_t b = 0; b < task.bricks; ++b) {
    const int place = task.places[b];
    const float x = kBrick * (place & 3), y = kBrick * (place >> 2 & 3), z = kBrick * (place >> 4);
    Brick totals{}, first, second;
    const std::uint32_t begin = task.starts[b], end = task.starts[b + 1];
    for (std::uint32_t i = begin; i < end; ++i)
      splat_density<W>(splats[task.list[i]], x, y, z, densities[i - begin].value, totals.value);
    if (task.totals) task.totals[b] = totals;
    if (!task.values) continue;
    if (!factors_of<W, work>(task.outside, task.values[b].value, totals.value, first.value,
                             second.value, sums))
      continue;
    if constexpr (work == ChunkWork::shares) {
      for (std::uint32_t i = begin; i < end; ++i)
        task.shares[i] = greatest_share<W>(densities[i - begin].value, first.value);
    } else if constexpr (work != ChunkWork::total) {
      const float cx = x - kMiddle, cy = y - kMiddle, cz = z - kMiddle;
      for (std::uint32_t i = begin; i < end; ++i) {
        const float *density = densities[i - begin].value;
        moments_of<W>(density, first.value, cx, cy, cz, task.first[task.list[i]]);
        if constexpr (work == ChunkWork::squares)
          moments_of<W>(density, second.value, cx, cy, cz, task.second[task.list[i]]);
      }
    }
  }
  if (!task.sums) return;
  for (int i = 0; i < W; ++i) {
    task.sums->wt += sums.wt[i];
    task.sums->t += sums.t[i];
    task.sums->tt += sums.tt[i];
    task.sums->covered += sums.covered[i];
    task.sums->error += sums.error[i];
  }
}

template <int W>
EMGMM_INLINE void work_on_chunk(const ChunkTask &task, Brick *densities) {
  switch (task.work) {
    case ChunkWork::total:
      return fill_bricks<W, ChunkWork::total>(task, densities);
    case ChunkWork::shares:
      return fill_bricks<W, ChunkWork::shares>(task, densities);
    case ChunkWork::expectation:
      return fill_bricks<W, ChunkWork::expectation>(task, densities);
    case ChunkWork::squares:
      return fill_bricks<W, ChunkWork::squares>(task, densities);
    case ChunkWork::squared_error:
      return fill_bricks<W, ChunkWork::squared_error>(task, densities);
  }
}

void work_on_chunk_baseline(const ChunkTask &task, Brick *densities) {
  work_on_chunk<4>(task, densities);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void work_on_chunk_avx2(const ChunkTask &task, Brick *densities) {
  work_on_chunk<8>(task, densities);
}
EMGMM_TARGET_AVX512 void work_on_chunk_avx512(const ChunkTask &task, Brick *densities) {
  work_on_chunk<16>(task, densities);
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
      return work_on_chunk_avx512(task, densities.data());
    case InstructionSet::avx2:
      return work_on_chunk_avx2(task, densities.data());
#endif
    default:
      return work_on_chunk_baseline(task, densities.data());
  }
}

}  // namespace emcore

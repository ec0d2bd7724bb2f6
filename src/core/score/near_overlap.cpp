#include "score/near_overlap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include "math/constants.h"
#include "math/eigen.h"
#include "math/instruction_set.h"
#include "math/parallel.h"
#include "math/simd.h"

namespace emcore {

namespace {

constexpr float kHalfLog2e = 0.72134752f;
const double kNearNorm = std::pow(2 * kPi, -1.5);

// Of a part of the pairs: where its atoms are, and what pulls at them.
struct NearWork {
  std::vector<NearPoint> points;
  std::vector<float> forces;
  std::vector<float> kept;  // of each pair of a block: overlap times the three slopes
};

// Four registers of N / 4 atoms each, x y z v x y z v ..., to one of all x, all y, z and v, and
// back: the transposition of 4 x 4 numbers within each sixteen bytes is its own inverse.
template <int N, std::size_t... L>
EMGMM_INLINE void transpose_quarters(simd::Batch<float, N> *r, std::index_sequence<L...>) {
  using B = simd::Batch<float, N>;
  // Element l of a + b's: from sixteen bytes of a, then from the same of b.
  const B a = __builtin_shufflevector(r[0], r[1], (L / 4 * 4 + L % 4 / 2 + (L % 2 ? N : 0))...);
  const B b = __builtin_shufflevector(r[2], r[3], (L / 4 * 4 + L % 4 / 2 + (L % 2 ? N : 0))...);
  const B c = __builtin_shufflevector(r[0], r[1], (L / 4 * 4 + L % 4 / 2 + 2 + (L % 2 ? N : 0))...);
  const B d = __builtin_shufflevector(r[2], r[3], (L / 4 * 4 + L % 4 / 2 + 2 + (L % 2 ? N : 0))...);
  r[0] = __builtin_shufflevector(a, b, (L / 4 * 4 + L % 2 + (L % 4 / 2 ? N : 0))...);
  r[1] = __builtin_shufflevector(a, b, (L / 4 * 4 + L % 2 + 2 + (L % 4 / 2 ? N : 0))...);
  r[2] = __builtin_shufflevector(c, d, (L / 4 * 4 + L % 2 + (L % 4 / 2 ? N : 0))...);
  r[3] = __builtin_shufflevector(c, d, (L / 4 * 4 + L % 2 + 2 + (L % 4 / 2 ? N : 0))...);
}

EMGMM_INLINE const float *at_place(const NearPoint *points, std::size_t place) {
  return reinterpret_cast<const float *>(reinterpret_cast<const char *>(points) +
                                         place * (sizeof(NearPoint) / 2));
}

// The points at every fourth of N places, one after the other.
template <int N>
EMGMM_INLINE simd::Batch<float, N> load_quarters(const NearPoint *points,
                                                 const std::uint32_t *places) {
  using Quarter = simd::Batch<float, 4>;
  const auto from = [&](int j) {
    return reinterpret_cast<const Quarter *>(at_place(points, places[4 * j]));
  };
  simd::Batch<float, N> all;
#if EMGMM_DISPATCH_X86  // what GCC makes of the general way takes twice the instructions
  if constexpr (N == 16) {
    __asm__(
        "vmovups %1, %x0\n\tvinsertf32x4 $1, %2, %t0, %t0\n\t"
        "vinsertf32x4 $2, %3, %g0, %g0\n\tvinsertf32x4 $3, %4, %g0, %g0"
        : "=&v"(all)
        : "m"(*from(0)), "m"(*from(1)), "m"(*from(2)), "m"(*from(3)));
    return all;
  } else if constexpr (N == 8) {
    __asm__("vmovups %1, %x0\n\tvinsertf128 $1, %2, %t0, %t0"
            : "=&x"(all)
            : "m"(*from(0)), "m"(*from(1)));
    return all;
  }
#endif
  for (int j = 0; j < N / 4; ++j)
    for (int l = 0; l < 4; ++l) all[4 * j + l] = (*from(j))[l];
  return all;
}

// Adds N / 4 forces to those at every fourth of N places.
template <int N, std::size_t... L>
EMGMM_INLINE void add_quarters(float *forces, const std::uint32_t *places,
                               simd::Batch<float, N> value, std::index_sequence<L...>) {
  const auto add = [&](std::size_t place, simd::Batch<float, 4> quarter) {
#if EMGMM_DISPATCH_X86
    if constexpr (N > 4) {
      __asm__ volatile("vaddps (%1,%2,8), %0, %0\n\tvmovups %0, (%1,%2,8)"
                       : "+x"(quarter)
                       : "r"(forces), "r"(place)
                       : "memory");
      return;
    }
#endif
    float *to = forces + 2 * place;
    simd::store<float, 4>(to, simd::load<float, 4>(to) + quarter);
  };
  (add(places[4 * L],
       __builtin_shufflevector(value, value, 4 * L, 4 * L + 1, 4 * L + 2, 4 * L + 3)),
   ...);
}

// Overlaps of a data component (its weight aside) with the N atoms at `places`.
template <int N>
EMGMM_INLINE simd::Batch<float, N> near_sum(const NearComponent &c, const NearPoint *points,
                                            const std::uint32_t *places, const float *weights,
                                            float *kept) {
  using B = simd::Batch<float, N>;
  B r[4];
  for (int j = 0; j < 4; ++j) r[j] = load_quarters<N>(points, places + j);
  transpose_quarters<N>(r, std::make_index_sequence<N>());
  const B dx = r[0] - c.x, dy = r[1] - c.y, dz = r[2] - c.z, variance = r[3];
  const B a = c.axes[0][0] * dx + (c.axes[0][1] * dy + c.axes[0][2] * dz);
  const B b = c.axes[1][0] * dx + (c.axes[1][1] * dy + c.axes[1][2] * dz);
  const B e = c.axes[2][0] * dx + (c.axes[2][1] * dy + c.axes[2][2] * dz);
  const B sa = c.variance[0] + variance, sb = c.variance[1] + variance,
          se = c.variance[2] + variance;
  const B bc = sb * se;
  const B root = simd::reciprocal_sqrt<N>(sa * bc);
  const B inverse = root * root;
  const B ua = (bc * inverse) * a, ub = (sa * se * inverse) * b, ue = (sa * sb * inverse) * e;
  const B form = a * ua + (b * ub + e * ue);
  const B value =
      (simd::load<float, N>(weights) * root) * simd::exp2_negative<N>(-kHalfLog2e * form);
  simd::store<float, N>(kept, value * ua);
  simd::store<float, N>(kept + N, value * ub);
  simd::store<float, N>(kept + 2 * N, value * ue);
  return value;
}

// The data components of a block, of which there are n: overlaps, slopes, then forces, so that
// none waits for the slope of the one before. One loop over all registers, since how many a
// component has is not to be guessed.
template <int N>
EMGMM_INLINE void near_block(const NearComponent *components, std::size_t n, const NearPart &part,
                             std::size_t block, const NearOverlap::Slopes &slopes, bool with_forces,
                             NearWork *work) {
  using B = simd::Batch<float, N>;
  const std::size_t begin = block ? part.ends[block - 1] : 0, end = part.ends[block];
  if (work->kept.size() < 3 * N * (end - begin)) work->kept.resize(6 * N * (end - begin));
  float *const kept = work->kept.data();
  const NearPoint *const points = work->points.data();
  const std::uint32_t *const places = part.places.data();
  const float *const weights = part.weights.data();
  const std::uint8_t *const owners = part.owners.data();
  B sums[kNearBlock] = {};
  for (std::size_t r = begin; r < end; ++r)
    sums[owners[r]] += near_sum<N>(components[owners[r]], points, places + N * r, weights + N * r,
                                   kept + 3 * N * (r - begin));
  std::size_t numbers[kNearBlock];
  double overlaps[kNearBlock], slope_of[kNearBlock];
  for (std::size_t k = 0; k < n; ++k) {
    numbers[k] = components[k].number;
    overlaps[k] = components[k].weight * simd::sum<float, N>(sums[k]);
  }
  slopes(n, numbers, overlaps, &part.left_out[block * kNearBlock], slope_of);
  if (!with_forces) return;
  float axes[kNearBlock][3][3];
  for (std::size_t k = 0; k < n; ++k) {
    const float t = float(-slope_of[k] * components[k].weight);
    for (int a = 0; a < 3; ++a)
      for (int x = 0; x < 3; ++x) axes[k][a][x] = t * components[k].axes[a][x];
  }
  float *const forces = work->forces.data();
  for (std::size_t r = begin; r < end; ++r) {
    const auto &to = axes[owners[r]];
    const float *from = kept + 3 * N * (r - begin);
    const B a = simd::load<float, N>(from), b = simd::load<float, N>(from + N),
            e = simd::load<float, N>(from + 2 * N);
    B f[4];
    for (int x = 0; x < 3; ++x) f[x] = to[0][x] * a + (to[1][x] * b + to[2][x] * e);
    f[3] = B{};
    transpose_quarters<N>(f, std::make_index_sequence<N>());
    for (int j = 0; j < 4; ++j)
      add_quarters<N>(forces, places + N * r + j, f[j], std::make_index_sequence<N / 4>());
  }
}

// The same body compiled for each instruction set: 16, 32 and 64 bytes a batch.
void near_block_baseline(const NearComponent *components, std::size_t n, const NearPart &part,
                         std::size_t block, const NearOverlap::Slopes &slopes, bool with_forces,
                         NearWork *work) {
  near_block<4>(components, n, part, block, slopes, with_forces, work);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void near_block_avx2(const NearComponent *components, std::size_t n,
                                       const NearPart &part, std::size_t block,
                                       const NearOverlap::Slopes &slopes, bool with_forces,
                                       NearWork *work) {
  near_block<8>(components, n, part, block, slopes, with_forces, work);
}
EMGMM_TARGET_AVX512 void near_block_avx512(const NearComponent *components, std::size_t n,
                                           const NearPart &part, std::size_t block,
                                           const NearOverlap::Slopes &slopes, bool with_forces,
                                           NearWork *work) {
  near_block<16>(components, n, part, block, slopes, with_forces, work);
}
#endif

auto near_block_kernel(std::size_t width) {
#if EMGMM_DISPATCH_X86
  if (width == 16) return &near_block_avx512;
  if (width == 8) return &near_block_avx2;
#endif
  return width == 4 ? &near_block_baseline : nullptr;
}

NearPoint near_point(const Gaussian &g, const Vec3 &center) {
  const Vec3 d = g.mean - center;
  return {float(d.x), float(d.y), float(d.z), float(g.covariance.xx)};
}

// Whether the list was made of this model, not far from where it is.
bool serves(const PairList &list, const NearModel &model) {
  const std::vector<NearPoint> &here = model.points, &there = list.model.points;
  if (here.size() != there.size() || model.weights != list.model.weights) return false;
  using B = simd::Batch<float, 4>;
  B most{};  // of the squares along each axis, and of the variance's difference
  for (std::size_t i = 0; i < here.size(); ++i) {
    const B d = simd::load<float, 4>(&here[i].x) - simd::load<float, 4>(&there[i].x);
    const B square = d * d;
    most = square > most ? square : most;
  }
  if (most[3] > 0) return false;
  const float skin = list.skin * list.skin;
  if (most[0] + most[1] + most[2] < skin) return true;
  float furthest = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const float x = here[i].x - there[i].x, y = here[i].y - there[i].y, z = here[i].z - there[i].z;
    furthest = std::max(furthest, x * x + y * y + z * z);
  }
  return furthest < skin;
}

}  // namespace

std::optional<NearModel> NearOverlap::isotropic(const Mixture &model) const {
  NearModel result;
  result.points.resize(model.size());
  result.weights.resize(model.size());
  double sum = 0;  // mostly 0, which is told without a branch for each
  for (std::size_t i = 0; i < model.size(); ++i) {
    const Sym3 &c = model[i].covariance;
    sum += (std::fabs(c.xy) + std::fabs(c.xz)) + (std::fabs(c.yz) + std::fabs(c.xx - c.yy)) +
           std::fabs(c.xx - c.zz);
    result.points[i] = near_point(model[i], center_);
    result.weights[i] = float(model[i].weight);
  }
  if (sum == 0) return result;
  for (const Gaussian &g : model) {
    const Sym3 &c = g.covariance;
    const double most = std::max({std::fabs(c.xy), std::fabs(c.xz), std::fabs(c.yz),
                                  std::fabs(c.xx - c.yy), std::fabs(c.xx - c.zz)});
    if (most > 1e-9 * c.xx) return {};
  }
  return result;
}

NearOverlap::NearOverlap(const Mixture &data) {
  for (const Gaussian &g : data) center_ += (1.0 / data.size()) * g.mean;
  std::vector<NearPoint> points;
  for (const Gaussian &g : data) points.push_back(near_point(g, center_));
  for (std::uint32_t k : order_in_space(points, kNearBlock)) {
    const Gaussian &g = data[k];
    const Eigen3 e = eigen(g.covariance);
    NearComponent c;
    const Vec3 d = g.mean - center_;
    c.x = float(d.x), c.y = float(d.y), c.z = float(d.z);
    for (int a = 0; a < 3; ++a) {
      c.axes[a][0] = float(e.vectors[a].x);
      c.axes[a][1] = float(e.vectors[a].y);
      c.axes[a][2] = float(e.vectors[a].z);
      c.variance[a] = float(e.values[a]);
    }
    c.spread_x = float(g.covariance.xx), c.spread_y = float(g.covariance.yy);
    c.spread_z = float(g.covariance.zz);
    c.spread = c.variance[2];
    c.weight = g.weight * kNearNorm;
    c.number = k;
    components_.push_back(c);
  }
}

std::shared_ptr<const PairList> NearOverlap::list_for(const NearModel &model, double cutoff,
                                                      unsigned threads) const {
  const std::shared_ptr<const PairList> before = std::atomic_load(&list_);
  if (before && before->cutoff == cutoff && before->width == near_width() && serves(*before, model))
    return before;
  const auto fresh = std::make_shared<const PairList>(
      pair_list(components_, model, cutoff, threads, before.get()));
  std::atomic_store(&list_, fresh);
  return fresh;
}

void NearOverlap::evaluate(const NearModel &model, double cutoff, unsigned threads,
                           const Slopes &slopes, std::vector<NearPoint> *by_mean) const {
  const std::shared_ptr<const PairList> list = list_for(model, cutoff, threads);
  const auto kernel = near_block_kernel(list->width);
  std::vector<NearWork> works(list->parts.size());
  parallel_for(works.size(), threads, [&](std::size_t t) {
    const NearPart &part = list->parts[t];
    NearWork &work = works[t];
    work.points.resize(part.atoms.size());
    for (std::size_t j = 0; j < part.atoms.size(); ++j)
      work.points[j] = model.points[part.atoms[j]];
    if (by_mean) work.forces.resize(4 * part.atoms.size());
    for (std::size_t b = 0; b < part.ends.size(); ++b) {
      const std::size_t first = part.first + b * kNearBlock;
      kernel(&components_[first], std::min(kNearBlock, components_.size() - first), part, b, slopes,
             by_mean != nullptr, &work);
    }
  });
  if (!by_mean) return;
  by_mean->assign(model.points.size(), NearPoint());
  for (std::size_t t = 0; t < works.size(); ++t) {
    const std::vector<std::uint32_t> &atoms = list->parts[t].atoms;
    const float *forces = works[t].forces.data();
    for (std::size_t j = 0; j < atoms.size(); ++j) {
      float *to = &(*by_mean)[atoms[j]].x;
      simd::store<float, 4>(to, simd::load<float, 4>(to) + simd::load<float, 4>(forces + 4 * j));
    }
  }
}

}  // namespace emcore

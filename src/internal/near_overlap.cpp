#include <IMP/emgmm/internal/em_algebra.h>
#include <IMP/emgmm/internal/instruction_set.h>
#include <IMP/emgmm/internal/near_overlap.h>
#include <IMP/emgmm/internal/parallel.h>
#include <IMP/emgmm/internal/simd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

namespace emcore {

namespace {

constexpr float kHalfLog2e = 0.72134752f;
const double kNearNorm = std::pow(2 * 3.14159265358979323846, -1.5);

// Of a part of the pairs: where its atoms are, and what pulls at them. One more of each for the
// pairs that only fill registers.
struct NearWork {
  std::vector<NearPoint> points, forces;
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

template <int N>
EMGMM_INLINE simd::Batch<float, N> load_quarters(const NearPoint *points,
                                                 const std::uint32_t *places) {
  if constexpr (N == 4) {
    return simd::load<float, 4>(&points[places[0]].x);
  } else {
    const auto a = load_quarters<N / 2>(points, places);
    const auto b = load_quarters<N / 2>(points, places + N / 2);
    if constexpr (N == 8)
      return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    else
      return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

template <int N>
EMGMM_INLINE void add_quarters(NearPoint *points, const std::uint32_t *places,
                               simd::Batch<float, N> value) {
  if constexpr (N == 4) {
    float *to = &points[places[0]].x;
    simd::store<float, 4>(to, simd::load<float, 4>(to) + value);
  } else if constexpr (N == 8) {
    add_quarters<4>(points, places, __builtin_shufflevector(value, value, 0, 1, 2, 3));
    add_quarters<4>(points, places + 4, __builtin_shufflevector(value, value, 4, 5, 6, 7));
  } else {
    add_quarters<8>(points, places, __builtin_shufflevector(value, value, 0, 1, 2, 3, 4, 5, 6, 7));
    add_quarters<8>(points, places + 8,
                    __builtin_shufflevector(value, value, 8, 9, 10, 11, 12, 13, 14, 15));
  }
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
  if (kept) {
    simd::store<float, N>(kept, value * ua);
    simd::store<float, N>(kept + N, value * ub);
    simd::store<float, N>(kept + 2 * N, value * ue);
  }
  return value;
}

// Data components i ... i + n - 1 of a part, in three turns, so that none waits for the slope of
// the one before.
template <int N>
EMGMM_INLINE void near_block(const NearComponent *components, const NearPart &part, std::size_t i,
                             std::size_t n, const NearOverlap::Slopes &slopes, bool with_forces,
                             NearWork *work) {
  const std::size_t begin = i ? part.ends[i - 1] : 0, end = part.ends[i + n - 1];
  if (with_forces && work->kept.size() < 3 * (end - begin)) work->kept.resize(6 * (end - begin));
  std::size_t numbers[kNearBlock];
  double overlaps[kNearBlock], slope_of[kNearBlock];
  std::size_t at = begin;
  for (std::size_t k = 0; k < n; ++k) {
    const NearComponent &c = components[k];
    simd::Batch<float, N> sum{};
    for (; at < part.ends[i + k]; at += N)
      sum += near_sum<N>(c, work->points.data(), &part.places[at], &part.weights[at],
                         with_forces ? &work->kept[3 * (at - begin)] : nullptr);
    numbers[k] = c.number;
    overlaps[k] = c.weight * simd::sum<float, N>(sum);
  }
  slopes(n, numbers, overlaps, &part.left_out[i], slope_of);
  if (!with_forces) return;
  at = begin;
  for (std::size_t k = 0; k < n; ++k) {
    const NearComponent &c = components[k];
    const float t = float(-slope_of[k] * c.weight);
    float axes[3][3];
    for (int a = 0; a < 3; ++a)
      for (int x = 0; x < 3; ++x) axes[a][x] = t * c.axes[a][x];
    for (; at < part.ends[i + k]; at += N) {
      const float *kept = &work->kept[3 * (at - begin)];
      const auto a = simd::load<float, N>(kept), b = simd::load<float, N>(kept + N),
                 e = simd::load<float, N>(kept + 2 * N);
      simd::Batch<float, N> r[4];
      for (int x = 0; x < 3; ++x) r[x] = axes[0][x] * a + (axes[1][x] * b + axes[2][x] * e);
      r[3] = simd::Batch<float, N>{};
      transpose_quarters<N>(r, std::make_index_sequence<N>());
      for (int j = 0; j < 4; ++j) add_quarters<N>(work->forces.data(), &part.places[at + j], r[j]);
    }
  }
}

// The same body compiled for each instruction set: 16, 32 and 64 bytes a batch.
void near_block_baseline(const NearComponent *components, const NearPart &part, std::size_t i,
                         std::size_t n, const NearOverlap::Slopes &slopes, bool with_forces,
                         NearWork *work) {
  near_block<4>(components, part, i, n, slopes, with_forces, work);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void near_block_avx2(const NearComponent *components, const NearPart &part,
                                       std::size_t i, std::size_t n,
                                       const NearOverlap::Slopes &slopes, bool with_forces,
                                       NearWork *work) {
  near_block<8>(components, part, i, n, slopes, with_forces, work);
}
EMGMM_TARGET_AVX512 void near_block_avx512(const NearComponent *components, const NearPart &part,
                                           std::size_t i, std::size_t n,
                                           const NearOverlap::Slopes &slopes, bool with_forces,
                                           NearWork *work) {
  near_block<16>(components, part, i, n, slopes, with_forces, work);
}
#endif

auto near_block_kernel(std::size_t width) {
#if EMGMM_DISPATCH_X86
  if (width == 16) return &near_block_avx512;
  if (width == 8) return &near_block_avx2;
#endif
  return width == 4 ? &near_block_baseline : nullptr;
}

std::vector<NearPoint> near_points(const Mixture &mixture, const Vec3 &center) {
  std::vector<NearPoint> points;
  points.reserve(mixture.size());
  for (const Gaussian &g : mixture) {
    const Vec3 d = g.mean - center;
    points.push_back({float(d.x), float(d.y), float(d.z), float(g.covariance.xx)});
  }
  return points;
}

// Whether the list was made of this model, not far from where it is.
bool serves(const NearList &list, const std::vector<NearPoint> &points, const Mixture &model) {
  if (list.points.size() != points.size()) return false;
  float furthest = 0;
  bool same = true;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const NearPoint &p = points[i], &q = list.points[i];
    const float x = p.x - q.x, y = p.y - q.y, z = p.z - q.z;
    furthest = std::max(furthest, x * x + y * y + z * z);
    same &= (p.variance == q.variance) & (float(model[i].weight) == list.weights[i]);
  }
  return same && furthest < list.skin * list.skin;
}

}  // namespace

bool is_isotropic(const Mixture &mixture) {
  for (const Gaussian &g : mixture) {
    const Sym3 &c = g.covariance;
    const double most = std::max({std::fabs(c.xy), std::fabs(c.xz), std::fabs(c.yz),
                                  std::fabs(c.xx - c.yy), std::fabs(c.xx - c.zz)});
    if (most > 1e-9 * c.xx) return false;
  }
  return true;
}

NearOverlap::NearOverlap(const Mixture &data) {
  for (const Gaussian &g : data) center_ += (1.0 / data.size()) * g.mean;
  for (std::uint32_t k : order_in_space(near_points(data, center_), kNearBlock)) {
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

std::shared_ptr<const NearList> NearOverlap::list_for(const std::vector<NearPoint> &points,
                                                      const Mixture &model, double cutoff,
                                                      unsigned threads) const {
  const std::shared_ptr<const NearList> before = std::atomic_load(&list_);
  if (before && before->cutoff == cutoff && before->width == near_width() &&
      serves(*before, points, model))
    return before;
  std::vector<float> weights;
  weights.reserve(model.size());
  for (const Gaussian &g : model) weights.push_back(float(g.weight));
  const auto fresh = std::make_shared<const NearList>(
      near_list(components_, points, weights, cutoff, threads, before.get()));
  std::atomic_store(&list_, fresh);
  return fresh;
}

void NearOverlap::evaluate(const Mixture &model, double cutoff, unsigned threads,
                           const Slopes &slopes, std::vector<Vec3> *by_mean) const {
  const std::vector<NearPoint> points = near_points(model, center_);
  const std::shared_ptr<const NearList> list = list_for(points, model, cutoff, threads);
  const auto kernel = near_block_kernel(list->width);
  std::vector<NearWork> works(list->parts.size());
  parallel_for(works.size(), threads, [&](std::size_t t) {
    const NearPart &part = list->parts[t];
    NearWork &work = works[t];
    work.points.reserve(part.atoms.size() + 1);
    for (std::uint32_t i : part.atoms) work.points.push_back(points[i]);
    work.points.push_back(points[0]);
    if (by_mean) work.forces.resize(part.atoms.size() + 1);
    for (std::size_t i = 0; i < part.ends.size(); i += kNearBlock)
      kernel(&components_[part.first + i], part, i, std::min(kNearBlock, part.ends.size() - i),
             slopes, by_mean != nullptr, &work);
  });
  if (!by_mean) return;
  by_mean->assign(model.size(), Vec3());
  for (std::size_t t = 0; t < works.size(); ++t)
    for (std::size_t j = 0; j < list->parts[t].atoms.size(); ++j) {
      const NearPoint &force = works[t].forces[j];
      (*by_mean)[list->parts[t].atoms[j]] += Vec3{force.x, force.y, force.z};
    }
}

}  // namespace emcore

#include <IMP/emgmm/internal/em_algebra.h>
#include <IMP/emgmm/internal/instruction_set.h>
#include <IMP/emgmm/internal/near_atoms.h>
#include <IMP/emgmm/internal/near_overlap.h>
#include <IMP/emgmm/internal/parallel.h>
#include <IMP/emgmm/internal/simd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

namespace emcore {

namespace {

constexpr std::size_t kNearBlock = 16;  // data components that share a list of clusters
constexpr std::size_t kNearTasks = 8;
constexpr double kNearGrowth = 1.3;  // of the clusters' boxes, until atoms are ordered anew
constexpr float kNearLog2e = 1.44269504f;
const double kNearNorm = std::pow(2 * 3.14159265358979323846, -1.5);

// A box around one or more data components, and inverse variances that no pair of them with an
// atom falls below.
struct NearPlace {
  float low_x, low_y, low_z, high_x, high_y, high_z;
  float by_x, by_y, by_z, by_distance;
};

// What a thread writes: forces of all clusters, and scratch.
struct NearWork {
  std::vector<float> force_x, force_y, force_z;
  NearBoxes near;
  std::vector<std::uint32_t> taken, hits;
  std::vector<float> kept;  // of each pair: overlap times the three slopes along the axes
};

// Writes those of the N numbers whose element of v is negative; returns how many. Up to N are
// written over.
template <int N>
EMGMM_INLINE std::size_t write_where_negative(simd::Batch<float, N> v, const std::uint32_t *numbers,
                                              std::uint32_t *to) {
#if EMGMM_DISPATCH_X86
  if constexpr (N == 16) {  // a branch for each would be guessed wrong half of the time
    std::uint32_t bits;
    const auto all = simd::load<float, N>(reinterpret_cast<const float *>(numbers));
    simd::Batch<float, N> packed;
    __asm__("vpmovd2m %2, %%k1\n\tkmovw %%k1, %0\n\tvpcompressd %3, %1%{%%k1%}%{z%}"
            : "=&r"(bits), "=v"(packed)
            : "v"(v), "v"(all)
            : "k1");
    simd::store<float, N>(reinterpret_cast<float *>(to), packed);
    return std::size_t(__builtin_popcount(bits));
  }
#endif
  std::size_t n = 0;
  for (int l = 0; l < N; ++l) {
    to[n] = numbers[l];
    n += v[l] < 0;
  }
  return n;
}

// 2^x for -126 <= x <= 0 from above, by up to 6 %: the exponent's bits run on into the fraction.
template <int N>
EMGMM_INLINE simd::Batch<float, N> exp2_bound(simd::Batch<float, N> x) {
  using B = simd::Batch<float, N>;
  const B lowest = simd::broadcast<float, N>(-126.0f);
  x = x > lowest ? x : lowest;
  const auto bits =
      __builtin_convertvector((x + 127.0f) * 8388608.0f, typename simd::Types<float, N>::Bits);
  B result;
  std::memcpy(&result, &bits, sizeof bits);
  return result;
}

template <int N>
EMGMM_INLINE simd::Batch<float, N> box_gap(float low, float high, const float *lows,
                                           const float *highs) {
  using B = simd::Batch<float, N>;
  const B above = simd::load<float, N>(lows) - high, below = low - simd::load<float, N>(highs);
  const B more = below > above ? below : above;
  return more > 0.0f ? more : B{};
}

// Lower bounds of d.S^-1.d between the place and the atoms of boxes i ... i + N - 1.
template <int N>
EMGMM_INLINE simd::Batch<float, N> least_form(const NearPlace &p, const NearBoxes &boxes,
                                              std::size_t i) {
  using B = simd::Batch<float, N>;
  const B x = box_gap<N>(p.low_x, p.high_x, &boxes.low_x[i], &boxes.high_x[i]);
  const B y = box_gap<N>(p.low_y, p.high_y, &boxes.low_y[i], &boxes.high_y[i]);
  const B z = box_gap<N>(p.low_z, p.high_z, &boxes.low_z[i], &boxes.high_z[i]);
  const B xx = x * x, yy = y * y, zz = z * z;
  B form = (xx + yy + zz) * p.by_distance;
  const B fx = xx * p.by_x, fy = yy * p.by_y, fz = zz * p.by_z;
  form = fx > form ? fx : form;
  form = fy > form ? fy : form;
  return fz > form ? fz : form;
}

// Writes the numbers of the boxes that may hold a pair with d.S^-1.d below `reach` and returns how
// many; adds to *left a bound on the sum of mass times exp(-d.S^-1.d / 2) over the others.
template <int N>
EMGMM_INLINE std::size_t take_near(const NearPlace &place, const NearBoxes &boxes,
                                   std::size_t begin, std::size_t end, float reach,
                                   std::uint32_t *to, double *left) {
  using B = simd::Batch<float, N>;
  B beyond{};
  std::size_t n = 0;
  for (std::size_t i = begin; i < end; i += N) {
    const B form = least_form<N>(place, boxes, i);
    const B most =
        simd::load<float, N>(&boxes.mass[i]) * exp2_bound<N>((-0.5f * kNearLog2e) * form);
    beyond += form < reach ? B{} : most;
    n += write_where_negative<N>(form - reach, &boxes.number[i], to + n);
  }
  *left += simd::sum<float, N>(beyond);
  return n;
}

// Elements of the N atoms from the places on: two clusters fill the widest register.
template <int N>
EMGMM_INLINE simd::Batch<float, N> load_atoms(const float *row, const std::uint32_t *places) {
  if constexpr (N == 16) {
    const auto a = simd::load<float, 8>(row + places[0]), b = simd::load<float, 8>(row + places[1]);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  } else {
    return simd::load<float, N>(row + places[0]);
  }
}
template <int N>
EMGMM_INLINE void add_to_atoms(float *row, const std::uint32_t *places,
                               simd::Batch<float, N> value) {
  if constexpr (N == 16) {
    simd::Batch<float, 8> a = __builtin_shufflevector(value, value, 0, 1, 2, 3, 4, 5, 6, 7);
    simd::Batch<float, 8> b = __builtin_shufflevector(value, value, 8, 9, 10, 11, 12, 13, 14, 15);
    a += simd::load<float, 8>(row + places[0]);
    simd::store<float, 8>(row + places[0], a);
    b += simd::load<float, 8>(row + places[1]);
    simd::store<float, 8>(row + places[1], b);
  } else {
    value += simd::load<float, N>(row + places[0]);
    simd::store<float, N>(row + places[0], value);
  }
}

// Overlap of one data component (its weight aside) with the atoms at `places`.
template <int N>
EMGMM_INLINE simd::Batch<float, N> near_sum(const NearComponent &c, const NearAtoms &atoms,
                                            const std::uint32_t *places, std::size_t part,
                                            simd::Batch<float, N> sum, float *kept) {
  using B = simd::Batch<float, N>;
  const B dx = load_atoms<N>(atoms.x.data() + part, places) - c.x;
  const B dy = load_atoms<N>(atoms.y.data() + part, places) - c.y;
  const B dz = load_atoms<N>(atoms.z.data() + part, places) - c.z;
  const B variance = load_atoms<N>(atoms.variance.data() + part, places);
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
  const B value = (load_atoms<N>(atoms.weight.data() + part, places) * root) *
                  simd::exp2_negative<N>((-0.5f * kNearLog2e) * form);
  if (kept) {
    simd::store<float, N>(kept, value * ua);
    simd::store<float, N>(kept + N, value * ub);
    simd::store<float, N>(kept + 2 * N, value * ue);
  }
  return sum + value;
}

NearPlace near_place(const NearComponent &c, float spread) {
  return {c.x,
          c.y,
          c.z,
          c.x,
          c.y,
          c.z,
          1 / (c.spread_x + spread),
          1 / (c.spread_y + spread),
          1 / (c.spread_z + spread),
          1 / (c.spread + spread)};
}

void extend(NearPlace *all, const NearPlace &p) {
  all->low_x = std::min(all->low_x, p.low_x), all->high_x = std::max(all->high_x, p.high_x);
  all->low_y = std::min(all->low_y, p.low_y), all->high_y = std::max(all->high_y, p.high_y);
  all->low_z = std::min(all->low_z, p.low_z), all->high_z = std::max(all->high_z, p.high_z);
  all->by_x = std::min(all->by_x, p.by_x), all->by_y = std::min(all->by_y, p.by_y);
  all->by_z = std::min(all->by_z, p.by_z);
  all->by_distance = std::min(all->by_distance, p.by_distance);
}

// Data components [begin, end): first what all of them together may reach, then one by one.
template <int N>
EMGMM_INLINE void near_block(const NearComponent *components, std::size_t n, const NearAtoms &atoms,
                             float reach, const NearOverlap::Slope &slope, bool with_forces,
                             NearWork *work) {
  NearPlace all = near_place(components[0], atoms.spread);
  for (std::size_t i = 1; i < n; ++i) extend(&all, near_place(components[i], atoms.spread));
  work->taken.resize(atoms.groups.size() + kNearGroup);
  double beyond = 0;
  const std::size_t n_groups =
      take_near<N>(all, atoms.groups, 0, atoms.groups.size(), reach, work->taken.data(), &beyond);
  work->near.clear();
  for (std::size_t j = 0; j < n_groups; ++j) {
    const std::size_t first = work->taken[j];
    std::uint32_t clusters[2 * kNearGroup];
    const std::size_t n_clusters =
        take_near<N>(all, atoms.clusters, first, first + kNearGroup, reach, clusters, &beyond);
    for (std::size_t i = 0; i < n_clusters; ++i)
      work->near.add(atoms.clusters, clusters[i] / kNearCluster);
  }
  work->near.pad();
  constexpr std::size_t places = N > int(kNearCluster) ? N / kNearCluster : 1;
  constexpr std::size_t parts = N < int(kNearCluster) ? kNearCluster / N : 1;
  // In three turns over the components, so that none waits for the slope of the one before.
  const std::size_t stride = work->near.size() + 2 * kNearGroup;
  if (work->hits.size() < n * stride) work->hits.resize(n * stride);
  std::size_t n_rounds[kNearBlock], kept_at[kNearBlock], n_kept = 0;
  double sums[kNearBlock], left_out[kNearBlock], slopes[kNearBlock];
  for (std::size_t i = 0; i < n; ++i) {
    const NearComponent &c = components[i];
    std::uint32_t *hits = &work->hits[i * stride];
    left_out[i] = beyond;
    std::size_t n_hits = take_near<N>(near_place(c, atoms.spread), work->near, 0, work->near.size(),
                                      reach, hits, &left_out[i]);
    while (n_hits % places) hits[n_hits++] = std::uint32_t(atoms.n_clusters * kNearCluster);
    n_rounds[i] = n_hits / places * parts;
    kept_at[i] = n_kept;
    if (with_forces) n_kept += 3 * N * n_rounds[i];
    if (work->kept.size() < n_kept) work->kept.resize(2 * n_kept);
    simd::Batch<float, N> sum{};
    for (std::size_t r = 0; r < n_rounds[i]; ++r)
      sum = near_sum<N>(c, atoms, hits + r / parts * places, r % parts * N, sum,
                        with_forces ? &work->kept[kept_at[i] + r * 3 * N] : nullptr);
    sums[i] = simd::sum<float, N>(sum);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const NearComponent &c = components[i];
    // The largest value that a pair's |S|^(-1/2) can have.
    const double tight = double(c.variance[0] + atoms.tightness) *
                         (c.variance[1] + atoms.tightness) * (c.variance[2] + atoms.tightness);
    slopes[i] = slope(c.number, c.weight * sums[i], c.weight * left_out[i] / std::sqrt(tight));
  }
  for (std::size_t i = 0; with_forces && i < n; ++i) {
    const NearComponent &c = components[i];
    const float t = float(-slopes[i] * c.weight);
    float axes[3][3];
    for (int a = 0; a < 3; ++a)
      for (int x = 0; x < 3; ++x) axes[a][x] = t * c.axes[a][x];
    for (std::size_t r = 0; r < n_rounds[i]; ++r) {
      const float *kept = &work->kept[kept_at[i] + r * 3 * N];
      const std::uint32_t *at = &work->hits[i * stride + r / parts * places];
      const std::size_t part = r % parts * N;
      const auto a = simd::load<float, N>(kept), b = simd::load<float, N>(kept + N),
                 e = simd::load<float, N>(kept + 2 * N);
      add_to_atoms<N>(work->force_x.data() + part, at,
                      axes[0][0] * a + (axes[1][0] * b + axes[2][0] * e));
      add_to_atoms<N>(work->force_y.data() + part, at,
                      axes[0][1] * a + (axes[1][1] * b + axes[2][1] * e));
      add_to_atoms<N>(work->force_z.data() + part, at,
                      axes[0][2] * a + (axes[1][2] * b + axes[2][2] * e));
    }
  }
}

// The same body compiled for each instruction set: 16, 32 and 64 bytes a batch.
void near_block_baseline(const NearComponent *components, std::size_t n, const NearAtoms &atoms,
                         float reach, const NearOverlap::Slope &slope, bool with_forces,
                         NearWork *work) {
  near_block<4>(components, n, atoms, reach, slope, with_forces, work);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void near_block_avx2(const NearComponent *components, std::size_t n,
                                       const NearAtoms &atoms, float reach,
                                       const NearOverlap::Slope &slope, bool with_forces,
                                       NearWork *work) {
  near_block<8>(components, n, atoms, reach, slope, with_forces, work);
}
EMGMM_TARGET_AVX512 void near_block_avx512(const NearComponent *components, std::size_t n,
                                           const NearAtoms &atoms, float reach,
                                           const NearOverlap::Slope &slope, bool with_forces,
                                           NearWork *work) {
  near_block<16>(components, n, atoms, reach, slope, with_forces, work);
}
#endif

auto near_block_kernel() {
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return &near_block_avx512;
    case InstructionSet::avx2:
      return &near_block_avx2;
#endif
    default:
      return &near_block_baseline;
  }
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
  for (std::uint32_t k : order_in_space(data, center_, kNearBlock)) {
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

// The atoms in the order that was kept, as long as the clusters have not grown much apart.
NearAtoms NearOverlap::in_order(const Mixture &model) const {
  std::shared_ptr<const Order> order = std::atomic_load(&order_);
  if (order && order->numbers.size() == model.size()) {
    NearAtoms atoms = near_atoms(model, center_, order->numbers);
    if (sides(atoms.clusters, atoms.n_clusters) < kNearGrowth * order->sides) return atoms;
  }
  auto fresh = std::make_shared<Order>();
  fresh->numbers = order_in_space(model, center_, kNearCluster);
  NearAtoms atoms = near_atoms(model, center_, fresh->numbers);
  fresh->sides = sides(atoms.clusters, atoms.n_clusters);
  std::atomic_store(&order_, std::shared_ptr<const Order>(fresh));
  return atoms;
}

void NearOverlap::evaluate(const Mixture &model, double cutoff, unsigned threads,
                           const Slope &slope, std::vector<Vec3> *by_mean) const {
  const NearAtoms atoms = in_order(model);
  const float reach = float(-2 * std::log(cutoff));
  const std::size_t n_blocks = (components_.size() + kNearBlock - 1) / kNearBlock;
  const std::size_t a_task = std::max(kNearBlock, (n_blocks + kNearTasks - 1) / kNearTasks);
  const std::size_t n_tasks = (n_blocks + a_task - 1) / a_task;
  const auto kernel = near_block_kernel();
  std::vector<NearWork> works(n_tasks);
  parallel_for(n_tasks, threads, [&](std::size_t t) {
    NearWork &work = works[t];
    if (by_mean)
      for (auto *row : {&work.force_x, &work.force_y, &work.force_z}) row->resize(atoms.x.size());
    for (std::size_t b = t * a_task; b < std::min(n_blocks, (t + 1) * a_task); ++b) {
      const std::size_t first = b * kNearBlock;
      kernel(&components_[first], std::min(kNearBlock, components_.size() - first), atoms, reach,
             slope, by_mean != nullptr, &work);
    }
  });
  if (!by_mean) return;
  by_mean->resize(model.size());
  for (std::size_t i = 0; i < model.size(); ++i) {
    Vec3 force;
    for (const NearWork &work : works)
      force += Vec3{work.force_x[i], work.force_y[i], work.force_z[i]};
    (*by_mean)[atoms.number[i]] = force;
  }
}

}  // namespace emcore

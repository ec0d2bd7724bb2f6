#include "score/pair_list.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "math/instruction_set.h"
#include "math/parallel.h"
#include "math/simd.h"

namespace emcore {

namespace {

constexpr std::size_t kNearParts = 8;        // at most
constexpr std::size_t kNearPartBlocks = 32;  // at least: enough to outweigh handing it to a thread
constexpr double kNearGrowth = 1.3;          // of the clusters' boxes, until atoms are ordered anew
// How far atoms may move while a list is kept, as a share of the least width of a pair's Gaussian.
constexpr double kNearSkin = 0.3;
// How much further, in those widths, pairs come from that fill a register otherwise left half
// empty.
constexpr float kNearSpare = 0.35f;
constexpr float kNearLog2e = 1.44269504f;

// A box around one or more data components, and inverse variances that no pair of them with an
// atom falls below.
struct NearPlace {
  float low_x, low_y, low_z, high_x, high_y, high_z;
  float by_x, by_y, by_z, by_distance;
};

// Scratch of a thread.
struct NearListWork {
  NearBoxes near;
  std::vector<std::uint32_t> taken, hits;
  std::vector<std::uint32_t> listed, spare;  // places in the order of the atoms
};

// Writes those of the N numbers whose element of v is negative; returns how many. Up to N are
// written over.
template <int N>
EMGMM_INLINE std::size_t write_where_negative(simd::Batch<float, N> v,
                                              simd::Batch<float, N> numbers, std::uint32_t *to) {
#if EMGMM_DISPATCH_X86
  if constexpr (N == 16) {  // a branch for each would be guessed wrong half of the time
    std::uint32_t bits;
    simd::Batch<float, N> packed;
    __asm__("vpmovd2m %2, %%k1\n\tkmovw %%k1, %0\n\tvpcompressd %3, %1%{%%k1%}%{z%}"
            : "=&r"(bits), "=v"(packed)
            : "v"(v), "v"(numbers)
            : "k1");
    simd::store<float, N>(reinterpret_cast<float *>(to), packed);
    return std::size_t(__builtin_popcount(bits));
  }
#endif
  float values[N];
  std::uint32_t all[N];
  simd::store<float, N>(values, v);
  std::memcpy(all, &numbers, sizeof all);
  std::size_t n = 0;
  for (int l = 0; l < N; ++l) {
    to[n] = all[l];
    n += values[l] < 0;
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
    n += write_where_negative<N>(
        form - reach, simd::load<float, N>(reinterpret_cast<const float *>(&boxes.number[i])),
        to + n);
  }
  *left += simd::sum<float, N>(beyond);
  return n;
}

// Elements of the N atoms from the places on: two clusters fill the widest register.
template <int N>
EMGMM_INLINE simd::Batch<float, N> load_clusters(const float *row, const std::uint32_t *places) {
  if constexpr (N == 16) {
    const auto a = simd::load<float, 8>(row + places[0]), b = simd::load<float, 8>(row + places[1]);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  } else {
    return simd::load<float, N>(row + places[0]);
  }
}

// Writes those of the atoms of these clusters with d.S^-1.d below `root_reach` squared, were they
// `slack` widths nearer (their way while the list is kept), and returns how many; the others are
// added to *left, those too that come from a little further to fill the last register.
template <int N>
EMGMM_INLINE std::size_t take_atoms(const NearComponent &c, const NearAtoms &atoms,
                                    const std::uint32_t *clusters, std::size_t n_clusters,
                                    float root_reach, float slack, std::uint32_t *to,
                                    std::uint32_t *spare, double *left) {
  using B = simd::Batch<float, N>;
  constexpr std::size_t at_once = N > int(kNearCluster) ? N / kNearCluster : 1;
  constexpr std::size_t parts = N < int(kNearCluster) ? kNearCluster / N : 1;
  const float reach = (root_reach + slack) * (root_reach + slack);
  const float further = (root_reach + slack + kNearSpare) * (root_reach + slack + kNearSpare);
  B beyond{};
  std::size_t n = 0, n_spare = 0;
  for (std::size_t r = 0; r < n_clusters / at_once * parts; ++r) {
    const std::uint32_t *places = clusters + r / parts * at_once;
    const std::size_t part = r % parts * N;
    // Inlined in every build: without, the caller expects the result in another register.
    const auto row = [&](const auto &values) __attribute__((always_inline)) {
      return load_clusters<N>(reinterpret_cast<const float *>(values.data()) + part, places);
    };
    const B dx = row(atoms.x) - c.x, dy = row(atoms.y) - c.y, dz = row(atoms.z) - c.z;
    const B variance = row(atoms.variance), place = row(atoms.place);
    const B a = c.axes[0][0] * dx + (c.axes[0][1] * dy + c.axes[0][2] * dz);
    const B b = c.axes[1][0] * dx + (c.axes[1][1] * dy + c.axes[1][2] * dz);
    const B e = c.axes[2][0] * dx + (c.axes[2][1] * dy + c.axes[2][2] * dz);
    const B sa = c.variance[0] + variance, sb = c.variance[1] + variance,
            se = c.variance[2] + variance;
    const B bc = sb * se;
    const B form = (a * a * bc + sa * (b * b * se + e * e * sb)) / (sa * bc);
    const B root = form * simd::reciprocal_sqrt<N>(form + 1e-30f) - slack;
    const B most = row(atoms.weight) * exp2_bound<N>((-0.5f * kNearLog2e) * (root * root));
    beyond += form < reach ? B{} : most;
    n += write_where_negative<N>(form - reach, place, to + n);
    n_spare += write_where_negative<N>(form < reach ? B{} : form - further, place, spare + n_spare);
  }
  for (std::size_t j = 0; j < n_spare && n % N; ++j) to[n++] = spare[j];
  *left += simd::sum<float, N>(beyond);
  return n;
}

NearPlace near_place(const NearComponent &c, float spread, float skin) {
  return {c.x - skin,
          c.y - skin,
          c.z - skin,
          c.x + skin,
          c.y + skin,
          c.z + skin,
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

// Atoms near each of n data components: first what all of them together may reach, then one by
// one. Appends to work->listed; counts[i] and left[i] for each component.
template <int N>
EMGMM_INLINE void list_block(const NearComponent *components, std::size_t n, const NearAtoms &atoms,
                             float root_reach, float skin, NearListWork *work,
                             std::uint32_t *counts, double *left) {
  const float reach = root_reach * root_reach;
  NearPlace all = near_place(components[0], atoms.spread, skin);
  for (std::size_t i = 1; i < n; ++i) extend(&all, near_place(components[i], atoms.spread, skin));
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
  constexpr std::size_t at_once = N > int(kNearCluster) ? N / kNearCluster : 1;
  work->hits.resize(work->near.size() + 2 * kNearGroup);
  std::size_t listed = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const NearComponent &c = components[i];
    std::uint32_t *hits = work->hits.data();
    left[i] = beyond;
    std::size_t n_hits = take_near<N>(near_place(c, atoms.spread, skin), work->near, 0,
                                      work->near.size(), reach, hits, &left[i]);
    while (n_hits % at_once) hits[n_hits++] = std::uint32_t(atoms.n_clusters * kNearCluster);
    if (work->listed.size() < listed + n_hits * kNearCluster + N)
      work->listed.resize(2 * (listed + n_hits * kNearCluster + N));
    if (work->spare.size() < n_hits * kNearCluster + N)
      work->spare.resize(2 * (n_hits * kNearCluster + N));
    const float slack = skin / std::sqrt(c.variance[0] + atoms.tightness);
    counts[i] = std::uint32_t(take_atoms<N>(c, atoms, hits, n_hits, root_reach, slack,
                                            &work->listed[listed], work->spare.data(), &left[i]));
    listed += counts[i];
    // The largest value that a pair's |S|^(-1/2) can have.
    const double tight = double(c.variance[0] + atoms.tightness) *
                         (c.variance[1] + atoms.tightness) * (c.variance[2] + atoms.tightness);
    left[i] *= c.weight / std::sqrt(tight);
  }
}

// The same body compiled for each instruction set: 16, 32 and 64 bytes a batch.
void list_block_baseline(const NearComponent *components, std::size_t n, const NearAtoms &atoms,
                         float root_reach, float skin, NearListWork *work, std::uint32_t *counts,
                         double *left) {
  list_block<4>(components, n, atoms, root_reach, skin, work, counts, left);
}
#if EMGMM_DISPATCH_X86
EMGMM_TARGET_AVX2 void list_block_avx2(const NearComponent *components, std::size_t n,
                                       const NearAtoms &atoms, float root_reach, float skin,
                                       NearListWork *work, std::uint32_t *counts, double *left) {
  list_block<8>(components, n, atoms, root_reach, skin, work, counts, left);
}
EMGMM_TARGET_AVX512 void list_block_avx512(const NearComponent *components, std::size_t n,
                                           const NearAtoms &atoms, float root_reach, float skin,
                                           NearListWork *work, std::uint32_t *counts,
                                           double *left) {
  list_block<16>(components, n, atoms, root_reach, skin, work, counts, left);
}
#endif

auto list_block_kernel() {
  switch (instruction_set()) {
#if EMGMM_DISPATCH_X86
    case InstructionSet::avx512:
      return &list_block_avx512;
    case InstructionSet::avx2:
      return &list_block_avx2;
#endif
    default:
      return &list_block_baseline;
  }
}

// Pairs of one component, at the end of what the part has: places among the part's own atoms,
// `known` those that have one.
void append_pairs(const NearAtoms &atoms, const std::uint32_t *listed, std::size_t n,
                  std::vector<std::uint32_t> *known, NearPart *part) {
  constexpr std::uint32_t none = ~std::uint32_t(0);
  for (std::size_t j = 0; j < n; ++j) {
    const std::uint32_t i = listed[j];
    if (i >= atoms.number.size()) continue;  // padding
    std::uint32_t &place = (*known)[i];
    if (place == none) {
      place = std::uint32_t(part->atoms.size());
      part->atoms.push_back(atoms.number[i]);
    }
    part->places.push_back(2 * place);
    part->weights.push_back(atoms.weight[i]);
  }
}

}  // namespace

std::size_t near_width() {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return 16;
    case InstructionSet::avx2:
      return 8;
    default:
      return 4;
  }
}

PairList pair_list(const std::vector<NearComponent> &components, const NearModel &model,
                   double cutoff, unsigned threads, const PairList *before) {
  PairList list;
  NearAtoms atoms;
  const auto keeps_order = [&] {
    if (!before || before->order.numbers.size() != model.points.size()) return false;
    atoms = near_atoms(model, before->order.numbers);
    return sides(atoms.clusters, atoms.n_clusters) < kNearGrowth * before->order.sides;
  };
  if (keeps_order()) {
    list.order = before->order;
  } else {
    list.order.numbers = order_in_space(model.points, kNearCluster);
    atoms = near_atoms(model, list.order.numbers);
    list.order.sides = sides(atoms.clusters, atoms.n_clusters);
  }
  list.model = model;
  list.cutoff = cutoff;
  list.width = near_width();
  double least = 0;
  for (const NearComponent &c : components) least += c.variance[0] / components.size();
  list.skin = float(kNearSkin * std::sqrt(least + atoms.tightness));
  const float root_reach = float(std::sqrt(-2 * std::log(cutoff)));

  const std::size_t n_blocks = (components.size() + kNearBlock - 1) / kNearBlock;
  const std::size_t a_part = std::max(kNearPartBlocks, (n_blocks + kNearParts - 1) / kNearParts);
  list.parts.resize((n_blocks + a_part - 1) / a_part);
  const auto kernel = list_block_kernel();
  parallel_for(list.parts.size(), threads, [&](std::size_t t) {
    NearPart &part = list.parts[t];
    NearListWork work;
    std::vector<std::uint32_t> known(model.points.size(), ~std::uint32_t(0));
    part.first = t * a_part * kNearBlock;
    const std::size_t end = std::min(components.size(), (t + 1) * a_part * kNearBlock);
    part.left_out.resize(end - part.first);
    for (std::size_t k = part.first; k < end; k += kNearBlock) {
      const std::size_t n = std::min(kNearBlock, end - k);
      std::uint32_t counts[kNearBlock];
      kernel(&components[k], n, atoms, root_reach, list.skin, &work, counts,
             &part.left_out[k - part.first]);
      const std::uint32_t *listed = work.listed.data();
      for (std::size_t i = 0; i < n; listed += counts[i++]) {
        append_pairs(atoms, listed, counts[i], &known, &part);
        const std::size_t registers = (part.places.size() + list.width - 1) / list.width;
        part.places.resize(registers * list.width, part.places.empty() ? 0 : part.places.back());
        part.weights.resize(registers * list.width, 0);
        part.owners.resize(registers, std::uint8_t(i));
      }
      part.ends.push_back(std::uint32_t(part.owners.size()));
    }
  });
  return list;
}

}  // namespace emcore

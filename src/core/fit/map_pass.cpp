#include "fit/map_pass.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "math/constants.h"
#include "math/parallel.h"

namespace emcore {
namespace {

constexpr double kLog2E = 1.44269504088896340736;

// The components of one chunk as the kernel takes them.
std::vector<Splat> splats_of(const std::vector<GridGaussian> &components,
                             const std::vector<std::uint32_t> &which, const int *corner) {
  std::vector<Splat> splats(which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    const GridGaussian &g = components[which[i]];
    const Sym3 &p = g.precision;
    const double s = -0.5 * kLog2E;
    splats[i] = {static_cast<float>(g.mean[0] - corner[0]),
                 static_cast<float>(g.mean[1] - corner[1]),
                 static_cast<float>(g.mean[2] - corner[2]),
                 static_cast<float>(s * p.xx),
                 static_cast<float>(s * p.yy),
                 static_cast<float>(s * p.zz),
                 static_cast<float>(2 * s * p.xy),
                 static_cast<float>(2 * s * p.xz),
                 static_cast<float>(2 * s * p.yz),
                 static_cast<float>(g.power)};
  }
  return splats;
}

// For each chunk the components whose box reaches it, rising.
std::vector<std::vector<std::uint32_t>> candidates_of_chunks(
    const VoxelGrid &grid, const std::vector<GridGaussian> &components, double reach) {
  int cells[3];
  for (int a = 0; a < 3; ++a) cells[a] = (grid.frame.shape[a] + kChunk - 1) / kChunk;
  const auto cell = [&](int x, int y, int z) {
    return (static_cast<std::size_t>(z) * cells[1] + y) * cells[0] + x;
  };
  std::vector<std::int64_t> chunk_of(cell(0, 0, cells[2]), -1);
  for (std::size_t c = 0; c < grid.chunks.size(); ++c) {
    const int *corner = grid.chunks[c].corner;
    chunk_of[cell(corner[0] / kChunk, corner[1] / kChunk, corner[2] / kChunk)] =
        static_cast<std::int64_t>(c);
  }
  std::vector<std::vector<std::uint32_t>> candidates(grid.chunks.size());
  for (std::size_t k = 0; k < components.size(); ++k) {
    const GridGaussian &g = components[k];
    int low[3], high[3];
    for (int a = 0; a < 3; ++a) {
      const double half = reach * g.half_width[a];
      low[a] = static_cast<int>(
          std::clamp(std::floor((g.mean[a] - half) / kChunk), 0.0, cells[a] - 1.0));
      high[a] = static_cast<int>(
          std::clamp(std::floor((g.mean[a] + half) / kChunk), 0.0, cells[a] - 1.0));
    }
    for (int z = low[2]; z <= high[2]; ++z)
      for (int y = low[1]; y <= high[1]; ++y)
        for (int x = low[0]; x <= high[0]; ++x) {
          const std::int64_t c = chunk_of[cell(x, y, z)];
          if (c >= 0) candidates[c].push_back(static_cast<std::uint32_t>(k));
        }
  }
  return candidates;
}

// A task of the kernel for one chunk; `splats` must outlive it.
ChunkTask task_of(const VoxelGrid &grid, const Chunk &chunk, const NearList &near,
                  const std::vector<Splat> &splats, ChunkWork work) {
  ChunkTask task;
  task.work = work;
  task.splats = &splats;
  task.places = grid.places.data() + chunk.first;
  task.values = grid.values.empty() ? nullptr : grid.values.data() + chunk.first;
  task.bricks = chunk.count;
  task.starts = near.starts.data();
  task.list = near.list.data();
  return task;
}

// Forgets the components of a chunk that no brick lists any more.
void compact(NearList &near) {
  std::vector<std::uint32_t> renamed(near.components.size(), 0), kept;
  for (std::uint32_t i : near.list) renamed[i] = 1;
  for (std::size_t i = 0; i < renamed.size(); ++i)
    if (renamed[i]) {
      renamed[i] = static_cast<std::uint32_t>(kept.size());
      kept.push_back(near.components[i]);
    }
  for (std::uint32_t &i : near.list) i = renamed[i];
  near.components.swap(kept);
}

}  // namespace

std::vector<GridGaussian> in_voxels(const Mixture &mixture, const Frame &frame) {
  const Vec3 &h = frame.voxel;
  std::vector<GridGaussian> result(mixture.size());
  for (std::size_t k = 0; k < mixture.size(); ++k) {
    const Gaussian &g = mixture[k];
    const Vec3 d = g.mean - frame.origin;
    const Sym3 p = inverse(g.covariance);
    const Sym3 q{p.xx * h.x * h.x, p.yy * h.y * h.y, p.zz * h.z * h.z,
                 p.xy * h.x * h.y, p.xz * h.x * h.z, p.yz * h.y * h.z};
    GridGaussian &r = result[k];
    r.mean[0] = d.x / h.x, r.mean[1] = d.y / h.y, r.mean[2] = d.z / h.z;
    r.precision = q;
    r.half_width[0] = std::sqrt(g.covariance.xx) / h.x;
    r.half_width[1] = std::sqrt(g.covariance.yy) / h.y;
    r.half_width[2] = std::sqrt(g.covariance.zz) / h.z;
    r.power =
        std::log2(g.weight) - 0.5 * std::log2(8 * kPi * kPi * kPi * determinant(g.covariance));
    // The corner where all products agree in sign bounds the distance from the middle.
    r.brick_radius = 1.5 * std::sqrt(q.xx + q.yy + q.zz +
                                     2 * (std::fabs(q.xy) + std::fabs(q.xz) + std::fabs(q.yz)));
  }
  return result;
}

std::vector<NearList> near_lists(const VoxelGrid &grid, const std::vector<GridGaussian> &components,
                                 double reach, bool filled_only, unsigned threads) {
  std::vector<std::vector<std::uint32_t>> candidates =
      candidates_of_chunks(grid, components, reach);
  std::vector<NearList> lists(grid.chunks.size());
  parallel_for(lists.size(), threads, [&](std::size_t c) {
    const Chunk &chunk = grid.chunks[c];
    NearList &near = lists[c];
    near.components.swap(candidates[c]);
    near.starts.reserve(chunk.count + 1);
    near.starts.push_back(0);
    // Columns of single precision, from the chunk's corner, so that the test is on vectors.
    const std::size_t n = near.components.size();
    std::vector<float> columns(11 * n);
    float *mx = columns.data(), *my = mx + n, *mz = my + n, *xx = mz + n, *yy = xx + n,
          *zz = yy + n, *xy = zz + n, *xz = xy + n, *yz = xz + n, *limit = yz + n,
          *excess = limit + n;
    for (std::size_t i = 0; i < n; ++i) {
      const GridGaussian &g = components[near.components[i]];
      mx[i] = static_cast<float>(g.mean[0] - chunk.corner[0]);
      my[i] = static_cast<float>(g.mean[1] - chunk.corner[1]);
      mz[i] = static_cast<float>(g.mean[2] - chunk.corner[2]);
      xx[i] = static_cast<float>(g.precision.xx);
      yy[i] = static_cast<float>(g.precision.yy);
      zz[i] = static_cast<float>(g.precision.zz);
      xy[i] = static_cast<float>(2 * g.precision.xy);
      xz[i] = static_cast<float>(2 * g.precision.xz);
      yz[i] = static_cast<float>(2 * g.precision.yz);
      limit[i] = static_cast<float>((reach + g.brick_radius) * (reach + g.brick_radius));
    }
    for (std::size_t b = chunk.first; b < chunk.first + chunk.count; ++b) {
      if (!filled_only || grid.filled[b]) {
        const int place = grid.places[b];
        const float x = kBrick * (place & 3) + 1.5f, y = kBrick * (place >> 2 & 3) + 1.5f,
                    z = kBrick * (place >> 4) + 1.5f;
        for (std::size_t i = 0; i < n; ++i) {
          const float dx = x - mx[i], dy = y - my[i], dz = z - mz[i];
          excess[i] = dx * (xx[i] * dx + xy[i] * dy + xz[i] * dz) + dy * (yy[i] * dy + yz[i] * dz) +
                      dz * dz * zz[i] - limit[i];
        }
        for (std::size_t i = 0; i < n; ++i)
          if (excess[i] < 0) near.list.push_back(static_cast<std::uint32_t>(i));
      }
      near.starts.push_back(static_cast<std::uint32_t>(near.list.size()));
    }
    compact(near);
  });
  return lists;
}

void prune(const VoxelGrid &grid, const std::vector<GridGaussian> &components, double least_share,
           unsigned threads, std::vector<NearList> &lists) {
  parallel_for(lists.size(), threads, [&](std::size_t c) {
    const Chunk &chunk = grid.chunks[c];
    NearList &near = lists[c];
    const std::vector<Splat> splats = splats_of(components, near.components, chunk.corner);
    ChunkTask task = task_of(grid, chunk, near, splats, ChunkWork::shares);
    std::vector<float> shares(near.list.size());
    FitSums sums;
    task.shares = shares.data();
    task.sums = &sums;
    run(task);
    std::uint32_t kept = 0, begin = 0;
    for (std::size_t b = 0; b < chunk.count; ++b) {
      const std::uint32_t end = near.starts[b + 1];
      for (std::uint32_t i = begin; i < end; ++i)
        if (shares[i] >= least_share) near.list[kept++] = near.list[i];
      begin = end;
      near.starts[b + 1] = kept;
    }
    near.list.resize(kept);
    near.list.shrink_to_fit();
    compact(near);
  });
}

void densities(const VoxelGrid &grid, std::size_t chunk,
               const std::vector<GridGaussian> &components, const NearList &near, Brick *totals) {
  const std::vector<Splat> splats =
      splats_of(components, near.components, grid.chunks[chunk].corner);
  ChunkTask task = task_of(grid, grid.chunks[chunk], near, splats, ChunkWork::total);
  task.values = nullptr;
  task.totals = totals;
  run(task);
}

PassResult pass(const VoxelGrid &grid, const std::vector<GridGaussian> &components,
                const std::vector<NearList> &lists, ChunkWork work, double outside,
                unsigned threads) {
  struct Part {
    FitSums sums;
    std::vector<BrickMoments> first, second;
  };
  std::vector<Part> parts(lists.size());
  parallel_for(lists.size(), threads, [&](std::size_t c) {
    const NearList &near = lists[c];
    const std::vector<Splat> splats = splats_of(components, near.components, grid.chunks[c].corner);
    ChunkTask task = task_of(grid, grid.chunks[c], near, splats, work);
    Part &part = parts[c];
    part.first.resize(near.components.size());
    if (work == ChunkWork::squares) part.second.resize(near.components.size());
    task.first = part.first.data();
    task.second = part.second.data();
    task.sums = &part.sums;
    task.outside = static_cast<float>(outside);
    run(task);
  });

  PassResult result;
  result.first.resize(components.size());
  if (work == ChunkWork::squares) result.second.resize(components.size());
  for (int a = 0; a < 3; ++a) result.center[a] = 0.5 * grid.frame.shape[a];
  const auto add = [](const BrickMoments &m, double x, double y, double z, BrickMoments &to) {
    const double *s = m.sum;
    double *t = to.sum;
    t[0] += s[0];
    t[1] += s[1] + x * s[0];
    t[2] += s[2] + y * s[0];
    t[3] += s[3] + z * s[0];
    t[4] += s[4] + 2 * x * s[1] + x * x * s[0];
    t[5] += s[5] + 2 * y * s[2] + y * y * s[0];
    t[6] += s[6] + 2 * z * s[3] + z * z * s[0];
    t[7] += s[7] + x * s[2] + y * s[1] + x * y * s[0];
    t[8] += s[8] + x * s[3] + z * s[1] + x * z * s[0];
    t[9] += s[9] + y * s[3] + z * s[2] + y * z * s[0];
  };
  for (std::size_t c = 0; c < lists.size(); ++c) {
    const Part &part = parts[c];
    result.sums.wt += part.sums.wt;
    result.sums.t += part.sums.t;
    result.sums.tt += part.sums.tt;
    result.sums.covered += part.sums.covered;
    result.sums.error += part.sums.error;
    const int *corner = grid.chunks[c].corner;
    const double middle = 0.5 * (kChunk - 1);
    const double x = corner[0] + middle - result.center[0],
                 y = corner[1] + middle - result.center[1],
                 z = corner[2] + middle - result.center[2];
    for (std::size_t i = 0; i < part.first.size(); ++i)
      add(part.first[i], x, y, z, result.first[lists[c].components[i]]);
    for (std::size_t i = 0; i < part.second.size(); ++i)
      add(part.second[i], x, y, z, result.second[lists[c].components[i]]);
  }
  return result;
}

}  // namespace emcore

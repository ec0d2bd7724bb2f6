#include "fit/rasterize.h"

#include <algorithm>
#include <numeric>

#include "fit/map_pass.h"
#include "math/parallel.h"

namespace emcore {
namespace {

// Calls use(slab, chunk, place, totals) for every brick of the box that a component reaches, one
// slab of kChunk sections after the other, so that memory does not grow with the box.
template <class Use>
void rasterize_bricks(const Mixture &mixture, const Frame &frame, unsigned threads,
                      const Use &use) {
  const std::vector<GridGaussian> all = in_voxels(mixture, frame);
  const std::size_t slabs = (frame.shape[2] + kChunk - 1) / kChunk;
  parallel_for(slabs, threads, [&](std::size_t s) {
    Frame slab = frame;
    const int first = static_cast<int>(s) * kChunk;
    slab.shape[2] = std::min(kChunk, frame.shape[2] - first);
    std::vector<GridGaussian> components;
    for (GridGaussian g : all) {
      g.mean[2] -= first;
      const double half = kRasterizeReach * g.half_width[2];
      if (g.mean[2] + half < 0 || g.mean[2] - half > slab.shape[2] - 1) continue;
      components.push_back(g);
    }
    if (components.empty()) return;
    const VoxelGrid box = whole_box(slab);
    const std::vector<NearList> lists = near_lists(box, components, kRasterizeReach, false, 1);
    std::vector<Brick> totals(64);
    for (std::size_t c = 0; c < box.chunks.size(); ++c) {
      if (lists[c].list.empty()) continue;
      const Chunk &chunk = box.chunks[c];
      densities(box, c, components, lists[c], totals.data());
      for (std::size_t b = 0; b < chunk.count; ++b)
        use(s, chunk, box.places[chunk.first + b], totals[b]);
    }
  });
}

// Calls use(x, y, z within the slab, density) for the voxels of a brick that are in the box.
template <class Use>
void rasterize_voxels(const Frame &frame, std::size_t slab, const Chunk &chunk, int place,
                      const Brick &brick, const Use &use) {
  const int x = chunk.corner[0] + kBrick * (place & 3);
  const int y = chunk.corner[1] + kBrick * (place >> 2 & 3);
  const int z = static_cast<int>(slab) * kChunk + kBrick * (place >> 4);
  for (int k = 0; k < std::min(kBrick, frame.shape[2] - z); ++k)
    for (int j = 0; j < std::min(kBrick, frame.shape[1] - y); ++j)
      for (int i = 0; i < std::min(kBrick, frame.shape[0] - x); ++i)
        use(x + i, y + j, z + k, brick.value[(k * kBrick + j) * kBrick + i]);
}

}  // namespace

void rasterize(const Mixture &mixture, const Frame &frame, unsigned threads, float *values) {
  check_mixture(mixture, "mixture");
  const std::size_t nx = frame.shape[0], ny = frame.shape[1], nz = frame.shape[2];
  std::fill(values, values + nx * ny * nz, 0.0f);
  rasterize_bricks(mixture, frame, threads,
                   [&](std::size_t slab, const Chunk &chunk, int place, const Brick &brick) {
                     rasterize_voxels(frame, slab, chunk, place, brick,
                                      [&](int x, int y, int z, float density) {
                                        values[(z * ny + y) * nx + x] = density;
                                      });
                   });
}

double sum_of_squares(const Mixture &mixture, const Frame &frame, unsigned threads) {
  std::vector<double> slabs((frame.shape[2] + kChunk - 1) / kChunk, 0.0);
  rasterize_bricks(mixture, frame, threads,
                   [&](std::size_t slab, const Chunk &chunk, int place, const Brick &brick) {
                     double sum = 0;
                     rasterize_voxels(frame, slab, chunk, place, brick,
                                      [&](int, int, int, float density) {
                                        sum += static_cast<double>(density) * density;
                                      });
                     slabs[slab] += sum;
                   });
  return std::accumulate(slabs.begin(), slabs.end(), 0.0);
}

}  // namespace emcore

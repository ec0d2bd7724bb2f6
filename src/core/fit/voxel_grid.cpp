#include "fit/voxel_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace emcore {

VoxelGrid voxel_grid(const Frame &frame, double threshold) {
  for (int axis = 0; axis < 3; ++axis)
    if (frame.shape[axis] < 1)
      throw std::domain_error("a map needs at least one voxel along each axis, got " +
                              std::to_string(frame.shape[axis]));
  const Vec3 &h = frame.voxel;
  if (!(h.x > 0) || !(h.y > 0) || !(h.z > 0) || !std::isfinite(h.x + h.y + h.z))
    throw std::domain_error("voxel size must be positive, got " + std::to_string(h.x) + ", " +
                            std::to_string(h.y) + ", " + std::to_string(h.z));
  if (!std::isfinite(threshold)) throw std::domain_error("threshold must be finite");
  if (!std::isfinite(dot(frame.origin, frame.origin)))
    throw std::domain_error("origin of the map is not finite");
  VoxelGrid grid;
  grid.frame = frame;
  grid.threshold = threshold;
  grid.maximum = -std::numeric_limits<double>::infinity();
  return grid;
}

namespace {

template <class T>
void check_frame(const VoxelGrid &grid, int z, int sections, const T *values) {
  const std::size_t nx = grid.frame.shape[0], ny = grid.frame.shape[1];
  if (z % kChunk != 0 || sections < 1 || sections > kChunk || z + sections > grid.frame.shape[2])
    throw std::out_of_range("sections " + std::to_string(z) + " to " +
                            std::to_string(z + sections - 1) + " are not a slab of the map");
  for (std::size_t i = 0; i < nx * ny * sections; ++i)
    if (!std::isfinite(static_cast<double>(values[i])))
      throw std::domain_error("density of voxel x " + std::to_string(i % nx) + ", y " +
                              std::to_string(i / nx % ny) + ", z " +
                              std::to_string(z + static_cast<int>(i / nx / ny)) + " is not finite");
}

}  // namespace

template <class T>
void add_sections(VoxelGrid &grid, int z, int sections, const T *values) {
  check_frame(grid, z, sections, values);
  const int nx = grid.frame.shape[0], ny = grid.frame.shape[1];
  const std::size_t n = static_cast<std::size_t>(nx) * ny * sections;
  grid.maximum = std::max(grid.maximum, static_cast<double>(*std::max_element(values, values + n)));
  const float least = static_cast<float>(std::max(grid.threshold, 0.0));
  for (int cy = 0; cy < ny; cy += kChunk)
    for (int cx = 0; cx < nx; cx += kChunk) {
      const std::size_t first = grid.places.size();
      for (int place = 0; place < 64; ++place) {
        const int bx = cx + kBrick * (place & 3), by = cy + kBrick * (place >> 2 & 3);
        const int bz = kBrick * (place >> 4);
        if (bx >= nx || by >= ny || bz >= sections) continue;
        Brick brick{};
        int found = 0;
        for (int k = 0; k < std::min(kBrick, sections - bz); ++k)
          for (int j = 0; j < std::min(kBrick, ny - by); ++j) {
            const T *row = values + (static_cast<std::size_t>(bz + k) * ny + by + j) * nx + bx;
            for (int i = 0; i < std::min(kBrick, nx - bx); ++i) {
              const float v = static_cast<float>(row[i]);
              if (!(v > least)) continue;
              brick.value[(k * kBrick + j) * kBrick + i] = v;
              grid.sum += v;
              grid.sum_squares += static_cast<double>(v) * v;
              ++found;
            }
          }
        if (!found) continue;
        grid.voxels += found;
        grid.places.push_back(static_cast<std::uint8_t>(place));
        grid.values.push_back(brick);
      }
      const std::size_t count = grid.places.size() - first;
      if (count) grid.chunks.push_back({{cx, cy, z}, first, count});
    }
}

template void add_sections(VoxelGrid &, int, int, const float *);
template void add_sections(VoxelGrid &, int, int, const std::int16_t *);
template void add_sections(VoxelGrid &, int, int, const std::int8_t *);

namespace {

// Marks the voxels of a brick that stick out of the box.
void mark_outside(const Frame &frame, const Chunk &chunk, int place, Brick &brick) {
  const int corner[3] = {chunk.corner[0] + kBrick * (place & 3),
                         chunk.corner[1] + kBrick * (place >> 2 & 3),
                         chunk.corner[2] + kBrick * (place >> 4)};
  for (int v = 0; v < 64; ++v)
    if (corner[0] + (v & 3) >= frame.shape[0] || corner[1] + (v >> 2 & 3) >= frame.shape[1] ||
        corner[2] + (v >> 4) >= frame.shape[2])
      brick.value[v] = -1;
}

// Adds the empty bricks around the filled ones and multiplies the densities by `factor`.
void surround(VoxelGrid &grid, float factor) {
  // Bricks of the box: 1 filled or beside a filled one.
  int n[3];
  for (int a = 0; a < 3; ++a) n[a] = (grid.frame.shape[a] + kBrick - 1) / kBrick;
  const auto index = [&](int x, int y, int z) {
    return (static_cast<std::size_t>(z) * n[1] + y) * n[0] + x;
  };
  std::vector<std::uint8_t> wanted(index(0, 0, n[2]), 0);
  for (const Chunk &chunk : grid.chunks)
    for (std::size_t b = chunk.first; b < chunk.first + chunk.count; ++b) {
      const int place = grid.places[b];
      const int x = chunk.corner[0] / kBrick + (place & 3),
                y = chunk.corner[1] / kBrick + (place >> 2 & 3),
                z = chunk.corner[2] / kBrick + (place >> 4);
      for (int k = std::max(z - 1, 0); k <= std::min(z + 1, n[2] - 1); ++k)
        for (int j = std::max(y - 1, 0); j <= std::min(y + 1, n[1] - 1); ++j)
          for (int i = std::max(x - 1, 0); i <= std::min(x + 1, n[0] - 1); ++i)
            wanted[index(i, j, k)] = 1;
    }

  VoxelGrid full = voxel_grid(grid.frame, grid.threshold);
  full.scale = grid.scale;
  full.voxels = grid.voxels;
  full.sum = grid.sum;
  full.sum_squares = grid.sum_squares;
  full.maximum = grid.maximum;
  std::size_t old = 0;  // chunks come in the same order
  for (int cz = 0; cz < n[2]; cz += 4)
    for (int cy = 0; cy < n[1]; cy += 4)
      for (int cx = 0; cx < n[0]; cx += 4) {
        Chunk chunk{{cx * kBrick, cy * kBrick, cz * kBrick}, full.places.size(), 0};
        const bool filled = old < grid.chunks.size() &&
                            std::equal(chunk.corner, chunk.corner + 3, grid.chunks[old].corner);
        std::size_t b = filled ? grid.chunks[old].first : 0;
        const std::size_t end = filled ? b + grid.chunks[old].count : 0;
        for (int place = 0; place < 64; ++place) {
          const int x = cx + (place & 3), y = cy + (place >> 2 & 3), z = cz + (place >> 4);
          if (x >= n[0] || y >= n[1] || z >= n[2] || !wanted[index(x, y, z)]) continue;
          Brick brick{};
          const bool has_voxels = b < end && grid.places[b] == place;
          if (has_voxels) {
            brick = grid.values[b++];
            for (float &v : brick.value) v *= factor;
          }
          mark_outside(grid.frame, chunk, place, brick);
          full.places.push_back(static_cast<std::uint8_t>(place));
          full.filled.push_back(has_voxels);
          full.values.push_back(brick);
        }
        old += filled;
        chunk.count = full.places.size() - chunk.first;
        if (chunk.count) full.chunks.push_back(chunk);
      }
  grid = std::move(full);
}

}  // namespace

void finish(VoxelGrid &grid) {
  if (grid.voxels == 0)
    throw std::domain_error("no voxel is above the threshold of " + std::to_string(grid.threshold) +
                            " (maximum of the map: " + std::to_string(grid.maximum) + ")");
  grid.scale = grid.sum / static_cast<double>(grid.voxels);
  surround(grid, static_cast<float>(1 / grid.scale));
}

VoxelGrid halved(const VoxelGrid &grid) {
  Frame frame = grid.frame;
  const Vec3 &h = grid.frame.voxel;
  for (int &n : frame.shape) n = (n + 1) / 2;
  frame.voxel = 2.0 * h;
  frame.origin += 0.5 * h;
  VoxelGrid half = voxel_grid(frame, 0);
  const std::size_t nx = frame.shape[0], ny = frame.shape[1];
  std::size_t c = 0;
  for (int z = 0; z < frame.shape[2]; z += kChunk) {
    const int sections = std::min(kChunk, frame.shape[2] - z);
    std::vector<float> slab(nx * ny * sections, 0.0f);
    for (; c < grid.chunks.size() && grid.chunks[c].corner[2] < 2 * (z + kChunk); ++c) {
      const Chunk &chunk = grid.chunks[c];
      for (std::size_t b = chunk.first; b < chunk.first + chunk.count; ++b) {
        if (!grid.filled[b]) continue;
        const int place = grid.places[b];
        const int x = chunk.corner[0] + kBrick * (place & 3),
                  y = chunk.corner[1] + kBrick * (place >> 2 & 3),
                  k = chunk.corner[2] + kBrick * (place >> 4);
        for (int v = 0; v < 64; ++v) {
          const float value = grid.values[b].value[v];
          if (!(value > 0)) continue;
          const std::size_t i = (x + (v & 3)) / 2, j = (y + (v >> 2 & 3)) / 2;
          slab[((k + (v >> 4)) / 2 - z) * nx * ny + j * nx + i] += 0.125f * value;
        }
      }
    }
    add_sections(half, z, sections, slab.data());
  }
  surround(half, 1);
  return half;
}

VoxelGrid whole_box(const Frame &frame) {
  VoxelGrid grid = voxel_grid(frame, 0);
  for (int cz = 0; cz < frame.shape[2]; cz += kChunk)
    for (int cy = 0; cy < frame.shape[1]; cy += kChunk)
      for (int cx = 0; cx < frame.shape[0]; cx += kChunk) {
        const std::size_t first = grid.places.size();
        for (int place = 0; place < 64; ++place)
          if (cx + kBrick * (place & 3) < frame.shape[0] &&
              cy + kBrick * (place >> 2 & 3) < frame.shape[1] &&
              cz + kBrick * (place >> 4) < frame.shape[2])
            grid.places.push_back(static_cast<std::uint8_t>(place));
        grid.chunks.push_back({{cx, cy, cz}, first, grid.places.size() - first});
      }
  return grid;
}

}  // namespace emcore

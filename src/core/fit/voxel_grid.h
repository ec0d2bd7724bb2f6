// The voxels of a map above a threshold, in the small cubes that the fit works on.
#ifndef EMGMM_FIT_VOXEL_GRID_H
#define EMGMM_FIT_VOXEL_GRID_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "math/algebra.h"

namespace emcore {

// A brick is 4 x 4 x 4 voxels (x fastest), a chunk 4 x 4 x 4 bricks. Bricks are the unit of
// vector work, chunks the unit of threads; only those that hold a voxel above the threshold are
// kept, so that memory grows with the voxels above it, not with the box.
constexpr int kBrick = 4;
constexpr int kChunk = 16;

struct alignas(64) Brick {
  float value[64];
};

struct Chunk {
  int corner[3];      // voxel of its first brick, x y z
  std::size_t first;  // its bricks are first ... first + count - 1
  std::size_t count;
};

// Where the voxels of a map lie.
struct Frame {
  int shape[3] = {0, 0, 0};  // voxels along x, y, z
  Vec3 voxel{1, 1, 1};       // Å
  Vec3 origin;               // Å, centre of voxel (0, 0, 0)
};

struct VoxelGrid {
  Frame frame;
  double threshold = 0;
  std::vector<Chunk> chunks;
  std::vector<std::uint8_t> places;  // of each brick in its chunk: x + 4 (y + 4 z)
  std::vector<std::uint8_t> filled;  // 1: the brick holds a voxel above the threshold
  std::vector<Brick> values;  // density / scale; 0: not above the threshold; -1: not in the box
  double scale = 1;           // mean density above the threshold once finish() has run
  std::size_t voxels = 0;     // above the threshold
  double sum = 0, sum_squares = 0;  // of their densities, as the map has them
  double maximum = 0;               // of the whole map
};

// Empty grid; throws std::domain_error for a frame without voxels or a voxel size not positive.
// Only voxels > max(threshold, 0) will be kept: negative density has no place in a mixture of
// positive weights.
VoxelGrid voxel_grid(const Frame &frame, double threshold);

// Adds the voxels of the sections z ... z + sections - 1 (at most kChunk, z a multiple of it),
// values[(section * ny + y) * nx + x]. Sections come in rising order, each once.
// Throws std::domain_error that names the first voxel that is not finite.
template <class T>
void add_sections(VoxelGrid &grid, int z, int sections, const T *values);

// After the last section: divides the densities by their mean, so that single precision has room on
// both sides, and adds the empty bricks around the filled ones, where a mixture must not leak.
// Throws std::domain_error when no voxel is above the threshold.
void finish(VoxelGrid &grid);

// The finished grid at half its resolution: means of 2 x 2 x 2 voxels, in the same units.
VoxelGrid halved(const VoxelGrid &grid);

// Every voxel of the box: chunks and bricks without values.
VoxelGrid whole_box(const Frame &frame);

}  // namespace emcore

#endif

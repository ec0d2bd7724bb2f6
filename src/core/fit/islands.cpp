#include "fit/islands.h"

#include <stdexcept>

namespace emcore {

std::vector<std::uint32_t> island_sizes(const bool *mask, const std::array<std::size_t, 3> &shape) {
  const std::size_t row = shape[2], section = row * shape[1], all = section * shape[0];
  if (all > UINT32_MAX) throw std::domain_error("a map of 2^32 voxels or more");
  std::vector<std::uint32_t> sizes(all, 0);
  std::vector<std::uint32_t> island;
  const auto visit = [&](std::size_t voxel) {
    if (sizes[voxel] != 0 || !mask[voxel]) return;
    sizes[voxel] = 1;
    island.push_back(static_cast<std::uint32_t>(voxel));
  };
  for (std::size_t first = 0; first < all; ++first) {
    island.clear();
    visit(first);
    for (std::size_t done = 0; done < island.size(); ++done) {
      const std::size_t at = island[done];
      const std::size_t x = at % row, y = at / row % shape[1], z = at / section;
      if (x > 0) visit(at - 1);
      if (x + 1 < row) visit(at + 1);
      if (y > 0) visit(at - row);
      if (y + 1 < shape[1]) visit(at + row);
      if (z > 0) visit(at - section);
      if (z + 1 < shape[0]) visit(at + section);
    }
    for (std::uint32_t voxel : island) sizes[voxel] = static_cast<std::uint32_t>(island.size());
  }
  return sizes;
}

}  // namespace emcore

// Separate pieces of the voxels of a mask.
#ifndef EMGMM_FIT_ISLANDS_H
#define EMGMM_FIT_ISLANDS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace emcore {

// Of each voxel of a mask the number of voxels in its island (voxels that share faces); 0 for those
// outside. shape: nz, ny, nx; C order.
std::vector<std::uint32_t> island_sizes(const bool *mask, const std::array<std::size_t, 3> &shape);

}  // namespace emcore

#endif

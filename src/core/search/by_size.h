// Bodies put into the data one after the other, the largest first.
#ifndef EMGMM_SEARCH_BY_SIZE_H
#define EMGMM_SEARCH_BY_SIZE_H

#include <vector>

#include "search/candidates.h"

namespace emcore {

// One arrangement: each body goes where what the ones before it leave of the data holds it best,
// the heaviest first. A large body is told from its turns and from all other places by its shape
// alone; what it leaves then holds little but the places of the small ones, which the whole of the
// data hides. `width` partial arrangements are kept at every step, best sum of overlaps first.
// `share`: weight of 1 kT of options.pair_score, as a share of a body's overlap with the data.
std::vector<std::vector<Pose>> placed_by_size(const Mixture &data,
                                              const std::vector<Mixture> &bodies, std::size_t width,
                                              double share, const PlacementOptions &options);

}  // namespace emcore

#endif

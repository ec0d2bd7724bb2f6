// Proposals of an independence mover from what the placement says of one body.
#ifndef IMPEMGMM_INTERNAL_PLACEMENT_DENSITY_H
#define IMPEMGMM_INTERNAL_PLACEMENT_DENSITY_H

#include <IMP/emgmm/internal/independence_mover.h>
#include <IMP/emgmm/internal/placement_candidates.h>

#include <vector>

namespace emcore {

// What a PoseMixture is made of.
struct PlacementDensity {
  std::vector<Pose> centers;
  std::vector<double> weights;
  PoseMixtureOptions options;
};

// Mostly near some candidates (best first), the better their overlaps the more often, and now and
// then in any pose near the data, so that every pose can be left and come back to.
// radius: of gyration of the body, Å.
PlacementDensity placement_density(const Mixture &data,
                                   const std::vector<PlacementCandidate> &candidates,
                                   double radius);

}  // namespace emcore

#endif

// Proposals of an independence mover from the candidates of one body.
#ifndef EMGMM_SEARCH_CANDIDATE_DENSITY_H
#define EMGMM_SEARCH_CANDIDATE_DENSITY_H

#include <vector>

#include "sample/pose_density.h"
#include "search/candidates.h"

namespace emcore {

// 89 % of the overlap, a quarter of the share. There are hundreds of poor candidates: with 8, 3 of
// 10 runs of 1BD2 in IMP and 5 of 3SFD came in place, with 12 7 of each.
constexpr double kProposalOverlapPower = 12;

// Mostly near some candidates (best first), the better their overlaps the more often, and now and
// then in any pose near the data, so that every pose can be left and come back to.
// radius: of gyration of the body, Å; power: of the overlap, with which a candidate's share goes.
PoseDensity density_of_candidates(const Mixture &data,
                                  const std::vector<PlacementCandidate> &candidates, double radius,
                                  double power = kProposalOverlapPower);

}  // namespace emcore

#endif

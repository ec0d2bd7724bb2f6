#include "search/placement_density.h"

#include <algorithm>
#include <cmath>

namespace emcore {

namespace {

// Of the proposals about a candidate: Å each way, and so far at the body's radius of gyration. What
// bodies of 1z5s and 3sfd fluctuate at 1 kT is 1 to 2 Å.
constexpr double kProposalSpread = 2;
constexpr double kProposalBroadShare = 0.1;
constexpr std::size_t kProposalMostCandidates = 100;

}  // namespace

PlacementDensity placement_density(const Mixture &data,
                                   const std::vector<PlacementCandidate> &candidates, double radius,
                                   double power) {
  PlacementDensity density;
  const std::size_t n = std::min(candidates.size(), kProposalMostCandidates);
  double best = 0;
  for (std::size_t c = 0; c < n; ++c) best = std::max(best, candidates[c].overlap);
  for (std::size_t c = 0; c < n; ++c) {
    if (!(candidates[c].overlap > 0)) continue;
    density.centers.push_back(candidates[c].pose);
    density.weights.push_back(std::pow(candidates[c].overlap / best, power));
  }
  const double total = mass(data);
  const Vec3 center = center_of_mass(data);
  double square = 0;  // Å², of a point of the data from its center
  for (const Gaussian &g : data) {
    const Vec3 away = g.mean - center;
    const double own = g.covariance.xx + g.covariance.yy + g.covariance.zz;
    square += g.weight / total * (dot(away, away) + own);
  }
  PoseMixtureOptions &options = density.options;
  options.translation_sd = kProposalSpread;
  options.rotation_sd = kProposalSpread / std::max(radius, kProposalSpread);
  options.broad_weight = kProposalBroadShare;
  options.broad_center = center;
  options.broad_sd = std::sqrt(square / 3);
  return density;
}

}  // namespace emcore

#include "search/candidate_density.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace emcore {

namespace {

// Of the proposals about a candidate: Å each way, and so far at the body's radius of gyration. What
// bodies of 1z5s and 3sfd fluctuate at 1 kT is 1 to 2 Å.
constexpr double kProposalSpread = 2;
constexpr double kProposalBroadShare = 0.1;
constexpr std::size_t kProposalMostCandidates = 100;

}  // namespace

PoseDensity density_of_candidates(const Mixture &data,
                                  const std::vector<PlacementCandidate> &candidates, double radius,
                                  double power) {
  std::vector<Pose> centers;
  std::vector<double> weights;
  const std::size_t n = std::min(candidates.size(), kProposalMostCandidates);
  double best = 0;
  for (std::size_t c = 0; c < n; ++c) best = std::max(best, candidates[c].overlap);
  for (std::size_t c = 0; c < n; ++c) {
    if (!(candidates[c].overlap > 0)) continue;
    centers.push_back(candidates[c].pose);
    weights.push_back(std::pow(candidates[c].overlap / best, power));
  }
  const double total = mass(data);
  const Vec3 center = center_of_mass(data);
  double square = 0;  // Å², of a point of the data from its center
  for (const Gaussian &g : data) {
    const Vec3 away = g.mean - center;
    const double own = g.covariance.xx + g.covariance.yy + g.covariance.zz;
    square += g.weight / total * (dot(away, away) + own);
  }
  PoseDensityOptions options;
  options.translation_sd = kProposalSpread;
  options.rotation_sd = kProposalSpread / std::max(radius, kProposalSpread);
  options.broad_weight = kProposalBroadShare;
  options.broad_center = center;
  options.broad_sd = std::sqrt(square / 3);
  return PoseDensity(std::move(centers), std::move(weights), options);
}

}  // namespace emcore

#include "search/guides.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace emcore {

namespace {

constexpr double kMargin = 20;  // Å

}  // namespace

std::vector<Chain> chains_between_bodies(const std::vector<int> &body,
                                         const std::vector<double> &radius,
                                         const std::vector<BeadBond> &bonds) {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<Chain> chains;
  std::size_t start = none, previous = none;
  double slack = 0;
  int count = 0;
  for (const BeadBond &bond : bonds) {
    if (bond.first != previous) start = none;  // another chain begins
    previous = bond.second;
    if (body[bond.first] != kNoBody) {
      start = bond.first;
      slack = 0;
      count = 0;
    } else if (start != none) {
      slack += 2 * radius[bond.first];
    }
    slack += bond.slack;
    ++count;
    if (start != none && body[bond.second] != kNoBody && body[bond.second] != body[start])
      chains.push_back({start, bond.second, slack, count});
  }
  return chains;
}

std::vector<int> anchors(const std::vector<int> &body, const std::vector<int> &molecule,
                         const std::vector<double> &middle) {
  std::map<int, std::vector<std::size_t>> known;  // on placed bodies, by molecule
  for (std::size_t i = 0; i < body.size(); ++i)
    if (body[i] != kNoBody) known[molecule[i]].push_back(i);
  std::vector<int> result(body.size(), kNoBody);
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto own = known.find(molecule[i]);
    if (own == known.end()) continue;
    result[i] = static_cast<int>(*std::min_element(
        own->second.begin(), own->second.end(), [&](std::size_t a, std::size_t b) {
          return std::abs(middle[i] - middle[a]) < std::abs(middle[i] - middle[b]);
        }));
  }
  return result;
}

Confinement confinement_about(const Mixture &data) {
  if (data.empty()) return {};
  Vec3 low = data[0].mean, high = low;
  for (const Gaussian &g : data) {
    low = {std::min(low.x, g.mean.x), std::min(low.y, g.mean.y), std::min(low.z, g.mean.z)};
    high = {std::max(high.x, g.mean.x), std::max(high.y, g.mean.y), std::max(high.z, g.mean.z)};
  }
  return {0.5 * (low + high), norm(high - low) / 2 + kMargin};
}

}  // namespace emcore

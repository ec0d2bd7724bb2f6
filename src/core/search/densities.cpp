#include "search/densities.h"

#include <stdexcept>
#include <string>

#include "mixture/coarse_mixture.h"
#include "terms/density_term.h"

namespace emcore {

namespace {

// Times as many components are not worth other mixtures.
constexpr double kAlike = 1.2;

Mixture coarse_mixture(const Mixture &mixture, double component_mass) {
  const double coarseness = component_mass * mixture.size() / mass(mixture);
  return coarseness < kAlike ? mixture : coarser(mixture, coarseness);
}

}  // namespace

Densities::Densities(const Mixture &data, const ScoreOptions &options, std::vector<Mixture> bodies)
    : bodies_(std::move(bodies)) {
  if (bodies_.empty()) throw std::domain_error("placement needs at least one body");
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    const std::string name = "body " + std::to_string(b);
    if (bodies_[b].empty()) throw std::domain_error(name + " has no components to place");
    check_mixture(bodies_[b], name.c_str());
  }
  score_ = std::make_shared<MixtureScore>(data, options);
  ScoreOptions single = options;
  single.single_precision = true;
  term_ = std::make_shared<DensityTerm>(
      "em", MovedScore(std::make_shared<MixtureScore>(data, single), bodies_));
}

Densities Densities::coarse(double component_mass) const {
  const Mixture data = coarse_mixture(score_->data(), component_mass);
  ScoreOptions options = score_->options();
  if (data.size() < score_->data().size()) options.noise.component_sigma.clear();
  std::vector<Mixture> bodies;
  for (const Mixture &body : bodies_) bodies.push_back(coarse_mixture(body, component_mass));
  return {data, options, std::move(bodies)};
}

Densities Densities::robust(double sigma_min) const {
  ScoreOptions options = score_->options();
  options.noise = {};
  options.noise.model = NoiseModel::outliers;
  options.noise.sigma_min = sigma_min;
  return {score_->data(), options, bodies_};
}

std::vector<PlacementCandidate> Densities::candidates(std::size_t body,
                                                      const std::vector<std::size_t> &others,
                                                      const std::vector<Pose> &poses,
                                                      const PlacementOptions &options) const {
  Mixture fixed;
  for (std::size_t b : others)
    for (const Gaussian &g : moved(bodies_[b], poses[b])) fixed.push_back(g);
  return placement_candidates(score_->data(), fixed, bodies_[body], options);
}

}  // namespace emcore

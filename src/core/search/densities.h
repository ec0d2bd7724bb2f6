// What the global search compares: data and bodies as mixtures, fine, coarse or judged robustly.
#ifndef EMGMM_SEARCH_DENSITIES_H
#define EMGMM_SEARCH_DENSITIES_H

#include <memory>
#include <vector>

#include "score/mixture_score.h"
#include "search/candidates.h"
#include "terms/term.h"

namespace emcore {

class Densities {
 public:
  // bodies: local mixtures, centred on their masses. Throws std::domain_error for no bodies, one
  // without components, or options that make no sense.
  Densities(const Mixture &data, const ScoreOptions &options, std::vector<Mixture> bodies);

  // With one component for so many Da (more than 0) where there are clearly more; of sigmas that
  // belong to single components of the data nothing is left then.
  Densities coarse(double component_mass) const;
  // Judged by the noise model that bounds the price of what nothing explains ("outliers").
  Densities robust(double sigma_min) const;

  const std::shared_ptr<const MixtureScore> &score() const { return score_; }
  const std::vector<Mixture> &bodies() const { return bodies_; }
  // The EM score of the bodies at their poses, moved in single precision.
  const std::shared_ptr<const Term> &term() const { return term_; }

  // Where what some other bodies, at their poses, leave of the data holds this one, best first.
  std::vector<PlacementCandidate> candidates(std::size_t body,
                                             const std::vector<std::size_t> &others,
                                             const std::vector<Pose> &poses,
                                             const PlacementOptions &options) const;

 private:
  std::shared_ptr<const MixtureScore> score_;
  std::vector<Mixture> bodies_;
  std::shared_ptr<const Term> term_;
};

}  // namespace emcore

#endif

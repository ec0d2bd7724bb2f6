// Sequence connectivity: harmonic upper bounds on the gap between two spheres.
#ifndef EMGMM_TERMS_CONNECTIVITY_H
#define EMGMM_TERMS_CONNECTIVITY_H

#include <memory>
#include <string>
#include <vector>

#include "terms/term.h"

namespace emcore {

// A sphere that a body carries.
struct BodySphere {
  std::size_t body = 0;
  Vec3 local;         // Å
  double radius = 0;  // Å
};

// k/2 max(0, |x_i - x_j| - r_i - r_j - threshold)² (doc/method.md, eq. j), the form of IMP.pmi's
// ConnectivityRestraint.
struct SphereBond {
  BodySphere first, second;
  double threshold = 0;       // Å
  double force_constant = 0;  // kT/Å²
};

class ConnectivityTerm : public Term {
 public:
  // Throws std::domain_error for a body that is not there or a value that is not finite.
  ConnectivityTerm(std::string name, std::size_t bodies, std::vector<SphereBond> bonds);

  std::unique_ptr<Term> clone() const override { return std::make_unique<ConnectivityTerm>(*this); }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override;
  double pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                    const Pose &at_c) const override;
  double reset(const std::vector<Pose> &poses) override;
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override;
  void accept() override;
  void reject() override;
  double score() const override { return score_; }

  const std::vector<double> &energies() const { return energies_; }  // committed, one a bond

 private:
  struct Tables {
    std::vector<SphereBond> bonds;
    std::vector<std::vector<std::size_t>> bonds_of_body;
  };
  double energy(const SphereBond &bond) const;

  std::shared_ptr<const Tables> tables_;
  MovedPoses poses_;
  std::vector<double> energies_;
  std::vector<std::size_t> changed_;     // bonds of the proposal ...
  std::vector<double> former_energies_;  // ... and what they were
  double score_ = 0, proposed_score_ = 0;
  bool pending_ = false;
};

}  // namespace emcore

#endif

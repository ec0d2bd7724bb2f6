// Excluded volume: soft spheres on bodies that must not interpenetrate.
#ifndef EMGMM_TERMS_EXCLUDED_VOLUME_H
#define EMGMM_TERMS_EXCLUDED_VOLUME_H

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "terms/connectivity.h"
#include "terms/sphere_grid.h"
#include "terms/term.h"

namespace emcore {

// kappa/2 max(0, r_i + r_j - |x_i - x_j|)² over all pairs of spheres on different bodies
// (doc/method.md, eq. k): the form of IMP.pmi's ExcludedVolumeSphere
// (IMP.core.SoftSpherePairScore).
class ExcludedVolumeTerm : public Term {
 public:
  // A body may have no sphere. Throws std::domain_error for a body that is not there or a value
  // that makes no sense.
  ExcludedVolumeTerm(std::string name, std::size_t bodies, const std::vector<BodySphere> &spheres,
                     double kappa);

  std::unique_ptr<Term> clone() const override {
    return std::make_unique<ExcludedVolumeTerm>(*this);
  }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override;
  double evaluate_moved(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses,
                        std::vector<PoseGradient> *gradients) const override;
  double pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                    const Pose &at_c) const override;
  double reset(const std::vector<Pose> &poses) override;
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override;
  void accept() override;
  void reject() override;
  double score() const override { return score_; }

 private:
  struct Tables {
    std::vector<SphereGrid> grids;  // one a body
    double kappa = 0;
  };
  struct Contact {
    std::uint32_t other;
    double energy;
  };
  // The contacts of one body, ascending; `sum` over the partners of lower index alone, so that the
  // total is the sum over the bodies.
  struct Row {
    std::vector<Contact> contacts;
    double sum = 0;
  };

  double pair_energy(std::size_t a, std::size_t b) const;
  // Of the pairs with a body that counts; gradients, where given, have one entry a body.
  double evaluate_pairs(const std::vector<char> &counts, const std::vector<Pose> &poses,
                        std::vector<PoseGradient> *gradients) const;
  void find_contacts(std::size_t body, std::vector<Contact> *contacts);
  void propose_row(std::size_t body);
  void move_center(std::size_t body);
  const Row &current(std::size_t body) const {
    return is_touched_[body] ? proposed_[body] : rows_[body];
  }

  std::shared_ptr<const Tables> tables_;
  MovedPoses poses_;
  std::vector<double> x_, y_, z_, bound_;  // bounding spheres at the current poses, Å
  std::vector<Vec3> former_centers_;       // of the moved bodies, while a proposal is pending
  std::vector<Row> rows_, proposed_;
  std::vector<char> is_touched_;
  std::vector<std::size_t> touched_;  // bodies whose proposed row is in force
  double score_ = 0, proposed_score_ = 0;
  bool pending_ = false;
};

}  // namespace emcore

#endif

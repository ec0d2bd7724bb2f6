// The EM score (MovedScore) as a term of the sampler.
#ifndef EMGMM_TERMS_DENSITY_TERM_H
#define EMGMM_TERMS_DENSITY_TERM_H

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "score/moved_score.h"
#include "terms/term.h"

namespace emcore {

class DensityTerm : public Term {
 public:
  DensityTerm(std::string name, MovedScore score)
      : Term(std::move(name)), score_(std::move(score)) {}

  std::unique_ptr<Term> clone() const override { return std::make_unique<DensityTerm>(*this); }
  std::size_t bodies() const override { return score_.size(); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override;
  double reset(const std::vector<Pose> &poses) override {
    check_poses(*this, poses);
    return score_.reset(poses);
  }
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override {
    return score_.propose(bodies, poses);
  }
  void accept() override { score_.accept(); }
  void reject() override { score_.reject(); }
  double score() const override { return score_.score(); }

 private:
  MovedScore score_;
};

}  // namespace emcore

#endif

// One term of a score over the poses of bodies: what the sampler and the optimiser ask of it.
#ifndef EMGMM_TERMS_TERM_H
#define EMGMM_TERMS_TERM_H

#include <memory>
#include <string>
#include <vector>

#include "mixture/gaussian.h"

namespace emcore {

// Where bodies are, with some of them proposed elsewhere. Matrices are kept beside the poses.
class MovedPoses {
 public:
  explicit MovedPoses(std::size_t bodies)
      : poses_(bodies), rotations_(bodies), slot_(bodies, none) {}

  void reset(const std::vector<Pose> &poses);
  void propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses);
  void accept();
  void reject();

  std::size_t size() const { return poses_.size(); }
  bool is_moved(std::size_t b) const { return slot_[b] != none; }
  const std::vector<std::size_t> &moved() const { return bodies_; }
  const Mat3 &rotation(std::size_t b) const {
    return slot_[b] == none ? rotations_[b] : proposed_rotations_[slot_[b]];
  }
  const Vec3 &translation(std::size_t b) const {
    return slot_[b] == none ? poses_[b].translation : proposed_[slot_[b]].translation;
  }
  Vec3 place(std::size_t b, const Vec3 &local) const {
    return rotation(b) * local + translation(b);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<Pose> poses_, proposed_;
  std::vector<Mat3> rotations_, proposed_rotations_;
  std::vector<std::size_t> bodies_;
  std::vector<std::size_t> slot_;  // place of a body in the proposal
};

// A term keeps its score while bodies move: propose, then accept or reject. What it keeps is a
// function of the poses (and of its parameters) alone, bit for bit, whatever moves led there:
// nothing drifts, and a run that resumes from stored poses goes on as if never interrupted.
class Term {
 public:
  explicit Term(std::string name) : name_(std::move(name)) {}
  virtual ~Term() = default;
  const std::string &name() const { return name_; }

  // A copy with a state of its own; constant tables are shared. One for each replica.
  virtual std::unique_ptr<Term> clone() const = 0;
  virtual std::size_t bodies() const = 0;

  // Score (kT) from scratch, without the kept state. Where `gradients` is given it gets one
  // derivative a body.
  virtual double evaluate(const std::vector<Pose> &poses,
                          std::vector<PoseGradient> *gradients) const = 0;

  // The share of evaluate() that the poses of these bodies decide, and the derivatives by them, in
  // their order: for a minimisation of a few of many bodies. Up to a constant: it may hold more.
  virtual double evaluate_moved(const std::vector<std::size_t> &bodies,
                                const std::vector<Pose> &poses,
                                std::vector<PoseGradient> *gradients) const;

  // The share of the score (kT) that bodies b and c decide alone, wherever the others are; a global
  // search makes a table of it. 0 for a term without such a share.
  virtual double pair_score(std::size_t b, const Pose &at_b, std::size_t c, const Pose &at_c) const;

  // Scores all bodies at these poses from scratch and commits.
  virtual double reset(const std::vector<Pose> &poses) = 0;
  // Score with bodies[j] at poses[j], the others where they are; each body at most once.
  virtual double propose(const std::vector<std::size_t> &bodies,
                         const std::vector<Pose> &poses) = 0;
  virtual void accept() = 0;
  virtual void reject() = 0;
  virtual double score() const = 0;  // committed

  // Unknowns of the term itself (the psi and sigma of cross-links): changed like a pose, by
  // propose_parameter and then accept or reject. Their prior is part of the score.
  virtual std::vector<double> parameters() const { return {}; }
  virtual void set_parameters(const std::vector<double> &values);
  virtual double propose_parameter(std::size_t index, double value);

 private:
  std::string name_;
};

// Score by poses (one each), checked: throws std::domain_error for another number of poses.
void check_poses(const Term &term, const std::vector<Pose> &poses);

}  // namespace emcore

#endif

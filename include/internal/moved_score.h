// The same score kept up to date while bodies move: propose, then accept or reject. One
// implementation for the native sampler and for IMP's moved scoring.
#ifndef IMPEMGMM_INTERNAL_MOVED_SCORE_H
#define IMPEMGMM_INTERNAL_MOVED_SCORE_H

#include <IMP/emgmm/internal/mixture_score.h>

#include <memory>
#include <vector>

namespace emcore {

// Each body keeps its row of overlaps with the data. The rows are the leaves of a binary tree of
// sums: a move recomputes the moved leaves and the sums above them, never a running difference,
// so nothing drifts and the result is a function of the poses alone.
class MovedScore {
 public:
  // bodies[b]: components in the local frame of body b. Throws std::domain_error for faulty ones.
  MovedScore(std::shared_ptr<const MixtureScore> score, std::vector<Mixture> bodies);

  // Scores all bodies at these poses (one each) from scratch and commits.
  double reset(const std::vector<Pose> &poses);

  // Score with bodies[j] at poses[j], the others where they are; each body at most once. A
  // proposal that was neither accepted nor rejected is rejected first.
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses);
  void accept();
  void reject();

  double score() const { return score_; }  // committed
  const std::vector<Pose> &poses() const { return poses_; }
  const std::vector<double> &log_ratios() const { return log_ratios_; }
  std::size_t size() const { return bodies_.size(); }
  const Mixture &body(std::size_t b) const { return bodies_[b]; }
  const MixtureScore &mixture_score() const { return *mixture_score_; }

  // Derivative of the score by one body's pose, at the committed or, while one is pending, the
  // proposed poses.
  PoseGradient gradient(std::size_t body);

  // All components in the frame of the data, at the committed or, while one is pending, the
  // proposed poses.
  Mixture model() const;

 private:
  // Sum of rows over the bodies below a node of the tree. Leaves also keep what log space is
  // asked of them: filled in where it is missing, so only a moved body computes it again.
  struct Node {
    std::vector<double> row;
    std::vector<double> log_row;
    std::vector<char> has_log;
  };

  void score_root();
  void far_logs(const std::vector<std::size_t> &which, double *logs);
  Node &current(std::size_t node) { return is_touched_[node] ? proposed_[node] : committed_[node]; }
  const Pose &current_pose(std::size_t body) const;

  std::shared_ptr<const MixtureScore> mixture_score_;
  std::vector<Mixture> bodies_;
  std::vector<BodyTable> tables_;
  double model_weight_ = 0;
  std::size_t leaves_ = 1;  // a power of two, at least the number of bodies
  // Heap order: node 1 is the root, node n has children 2n and 2n + 1, leaves start at leaves_.
  // A node without a body below it stays empty and counts as zero.
  std::vector<Node> committed_, proposed_;
  std::vector<std::size_t> touched_;  // nodes whose proposed row is in force
  std::vector<char> is_touched_;
  std::vector<std::size_t> proposed_bodies_;
  std::vector<Pose> poses_, proposed_poses_;
  double score_ = 0, proposed_score_ = 0;
  bool pending_ = false;
  std::vector<double> log_ratios_, proposed_log_ratios_;
  std::vector<std::size_t> far_, proposed_far_;  // data components scored in log space
};

}  // namespace emcore

#endif

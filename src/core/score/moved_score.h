// The same score kept up to date while bodies move: propose, then accept or reject. One
// implementation for the native sampler and for IMP's moved scoring.
#ifndef EMGMM_SCORE_MOVED_SCORE_H
#define EMGMM_SCORE_MOVED_SCORE_H

#include <cstdint>
#include <memory>
#include <vector>

#include "score/far_field.h"
#include "score/mixture_score.h"

namespace emcore {

// Each body keeps its row of overlaps with the data that it reaches, in blocks of 16 components. A
// move recomputes the row of the moved body and, for the blocks that it left or reached, the sum
// over the bodies there, the log ratios, and their part of the score's sum: never a running
// difference, so nothing drifts, the result is a function of the poses alone, and the cost is that
// of what is in range.
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

  double score() const { return score_; }  // committed, as are the next two
  const std::vector<Pose> &poses() const { return poses_; }
  const std::vector<double> &log_ratios() const { return log_ratios_; }
  std::size_t size() const { return bodies_.size(); }
  const std::vector<Mixture> &bodies() const { return bodies_; }
  const Mixture &body(std::size_t b) const { return bodies_[b]; }
  const MixtureScore &mixture_score() const { return *mixture_score_; }

  // Derivative of the score by one body's pose, at the committed or, while one is pending, the
  // proposed poses.
  PoseGradient gradient(std::size_t body);

  // All components in the frame of the data, at the committed or, while one is pending, the
  // proposed poses.
  Mixture model() const;

 private:
  // Of one body: the blocks in its reach, ascending, and 16 overlaps for each. What log space is
  // asked of it is filled in where it is missing, so only a moved body computes it again.
  struct Row {
    std::vector<std::uint32_t> blocks;
    std::vector<double> values;
    FarBody far;
  };
  // A body that reaches a block, and which of its row's blocks that is.
  struct Share {
    std::uint32_t body, slot;
  };
  // Of some blocks, 16 values a block: all of them (committed), or those that a proposal touches.
  struct Blocks {
    std::vector<double> overlaps, log_ratios;
    std::vector<double> parts;       // of the score's sum, one a block
    std::vector<std::size_t> far;    // data components scored in log space
    std::vector<double> far_levels;  // of each of them (FarField)
  };

  void compute_rows();
  void touch(std::uint32_t block);
  void sum_shares(std::size_t touched, double *sum);
  void score_touched();
  void touch_far();
  void far_logs(const std::vector<std::size_t> &which, double *logs);
  void replace_far();
  std::vector<std::size_t> all_far() const;
  void replace_shares(std::size_t body);
  std::vector<double> all_log_ratios() const;
  void prepare_gradient();
  Row &current_row(std::size_t b) { return is_moved_[b] ? proposed_rows_[b] : rows_[b]; }
  const Pose &current_pose(std::size_t body) const;

  std::shared_ptr<const MixtureScore> mixture_score_;
  std::vector<Mixture> bodies_;
  // Shared by copies, as is the score.
  std::shared_ptr<const std::vector<BodyTable>> tables_;
  std::shared_ptr<const FarField> far_field_;
  double model_weight_ = 0;

  std::vector<Row> rows_, proposed_rows_;   // of each body; the latter where is_moved_
  std::vector<std::vector<Share>> shares_;  // of each block, bodies ascending
  Blocks committed_, proposed_;
  std::vector<double> log_ratios_;  // committed, without padding
  double score_ = 0, proposed_score_ = 0;
  std::vector<Pose> poses_;

  bool pending_ = false;
  std::vector<std::size_t> proposed_bodies_;  // ascending
  std::vector<Pose> proposed_poses_;          // likewise
  std::vector<char> is_moved_;
  std::vector<std::uint32_t> touched_;          // blocks, in the order of proposed_
  std::vector<std::uint32_t> touched_at_;       // of each block: 1 + its place in touched_, or 0
  std::vector<std::vector<Share>> new_shares_;  // of each touched block, moved bodies ascending
  std::vector<const double *> summed_;

  // Derivatives by the overlaps and by the log ratios of far components, for gradient().
  bool gradient_ready_ = false;
  std::vector<double> by_overlap_, slopes_, gradient_ratios_;
};

}  // namespace emcore

#endif

#include <IMP/emgmm/internal/moved_score.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace emcore {

MovedScore::MovedScore(std::shared_ptr<const MixtureScore> score, std::vector<Mixture> bodies)
    : mixture_score_(std::move(score)), bodies_(std::move(bodies)) {
  if (bodies_.empty()) throw std::domain_error("a score needs at least one body");
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    check_mixture(bodies_[b], ("body " + std::to_string(b)).c_str());
    tables_.emplace_back(bodies_[b]);
    model_weight_ += mass(bodies_[b]);
  }
  while (leaves_ < bodies_.size()) leaves_ *= 2;
  committed_.resize(2 * leaves_);
  proposed_.resize(2 * leaves_);
  is_touched_.assign(2 * leaves_, 0);
  poses_.resize(bodies_.size());
}

double MovedScore::propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) {
  if (pending_) reject();
  if (bodies.size() != poses.size())
    throw std::domain_error("propose needs one pose a body, got " + std::to_string(poses.size()) +
                            " for " + std::to_string(bodies.size()));
  proposed_bodies_ = bodies;
  proposed_poses_ = poses;
  pending_ = true;
  const std::size_t n = mixture_score_->table().padded_size;
  for (std::size_t j = 0; j < bodies.size(); ++j) {
    const std::size_t b = bodies[j], leaf = leaves_ + b;
    proposed_[leaf].row.resize(n);
    proposed_[leaf].has_log.clear();
    double *row = proposed_[leaf].row.data();
    if (mixture_score_->options().single_precision)
      overlap_row(mixture_score_->row_table<float>(), tables_[b], poses[j], 0, n, row);
    else
      overlap_row(mixture_score_->row_table<double>(), tables_[b], poses[j], 0, n, row);
    for (std::size_t node = leaf; node > 0 && !is_touched_[node]; node /= 2) {
      is_touched_[node] = 1;
      touched_.push_back(node);
    }
  }
  // Children before parents: larger heap indices first.
  std::sort(touched_.begin(), touched_.end(), std::greater<std::size_t>());
  for (std::size_t node : touched_) {
    if (node >= leaves_) continue;
    const std::vector<double> &left = current(2 * node).row, &right = current(2 * node + 1).row;
    std::vector<double> &sum = proposed_[node].row;
    sum = left;
    if (!right.empty())
      for (std::size_t k = 0; k < n; ++k) sum[k] += right[k];
  }
  score_root();
  return proposed_score_;
}

void MovedScore::score_root() {
  const double *root = current(1).row.data();
  proposed_far_.clear();
  const auto far = [this](const std::vector<std::size_t> &which, double *logs) {
    far_logs(which, logs);
    proposed_far_ = which;
  };
  if (mixture_score_->options().single_precision)
    mixture_score_->log_ratios_from<float>(root, model_weight_, far, &proposed_log_ratios_);
  else
    mixture_score_->log_ratios_from<double>(root, model_weight_, far, &proposed_log_ratios_);
  proposed_score_ = mixture_score_->noise().evaluate(proposed_log_ratios_, nullptr);
}

void MovedScore::far_logs(const std::vector<std::size_t> &which, double *logs) {
  std::vector<std::size_t> missing;
  std::vector<double> missing_logs;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    Node &leaf = current(leaves_ + b);
    leaf.log_row.resize(mixture_score_->table().size);
    leaf.has_log.resize(mixture_score_->table().size, 0);
    missing.clear();
    for (std::size_t k : which)
      if (!leaf.has_log[k]) missing.push_back(k);
    missing_logs.resize(missing.size());
    log_overlap_row(mixture_score_->table(), tables_[b], current_pose(b), missing,
                    missing_logs.data());
    for (std::size_t j = 0; j < missing.size(); ++j) {
      leaf.log_row[missing[j]] = missing_logs[j];
      leaf.has_log[missing[j]] = 1;
    }
  }
  std::vector<double> terms(bodies_.size());
  for (std::size_t j = 0; j < which.size(); ++j) {
    for (std::size_t b = 0; b < bodies_.size(); ++b)
      terms[b] = current(leaves_ + b).log_row[which[j]];
    logs[j] = log_sum_exp(terms);
  }
}

void MovedScore::accept() {
  if (!pending_) return;
  for (std::size_t node : touched_) {
    std::swap(committed_[node], proposed_[node]);
    is_touched_[node] = 0;
  }
  touched_.clear();
  for (std::size_t j = 0; j < proposed_bodies_.size(); ++j)
    poses_[proposed_bodies_[j]] = proposed_poses_[j];
  log_ratios_.swap(proposed_log_ratios_);
  far_.swap(proposed_far_);
  score_ = proposed_score_;
  pending_ = false;
}

void MovedScore::reject() {
  for (std::size_t node : touched_) is_touched_[node] = 0;
  touched_.clear();
  pending_ = false;
}

double MovedScore::reset(const std::vector<Pose> &poses) {
  if (poses.size() != bodies_.size())
    throw std::domain_error("reset needs one pose a body, got " + std::to_string(poses.size()) +
                            " for " + std::to_string(bodies_.size()));
  std::vector<std::size_t> all(bodies_.size());
  for (std::size_t b = 0; b < all.size(); ++b) all[b] = b;
  propose(all, poses);
  accept();
  return score_;
}

const Pose &MovedScore::current_pose(std::size_t body) const {
  if (pending_)
    for (std::size_t j = 0; j < proposed_bodies_.size(); ++j)
      if (proposed_bodies_[j] == body) return proposed_poses_[j];
  return poses_[body];
}

PoseGradient MovedScore::gradient(std::size_t body) {
  const MixtureScore &score = *mixture_score_;
  const std::vector<double> &l = pending_ ? proposed_log_ratios_ : log_ratios_;
  const std::vector<double> &root = current(1).row;
  std::vector<double> slopes, by_overlap(score.table().padded_size, 0.0);
  score.noise().evaluate(l, &slopes);
  for (std::size_t k = 0; k < slopes.size(); ++k)
    by_overlap[k] = slopes[k] / (root[k] + score.options().floor);
  const std::vector<std::size_t> &far = pending_ ? proposed_far_ : far_;
  for (std::size_t k : far) by_overlap[k] = 0;

  const Pose &pose = current_pose(body);
  const Mixture model = moved(bodies_[body], pose);
  std::vector<GaussianGradient> gradients(model.size());
  overlap_gradient(score.table(), model.data(), model.size(), by_overlap.data(), 0,
                   by_overlap.size(), gradients.data());
  for (std::size_t k : far)
    for (std::size_t i = 0; i < model.size(); ++i)
      score.add_far_gradient(model[i], k, l[k], slopes[k], &gradients[i]);
  return rigid_gradient(model, gradients, pose.translation);
}

Mixture MovedScore::model() const {
  Mixture all;
  for (std::size_t b = 0; b < bodies_.size(); ++b)
    for (const Gaussian &g : moved(bodies_[b], current_pose(b))) all.push_back(g);
  return all;
}

}  // namespace emcore

#include <IMP/emgmm/internal/moved_score.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace emcore {

MovedScore::MovedScore(std::shared_ptr<const MixtureScore> score, std::vector<Mixture> bodies)
    : mixture_score_(std::move(score)), bodies_(std::move(bodies)) {
  if (bodies_.empty()) throw std::domain_error("a score needs at least one body");
  for (std::size_t b = 0; b < bodies_.size(); ++b)
    check_mixture(bodies_[b], ("body " + std::to_string(b)).c_str());
  while (leaves_ < bodies_.size()) leaves_ *= 2;
  rows_.resize(2 * leaves_);
  proposed_rows_.resize(2 * leaves_);
  is_touched_.assign(2 * leaves_, 0);
  poses_.resize(bodies_.size());
}

void MovedScore::compute_leaf(std::size_t b, const Pose &pose, std::vector<double> *row) {
  const ComponentTable<double> &table = mixture_score_->table();
  const Mat3 rotation = matrix(pose.rotation);
  scratch_.clear();
  for (const Gaussian &g : bodies_[b]) scratch_.push_back(moved(g, rotation, pose.translation));
  row->resize(table.padded_size);
  overlap_row(table, scratch_.data(), scratch_.size(), 0, table.padded_size, row->data());
}

double MovedScore::propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) {
  if (pending_) reject();
  if (bodies.size() != poses.size())
    throw std::domain_error("propose needs one pose a body, got " + std::to_string(poses.size()) +
                            " for " + std::to_string(bodies.size()));
  proposed_bodies_ = bodies;
  proposed_poses_ = poses;
  for (std::size_t j = 0; j < bodies.size(); ++j) {
    const std::size_t leaf = leaves_ + bodies[j];
    compute_leaf(bodies[j], poses[j], &proposed_rows_[leaf]);
    for (std::size_t node = leaf; node > 0 && !is_touched_[node]; node /= 2) {
      is_touched_[node] = 1;
      touched_.push_back(node);
    }
  }
  // Children before parents: larger heap indices first.
  std::sort(touched_.begin(), touched_.end(), std::greater<std::size_t>());
  const std::size_t n = mixture_score_->table().padded_size;
  for (std::size_t node : touched_) {
    if (node >= leaves_) continue;
    const auto current = [&](std::size_t child) -> const std::vector<double> & {
      return is_touched_[child] ? proposed_rows_[child] : rows_[child];
    };
    const std::vector<double> &left = current(2 * node), &right = current(2 * node + 1);
    std::vector<double> &sum = proposed_rows_[node];
    if (right.empty()) {
      sum = left;
      continue;
    }
    sum.resize(n);
    for (std::size_t k = 0; k < n; ++k) sum[k] = left[k] + right[k];
  }
  pending_ = true;
  proposed_score_ = score_of_root(&proposed_log_ratios_);
  return proposed_score_;
}

double MovedScore::score_of_root(std::vector<double> *log_ratios) const {
  const std::vector<double> &root = is_touched_[1] ? proposed_rows_[1] : rows_[1];
  Mixture all;
  mixture_score_->log_ratios_from(
      root.data(),
      [&]() -> const Mixture & {
        if (all.empty()) all = model();
        return all;
      },
      log_ratios);
  return mixture_score_->noise().evaluate(*log_ratios, nullptr);
}

void MovedScore::accept() {
  if (!pending_) return;
  for (std::size_t node : touched_) {
    rows_[node].swap(proposed_rows_[node]);
    is_touched_[node] = 0;
  }
  touched_.clear();
  for (std::size_t j = 0; j < proposed_bodies_.size(); ++j)
    poses_[proposed_bodies_[j]] = proposed_poses_[j];
  log_ratios_.swap(proposed_log_ratios_);
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

Mixture MovedScore::model() const {
  Mixture all;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    const Pose *pose = &poses_[b];
    if (pending_)
      for (std::size_t j = 0; j < proposed_bodies_.size(); ++j)
        if (proposed_bodies_[j] == b) pose = &proposed_poses_[j];
    const Mixture part = moved(bodies_[b], *pose);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace emcore

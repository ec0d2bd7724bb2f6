#include "score/moved_score.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace emcore {

namespace {

constexpr std::size_t kMovedBatch = ComponentTable<double>::batch;

}  // namespace

MovedScore::MovedScore(std::shared_ptr<const MixtureScore> score, std::vector<Mixture> bodies)
    : mixture_score_(std::move(score)), bodies_(std::move(bodies)) {
  if (bodies_.empty()) throw std::domain_error("a score needs at least one body");
  std::vector<BodyTable> tables;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    check_mixture(bodies_[b], ("body " + std::to_string(b)).c_str());
    tables.emplace_back(bodies_[b]);
    model_weight_ += mass(bodies_[b]);
  }
  tables_ = std::make_shared<const std::vector<BodyTable>>(std::move(tables));
  far_field_ = std::make_shared<const FarField>(mixture_score_->table(), *tables_);
  rows_.resize(bodies_.size());
  proposed_rows_.resize(bodies_.size());
  is_moved_.assign(bodies_.size(), 0);
  poses_.resize(bodies_.size());
  const ComponentTable<double> &table = mixture_score_->table();
  shares_.resize(table.blocks.size());
  touched_at_.assign(table.blocks.size(), 0);
  committed_.overlaps.assign(table.padded_size, 0);
  committed_.log_ratios.assign(table.padded_size, 0);
  committed_.parts.assign(table.blocks.size(), 0);
  log_ratios_.assign(table.size, 0);
}

double MovedScore::propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) {
  if (pending_) reject();
  if (bodies.size() != poses.size())
    throw std::domain_error("propose needs one pose a body, got " + std::to_string(poses.size()) +
                            " for " + std::to_string(bodies.size()));
  proposed_bodies_ = bodies;
  proposed_poses_ = poses;
  if (!std::is_sorted(bodies.begin(), bodies.end())) {
    std::vector<std::size_t> order(bodies.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return bodies[a] < bodies[b]; });
    for (std::size_t j = 0; j < order.size(); ++j) {
      proposed_bodies_[j] = bodies[order[j]];
      proposed_poses_[j] = poses[order[j]];
    }
  }
  pending_ = true;
  gradient_ready_ = false;
  compute_rows();
  score_touched();
  return proposed_score_;
}

void MovedScore::touch(std::uint32_t block) {
  if (touched_at_[block]) return;
  touched_.push_back(block);
  touched_at_[block] = std::uint32_t(touched_.size());
  if (new_shares_.size() < touched_.size()) new_shares_.emplace_back();
  new_shares_[touched_.size() - 1].clear();
}

// Rows of the moved bodies, and the blocks that change: what they left, what they reach, and what
// is scored in log space and hears of them.
void MovedScore::compute_rows() {
  const MixtureScore &score = *mixture_score_;
  for (std::size_t j = 0; j < proposed_bodies_.size(); ++j) {
    const std::size_t b = proposed_bodies_[j];
    is_moved_[b] = 1;
    Row &row = proposed_rows_[b];
    row.blocks.clear();
    row.far.center = far_field_->center(b, proposed_poses_[j]);
    row.far.logs.clear();
    const auto compute = [&](const auto &table) {
      blocks_in_reach(table, (*tables_)[b], proposed_poses_[j], &row.blocks);
      row.values.resize(row.blocks.size() * kMovedBatch);
      overlap_row(table, (*tables_)[b], proposed_poses_[j], row.blocks.data(), row.blocks.size(),
                  row.values.data());
    };
    if (score.options().single_precision)
      compute(score.row_table<float>());
    else
      compute(score.row_table<double>());
    for (std::uint32_t block : rows_[b].blocks) touch(block);
    for (std::size_t s = 0; s < row.blocks.size(); ++s) {
      touch(row.blocks[s]);
      new_shares_[touched_at_[row.blocks[s]] - 1].push_back({std::uint32_t(b), std::uint32_t(s)});
    }
  }
  if (proposed_bodies_.empty()) return;
  touch_far();
  // A block that no body ever reached has not been scored yet.
  if (proposed_bodies_.size() == bodies_.size())
    for (std::uint32_t block : score.table().every_block) touch(block);
}

// Over the bodies that reach a block, ascending, moved or not.
void MovedScore::sum_shares(std::size_t t, double *sum) {
  summed_.clear();
  const std::vector<Share> &moved = new_shares_[t];
  auto next = moved.begin();
  for (const Share &share : shares_[touched_[t]]) {
    if (is_moved_[share.body]) continue;
    for (; next != moved.end() && next->body < share.body; ++next)
      summed_.push_back(&proposed_rows_[next->body].values[next->slot * kMovedBatch]);
    summed_.push_back(&rows_[share.body].values[share.slot * kMovedBatch]);
  }
  for (; next != moved.end(); ++next)
    summed_.push_back(&proposed_rows_[next->body].values[next->slot * kMovedBatch]);
  std::fill_n(sum, kMovedBatch, 0.0);
  add_rows(summed_.data(), summed_.size(), sum);
}

void MovedScore::score_touched() {
  const MixtureScore &score = *mixture_score_;
  const std::size_t n = touched_.size();
  proposed_.overlaps.resize(n * kMovedBatch);
  proposed_.log_ratios.resize(n * kMovedBatch);
  proposed_.parts.resize(n);
  for (std::size_t t = 0; t < n; ++t) sum_shares(t, &proposed_.overlaps[t * kMovedBatch]);
  const auto far = [this](const std::vector<std::size_t> &which, double *logs) {
    far_logs(which, logs);
  };
  if (score.options().single_precision)
    score.log_ratios_from<float>(proposed_.overlaps.data(), touched_.data(), n, model_weight_, far,
                                 proposed_.log_ratios.data(), &proposed_.far);
  else
    score.log_ratios_from<double>(proposed_.overlaps.data(), touched_.data(), n, model_weight_, far,
                                  proposed_.log_ratios.data(), &proposed_.far);
  if (!score.noise().is_of_a_sum()) {
    proposed_score_ = score.noise().evaluate(all_log_ratios(), nullptr);
    return;
  }
  for (std::size_t t = 0; t < n; ++t)
    proposed_.parts[t] =
        score.noise().part_of_sum(&proposed_.log_ratios[t * kMovedBatch], touched_[t] * kMovedBatch,
                                  score.block_size(touched_[t]));
  double sum = 0;
  for (std::size_t b = 0; b < touched_at_.size(); ++b)
    sum += touched_at_[b] ? proposed_.parts[touched_at_[b] - 1] : committed_.parts[b];
  proposed_score_ = score.noise().score_of_sum(sum);
}

void MovedScore::touch_far() {
  for (std::size_t j = 0; j < committed_.far.size(); ++j) {
    const std::size_t k = committed_.far[j];
    const double level = committed_.far_levels[j];
    for (std::size_t b : proposed_bodies_)
      if (far_field_->counts(k, b, rows_[b].far.center, level) ||
          far_field_->counts(k, b, proposed_rows_[b].far.center, level)) {
        touch(std::uint32_t(k / kMovedBatch));
        break;
      }
  }
}

void MovedScore::far_logs(const std::vector<std::size_t> &which, double *logs) {
  std::vector<Pose> poses = poses_;
  for (std::size_t j = 0; j < proposed_bodies_.size(); ++j)
    poses[proposed_bodies_[j]] = proposed_poses_[j];
  std::vector<FarBody *> known;
  for (std::size_t b = 0; b < bodies_.size(); ++b) known.push_back(&current_row(b).far);
  proposed_.far_levels.resize(which.size());
  far_field_->sum(which, poses, known, logs, proposed_.far_levels.data());
}

// The far components after a proposal was accepted: those of the touched blocks are new.
void MovedScore::replace_far() {
  std::vector<std::pair<std::size_t, double>> all;
  for (std::size_t j = 0; j < committed_.far.size(); ++j)
    if (!touched_at_[committed_.far[j] / kMovedBatch])
      all.push_back({committed_.far[j], committed_.far_levels[j]});
  for (std::size_t j = 0; j < proposed_.far.size(); ++j)
    all.push_back({proposed_.far[j], proposed_.far_levels[j]});
  std::sort(all.begin(), all.end());
  committed_.far.clear();
  committed_.far_levels.clear();
  for (const auto &far : all) {
    committed_.far.push_back(far.first);
    committed_.far_levels.push_back(far.second);
  }
}

std::vector<std::size_t> MovedScore::all_far() const {
  std::vector<std::size_t> all;
  for (std::size_t k : committed_.far)
    if (!touched_at_[k / kMovedBatch]) all.push_back(k);
  if (!touched_.empty()) all.insert(all.end(), proposed_.far.begin(), proposed_.far.end());
  return all;
}

// A body's shares of the blocks after its row was accepted: out of those that it left, into those
// that it reached.
void MovedScore::replace_shares(std::size_t body) {
  const auto place = [&](std::vector<Share> &shares) {
    return std::lower_bound(shares.begin(), shares.end(), body,
                            [](const Share &s, std::size_t b) { return s.body < b; });
  };
  const std::vector<std::uint32_t> &left = proposed_rows_[body].blocks, &now = rows_[body].blocks;
  for (std::uint32_t block : left)
    if (!std::binary_search(now.begin(), now.end(), block))
      shares_[block].erase(place(shares_[block]));
  for (std::size_t s = 0; s < now.size(); ++s) {
    std::vector<Share> &shares = shares_[now[s]];
    const auto at = place(shares);
    const Share share{std::uint32_t(body), std::uint32_t(s)};
    if (at != shares.end() && at->body == body)
      *at = share;
    else
      shares.insert(at, share);
  }
}

void MovedScore::accept() {
  if (!pending_) return;
  for (std::size_t j = 0; j < proposed_bodies_.size(); ++j) {
    const std::size_t b = proposed_bodies_[j];
    poses_[b] = proposed_poses_[j];
    std::swap(rows_[b], proposed_rows_[b]);
    replace_shares(b);
  }
  for (std::size_t t = 0; t < touched_.size(); ++t) {
    const std::size_t from = t * kMovedBatch, to = touched_[t] * kMovedBatch;
    std::copy_n(&proposed_.overlaps[from], kMovedBatch, &committed_.overlaps[to]);
    std::copy_n(&proposed_.log_ratios[from], kMovedBatch, &committed_.log_ratios[to]);
    std::copy_n(&proposed_.log_ratios[from], mixture_score_->block_size(touched_[t]),
                &log_ratios_[to]);
    committed_.parts[touched_[t]] = proposed_.parts[t];
  }
  if (!touched_.empty() && !(committed_.far.empty() && proposed_.far.empty())) replace_far();
  score_ = proposed_score_;
  reject();
}

void MovedScore::reject() {
  for (std::size_t b : proposed_bodies_) is_moved_[b] = 0;
  for (std::uint32_t block : touched_) touched_at_[block] = 0;
  proposed_bodies_.clear();
  touched_.clear();
  pending_ = false;
  gradient_ready_ = false;
}

double MovedScore::reset(const std::vector<Pose> &poses) {
  if (poses.size() != bodies_.size())
    throw std::domain_error("reset needs one pose a body, got " + std::to_string(poses.size()) +
                            " for " + std::to_string(bodies_.size()));
  std::vector<std::size_t> all(bodies_.size());
  std::iota(all.begin(), all.end(), std::size_t(0));
  propose(all, poses);
  accept();
  return score_;
}

const Pose &MovedScore::current_pose(std::size_t body) const {
  if (!is_moved_[body]) return poses_[body];
  const auto at = std::lower_bound(proposed_bodies_.begin(), proposed_bodies_.end(), body);
  return proposed_poses_[std::size_t(at - proposed_bodies_.begin())];
}

std::vector<double> MovedScore::all_log_ratios() const {
  std::vector<double> l = log_ratios_;
  for (std::size_t t = 0; t < touched_.size(); ++t)
    std::copy_n(&proposed_.log_ratios[t * kMovedBatch], mixture_score_->block_size(touched_[t]),
                &l[touched_[t] * kMovedBatch]);
  return l;
}

void MovedScore::prepare_gradient() {
  if (gradient_ready_) return;
  const MixtureScore &score = *mixture_score_;
  gradient_ratios_ = all_log_ratios();
  score.noise().evaluate(gradient_ratios_, &slopes_);
  by_overlap_ = committed_.overlaps;
  for (std::size_t t = 0; t < touched_.size(); ++t)
    std::copy_n(&proposed_.overlaps[t * kMovedBatch], kMovedBatch,
                &by_overlap_[touched_[t] * kMovedBatch]);
  for (std::size_t k = 0; k < by_overlap_.size(); ++k)
    by_overlap_[k] = k < slopes_.size() ? slopes_[k] / (by_overlap_[k] + score.options().floor) : 0;
  for (std::size_t k : all_far()) by_overlap_[k] = 0;
  gradient_ready_ = true;
}

PoseGradient MovedScore::gradient(std::size_t body) {
  prepare_gradient();
  const MixtureScore &score = *mixture_score_;
  const Pose &pose = current_pose(body);
  const Mixture model = moved(bodies_[body], pose);
  const std::vector<std::uint32_t> &blocks = current_row(body).blocks;
  std::vector<GaussianGradient> gradients(model.size());
  overlap_gradient(score.table(), model.data(), model.size(), by_overlap_.data(), blocks.data(),
                   blocks.size(), gradients.data());
  for (std::size_t k : all_far())
    for (std::size_t i = 0; i < model.size(); ++i)
      score.add_far_gradient(model[i], k, gradient_ratios_[k], slopes_[k], &gradients[i]);
  return rigid_gradient(model, gradients, pose.translation);
}

Mixture MovedScore::model() const {
  Mixture all;
  for (std::size_t b = 0; b < bodies_.size(); ++b)
    for (const Gaussian &g : moved(bodies_[b], current_pose(b))) all.push_back(g);
  return all;
}

}  // namespace emcore

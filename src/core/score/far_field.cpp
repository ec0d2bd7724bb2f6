#include "score/far_field.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace emcore {

namespace {

using FarLog = std::pair<std::size_t, double>;
using FarPair = std::pair<std::size_t, std::size_t>;

bool far_before(const FarLog &a, const FarLog &b) { return a.first < b.first; }

}  // namespace

Vec3 FarField::center(std::size_t body, const Pose &pose) const {
  return matrix(pose.rotation) * bodies_[body].center + pose.translation - table_.center;
}

double FarField::bound(std::size_t k, std::size_t body, const Vec3 &center) const {
  const BodyTable &b = bodies_[body];
  const Vec3 d = center - Vec3{table_.x[k], table_.y[k], table_.z[k]};
  const double gap = std::max(0.0, norm(d) - b.radius);
  return b.log_mass + table_.log_peak[k] - 0.5 * gap * gap / (b.spread + table_.spread[k]);
}

void FarField::body_logs(std::size_t body, const Pose &pose, const std::vector<std::size_t> &which,
                         FarBody *known, double *logs) const {
  std::vector<FarLog> &old = known->logs;
  if (old.empty() && std::is_sorted(which.begin(), which.end())) {
    log_overlap_row(table_, bodies_[body], pose, which, logs);
    for (std::size_t j = 0; j < which.size(); ++j) old.push_back({which[j], logs[j]});
    return;
  }
  std::vector<std::size_t> missing, places;
  for (std::size_t j = 0; j < which.size(); ++j) {
    const auto at = std::lower_bound(old.begin(), old.end(), FarLog(which[j], 0.0), far_before);
    if (at != old.end() && at->first == which[j]) {
      logs[j] = at->second;
    } else {
      missing.push_back(which[j]);
      places.push_back(j);
    }
  }
  if (missing.empty()) return;
  std::vector<double> computed(missing.size());
  log_overlap_row(table_, bodies_[body], pose, missing, computed.data());
  const auto before = old.size();
  for (std::size_t m = 0; m < missing.size(); ++m) {
    logs[places[m]] = computed[m];
    old.push_back({missing[m], computed[m]});
  }
  if (!std::is_sorted(old.begin() + before, old.end(), far_before))
    std::sort(old.begin() + before, old.end(), far_before);
  std::inplace_merge(old.begin(), old.begin() + before, old.end(), far_before);
}

void FarField::sum(const std::vector<std::size_t> &which, const std::vector<Pose> &poses,
                   const std::vector<FarBody *> &known, double *logs, double *levels) const {
  const std::size_t n = which.size(), n_bodies = bodies_.size();
  // (body, place in `which`): the one of the largest bound, then all others that count.
  std::vector<FarPair> first(n), others;
  std::vector<double> bounds(n * n_bodies);
  for (std::size_t j = 0; j < n; ++j) {
    double *row = &bounds[j * n_bodies];
    for (std::size_t b = 0; b < n_bodies; ++b) row[b] = bound(which[j], b, known[b]->center);
    first[j] = {std::size_t(std::max_element(row, row + n_bodies) - row), j};
  }
  const auto values_of = [&](std::vector<FarPair> *pairs) {
    std::sort(pairs->begin(), pairs->end());
    std::vector<double> values(pairs->size());
    std::vector<std::size_t> components;
    for (std::size_t begin = 0; begin < pairs->size(); begin += components.size()) {
      const std::size_t b = (*pairs)[begin].first;
      components.clear();
      for (std::size_t i = begin; i < pairs->size() && (*pairs)[i].first == b; ++i)
        components.push_back(which[(*pairs)[i].second]);
      body_logs(b, poses[b], components, known[b], &values[begin]);
    }
    return values;
  };
  const std::vector<double> first_values = values_of(&first);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t j = first[i].second;
    levels[j] = first_values[i];
    bounds[j * n_bodies + first[i].first] = -std::numeric_limits<double>::infinity();
  }
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t b = 0; b < n_bodies; ++b)
      if (bounds[j * n_bodies + b] >= levels[j] - kFarDepth) others.push_back({b, j});
  const std::vector<double> values = values_of(&others);
  std::vector<double> top(levels, levels + n), sum(n);
  for (std::size_t i = 0; i < others.size(); ++i)
    top[others[i].second] = std::max(top[others[i].second], values[i]);
  for (std::size_t j = 0; j < n; ++j) sum[j] = std::exp(levels[j] - top[j]);
  for (std::size_t i = 0; i < others.size(); ++i)
    sum[others[i].second] += std::exp(values[i] - top[others[i].second]);
  for (std::size_t j = 0; j < n; ++j) logs[j] = top[j] + std::log(sum[j]);
}

}  // namespace emcore

#include "sample/minimize.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace emcore {

namespace {

using Flat = std::vector<double>;  // 6 numbers a body: Å moved, Å turned at the body's radius

double flat_dot(const Flat &a, const Flat &b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Flat flat_gradient(const std::vector<PoseGradient> &gradients, const std::vector<double> &radii) {
  Flat flat;
  for (std::size_t b = 0; b < gradients.size(); ++b) {
    const double move = radii[b] < 0 ? 0 : 1, turn = radii[b] > 0 ? 1 / radii[b] : 0;
    const Vec3 f = move * gradients[b].by_translation, t = turn * gradients[b].by_rotation;
    flat.insert(flat.end(), {f.x, f.y, f.z, t.x, t.y, t.z});
  }
  return flat;
}

std::vector<Pose> stepped(const std::vector<Pose> &poses, const Flat &direction, double length,
                          const std::vector<double> &radii) {
  std::vector<Pose> result = poses;
  for (std::size_t b = 0; b < poses.size(); ++b) {
    if (radii[b] < 0) continue;
    const double *d = &direction[6 * b];
    result[b].translation += length * Vec3{d[0], d[1], d[2]};
    if (radii[b] > 0)
      result[b].rotation = normalized(rotation_about((length / radii[b]) * Vec3{d[3], d[4], d[5]}) *
                                      poses[b].rotation);
  }
  return result;
}

double largest_move(const Flat &direction) {
  double largest = 0;
  for (std::size_t i = 0; i < direction.size(); i += 3)
    largest = std::max(largest, norm({direction[i], direction[i + 1], direction[i + 2]}));
  return largest;
}

}  // namespace

MinimizeResult minimize_poses(const PoseFunction &function, std::vector<Pose> start,
                              const std::vector<double> &radii, const MinimizeOptions &options) {
  MinimizeResult result{std::move(start), 0, 1, false};
  std::vector<PoseGradient> gradients;
  result.value = function(result.poses, &gradients);
  Flat slope = flat_gradient(gradients, radii);
  std::deque<std::pair<Flat, Flat>> history;  // (step, change of slope)
  std::deque<double> values{result.value};

  while (result.evaluations < options.max_evaluations) {
    // Two-loop recursion (Nocedal 1980). Steps of earlier points are used as if rotations were
    // a flat space: the turns are small.
    Flat direction = slope;
    std::vector<double> alphas;
    for (auto h = history.rbegin(); h != history.rend(); ++h) {
      const double alpha = flat_dot(h->first, direction) / flat_dot(h->first, h->second);
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] -= alpha * h->second[i];
      alphas.push_back(alpha);
    }
    if (!history.empty()) {
      const auto &[step, change] = history.back();
      const double scale = flat_dot(step, change) / flat_dot(change, change);
      for (double &d : direction) d *= scale;
    }
    for (std::size_t j = 0; j < history.size(); ++j) {
      const auto &[step, change] = history[j];
      const double beta = flat_dot(change, direction) / flat_dot(step, change);
      const double alpha = alphas[history.size() - 1 - j];
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] += (alpha - beta) * step[i];
    }
    for (double &d : direction) d = -d;
    double descent = flat_dot(direction, slope);
    if (!(descent < 0)) {
      direction = slope;
      for (double &d : direction) d = -d;
      descent = -flat_dot(slope, slope);
      history.clear();
    }
    const double reach = largest_move(direction);
    if (!(reach > 1e-12)) {
      result.converged = true;
      break;
    }
    // Without history the slope says nothing of the distance: start with a tenth of the step.
    double length =
        history.empty() ? 0.1 * options.max_step / reach : std::min(1.0, options.max_step / reach);
    bool improved = false;
    for (int attempt = 0; attempt < 12 && result.evaluations < options.max_evaluations; ++attempt) {
      const std::vector<Pose> trial = stepped(result.poses, direction, length, radii);
      const double value = function(trial, &gradients);
      ++result.evaluations;
      if (value <= result.value + 1e-4 * length * descent) {
        const Flat new_slope = flat_gradient(gradients, radii);
        Flat step = direction, change = new_slope;
        for (std::size_t i = 0; i < step.size(); ++i) {
          step[i] *= length;
          change[i] -= slope[i];
        }
        if (flat_dot(step, change) > 1e-10 * flat_dot(change, change)) {
          history.emplace_back(std::move(step), std::move(change));
          if (history.size() > 8) history.pop_front();
        }
        result.poses = trial;
        result.value = value;
        slope = new_slope;
        improved = true;
        break;
      }
      length *= 0.3;
    }
    if (!improved) {
      if (history.empty()) {
        result.converged = true;
        break;
      }
      history.clear();
      continue;
    }
    values.push_back(result.value);
    if (values.size() > 6) {
      if (values.front() - values.back() < options.tolerance) {
        result.converged = true;
        break;
      }
      values.pop_front();
    }
  }
  return result;
}

}  // namespace emcore

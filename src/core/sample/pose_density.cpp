#include "sample/pose_density.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "math/constants.h"

namespace emcore {

namespace {

void check_pose_number(bool sound, const char *what, double value) {
  if (!sound)
    throw std::domain_error(std::string(what) + " must be positive, got " + std::to_string(value));
}

// Of a Gaussian in three dimensions within a ball: the share of it.
double share_in_ball(double radius, double sd) {
  const double x = radius / sd;
  return std::erf(x / std::sqrt(2.0)) - std::sqrt(2 / kPi) * x * std::exp(-0.5 * x * x);
}

// Of a Gaussian in three dimensions, its log density at the center.
double log_peak(double sd) { return -1.5 * std::log(2 * kPi * sd * sd); }

}  // namespace

PoseDensity::PoseDensity(std::vector<Pose> centers, std::vector<double> weights,
                         const PoseDensityOptions &options)
    : centers_(std::move(centers)), weights_(std::move(weights)), options_(options) {
  if (weights_.size() != centers_.size())
    throw std::domain_error("one weight a center is needed (" + std::to_string(centers_.size()) +
                            "), got " + std::to_string(weights_.size()));
  check_pose_number(options.translation_sd > 0, "translation_sd", options.translation_sd);
  check_pose_number(options.rotation_sd > 0, "rotation_sd", options.rotation_sd);
  check_pose_number(options.broad_sd > 0, "broad_sd", options.broad_sd);
  if (!(options.broad_weight > 0 && options.broad_weight <= 1))
    throw std::domain_error("broad_weight must be above 0 and at most 1, got " +
                            std::to_string(options.broad_weight));
  double sum = 0;
  for (double weight : weights_) {
    check_pose_number(weight > 0 && std::isfinite(weight), "weights of centers", weight);
    sum += weight;
  }
  const double broad = centers_.empty() ? 1 : options.broad_weight;
  for (double weight : weights_) log_weights_.push_back(std::log((1 - broad) * weight / sum));
  log_weights_.push_back(std::log(broad));
  double running = 0;
  for (double log_weight : log_weights_) shares_.push_back(running += std::exp(log_weight));
  for (Pose &center : centers_) center.rotation = normalized(center.rotation);
  log_narrow_ = log_peak(options.translation_sd) + log_peak(options.rotation_sd) -
                std::log(share_in_ball(kPi, options.rotation_sd));
  log_broad_ = log_peak(options.broad_sd);
}

double PoseDensity::log_density(const Pose &pose) const {
  const auto squared = [](double x) { return x * x; };
  std::vector<double> logs;
  logs.reserve(log_weights_.size());
  for (std::size_t c = 0; c < centers_.size(); ++c) {
    const Vec3 away = pose.translation - centers_[c].translation;
    const Quaternion turn = conjugate(centers_[c].rotation) * pose.rotation;
    const double sine = norm({turn.x, turn.y, turn.z});  // of half the angle
    const double angle = 2 * std::atan2(sine, std::fabs(turn.w));
    // The Haar measure in rotation vectors is sin²(angle / 2) / (2 pi² angle²) d³.
    const double stretch = sine > 1e-8 ? angle / sine : 2.0;
    logs.push_back(
        log_weights_[c] + log_narrow_ - 0.5 * dot(away, away) / squared(options_.translation_sd) -
        0.5 * squared(angle / options_.rotation_sd) + std::log(2 * squared(kPi * stretch)));
  }
  const Vec3 away = pose.translation - options_.broad_center;
  logs.push_back(log_weights_.back() + log_broad_ -
                 0.5 * dot(away, away) / squared(options_.broad_sd));
  const double top = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (double l : logs) sum += std::exp(l - top);
  return top + std::log(sum);
}

Pose PoseDensity::draw(Random &random) const {
  const double at = shares_.back() * random.uniform();
  const auto found = std::upper_bound(shares_.begin(), shares_.end(), at);
  const std::size_t c = std::min<std::size_t>(centers_.size(), found - shares_.begin());
  const auto deviates = [&random](double sd) {
    const double x = random.normal(), y = random.normal();
    return sd * Vec3{x, y, random.normal()};
  };
  if (c == centers_.size()) {
    const Vec3 place = options_.broad_center + deviates(options_.broad_sd);
    return {random.rotation(), place};
  }
  const Vec3 place = centers_[c].translation + deviates(options_.translation_sd);
  for (;;) {
    const Vec3 turn = deviates(options_.rotation_sd);
    if (norm(turn) < kPi) return {normalized(centers_[c].rotation * rotation_about(turn)), place};
  }
}

}  // namespace emcore

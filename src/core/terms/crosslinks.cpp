#include "terms/crosslinks.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "math/constants.h"

namespace emcore {

namespace {

// Closer than this counts as this close, as in IMP.isd.
constexpr double kNearestLink = 1e-4;  // Å
// Mean distance of two points in a ball is 36/35 of its radius (Lund et al. 1997).
constexpr double kMeanInBall = 36.0 / 35.0;

double ball_volume(double radius) { return 4.0 / 3 * kPi * radius * radius * radius; }

// Volume that two balls share whose centres are d apart, and its slope by d.
struct SharedVolume {
  double value, slope;
};
SharedVolume shared_volume(double r1, double r2, double d) {
  if (d <= std::fabs(r1 - r2)) return {ball_volume(std::min(r1, r2)), 0};
  if (d >= r1 + r2) return {0, 0};
  const double gap = r1 + r2 - d;
  const double value =
      kPi / 12 / d * gap * gap * (d * d + 2 * d * (r1 + r2) - 3 * (r1 - r2) * (r1 - r2));
  // The disc in which the surfaces meet sweeps the volume.
  const double x = (d * d + r1 * r1 - r2 * r2) / (2 * d);
  return {value, -kPi * (r1 * r1 - x * x)};
}

void check_unknowns(const std::vector<double> &values, double low, double high, const char *what) {
  if (values.empty()) throw std::domain_error(std::string("cross-links need a ") + what);
  for (double value : values)
    if (!(value > low && value < high))
      throw std::domain_error(std::string(what) + " must lie between " + std::to_string(low) +
                              " and " + std::to_string(high) + ", got " + std::to_string(value));
}

}  // namespace

CrossLinkTerm::CrossLinkTerm(std::string name, std::size_t bodies, std::vector<CrossLink> links,
                             const CrossLinkOptions &options, std::vector<double> sigmas,
                             std::vector<double> psis)
    : Term(std::move(name)), poses_(bodies), energies_(links.size()) {
  if (!(options.length > 0))
    throw std::domain_error("length must be positive, got " + std::to_string(options.length));
  if (!(options.slope >= 0))
    throw std::domain_error("slope must be 0 or positive, got " + std::to_string(options.slope));
  auto tables = std::make_shared<Tables>();
  tables->options = options;
  tables->sigmas = sigmas.size();
  tables->contributions_of_body.resize(bodies);
  tables->starts.push_back(0);
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::string where = "cross-link " + std::to_string(i);
    if (links[i].empty()) throw std::domain_error(where + " has no contribution");
    for (const LinkContribution &c : links[i]) {
      if (c.first.body >= bodies || c.second.body >= bodies)
        throw std::domain_error(where + ": body " +
                                std::to_string(std::max(c.first.body, c.second.body)) + " of " +
                                std::to_string(bodies));
      if (c.sigma_first >= sigmas.size() || c.sigma_second >= sigmas.size() || c.psi >= psis.size())
        throw std::domain_error(where + ": a sigma or psi that is not there");
      const std::size_t k = tables->link_of.size();
      tables->link_of.push_back(i);
      if (c.first.body == c.second.body) continue;
      for (std::size_t b : {c.first.body, c.second.body})
        tables->contributions_of_body[b].push_back(k);
    }
    tables->starts.push_back(tables->link_of.size());
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    std::set<std::size_t> involved;
    for (const LinkContribution &c : links[i]) involved.insert({c.first.body, c.second.body});
    if (involved.size() == 2)
      tables->links_of_pair[{*involved.begin(), *involved.rbegin()}].push_back(i);
  }
  distances_.resize(tables->link_of.size());
  misses_.resize(tables->link_of.size());
  tables->links = std::move(links);
  tables_ = std::move(tables);
  parameters_ = std::move(sigmas);
  parameters_.insert(parameters_.end(), psis.begin(), psis.end());
  check_parameters(parameters_);
}

void CrossLinkTerm::check_parameters(const std::vector<double> &values) const {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(tables_->sigmas);
  check_unknowns({values.begin(), middle}, 0, HUGE_VAL, "sigma");
  check_unknowns({middle, values.end()}, 0, 1, "psi");
}

CrossLinkTerm::Explained CrossLinkTerm::explained(const LinkContribution &c,
                                                  double distance) const {
  const double sigma_i = parameters_[c.sigma_first], sigma_j = parameters_[c.sigma_second];
  const double psi = parameters_[tables_->sigmas + c.psi];
  const double half = tables_->options.length / 2, slope = tables_->options.slope;
  const double prior = std::exp(-slope * distance);
  if (distance >= sigma_i + sigma_j + 2 * half) return {psi * prior, -slope * psi * prior};
  SharedVolume fi, fj;
  if (distance < sigma_i + sigma_j) {
    fi = {ball_volume(std::min(sigma_i, half)), 0};
    fj = {ball_volume(std::min(sigma_j, half)), 0};
  } else {
    const double di = distance - sigma_j - half, dj = distance - sigma_i - half;
    fi = shared_volume(sigma_i, half, std::fabs(di));
    fj = shared_volume(sigma_j, half, std::fabs(dj));
    if (di < 0) fi.slope = -fi.slope;
    if (dj < 0) fj.slope = -fj.slope;
  }
  const double volumes = ball_volume(sigma_i) * ball_volume(sigma_j);
  const double p = fi.value * fj.value / volumes;
  const double p_slope = (fi.slope * fj.value + fi.value * fj.slope) / volumes;
  const double mixed = psi * (1 - p) + p * (1 - psi);
  return {mixed * prior, (p_slope * (1 - 2 * psi) - slope * mixed) * prior};
}

template <class Place>
double CrossLinkTerm::distance(const LinkContribution &c, const Place &place) {
  if (c.same_sphere) return kMeanInBall * c.first.radius;
  // Not by the pose, whose rounding a kept distance would remember.
  if (c.first.body == c.second.body) return norm(c.first.local - c.second.local);
  return norm(place(c.first.body, c.first.local) - place(c.second.body, c.second.local));
}

const LinkContribution &CrossLinkTerm::contribution(std::size_t k) const {
  const std::size_t link = tables_->link_of[k];
  return tables_->links[link][k - tables_->starts[link]];
}

double CrossLinkTerm::kept_distance(std::size_t k) const {
  return distance(contribution(k), [this](std::size_t body, const Vec3 &local) {
    return poses_.place(body, local);
  });
}

double CrossLinkTerm::miss(const LinkContribution &c, double distance) const {
  return 1 - explained(c, std::max(distance, kNearestLink)).probability;
}

double CrossLinkTerm::kept_energy(std::size_t link) const {
  double none_explains = 1;
  for (std::size_t k = tables_->starts[link]; k < tables_->starts[link + 1]; ++k)
    none_explains *= misses_[k];
  return -std::log(1 - none_explains);
}

double CrossLinkTerm::pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                                 const Pose &at_c) const {
  const auto links = tables_->links_of_pair.find(std::minmax(b, c));
  if (links == tables_->links_of_pair.end()) return 0;
  const auto place = [&](std::size_t body, const Vec3 &local) {
    return (body == b ? at_b : at_c) * local;
  };
  double sum = 0;
  for (std::size_t i : links->second) {
    double none_explains = 1;
    for (const LinkContribution &one : tables_->links[i])
      none_explains *= miss(one, distance(one, place));
    sum -= std::log(1 - none_explains);
  }
  return sum;
}

double CrossLinkTerm::total() const {
  double sum = 0;
  for (double energy : energies_) sum += energy;
  for (std::size_t i = tables_->sigmas; i < parameters_.size(); ++i)
    sum += std::log(parameters_[i]);
  return sum;
}

double CrossLinkTerm::evaluate(const std::vector<Pose> &poses,
                               std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  if (gradients) gradients->assign(poses.size(), PoseGradient());
  const auto place = [&](std::size_t body, const Vec3 &local) { return poses[body] * local; };
  double sum = 0;
  std::vector<double> probabilities, slopes;
  for (const CrossLink &link : tables_->links) {
    probabilities.clear();
    slopes.clear();
    double none_explains = 1;
    for (const LinkContribution &c : link) {
      const double d = distance(c, place);
      const Explained e = explained(c, std::max(d, kNearestLink));
      none_explains *= 1 - e.probability;
      probabilities.push_back(e.probability);
      slopes.push_back(c.same_sphere || d < kNearestLink ? 0 : e.slope);
    }
    sum -= std::log(1 - none_explains);
    if (!gradients) continue;
    for (std::size_t n = 0; n < link.size(); ++n) {
      if (slopes[n] == 0) continue;
      const LinkContribution &c = link[n];
      double others = 1;
      for (std::size_t m = 0; m < link.size(); ++m)
        if (m != n) others *= 1 - probabilities[m];
      const Pose &a = poses[c.first.body], &b = poses[c.second.body];
      const Vec3 x = a * c.first.local, y = b * c.second.local;
      const double by_distance = -others * slopes[n] / (1 - none_explains);
      const Vec3 slope = (by_distance / norm(x - y)) * (x - y);
      PoseGradient &ga = (*gradients)[c.first.body], &gb = (*gradients)[c.second.body];
      ga.by_translation += slope;
      ga.by_rotation += cross(x - a.translation, slope);
      gb.by_translation += -1.0 * slope;
      gb.by_rotation += cross(y - b.translation, -1.0 * slope);
    }
  }
  for (std::size_t i = tables_->sigmas; i < parameters_.size(); ++i)
    sum += std::log(parameters_[i]);
  return sum;
}

double CrossLinkTerm::reset(const std::vector<Pose> &poses) {
  check_poses(*this, poses);
  reject();
  poses_.reset(poses);
  for (std::size_t k = 0; k < distances_.size(); ++k) {
    distances_[k] = kept_distance(k);
    misses_[k] = miss(contribution(k), distances_[k]);
  }
  for (std::size_t i = 0; i < energies_.size(); ++i) energies_[i] = kept_energy(i);
  return score_ = total();
}

void CrossLinkTerm::change_energy(std::size_t link) {
  former_energies_.emplace_back(link, energies_[link]);
  energies_[link] = kept_energy(link);
}

double CrossLinkTerm::propose(const std::vector<std::size_t> &bodies,
                              const std::vector<Pose> &poses) {
  if (pending_) reject();
  poses_.propose(bodies, poses);
  pending_ = true;
  // What two moved bodies share is met twice; the second time changes nothing.
  for (std::size_t b : bodies) {
    const std::vector<std::size_t> &own = tables_->contributions_of_body[b];
    for (std::size_t n = 0; n < own.size(); ++n) {
      const std::size_t k = own[n], link = tables_->link_of[k];
      former_contributions_.push_back({k, distances_[k], misses_[k]});
      distances_[k] = kept_distance(k);
      misses_[k] = miss(contribution(k), distances_[k]);
      if (n + 1 == own.size() || tables_->link_of[own[n + 1]] != link) change_energy(link);
    }
  }
  return proposed_score_ = former_energies_.empty() ? score_ : total();
}

double CrossLinkTerm::propose_parameter(std::size_t index, double value) {
  if (pending_) reject();
  if (index >= parameters_.size()) return Term::propose_parameter(index, value);
  pending_ = true;
  changed_parameter_ = index;
  former_parameter_ = parameters_[index];
  parameters_[index] = value;
  for (std::size_t k = 0; k < misses_.size(); ++k) {
    former_contributions_.push_back({k, distances_[k], misses_[k]});
    misses_[k] = miss(contribution(k), distances_[k]);
  }
  for (std::size_t i = 0; i < energies_.size(); ++i) change_energy(i);
  return proposed_score_ = total();
}

void CrossLinkTerm::set_parameters(const std::vector<double> &values) {
  reject();
  if (values.size() != parameters_.size())
    throw std::domain_error(name() + " has " + std::to_string(parameters_.size()) +
                            " parameters, got " + std::to_string(values.size()));
  check_parameters(values);
  parameters_ = values;
}

void CrossLinkTerm::accept() {
  if (!pending_) return;
  poses_.accept();
  former_contributions_.clear();
  former_energies_.clear();
  changed_parameter_ = none;
  score_ = proposed_score_;
  pending_ = false;
}

void CrossLinkTerm::reject() {
  poses_.reject();
  for (std::size_t n = former_contributions_.size(); n-- > 0;) {
    const FormerContribution &former = former_contributions_[n];
    distances_[former.index] = former.distance;
    misses_[former.index] = former.miss;
  }
  for (std::size_t n = former_energies_.size(); n-- > 0;)
    energies_[former_energies_[n].first] = former_energies_[n].second;
  if (changed_parameter_ != none) parameters_[changed_parameter_] = former_parameter_;
  former_contributions_.clear();
  former_energies_.clear();
  changed_parameter_ = none;
  pending_ = false;
}

}  // namespace emcore

#include "terms/connectivity.h"

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace emcore {

namespace {

void check_bond(const SphereBond &bond, std::size_t index, std::size_t bodies) {
  const std::string where = "bond " + std::to_string(index) + ": ";
  for (const BodySphere *sphere : {&bond.first, &bond.second}) {
    if (sphere->body >= bodies)
      throw std::domain_error(where + "body " + std::to_string(sphere->body) + " of " +
                              std::to_string(bodies));
    if (!std::isfinite(norm(sphere->local)))
      throw std::domain_error(where + "a position that is not finite");
    if (!(sphere->radius >= 0))
      throw std::domain_error(where + "radius " + std::to_string(sphere->radius));
  }
  if (!std::isfinite(bond.threshold))
    throw std::domain_error(where + "threshold " + std::to_string(bond.threshold));
  if (!(bond.force_constant >= 0))
    throw std::domain_error(where + "force constant " + std::to_string(bond.force_constant));
}

double bond_stretch(const SphereBond &bond, double distance) {
  return distance - bond.first.radius - bond.second.radius - bond.threshold;
}

double bond_energy(const SphereBond &bond, double distance) {
  const double stretch = bond_stretch(bond, distance);
  return stretch > 0 ? 0.5 * bond.force_constant * stretch * stretch : 0;
}

}  // namespace

ConnectivityTerm::ConnectivityTerm(std::string name, std::size_t bodies,
                                   std::vector<SphereBond> bonds)
    : Term(std::move(name)), poses_(bodies), energies_(bonds.size()) {
  auto tables = std::make_shared<Tables>();
  tables->bonds_of_body.resize(bodies);
  for (std::size_t i = 0; i < bonds.size(); ++i) {
    check_bond(bonds[i], i, bodies);
    tables->bonds_of_body[bonds[i].first.body].push_back(i);
    if (bonds[i].second.body != bonds[i].first.body)
      tables->bonds_of_body[bonds[i].second.body].push_back(i);
  }
  tables->bonds = std::move(bonds);
  tables_ = std::move(tables);
}

double ConnectivityTerm::energy(const SphereBond &bond) const {
  const Vec3 d = poses_.place(bond.first.body, bond.first.local) -
                 poses_.place(bond.second.body, bond.second.local);
  return bond_energy(bond, norm(d));
}

double ConnectivityTerm::evaluate(const std::vector<Pose> &poses,
                                  std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  if (gradients) gradients->assign(poses.size(), PoseGradient());
  double sum = 0;
  for (const SphereBond &bond : tables_->bonds) {
    const Pose &a = poses[bond.first.body], &b = poses[bond.second.body];
    const Vec3 x = a * bond.first.local, y = b * bond.second.local;
    const double distance = norm(x - y);
    const double stretch = bond_stretch(bond, distance);
    if (!(stretch > 0)) continue;
    sum += 0.5 * bond.force_constant * stretch * stretch;
    if (!gradients || distance == 0) continue;
    const Vec3 slope = (bond.force_constant * stretch / distance) * (x - y);
    PoseGradient &ga = (*gradients)[bond.first.body], &gb = (*gradients)[bond.second.body];
    ga.by_translation += slope;
    ga.by_rotation += cross(x - a.translation, slope);
    gb.by_translation += -1.0 * slope;
    gb.by_rotation += cross(y - b.translation, -1.0 * slope);
  }
  return sum;
}

double ConnectivityTerm::pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                                    const Pose &at_c) const {
  double sum = 0;
  for (std::size_t i : tables_->bonds_of_body.at(b)) {
    const SphereBond &bond = tables_->bonds[i];
    const bool forward = bond.first.body == b && bond.second.body == c;
    if (!forward && !(bond.first.body == c && bond.second.body == b)) continue;
    const Vec3 x = (forward ? at_b : at_c) * bond.first.local;
    const Vec3 y = (forward ? at_c : at_b) * bond.second.local;
    sum += bond_energy(bond, norm(x - y));
  }
  return sum;
}

double ConnectivityTerm::reset(const std::vector<Pose> &poses) {
  check_poses(*this, poses);
  reject();
  poses_.reset(poses);
  for (std::size_t i = 0; i < energies_.size(); ++i) energies_[i] = energy(tables_->bonds[i]);
  return score_ = std::accumulate(energies_.begin(), energies_.end(), 0.0);
}

double ConnectivityTerm::propose(const std::vector<std::size_t> &bodies,
                                 const std::vector<Pose> &poses) {
  if (pending_) reject();
  poses_.propose(bodies, poses);
  pending_ = true;
  for (std::size_t j = 0; j < bodies.size(); ++j) {
    for (std::size_t i : tables_->bonds_of_body[bodies[j]]) {
      // A bond between two moved bodies is met twice; the second time changes nothing.
      changed_.push_back(i);
      former_energies_.push_back(energies_[i]);
      energies_[i] = energy(tables_->bonds[i]);
    }
  }
  // All of them, in order: a running sum would drift.
  proposed_score_ =
      changed_.empty() ? score_ : std::accumulate(energies_.begin(), energies_.end(), 0.0);
  return proposed_score_;
}

void ConnectivityTerm::accept() {
  if (!pending_) return;
  poses_.accept();
  changed_.clear();
  former_energies_.clear();
  score_ = proposed_score_;
  pending_ = false;
}

void ConnectivityTerm::reject() {
  poses_.reject();
  for (std::size_t n = changed_.size(); n-- > 0;) energies_[changed_[n]] = former_energies_[n];
  changed_.clear();
  former_energies_.clear();
  pending_ = false;
}

}  // namespace emcore

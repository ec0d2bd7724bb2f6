#include "terms/excluded_volume.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace emcore {

namespace {

// Of two bodies the one with more spheres is asked by its grid; always the same one, so that the
// energy of a pair does not depend on which of them moved.
bool first_has_grid(const SphereGrid &a, const SphereGrid &b) {
  return a.spheres().size() >= b.spheres().size();
}

// kappa / 2 times the sum of squared overlaps of the grid's spheres with others, which turn and
// shift bring into its frame.
double overlap_energy(const SphereGrid &grid, const SphereSet &others, const Mat3 &turn,
                      const Vec3 &shift, double kappa) {
  double sum = 0;
  for (std::size_t j = 0; j < others.size(); ++j) {
    const double radius = others.radius[j];
    grid.overlapping(turn * others.center[j] + shift, radius, [&](std::size_t i, double squared) {
      const double overlap = radius + grid.spheres().radius[i] - std::sqrt(squared);
      sum += overlap * overlap;
    });
  }
  return 0.5 * kappa * sum;
}

}  // namespace

ExcludedVolumeTerm::ExcludedVolumeTerm(std::string name, std::size_t bodies,
                                       const std::vector<BodySphere> &spheres, double kappa)
    : Term(std::move(name)),
      poses_(bodies),
      x_(bodies),
      y_(bodies),
      z_(bodies),
      rows_(bodies),
      proposed_(bodies),
      is_touched_(bodies, 0) {
  if (!(kappa >= 0))
    throw std::domain_error("kappa must be 0 or positive, got " + std::to_string(kappa));
  std::vector<SphereSet> sets(bodies);
  double max_radius = 0;
  for (std::size_t i = 0; i < spheres.size(); ++i) {
    const BodySphere &s = spheres[i];
    const std::string where = "sphere " + std::to_string(i) + ": ";
    if (s.body >= bodies)
      throw std::domain_error(where + "body " + std::to_string(s.body) + " of " +
                              std::to_string(bodies));
    if (!std::isfinite(norm(s.local)))
      throw std::domain_error(where + "a position that is not finite");
    if (!(s.radius >= 0 && std::isfinite(s.radius)))
      throw std::domain_error(where + "radius " + std::to_string(s.radius));
    sets[s.body].center.push_back(s.local);
    sets[s.body].radius.push_back(s.radius);
    max_radius = std::max(max_radius, s.radius);
  }
  auto tables = std::make_shared<Tables>();
  tables->kappa = kappa;
  for (SphereSet &set : sets) {
    tables->grids.emplace_back(std::move(set), max_radius);
    // Without spheres nothing comes near, however close.
    bound_.push_back(tables->grids.back().spheres().size() ? tables->grids.back().bound()
                                                           : -HUGE_VAL);
  }
  tables_ = std::move(tables);
}

double ExcludedVolumeTerm::pair_energy(std::size_t a, std::size_t b) const {
  if (a > b) std::swap(a, b);
  if (!first_has_grid(tables_->grids[a], tables_->grids[b])) std::swap(a, b);
  const SphereGrid &grid = tables_->grids[a];
  const SphereSet &others = tables_->grids[b].spheres();
  // The spheres of b in the frame of a.
  const Mat3 &turn = poses_.rotation(a);
  Mat3 relative;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const Mat3 &other = poses_.rotation(b);
      relative.m[i][j] = turn.m[0][i] * other.m[0][j] + turn.m[1][i] * other.m[1][j] +
                         turn.m[2][i] * other.m[2][j];
    }
  const Vec3 shift = transposed_times(turn, poses_.translation(b) - poses_.translation(a));
  return overlap_energy(grid, others, relative, shift, tables_->kappa);
}

double ExcludedVolumeTerm::pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                                      const Pose &at_c) const {
  const bool is_grid = first_has_grid(tables_->grids.at(b), tables_->grids.at(c));
  const SphereGrid &grid = tables_->grids[is_grid ? b : c];
  const SphereGrid &other = tables_->grids[is_grid ? c : b];
  const Pose &at_grid = is_grid ? at_b : at_c, &at_other = is_grid ? at_c : at_b;
  if (!(norm(at_grid * grid.center() - at_other * other.center()) < bound_[b] + bound_[c]))
    return 0;
  const Quaternion back = conjugate(at_grid.rotation);
  const Mat3 turn = matrix(back * at_other.rotation);
  const Vec3 shift = back * (at_other.translation - at_grid.translation);
  return overlap_energy(grid, other.spheres(), turn, shift, tables_->kappa);
}

double ExcludedVolumeTerm::evaluate(const std::vector<Pose> &poses,
                                    std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  if (gradients) gradients->assign(poses.size(), PoseGradient());
  return evaluate_pairs(std::vector<char>(poses.size(), 1), poses, gradients);
}

double ExcludedVolumeTerm::evaluate_moved(const std::vector<std::size_t> &bodies,
                                          const std::vector<Pose> &poses,
                                          std::vector<PoseGradient> *gradients) const {
  check_poses(*this, poses);
  std::vector<char> counts(poses.size(), 0);
  for (std::size_t b : bodies) counts.at(b) = 1;
  std::vector<PoseGradient> all(gradients ? poses.size() : 0);
  const double energy = evaluate_pairs(counts, poses, gradients ? &all : nullptr);
  if (gradients) {
    gradients->clear();
    for (std::size_t b : bodies) gradients->push_back(all[b]);
  }
  return energy;
}

double ExcludedVolumeTerm::evaluate_pairs(const std::vector<char> &counts,
                                          const std::vector<Pose> &poses,
                                          std::vector<PoseGradient> *gradients) const {
  double sum = 0;
  for (std::size_t a = 0; a < poses.size(); ++a) {
    for (std::size_t b = 0; b < poses.size(); ++b) {
      const SphereGrid &grid = tables_->grids[a], &other = tables_->grids[b];
      // Each pair once, from the side of the grid.
      if (a == b || !(a < b ? first_has_grid(grid, other) : !first_has_grid(other, grid))) continue;
      if (!counts[a] && !counts[b]) continue;
      const Vec3 apart = poses[a] * grid.center() - poses[b] * other.center();
      if (!(norm(apart) < bound_[a] + bound_[b])) continue;
      for (std::size_t j = 0; j < other.spheres().size(); ++j) {
        const double radius = other.spheres().radius[j];
        const Vec3 point = poses[b] * other.spheres().center[j];
        const Vec3 local = conjugate(poses[a].rotation) * (point - poses[a].translation);
        grid.overlapping(local, radius, [&](std::size_t i, double squared) {
          const double distance = std::sqrt(squared);
          const double overlap = radius + grid.spheres().radius[i] - distance;
          sum += 0.5 * tables_->kappa * overlap * overlap;
          if (!gradients || distance == 0) return;
          const Vec3 center = poses[a] * grid.spheres().center[i];
          const Vec3 slope = (-tables_->kappa * overlap / distance) * (point - center);
          PoseGradient &ga = (*gradients)[a], &gb = (*gradients)[b];
          gb.by_translation += slope;
          gb.by_rotation += cross(point - poses[b].translation, slope);
          ga.by_translation += -1.0 * slope;
          ga.by_rotation += cross(center - poses[a].translation, -1.0 * slope);
        });
      }
    }
  }
  return sum;
}

void ExcludedVolumeTerm::move_center(std::size_t body) {
  const Vec3 c = poses_.place(body, tables_->grids[body].center());
  x_[body] = c.x;
  y_[body] = c.y;
  z_[body] = c.z;
}

// Contacts of a moved body with the bodies whose bounding sphere its own one meets.
void ExcludedVolumeTerm::find_contacts(std::size_t body, std::vector<Contact> *contacts) {
  const double x = x_[body], y = y_[body], z = z_[body], bound = bound_[body];
  contacts->clear();
  for (std::size_t other = 0; other < x_.size(); ++other) {
    const double dx = x_[other] - x, dy = y_[other] - y, dz = z_[other] - z;
    const double reach = bound_[other] + bound;
    if (!(reach > 0 && dx * dx + dy * dy + dz * dz < reach * reach) || other == body) continue;
    // Two moved bodies: the energy was found when the first of them was.
    double energy = 0;
    if (is_touched_[other] && poses_.is_moved(other)) {
      const std::vector<Contact> &known = proposed_[other].contacts;
      const auto at =
          std::lower_bound(known.begin(), known.end(), body,
                           [](const Contact &c, std::size_t value) { return c.other < value; });
      if (at != known.end() && at->other == body) energy = at->energy;
    } else {
      energy = pair_energy(body, other);
    }
    if (energy > 0) contacts->push_back({static_cast<std::uint32_t>(other), energy});
  }
}

// The row of a body that stays: what it had with bodies that stay, and what moved bodies bring.
void ExcludedVolumeTerm::propose_row(std::size_t body) {
  Row &row = proposed_[body];
  row.contacts.clear();
  for (const Contact &c : rows_[body].contacts)
    if (!poses_.is_moved(c.other)) row.contacts.push_back(c);
  for (std::size_t m : poses_.moved())
    for (const Contact &c : proposed_[m].contacts)
      if (c.other == body) row.contacts.push_back({static_cast<std::uint32_t>(m), c.energy});
  std::sort(row.contacts.begin(), row.contacts.end(),
            [](const Contact &a, const Contact &b) { return a.other < b.other; });
}

double ExcludedVolumeTerm::propose(const std::vector<std::size_t> &bodies,
                                   const std::vector<Pose> &poses) {
  if (pending_) reject();
  poses_.propose(bodies, poses);
  pending_ = true;
  former_centers_.clear();
  for (std::size_t b : bodies) {
    former_centers_.push_back({x_[b], y_[b], z_[b]});
    move_center(b);
  }
  for (std::size_t b : bodies) {
    find_contacts(b, &proposed_[b].contacts);
    is_touched_[b] = 1;
    touched_.push_back(b);
  }
  const auto touch = [&](const std::vector<Contact> &contacts) {
    for (const Contact &c : contacts)
      if (!is_touched_[c.other]) {
        is_touched_[c.other] = 1;
        touched_.push_back(c.other);
        propose_row(c.other);
      }
  };
  for (std::size_t b : bodies) {
    touch(rows_[b].contacts);
    touch(proposed_[b].contacts);
  }
  for (std::size_t b : touched_) {
    Row &row = proposed_[b];
    row.sum = 0;
    for (const Contact &c : row.contacts)
      if (c.other < b) row.sum += c.energy;
  }
  proposed_score_ = 0;
  for (std::size_t b = 0; b < rows_.size(); ++b) proposed_score_ += current(b).sum;
  return proposed_score_;
}

void ExcludedVolumeTerm::accept() {
  if (!pending_) return;
  poses_.accept();
  for (std::size_t b : touched_) {
    std::swap(rows_[b], proposed_[b]);
    is_touched_[b] = 0;
  }
  touched_.clear();
  score_ = proposed_score_;
  pending_ = false;
}

void ExcludedVolumeTerm::reject() {
  if (!pending_) return;
  const std::vector<std::size_t> &bodies = poses_.moved();
  for (std::size_t j = 0; j < bodies.size(); ++j) {
    x_[bodies[j]] = former_centers_[j].x;
    y_[bodies[j]] = former_centers_[j].y;
    z_[bodies[j]] = former_centers_[j].z;
  }
  poses_.reject();
  for (std::size_t b : touched_) is_touched_[b] = 0;
  touched_.clear();
  pending_ = false;
}

double ExcludedVolumeTerm::reset(const std::vector<Pose> &poses) {
  check_poses(*this, poses);
  std::vector<std::size_t> all(poses.size());
  for (std::size_t b = 0; b < all.size(); ++b) all[b] = b;
  propose(all, poses);
  accept();
  return score_;
}

}  // namespace emcore

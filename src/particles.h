/**
 *  \file particles.h
 *  \brief Poses and Gaussians between particles and the core.
 */

#ifndef IMPEMGMM_PARTICLES_H
#define IMPEMGMM_PARTICLES_H

#include <IMP/atom/Mass.h>
#include <IMP/check_macros.h>
#include <IMP/core/Gaussian.h>
#include <IMP/core/rigid_bodies.h>
#include <IMP/emgmm/emgmm_config.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "mixture/gaussian.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace particles {

inline bool same(const emcore::Vec3 &a, const emcore::Vec3 &b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}
inline bool same(const emcore::Quaternion &a, const emcore::Quaternion &b) {
  return a.w == b.w && a.x == b.x && a.y == b.y && a.z == b.z;
}
inline bool same(const emcore::Pose &a, const emcore::Pose &b) {
  return same(a.translation, b.translation) && same(a.rotation, b.rotation);
}

inline emcore::Vec3 to_core(const algebra::Vector3D &v) { return {v[0], v[1], v[2]}; }
inline algebra::Vector3D to_imp(const emcore::Vec3 &v) { return algebra::Vector3D(v.x, v.y, v.z); }

inline emcore::Pose to_core(const algebra::Transformation3D &t) {
  const algebra::Vector4D q = t.get_rotation().get_quaternion();
  return {{q[0], q[1], q[2], q[3]}, to_core(t.get_translation())};
}

inline algebra::Transformation3D to_imp(const emcore::Pose &pose) {
  const emcore::Quaternion &q = pose.rotation;
  return algebra::Transformation3D(algebra::Rotation3D(algebra::Vector4D(q.w, q.x, q.y, q.z)),
                                   to_imp(pose.translation));
}

inline ParticleIndex get_parent(Model *m, ParticleIndex pi) {
  return core::RigidBodyMember(m, pi).get_rigid_body().get_particle_index();
}

inline emcore::Pose get_internal_pose(Model *m, ParticleIndex pi) {
  return to_core(core::RigidBodyMember(m, pi).get_internal_transformation());
}

// Global pose of a body. That of a member is formed from its parent's: during evaluate_moved() IMP
// updates the members of the bodies it names only, so their own coordinates may lag behind.
inline emcore::Pose get_pose(Model *m, ParticleIndex pi) {
  if (core::RigidBodyMember::get_is_setup(m, pi))
    return get_pose(m, get_parent(m, pi)) * get_internal_pose(m, pi);
  return to_core(core::RigidBody(m, pi).get_reference_frame().get_transformation_to());
}

// `pose` seen from `frame`.
inline emcore::Pose relative_to(const emcore::Pose &frame, const emcore::Pose &pose) {
  const emcore::Quaternion back = conjugate(frame.rotation);
  return {back * pose.rotation, back * (pose.translation - frame.translation)};
}

// The outermost body that carries a particle rigidly, else the particle itself.
inline ParticleIndex get_carrier(Model *m, ParticleIndex pi) {
  while (core::RigidMember::get_is_setup(m, pi)) pi = get_parent(m, pi);
  return pi;
}

// What of a Gaussian does not change when its body moves.
struct Shape {
  ParticleIndex parent;    // the innermost body that carries it; itself if there is none
  emcore::Pose place;      // in the frame of that body
  emcore::Vec3 variances;  // A^2, along its own axes
  double mass;             // Da
  bool operator==(const Shape &o) const {
    return same(place, o.place) && same(variances, o.variances) && mass == o.mass;
  }
};

inline Shape get_shape(Model *m, ParticleIndex pi) {
  IMP_ALWAYS_CHECK(core::Gaussian::get_is_setup(m, pi),
                   "Particle " << m->get_particle_name(pi) << " is no core::Gaussian any more",
                   ValueException);
  Shape shape;
  const bool is_member = core::RigidMember::get_is_setup(m, pi);
  shape.parent = is_member ? get_parent(m, pi) : pi;
  if (is_member) shape.place = get_internal_pose(m, pi);
  const auto covariance = core::Gaussian(m, pi).get_local_covariance();
  shape.variances = {covariance(0, 0), covariance(1, 1), covariance(2, 2)};
  shape.mass = atom::Mass(m, pi).get_mass();
  return shape;
}

// Gaussians grouped by the body that carries them.
struct Bodies {
  // Where a body that holds Gaussians lies in the outermost one.
  struct Link {
    ParticleIndex parent, carrier;
    emcore::Pose place;
    bool operator==(const Link &o) const { return carrier == o.carrier && same(place, o.place); }
  };

  ParticleIndexes carriers;                         // one for each body
  Vector<ParticleIndexes> members;                  // Gaussians of each body
  std::vector<std::vector<std::size_t>> positions;  // of each Gaussian in the list given
  std::vector<std::vector<Shape>> shapes;           // likewise
  std::vector<Link> links;                          // one for each body that holds Gaussians
  std::vector<emcore::Pose> poses;                  // global, when last read
  std::vector<emcore::Vec3> places;  // coordinates of each carrier as its particle had them then

  Bodies(Model *m, const ParticleIndexes &gaussians) {
    std::map<ParticleIndex, std::size_t> known;
    std::map<ParticleIndex, bool> has_link;
    for (std::size_t i = 0; i < gaussians.size(); ++i) {
      const ParticleIndex pi = gaussians[i], carrier = get_carrier(m, pi);
      const auto place = known.emplace(carrier, carriers.size());
      if (place.second) {
        carriers.push_back(carrier);
        members.push_back(ParticleIndexes());
        positions.push_back({});
        shapes.push_back({});
      }
      const std::size_t b = place.first->second;
      positions[b].push_back(i);
      members[b].push_back(pi);
      shapes[b].push_back(get_shape(m, pi));
      const ParticleIndex parent = shapes[b].back().parent;
      if (parent != carrier && has_link.emplace(parent, true).second)
        links.push_back(get_link(m, parent));
    }
    poses.resize(carriers.size());
    places.resize(carriers.size());
    read_poses(m);
  }

  enum Change { NOTHING, SHAPES, GROUPS };

  // Every full evaluation asks this of every Gaussian, so each attribute is read once and compared
  // as it stands, and the way from a body to the outermost one is formed once a body.
  Change read_shapes(Model *m) {
    Change change = NOTHING;
    for (Link &link : links) {
      const Link now = get_link(m, link.parent);
      if (now.carrier != link.carrier) return GROUPS;
      if (now == link) continue;
      link = now;
      change = SHAPES;
    }
    for (std::size_t b = 0; b < carriers.size(); ++b) {
      if (core::RigidMember::get_is_setup(m, carriers[b])) return GROUPS;
      for (std::size_t i = 0; i < members[b].size(); ++i) {
        const Shape now = get_shape(m, members[b][i]);
        Shape &shape = shapes[b][i];
        if (now.parent != shape.parent) return GROUPS;
        if (now == shape) continue;
        shape = now;
        change = SHAPES;
      }
    }
    return change;
  }

  // The bodies whose poses have changed since they were last read, ascending.
  std::vector<std::size_t> read_poses(Model *m) {
    std::vector<std::size_t> changed;
    for (std::size_t b = 0; b < carriers.size(); ++b)
      if (read_pose(m, b)) changed.push_back(b);
    return changed;
  }

  // The same where these particles, and what IMP updates after them, are all that moved, besides
  // the bodies of `pending`. Which particles moved is a hint, what the poses were the proof: only
  // poses that differ from the last ones count, and a body elsewhere than it was is found unnamed.
  std::vector<std::size_t> read_moved_poses(Model *m, const ParticleIndexes &moved,
                                            const ParticleIndexes &reset,
                                            const std::vector<std::size_t> &pending) {
    std::vector<std::size_t> asked = pending;
    for (const ParticleIndexes *pis : {&moved, &reset})
      for (ParticleIndex pi : *pis) {
        const std::vector<std::size_t> &after = get_followers(m, pi);
        asked.insert(asked.end(), after.begin(), after.end());
      }
    for (std::size_t b = 0; b < carriers.size(); ++b)
      if (!same(places[b], get_place(m, carriers[b]))) asked.push_back(b);
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    std::vector<std::size_t> changed;
    for (std::size_t b : asked)
      if (read_pose(m, b)) changed.push_back(b);
    return changed;
  }

  emcore::Mixture local_mixture(std::size_t b) const {
    emcore::Mixture mixture;
    for (const Shape &shape : shapes[b]) {
      emcore::Pose place = shape.place;
      if (shape.parent != carriers[b])
        for (const Link &link : links)
          if (link.parent == shape.parent) place = link.place * shape.place;
      const emcore::Vec3 &v = shape.variances;
      mixture.push_back({place.translation,
                         rotated(matrix(place.rotation), {v.x, v.y, v.z, 0, 0, 0}), shape.mass});
    }
    return mixture;
  }

 private:
  std::map<ParticleIndex, std::vector<std::size_t>> followers_;
  unsigned followers_age_ = 0;  // of the dependencies that they were found by

  static emcore::Vec3 get_place(Model *m, ParticleIndex pi) {
    const algebra::Vector3D &center = m->get_sphere(pi).get_center();
    return {center[0], center[1], center[2]};
  }

  bool read_pose(Model *m, std::size_t b) {
    places[b] = get_place(m, carriers[b]);
    const emcore::Pose pose = get_pose(m, carriers[b]);
    if (same(pose, poses[b])) return false;
    poses[b] = pose;
    return true;
  }

  // Bodies that may move when a particle does: it, what it carries, and what score states put after
  // it (images of a symmetric complex).
  const std::vector<std::size_t> &get_followers(Model *m, ParticleIndex pi) {
    const unsigned age = m->get_dependencies_updated();
    if (age != followers_age_) {
      followers_.clear();
      followers_age_ = age;
    }
    const auto known = followers_.find(pi);
    if (known != followers_.end()) return known->second;
    const ParticleIndexes &dependent = m->get_dependent_particles(pi);
    std::set<ParticleIndex> after(dependent.begin(), dependent.end());
    after.insert(pi);
    std::vector<std::size_t> &found = followers_[pi];
    for (std::size_t b = 0; b < carriers.size(); ++b) {
      ParticleIndex up = carriers[b];
      while (!after.count(up) && core::RigidBodyMember::get_is_setup(m, up)) up = get_parent(m, up);
      if (after.count(up)) found.push_back(b);
    }
    return found;
  }

  static Link get_link(Model *m, ParticleIndex parent) {
    Link link{parent, parent, emcore::Pose()};
    while (core::RigidMember::get_is_setup(m, link.carrier)) {
      link.place = get_internal_pose(m, link.carrier) * link.place;
      link.carrier = get_parent(m, link.carrier);
    }
    return link;
  }
};

// dE/d(place, rotation) of a rigid body (or Gaussian, which is one), in the global frame, onto its
// particle: as quaternion and as torque (conjugate gradients use the first, dynamics the second).
// IMP's score states carry all three up through the bodies that hold it.
inline void add_gradient(Model *m, ParticleIndex pi, const emcore::Vec3 &by_place,
                         const emcore::Vec3 &torque, DerivativeAccumulator &accum) {
  core::RigidBody body(m, pi);
  const algebra::Vector4D v = body.get_rotation().get_quaternion();
  const emcore::Quaternion q{v[0], v[1], v[2], v[3]};
  // dq/dtheta = (0, theta) q / 2 for a rotation theta of the unit quaternion q, so the gradient
  // along the unit sphere is 2 (0, torque) q.
  const emcore::Quaternion by_q = emcore::Quaternion{0, torque.x, torque.y, torque.z} * q;
  body.XYZ::add_to_derivatives(to_imp(by_place), accum);
  body.add_to_rotational_derivatives(
      algebra::Vector4D(2 * by_q.w, 2 * by_q.x, 2 * by_q.y, 2 * by_q.z), accum);
  body.add_to_torque(to_imp(conjugate(q) * torque), accum);
}

// dE/d(place, rotation) of a rigid body in the global frame, from its particle.
inline emcore::PoseGradient get_body_gradient(Model *m, ParticleIndex pi) {
  const core::RigidBody body(m, pi);
  return {to_core(core::XYZ(m, pi).get_derivatives()),
          to_core(body.get_rotation().get_rotated(body.get_torque()))};
}

}  // namespace particles

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_PARTICLES_H */

/**
 *  \file particles.h
 *  \brief Poses and Gaussians between particles and the core.
 */

#ifndef IMPEMGMM_PARTICLES_H
#define IMPEMGMM_PARTICLES_H

#include <IMP/atom/Mass.h>
#include <IMP/core/Gaussian.h>
#include <IMP/core/rigid_bodies.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/emgmm/internal/gaussian.h>

#include <map>
#include <vector>

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

inline emcore::Pose operator*(const emcore::Pose &frame, const emcore::Pose &local) {
  return {frame.rotation * local.rotation, frame * local.translation};
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

// What of a Gaussian does not change when its body moves.
struct Shape {
  emcore::Pose place;      // in the frame of the body that carries it
  emcore::Vec3 variances;  // A^2, along its own axes
  double mass;             // Da
  bool operator==(const Shape &o) const {
    return same(place, o.place) && same(variances, o.variances) && mass == o.mass;
  }
  emcore::Gaussian gaussian() const {
    return {place.translation,
            rotated(matrix(place.rotation), {variances.x, variances.y, variances.z, 0, 0, 0}),
            mass};
  }
};

// The outermost body that carries the Gaussian rigidly, else the Gaussian itself.
inline ParticleIndex get_carrier(Model *m, ParticleIndex pi) {
  while (core::RigidMember::get_is_setup(m, pi)) pi = get_parent(m, pi);
  return pi;
}

inline Shape get_shape(Model *m, ParticleIndex pi) {
  emcore::Pose place;
  for (ParticleIndex body = pi; core::RigidMember::get_is_setup(m, body);
       body = get_parent(m, body))
    place = get_internal_pose(m, body) * place;
  return {place, to_core(core::Gaussian(m, pi).get_variances()), atom::Mass(m, pi).get_mass()};
}

// Gaussians grouped by the body that carries them.
struct Bodies {
  ParticleIndexes carriers;                         // one for each body
  Vector<ParticleIndexes> members;                  // Gaussians of each body
  std::vector<std::vector<std::size_t>> positions;  // of each Gaussian in the list given
  std::vector<std::vector<Shape>> shapes;           // likewise
  std::vector<emcore::Pose> poses;                  // global, when last read

  Bodies(Model *m, const ParticleIndexes &gaussians) {
    std::map<ParticleIndex, std::size_t> known;
    for (std::size_t i = 0; i < gaussians.size(); ++i) {
      const ParticleIndex pi = gaussians[i], carrier = get_carrier(m, pi);
      const auto place = known.emplace(carrier, carriers.size());
      if (place.second) {
        carriers.push_back(carrier);
        members.push_back(ParticleIndexes());
        positions.push_back({});
      }
      positions[place.first->second].push_back(i);
      members[place.first->second].push_back(pi);
    }
    shapes.resize(carriers.size());
    poses.resize(carriers.size());
    read_shapes(m);
    read_poses(m);
  }

  // Whether something changed.
  bool read_shapes(Model *m) {
    bool changed = false;
    for (std::size_t b = 0; b < carriers.size(); ++b) {
      shapes[b].resize(members[b].size());
      for (std::size_t i = 0; i < members[b].size(); ++i) {
        const Shape shape = get_shape(m, members[b][i]);
        if (shape == shapes[b][i]) continue;
        shapes[b][i] = shape;
        changed = true;
      }
    }
    return changed;
  }

  bool read_poses(Model *m) {
    bool changed = false;
    for (std::size_t b = 0; b < carriers.size(); ++b) {
      const emcore::Pose pose = get_pose(m, carriers[b]);
      if (same(pose, poses[b])) continue;
      poses[b] = pose;
      changed = true;
    }
    return changed;
  }

  emcore::Mixture local_mixture(std::size_t b) const {
    emcore::Mixture mixture;
    for (const Shape &shape : shapes[b]) mixture.push_back(shape.gaussian());
    return mixture;
  }

  // Whether a Gaussian joined or left a body since.
  bool is_regrouped(Model *m) const {
    for (std::size_t b = 0; b < carriers.size(); ++b)
      for (ParticleIndex pi : members[b])
        if (get_carrier(m, pi) != carriers[b]) return true;
    return false;
  }
};

}  // namespace particles

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_PARTICLES_H */

// Gaussians, mixtures, and the poses that carry them.
#ifndef EMGMM_MIXTURE_GAUSSIAN_H
#define EMGMM_MIXTURE_GAUSSIAN_H

#include <vector>

#include "math/algebra.h"

namespace emcore {

struct Gaussian {
  Vec3 mean;          // Å
  Sym3 covariance;    // Å²
  double weight = 1;  // Da
};

using Mixture = std::vector<Gaussian>;

// Where a rigid body is: local to global coordinates.
struct Pose {
  Quaternion rotation;
  Vec3 translation;  // Å
};

inline Vec3 operator*(const Pose &pose, const Vec3 &local) {
  return pose.rotation * local + pose.translation;
}
// First the local pose, then the frame; the length of the quaternion is left as it comes.
inline Pose operator*(const Pose &frame, const Pose &local) {
  return {frame.rotation * local.rotation, frame * local.translation};
}

inline Gaussian moved(const Gaussian &g, const Mat3 &rotation, const Vec3 &translation) {
  return {rotation * g.mean + translation, rotated(rotation, g.covariance), g.weight};
}

inline Mixture moved(const Mixture &mixture, const Pose &pose) {
  const Mat3 rotation = matrix(pose.rotation);
  Mixture result;
  result.reserve(mixture.size());
  for (const Gaussian &g : mixture) result.push_back(moved(g, rotation, pose.translation));
  return result;
}

inline double mass(const Mixture &mixture) {
  double sum = 0;
  for (const Gaussian &g : mixture) sum += g.weight;
  return sum;
}

inline Vec3 center_of_mass(const Mixture &mixture) {
  Vec3 sum;
  for (const Gaussian &g : mixture) sum += g.weight * g.mean;
  return (1 / mass(mixture)) * sum;
}

// Refuses a mixture that no formula can use: throws std::domain_error that names `what`, the
// component and the value (weight not positive, covariance not positive definite, not finite).
void check_mixture(const Mixture &mixture, const char *what);

// Derivative of a score by one component: by its mean and by its covariance, global frame.
// By a rotation of the component about its own centre: covariance_torque(covariance,
// by_covariance).
struct GaussianGradient {
  Vec3 by_mean;        // kT / Å
  Sym3 by_covariance;  // kT / Å²; the off-diagonal elements each count once (dE = tr(G dC))
};

// Derivative of a score by a rigid motion of a body.
struct PoseGradient {
  Vec3 by_translation;  // kT / Å
  Vec3 by_rotation;  // kT / rad, infinitesimal rotation about the pose's translation, global axes
};

// Sum of the components' gradients as one rigid motion: lever arms plus covariance torques.
PoseGradient rigid_gradient(const Mixture &moved_components,
                            const std::vector<GaussianGradient> &gradients, const Vec3 &center);

}  // namespace emcore

#endif

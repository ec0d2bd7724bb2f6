#include "mixture/gaussian.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace emcore {

void check_mixture(const Mixture &mixture, const char *what) {
  for (std::size_t i = 0; i < mixture.size(); ++i) {
    const Gaussian &g = mixture[i];
    const std::string place = std::string(what) + ", component " + std::to_string(i) + ": ";
    if (!std::isfinite(dot(g.mean, g.mean))) throw std::domain_error(place + "mean is not finite");
    if (!(g.weight > 0) || !std::isfinite(g.weight))
      throw std::domain_error(place + "weight must be positive, got " + std::to_string(g.weight));
    if (!is_positive_definite(g.covariance) || !std::isfinite(determinant(g.covariance)))
      throw std::domain_error(place + "covariance must be positive definite, its determinant is " +
                              std::to_string(determinant(g.covariance)));
  }
}

PoseGradient rigid_gradient(const Mixture &moved_components,
                            const std::vector<GaussianGradient> &gradients, const Vec3 &center) {
  PoseGradient sum;
  for (std::size_t i = 0; i < moved_components.size(); ++i) {
    const Gaussian &g = moved_components[i];
    sum.by_translation += gradients[i].by_mean;
    sum.by_rotation += cross(g.mean - center, gradients[i].by_mean) +
                       covariance_torque(g.covariance, gradients[i].by_covariance);
  }
  return sum;
}

}  // namespace emcore

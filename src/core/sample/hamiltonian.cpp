#include "sample/hamiltonian.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "terms/term.h"

namespace emcore {

namespace {

// Å: nothing goes so far in a sound move, and terms need not work where numbers have lost their
// digits. As far there as back, so that balance is kept.
constexpr double kHamiltonianReach = 1e4;

bool is_finite_slope(const Vec3 &v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

// Momenta after `time` in the present slope.
bool kick(const PoseFunction &energy, const std::vector<double> &radii, double time,
          const std::vector<Pose> &poses, std::vector<PoseGradient> *slopes,
          std::vector<BodyMomentum> *momenta) {
  energy(poses, slopes);
  for (std::size_t b = 0; b < poses.size(); ++b) {
    if (radii[b] < 0) continue;
    const PoseGradient &slope = (*slopes)[b];
    if (!is_finite_slope(slope.by_translation) || !is_finite_slope(slope.by_rotation)) return false;
    (*momenta)[b].linear += -time * slope.by_translation;
    if (radii[b] > 0) (*momenta)[b].angular += (-time / radii[b]) * slope.by_rotation;
  }
  return true;
}

// The weighted sum of a replica's terms, in units of kT.
PoseFunction energy_of(const MoverState &state) {
  return [&state](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
    double sum = 0;
    std::vector<PoseGradient> own;
    gradients->assign(poses.size(), PoseGradient());
    for (std::size_t t = 0; t < state.terms->size(); ++t) {
      const double weight = (*state.weights)[t] / state.temperature;
      if (weight == 0) continue;
      sum += weight * (*state.terms)[t]->evaluate(poses, &own);
      for (std::size_t b = 0; b < own.size(); ++b) {
        (*gradients)[b].by_translation += weight * own[b].by_translation;
        (*gradients)[b].by_rotation += weight * own[b].by_rotation;
      }
    }
    return sum;
  };
}

}  // namespace

bool leapfrog(const PoseFunction &energy, const std::vector<double> &radii, double step, int steps,
              std::vector<Pose> *poses, std::vector<BodyMomentum> *momenta) {
  std::vector<PoseGradient> slopes;
  if (!kick(energy, radii, step / 2, *poses, &slopes, momenta)) return false;
  for (int i = 0; i < steps; ++i) {
    for (std::size_t b = 0; b < poses->size(); ++b) {
      if (radii[b] < 0) continue;
      Pose &pose = (*poses)[b];
      pose.translation += step * (*momenta)[b].linear;
      if (radii[b] > 0)
        pose.rotation =
            normalized(rotation_about((step / radii[b]) * (*momenta)[b].angular) * pose.rotation);
    }
    // Between two steps the halves of two kicks are one.
    const double time = i + 1 < steps ? step : step / 2;
    if (!kick(energy, radii, time, *poses, &slopes, momenta)) return false;
  }
  return true;
}

double kinetic_energy(const std::vector<BodyMomentum> &momenta) {
  double sum = 0;
  for (const BodyMomentum &p : momenta)
    sum += 0.5 * (dot(p.linear, p.linear) + dot(p.angular, p.angular));
  return sum;
}

HamiltonianMover::HamiltonianMover(std::string name, std::vector<double> radii, double step,
                                   int steps, std::vector<BodyImage> images)
    : Mover(std::move(name)),
      radii_(std::move(radii)),
      step_(step),
      steps_(steps),
      images_(std::move(images)) {
  for (std::size_t b = 0; b < radii_.size(); ++b) {
    if (!std::isfinite(radii_[b]))
      throw std::domain_error("radius of body " + std::to_string(b) + " must be finite, got " +
                              std::to_string(radii_[b]));
    if (radii_[b] >= 0) bodies_.push_back(b);
  }
  if (bodies_.empty()) throw std::domain_error("mover " + this->name() + " has no bodies");
  if (!(step_ > 0 && std::isfinite(step_)))
    throw std::domain_error("step of mover " + this->name() + " must be positive, got " +
                            std::to_string(step_));
  if (steps_ < 1)
    throw std::domain_error("steps of mover " + this->name() + " must be positive, got " +
                            std::to_string(steps_));
  for (const BodyImage &image : images_) {
    if (image.source >= radii_.size() || image.image >= radii_.size())
      throw std::domain_error("mover " + this->name() + " has an image of body " +
                              std::to_string(image.source) + " that is not there");
    if (radii_[image.image] >= 0)
      throw std::domain_error("mover " + this->name() + " moves body " +
                              std::to_string(image.image) + ", which is the image of another");
    if (radii_[image.source] >= 0) bodies_.push_back(image.image);
  }
}

double HamiltonianMover::propose(const MoverState &state, double scale, Random &random,
                                 Move *move) const {
  const double step = scale * step_ * random.uniform(0.8, 1.2);
  const auto deviates = [&random] {
    const double x = random.normal(), y = random.normal();
    return Vec3{x, y, random.normal()};
  };
  std::vector<BodyMomentum> momenta(radii_.size());
  for (std::size_t b = 0; b < radii_.size(); ++b) {
    if (radii_[b] >= 0) momenta[b].linear = deviates();
    if (radii_[b] > 0) momenta[b].angular = deviates();
  }
  const double before = kinetic_energy(momenta);
  std::vector<Pose> poses = state.poses;
  bool sound =
      leapfrog(with_images(energy_of(state), images_), radii_, step, steps_, &poses, &momenta);
  place_images(images_, &poses);
  for (std::size_t b : bodies_)
    sound = sound && norm(poses[b].translation - state.poses[b].translation) < kHamiltonianReach;
  move->bodies = bodies_;
  move->poses.clear();
  for (std::size_t b : bodies_) move->poses.push_back(sound ? poses[b] : state.poses[b]);
  return sound ? before - kinetic_energy(momenta) : -HUGE_VAL;
}

}  // namespace emcore

#include "sample/body_images.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "math/constants.h"

namespace emcore {

Pose image_pose(const BodyImage &image, const Pose &source) {
  Pose pose = image.operation * source * image.frame;
  pose.rotation = normalized(pose.rotation);
  return pose;
}

PoseGradient source_gradient(const BodyImage &image, const Pose &source,
                             const PoseGradient &by_image) {
  const Quaternion back = conjugate(image.operation.rotation);
  const Vec3 force = back * by_image.by_translation;
  // The image's origin is a point of the source, with a lever arm of its own.
  const Vec3 arm = source.rotation * image.frame.translation;
  return {force, back * by_image.by_rotation + cross(arm, force)};
}

void place_images(const std::vector<BodyImage> &images, std::vector<Pose> *poses) {
  for (const BodyImage &image : images)
    (*poses)[image.image] = image_pose(image, (*poses)[image.source]);
}

PoseFunction with_images(PoseFunction function, std::vector<BodyImage> images) {
  if (images.empty()) return function;
  return [function = std::move(function), images = std::move(images)](
             const std::vector<Pose> &sources, std::vector<PoseGradient> *gradients) {
    std::vector<Pose> poses = sources;
    place_images(images, &poses);
    const double value = function(poses, gradients);
    if (!gradients) return value;
    for (const BodyImage &image : images) {
      PoseGradient &own = (*gradients)[image.image], &of_source = (*gradients)[image.source];
      const PoseGradient more = source_gradient(image, poses[image.source], own);
      of_source.by_translation += more.by_translation;
      of_source.by_rotation += more.by_rotation;
      own = PoseGradient();
    }
    return value;
  };
}

std::vector<Pose> symmetry_operations(const std::string &group, const Vec3 &center,
                                      const Vec3 &axis, const Vec3 &second_axis) {
  const bool digits = group.size() > 1 && group.size() < 5 &&
                      group.find_first_not_of("0123456789", 1) == std::string::npos;
  const int n = digits ? std::stoi(group.substr(1)) : 0;
  if (n < 1 || (group[0] != 'C' && group[0] != 'D'))
    throw std::domain_error("group " + group + ", expected Cn or Dn");
  const auto direction = [](const Vec3 &v, const char *what) {
    const double length = norm(v);
    if (!(length > 1e-6) || !std::isfinite(length))
      throw std::domain_error(std::string("the ") + what + " is no direction");
    return (1 / length) * v;
  };
  const auto about_center = [&](const Quaternion &turn) {
    return Pose{turn, center - turn * center};
  };
  const Vec3 first = direction(axis, "axis");
  std::vector<Pose> operations;
  for (int k = 0; k < n; ++k)
    operations.push_back(about_center(rotation_about(2 * kPi * k / n * first)));
  if (group[0] == 'C') return operations;
  const Vec3 across = second_axis - dot(first, second_axis) * first;
  const Pose flip = about_center(rotation_about(kPi * direction(across, "second axis")));
  for (int k = 0; k < n; ++k) operations.push_back(operations[k] * flip);
  return operations;
}

}  // namespace emcore

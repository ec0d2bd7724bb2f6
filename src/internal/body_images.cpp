#include <IMP/emgmm/internal/body_images.h>

#include <utility>

namespace emcore {

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
      const Pose &source = poses[image.source];
      const Quaternion back = conjugate(image.operation.rotation);
      PoseGradient &own = (*gradients)[image.image], &of_source = (*gradients)[image.source];
      const Vec3 force = back * own.by_translation;
      // The image's origin is a point of the source, with a lever arm of its own.
      of_source.by_translation += force;
      of_source.by_rotation += back * own.by_rotation;
      of_source.by_rotation += cross(source.rotation * image.frame.translation, force);
      own = PoseGradient();
    }
    return value;
  };
}

}  // namespace emcore

// Bodies that are images of others, and functions of all poses as functions of the sources alone.
#ifndef EMGMM_SAMPLE_BODY_IMAGES_H
#define EMGMM_SAMPLE_BODY_IMAGES_H

#include <string>
#include <vector>

#include "sample/minimize.h"

namespace emcore {

// `image` is where the operation puts `source`: pose(image) = operation pose(source) frame, with
// `frame` what takes the image's own coordinates to the source's (copies may come in any frame).
struct BodyImage {
  std::size_t source = 0, image = 0;
  Pose operation;  // global to global
  Pose frame;      // local of the image to local of the source
};

Pose image_pose(const BodyImage &image, const Pose &source);

// What a gradient by the pose of the image is by that of its source.
PoseGradient source_gradient(const BodyImage &image, const Pose &source,
                             const PoseGradient &by_image);

// Puts the images where their sources are.
void place_images(const std::vector<BodyImage> &images, std::vector<Pose> *poses);

// The function at the poses of the sources, wherever those of the images say they are. Derivatives
// by images are added to those of their sources, and are zero then.
PoseFunction with_images(PoseFunction function, std::vector<BodyImage> images);

// Operations of C_n or D_n ("C7"), the identity first: turns about the axis, and for D_n each of
// them after half a turn about the second axis, of which only what is perpendicular to the first
// counts. Throws std::domain_error for other groups, and axes that are no directions.
std::vector<Pose> symmetry_operations(const std::string &group, const Vec3 &center,
                                      const Vec3 &axis, const Vec3 &second_axis);

}  // namespace emcore

#endif

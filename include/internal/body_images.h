// Functions of all poses where some bodies are images of others: functions of the sources alone.
#ifndef IMPEMGMM_INTERNAL_BODY_IMAGES_H
#define IMPEMGMM_INTERNAL_BODY_IMAGES_H

#include <IMP/emgmm/internal/minimize.h>
#include <IMP/emgmm/internal/symmetric_mover.h>

#include <vector>

namespace emcore {

// Puts the images where their sources are.
void place_images(const std::vector<BodyImage> &images, std::vector<Pose> *poses);

// The function at the poses of the sources, wherever those of the images say they are. Derivatives
// by images are added to those of their sources, and are zero then.
PoseFunction with_images(PoseFunction function, std::vector<BodyImage> images);

}  // namespace emcore

#endif

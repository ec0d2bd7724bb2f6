/**
 *  \file pose_density.h
 *  \brief Densities of poses between IMP and the core.
 */

#ifndef IMPEMGMM_SRC_POSE_DENSITY_H
#define IMPEMGMM_SRC_POSE_DENSITY_H

#include <IMP/emgmm/PoseDensity.h>

#include <vector>

#include "particles.h"
#include "sample/pose_density.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace particles {

inline emcore::PoseDensity to_core(const PoseDensity &density) {
  std::vector<emcore::Pose> centers;
  for (const algebra::Transformation3D &pose : density.get_poses())
    centers.push_back(to_core(pose));
  const Floats &weights = density.get_weights();
  return emcore::PoseDensity(
      centers, std::vector<double>(weights.begin(), weights.end()),
      {density.get_translation_sd(), density.get_rotation_sd(), density.get_broad_share(),
       to_core(density.get_broad_center()), density.get_broad_sd()});
}

inline PoseDensity to_imp(const emcore::PoseDensity &density) {
  algebra::Transformation3Ds poses;
  for (const emcore::Pose &center : density.centers()) poses.push_back(to_imp(center));
  const emcore::PoseDensityOptions &options = density.options();
  return PoseDensity(poses, Floats(density.weights().begin(), density.weights().end()),
                     options.translation_sd, options.rotation_sd, options.broad_weight,
                     to_imp(options.broad_center), options.broad_sd);
}

}  // namespace particles

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SRC_POSE_DENSITY_H */

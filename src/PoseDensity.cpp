/**
 *  \file PoseDensity.cpp
 *  \brief Places of a rigid body that moves propose.
 */

#include <IMP/emgmm/PoseDensity.h>

#include "pose_density.h"

IMPEMGMM_BEGIN_NAMESPACE

PoseDensity::PoseDensity(const algebra::Transformation3Ds &poses, const Floats &weights,
                         double translation_sd, double rotation_sd, double broad_share,
                         const algebra::Vector3D &broad_center, double broad_sd)
    : poses_(poses),
      weights_(weights),
      translation_sd_(translation_sd),
      rotation_sd_(rotation_sd),
      broad_share_(broad_share),
      broad_sd_(broad_sd),
      broad_center_(broad_center) {
  particles::to_core(*this);  // refuses numbers that fit no density
}

double PoseDensity::get_log_density(const algebra::Transformation3D &pose) const {
  return particles::to_core(*this).log_density(particles::to_core(pose));
}

IMPEMGMM_END_NAMESPACE

/**
 *  \file centered_body.h
 *  \brief Rigid bodies as the searches of the core want them.
 */

#ifndef IMPEMGMM_SRC_CENTERED_BODY_H
#define IMPEMGMM_SRC_CENTERED_BODY_H

#include <IMP/check_macros.h>

#include <algorithm>

#include "restraint_cache.h"

IMPEMGMM_BEGIN_NAMESPACE

inline std::size_t get_carrier_number(Model *m, const ParticleIndexes &carriers,
                                      ParticleIndex body) {
  const std::size_t b = std::find(carriers.begin(), carriers.end(), body) - carriers.begin();
  IMP_ALWAYS_CHECK(b < carriers.size(),
                   m->get_particle_name(body) << " carries no Gaussians of the model",
                   ValueException);
  return b;
}

// A body with its center of mass at the origin.
struct CenteredBody {
  emcore::Mixture mixture;
  emcore::Pose of_center;  // from the body's own frame to one about its center of mass

  // frame: from the body's own frame to one whose axes are wanted.
  explicit CenteredBody(const emcore::Mixture &body, const emcore::Pose &frame = {}) {
    const emcore::Pose to_center{emcore::Quaternion(),
                                 -1.0 * emcore::center_of_mass(emcore::moved(body, frame))};
    of_center = to_center * frame;
    mixture = emcore::moved(body, of_center);
  }
};

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SRC_CENTERED_BODY_H */

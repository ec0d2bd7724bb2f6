// Principal axes of bodies, and the rotations that lay those of one body along those of another.
#ifndef EMGMM_MIXTURE_PRINCIPAL_AXES_H
#define EMGMM_MIXTURE_PRINCIPAL_AXES_H

#include <cstddef>

#include "mixture/gaussian.h"

namespace emcore {

// The rotation from principal to given coordinates: it turns x to the axis of the largest second
// moment about the centre (so of the least moment of inertia), y to the next, z to x cross y, so
// that it is a proper rotation. Masses in points are components without covariance. Axes of equal
// moments are any, but the same for the same mixture.
Quaternion principal_frame(const Mixture &body, const Vec3 &center);

// The identity and half a turn about each principal axis: all proper rotations that leave the axes
// where they are. Each is its own inverse.
constexpr std::size_t kFlips = 4;

// The rotation of a body whose principal axes, by `frame`, come to lie where those of another
// body, by `other_frame`, lie at its rotation `other`, after one of the flips.
Quaternion aligned_rotation(const Quaternion &frame, const Quaternion &other,
                            const Quaternion &other_frame, std::size_t flip);

}  // namespace emcore

#endif

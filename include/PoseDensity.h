/**
 *  \file IMP/emgmm/PoseDensity.h
 *  \brief Places of a rigid body that moves propose.
 */

#ifndef IMPEMGMM_POSE_DENSITY_H
#define IMPEMGMM_POSE_DENSITY_H

#include <IMP/algebra/Transformation3D.h>
#include <IMP/algebra/Vector3D.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/showable_macros.h>
#include <IMP/value_macros.h>

#include <cereal/access.hpp>
#include <cereal/types/vector.hpp>

IMPEMGMM_BEGIN_NAMESPACE

//! A density of the poses of a rigid body, from which moves draw
/** Near some given poses the place is Gaussian, and so is the rotation vector, cut
    off at half a turn; beside these there is a broad component, of any
    orientation at places that are Gaussian about a point. So the density is
    positive everywhere.
    \see BodyPlaceMover
    \see GaussianMixtureRestraint::get_pose_density()
 */
class IMPEMGMMEXPORT PoseDensity {
 public:
  //! Create the density
  /**
     \param[in] poses from the frame of the body to the global one; there may be none
     \param[in] weights of the poses, positive
     \param[in] translation_sd A, of the place near each pose, in each direction
     \param[in] rotation_sd radians, likewise of the rotation vector
     \param[in] broad_share of the broad component, above 0 and at most 1
     \param[in] broad_center A
     \param[in] broad_sd A, in each direction
   */
  PoseDensity(const algebra::Transformation3Ds &poses, const Floats &weights, double translation_sd,
              double rotation_sd, double broad_share, const algebra::Vector3D &broad_center,
              double broad_sd);

  PoseDensity() {}

  //! From the frame of the body to the global one
  const algebra::Transformation3Ds &get_poses() const { return poses_; }

  //! Of the poses
  const Floats &get_weights() const { return weights_; }

  //! Standard deviation of the place near each pose, A
  double get_translation_sd() const { return translation_sd_; }

  //! Standard deviation of the rotation vector near each pose, radians
  double get_rotation_sd() const { return rotation_sd_; }

  //! Share of the broad component
  double get_broad_share() const { return broad_share_; }

  //! Middle of the places of the broad component
  const algebra::Vector3D &get_broad_center() const { return broad_center_; }

  //! Standard deviation of the places of the broad component, A
  double get_broad_sd() const { return broad_sd_; }

  //! Log of the density, per A^3 and per unit of the normalised Haar measure of rotations
  double get_log_density(const algebra::Transformation3D &pose) const;

  IMP_SHOWABLE_INLINE(PoseDensity, { out << "PoseDensity about " << poses_.size() << " poses"; });

 private:
  algebra::Transformation3Ds poses_;
  Floats weights_;
  double translation_sd_ = 1, rotation_sd_ = 1, broad_share_ = 1, broad_sd_ = 1;
  algebra::Vector3D broad_center_ = algebra::Vector3D(0, 0, 0);

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(poses_, weights_, translation_sd_, rotation_sd_, broad_share_, broad_sd_, broad_center_);
  }
};

IMP_VALUES(PoseDensity, PoseDensities);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_POSE_DENSITY_H */

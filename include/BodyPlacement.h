/**
 *  \file IMP/emgmm/BodyPlacement.h
 *  \brief Where a global search puts the rigid bodies of a model.
 */

#ifndef IMPEMGMM_BODY_PLACEMENT_H
#define IMPEMGMM_BODY_PLACEMENT_H

#include <IMP/algebra/Transformation3D.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/showable_macros.h>
#include <IMP/value_macros.h>

#include <cereal/access.hpp>
#include <cereal/types/vector.hpp>

IMPEMGMM_BEGIN_NAMESPACE

//! One arrangement of rigid bodies in a map
/** \see BodySearch::get_placements()
 */
class IMPEMGMMEXPORT BodyPlacement {
 public:
  //! Create the arrangement
  /**
     \param[in] poses from the frame of each body to the global one
     \param[in] score kT, of these bodies alone
     \param[in] times_found independent searches that ended here
   */
  BodyPlacement(const algebra::Transformation3Ds &poses, double score, unsigned int times_found)
      : poses_(poses), score_(score), times_found_(times_found) {}

  BodyPlacement() {}

  //! From the frame of each body to the global one
  const algebra::Transformation3Ds &get_poses() const { return poses_; }

  //! kT, of these bodies alone
  double get_score() const { return score_; }

  //! Independent searches that ended here
  unsigned int get_times_found() const { return times_found_; }

  IMP_SHOWABLE_INLINE(BodyPlacement, {
    out << "BodyPlacement of " << poses_.size() << " bodies, " << score_ << " kT";
  });

 private:
  algebra::Transformation3Ds poses_;
  double score_ = 0;
  unsigned int times_found_ = 0;

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(poses_, score_, times_found_);
  }
};

IMP_VALUES(BodyPlacement, BodyPlacements);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_PLACEMENT_H */

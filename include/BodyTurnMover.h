/**
 *  \file IMP/emgmm/BodyTurnMover.h
 *  \brief A rigid body turns about one of its own axes.
 */

#ifndef IMPEMGMM_BODY_TURN_MOVER_H
#define IMPEMGMM_BODY_TURN_MOVER_H

#include <IMP/algebra/Transformation3D.h>
#include <IMP/algebra/Vector3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/vector.hpp>

IMPEMGMM_BEGIN_NAMESPACE

//! Turn a rigid body about one of its own axes, to leave a wrong orientation
/** Half the time by half a turn, else by any angle, about an axis through the
    origin of its reference frame. The axes are fixed in the body, and an angle
    is as likely as its negative, so the proposal is symmetric. Rigid and
    flexible members come along.
    \see BodySwapMover
 */
class IMPEMGMMEXPORT BodyTurnMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] body a core::RigidBody that is a member of no other
     \param[in] axes in the frame of the body, of any length; none: its
                coordinate axes, which IMP lays along the principal axes of
                inertia when it makes a body
   */
  BodyTurnMover(Model *m, ParticleIndex body,
                const algebra::Vector3Ds &axes = algebra::Vector3Ds());

  // For serialization only
  BodyTurnMover() {}

  //! Axes in the frame of the body
  algebra::Vector3Ds get_axes() const { return axes_; }

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(BodyTurnMover);

 private:
  ParticleIndexes bodies_;
  algebra::Vector3Ds axes_;
  algebra::Transformation3Ds last_;

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<core::MonteCarloMover>(this), bodies_, axes_, last_);
  }
  IMP_OBJECT_SERIALIZE_DECL(BodyTurnMover);
};

IMP_OBJECTS(BodyTurnMover, BodyTurnMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_TURN_MOVER_H */

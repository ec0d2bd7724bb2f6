/**
 *  \file IMP/emgmm/AlignedSwapMover.h
 *  \brief Two rigid bodies change places and take each other's principal axes.
 */

#ifndef IMPEMGMM_ALIGNED_SWAP_MOVER_H
#define IMPEMGMM_ALIGNED_SWAP_MOVER_H

#include <IMP/algebra/Rotation3D.h>
#include <IMP/algebra/Transformation3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/vector.hpp>

IMPEMGMM_BEGIN_NAMESPACE

//! Let two rigid bodies change places, each along the other's principal axes
/** The origins of their reference frames are exchanged, and each body turns so
    that its principal axes of inertia lie where those of the other one were, in
    one of the four ways that differ by half turns, drawn evenly. The way back
    is as likely, so the proposal is symmetric. Rigid and flexible members come
    along.
    \see BodySwapMover
    \see BodyTurnMover
 */
class IMPEMGMMEXPORT AlignedSwapMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] first a core::RigidBody that is a member of no other
     \param[in] second another one

     Principal axes are those of the rigid members that have a mass, about
     their centre of mass; without any, the coordinate axes of the body. They
     are found once, here.
   */
  AlignedSwapMover(Model *m, ParticleIndex first, ParticleIndex second);

  // For serialization only
  AlignedSwapMover() {}

  //! The rotation from principal axes (the longest first) to the body's own frame
  /** \param[in] which 0 for the first body, 1 for the second */
  algebra::Rotation3D get_principal_frame(unsigned int which) const;

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(AlignedSwapMover);

 private:
  ParticleIndexes bodies_;
  algebra::Rotation3Ds frames_;  // principal to local coordinates
  algebra::Transformation3Ds last_;

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<core::MonteCarloMover>(this), bodies_, frames_, last_);
  }
  IMP_OBJECT_SERIALIZE_DECL(AlignedSwapMover);
};

IMP_OBJECTS(AlignedSwapMover, AlignedSwapMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_ALIGNED_SWAP_MOVER_H */

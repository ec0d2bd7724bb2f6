/**
 *  \file IMP/emgmm/BodySwapMover.h
 *  \brief Two rigid bodies change places.
 */

#ifndef IMPEMGMM_BODY_SWAP_MOVER_H
#define IMPEMGMM_BODY_SWAP_MOVER_H

#include <IMP/algebra/Transformation3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/vector.hpp>

IMPEMGMM_BEGIN_NAMESPACE

//! Let two rigid bodies change places, to leave a wrong arrangement of subunits
/** The origins of their reference frames are exchanged, orientations stay. The
    way back is the same move, so the proposal is symmetric. Rigid and flexible
    members come along.
    \see BodyTurnMover
 */
class IMPEMGMMEXPORT BodySwapMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] first a core::RigidBody that is a member of no other
     \param[in] second another one
   */
  BodySwapMover(Model *m, ParticleIndex first, ParticleIndex second);

  // For serialization only
  BodySwapMover() {}

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(BodySwapMover);

 private:
  ParticleIndexes bodies_;
  algebra::Transformation3Ds last_;

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<core::MonteCarloMover>(this), bodies_, last_);
  }
  IMP_OBJECT_SERIALIZE_DECL(BodySwapMover);
};

IMP_OBJECTS(BodySwapMover, BodySwapMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_SWAP_MOVER_H */

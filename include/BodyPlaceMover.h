/**
 *  \file IMP/emgmm/BodyPlaceMover.h
 *  \brief Rigid bodies go to places known beforehand.
 */

#ifndef IMPEMGMM_BODY_PLACE_MOVER_H
#define IMPEMGMM_BODY_PLACE_MOVER_H

#include <IMP/algebra/Transformation3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/PoseDensity.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/vector.hpp>
#include <memory>

IMPEMGMM_BEGIN_NAMESPACE

//! Let rigid bodies go to poses drawn from a density of each, wherever they are
/** Mostly one body, each further one in a quarter of the cases, any of them:
    one alone may find its place taken by another.

    A draw y at the pose x is accepted with the probability
    min(1, q(x)/q(y) exp(-dE/kT)) (Hastings 1970) by a HastingsMonteCarlo, to
    which the mover leaves the ratio after set_returns_ratio(true).

    core::MonteCarlo accepts every move downhill without asking for the ratio. So
    without that call acceptance has two stages, and is exact with any sampler:
    the mover itself keeps y with the probability min(1, q(x)/q(y)), stays at x
    else, and returns the ratio 1. Detailed balance holds, for
    pi(x) q(y) min(1, q(x)/q(y)) min(1, pi(y)/pi(x)) =
    min(q(x), q(y)) min(pi(x), pi(y)) does not change when x and y do. But a body
    that is nowhere near a pose of its density, where q(x) is tiny, then hardly
    ever goes to one, however much better it is: use HastingsMonteCarlo.

    Rigid and flexible members come along. Moves that the mover itself decides
    against count as rejected.
    \see BodySwapMover
    \see BodyTurnMover
 */
class IMPEMGMMEXPORT BodyPlaceMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] bodies core::RigidBody particles that are members of no other
     \param[in] densities one for each body
   */
  BodyPlaceMover(Model *m, const ParticleIndexes &bodies, const PoseDensities &densities);

  // For serialization only
  BodyPlaceMover() {}

  //! Bodies that it moves
  ParticleIndexes get_bodies() const { return bodies_; }

  //! Leave the proposal ratio to the sampler, which must be a HastingsMonteCarlo
  void set_returns_ratio(bool tf) { returns_ratio_ = tf; }

  //! Whether the proposal ratio is left to the sampler
  bool get_returns_ratio() const { return returns_ratio_; }

  //! One for each body
  PoseDensities get_densities() const { return densities_; }

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(BodyPlaceMover);

 private:
  struct Core;
  std::shared_ptr<const Core> create_core() const;

  ParticleIndexes bodies_;
  PoseDensities densities_;
  bool returns_ratio_ = false;
  algebra::Transformation3Ds last_;
  std::shared_ptr<const Core> core_;  // made again after loading

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<core::MonteCarloMover>(this), bodies_, densities_, returns_ratio_, last_);
    if (std::is_base_of<cereal::detail::InputArchiveBase, Archive>::value) core_.reset();
  }
  IMP_OBJECT_SERIALIZE_DECL(BodyPlaceMover);
};

IMP_OBJECTS(BodyPlaceMover, BodyPlaceMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_PLACE_MOVER_H */

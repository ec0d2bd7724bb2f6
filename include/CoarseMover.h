/**
 *  \file IMP/emgmm/CoarseMover.h
 *  \brief Far moves on a rough copy of the score.
 */

#ifndef IMPEMGMM_COARSE_MOVER_H
#define IMPEMGMM_COARSE_MOVER_H

#include <IMP/Pointer.h>
#include <IMP/ScoringFunction.h>
#include <IMP/algebra/Transformation3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <memory>

IMPEMGMM_BEGIN_NAMESPACE

//! Some Monte Carlo steps on a rough copy of the score, proposed as one move
/** A surrogate transition (Liu 2001, Monte Carlo Strategies in Scientific
    Computing, 9.4.3). The chain starts where the model is, and takes far and near
    steps of single rigid bodies and beads, each accepted by the coarse score E*:
    that of a scoring function in which a restraint with set_coarseness() stands
    for the map's, with all other restraints as they are. Where it ends is
    proposed as one move, accepted with the probability
    min(1, exp((dE* - dE)/kT)) for the changes of the score and of the coarse
    one: whatever E* is, the distribution is that of E.

    The ratio is left to a HastingsMonteCarlo after set_returns_ratio(true); else
    acceptance has two stages, as in BodyPlaceMover.

    Members of bodies come along, and so do copies that a SymmetryConstraint binds.
    All bodies and beads are reported as moved, whether or not they ended elsewhere.
    \see GaussianMixtureRestraint::set_coarseness
 */
class IMPEMGMMEXPORT CoarseMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] coarse the score of the chain
     \param[in] bodies core::RigidBody particles that are members of no other
     \param[in] beads core::XYZ particles that may move by themselves; a flexible
                member of a body moves within that body
     \param[in] bead_step largest step of a bead, A
     \param[in] steps of the chain
     \param[in] coarser a mover of the same bodies and beads with a still coarser
                score: one step in 50 is a chain of that one
     \param[in] name of the mover
   */
  CoarseMover(Model *m, ScoringFunctionAdaptor coarse, const ParticleIndexes &bodies,
              const ParticleIndexes &beads, double bead_step, unsigned int steps = 100,
              CoarseMover *coarser = nullptr, std::string name = "coarse");

  //! Set the temperature of the chain, that of the sampler
  void set_kt(double kt);

  //! The temperature of the chain
  double get_kt() const { return kt_; }

  //! Whether steps of the chain compute only what moved; not with a coarser mover inside
  void set_score_moved(bool tf);

  //! Leave the proposal ratio to the sampler, which must be a HastingsMonteCarlo
  void set_returns_ratio(bool tf) { returns_ratio_ = tf; }

  //! Whether the proposal ratio is left to the sampler
  bool get_returns_ratio() const { return returns_ratio_; }

  //! The score of the chain
  ScoringFunction *get_scoring_function() const { return coarse_; }

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(CoarseMover);

 private:
  struct Core;
  std::shared_ptr<const Core> create_core() const;

  PointerMember<ScoringFunction> coarse_;
  PointerMember<CoarseMover> coarser_;
  ParticleIndexes particles_;  // bodies, then beads
  std::size_t bodies_;
  double bead_step_, kt_ = 1;  // A, kT
  unsigned int steps_;
  bool score_moved_ = false, returns_ratio_ = false;
  algebra::Transformation3Ds last_;
  std::shared_ptr<const Core> core_;
};

IMP_OBJECTS(CoarseMover, CoarseMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_COARSE_MOVER_H */

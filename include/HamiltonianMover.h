/**
 *  \file IMP/emgmm/HamiltonianMover.h
 *  \brief Moves of everything along the slope of the score.
 */

#ifndef IMPEMGMM_HAMILTONIAN_MOVER_H
#define IMPEMGMM_HAMILTONIAN_MOVER_H

#include <IMP/Pointer.h>
#include <IMP/ScoringFunction.h>
#include <IMP/algebra/Transformation3D.h>
#include <IMP/core/MonteCarloMover.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <memory>

IMPEMGMM_BEGIN_NAMESPACE

//! All rigid bodies and beads together along the slope of the score
/** Hamiltonian Monte Carlo (Duane et al. 1987): each move draws new momenta and
    follows the derivatives of the score for some steps of velocity Verlet, in
    places and orientations. Every body has a mass of 1 and, whatever its shape,
    the moment of inertia R^2, R being the rms distance of its members from its
    origin when the mover is made: a unit of momentum moves it by `step` A and turns
    it by step/R; a body with R = 0 does not turn. Accepted with the probability
    min(1, exp(-dE/kT - dK)) for the changes of the score and of K, half the sum of
    the squared momenta.

    Restraints that add no derivatives (such as isd::CrossLinkMSRestraint) count in
    the score, not in the slope: the distribution is right, fewer moves are
    accepted. Those that refuse them cannot be sampled so.

    Leave the ratio to a HastingsMonteCarlo, by set_returns_ratio(true). Else acceptance
    has two stages, as in BodyPlaceMover, and since what the score loses the momenta
    gain, each keeps few of the moves that the other likes.

    Members of bodies come along, and so do copies that a SymmetryConstraint binds.
    All bodies and beads are reported as moved.
 */
class IMPEMGMMEXPORT HamiltonianMover : public core::MonteCarloMover {
 public:
  /**
     \param[in] m the Model
     \param[in] score the one that is sampled
     \param[in] bodies core::RigidBody particles that are members of no other
     \param[in] beads core::XYZ particles that may move by themselves; a flexible
                member of a body moves within that body
     \param[in] step A that a body moves in one step at momentum 1; each move
                varies it by up to a fifth
     \param[in] steps of each move
     \param[in] name of the mover
   */
  HamiltonianMover(Model *m, ScoringFunctionAdaptor score, const ParticleIndexes &bodies,
                   const ParticleIndexes &beads, double step = 0.2, unsigned int steps = 10,
                   std::string name = "Hamiltonian");

  //! Set the temperature, that of the sampler
  void set_kt(double kt);

  //! The temperature
  double get_kt() const { return kt_; }

  //! Leave the proposal ratio to the sampler, which must be a HastingsMonteCarlo
  void set_returns_ratio(bool tf) { returns_ratio_ = tf; }

  //! Whether the proposal ratio is left to the sampler
  bool get_returns_ratio() const { return returns_ratio_; }

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  core::MonteCarloMoverResult do_propose() override;
  void do_reject() override;
  IMP_OBJECT_METHODS(HamiltonianMover);

 private:
  struct Core;

  PointerMember<ScoringFunction> score_;
  ParticleIndexes particles_;  // bodies, then beads
  double kt_ = 1;
  bool returns_ratio_ = false;
  algebra::Transformation3Ds last_;
  std::shared_ptr<const Core> core_;
};

IMP_OBJECTS(HamiltonianMover, HamiltonianMovers);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_HAMILTONIAN_MOVER_H */

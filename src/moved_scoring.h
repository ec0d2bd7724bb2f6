/**
 *  \file moved_scoring.h
 *  \brief Scores of what moved, from what restraints remember.
 */

#ifndef IMPEMGMM_MOVED_SCORING_H
#define IMPEMGMM_MOVED_SCORING_H

#include <IMP/Model.h>
#include <IMP/RestraintSet.h>
#include <IMP/ScoringFunction.h>
#include <IMP/container_base.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

IMPEMGMM_BEGIN_NAMESPACE

// ScoringFunction::evaluate_moved() takes from each restraint what it remembers of the last scores.
// After a rejection it is told which particles were put back, and then scores of the rejected pose
// come back in two cases (IMP 2.22): where several were, and where a restraint over a container has
// nothing to do with the next move. There a rejected move is scored once more when it is undone,
// and nothing is told as put back.
namespace moved_scoring {

// Restraints take one particle as a change of what they scored last; several they score in full.
inline ParticleIndexes at_least_two(ParticleIndexes particles) {
  if (particles.size() == 1) particles.push_back(particles[0]);
  return particles;
}

inline double evaluate(ScoringFunction *scoring, const ParticleIndexes &moved) {
  return scoring->evaluate_moved(false, moved, ParticleIndexes());
}

// Whether a restraint over a container has nothing to do with one of these particles.
inline bool has_partial_container(Model *m, const ScoringFunction *scoring,
                                  const ParticleIndexes &particles) {
  const Restraints restraints = scoring->create_restraints();
  for (Restraint *r : get_restraints(RestraintsTemp(restraints.begin(), restraints.end()))) {
    bool has_container = false;
    for (ModelObject *input : r->get_inputs())
      has_container = has_container || dynamic_cast<Container *>(input);
    if (!has_container) continue;
    for (ParticleIndex pi : particles)
      if (!m->get_dependent_restraints(pi).count(r)) return true;
  }
  return false;
}

// In full, `particles` being all that may move. evaluate() alone would leave what restraints over
// containers remember as it was.
inline double evaluate_all(ScoringFunction *scoring, const ParticleIndexes &particles) {
  const double score = scoring->evaluate(false);
  if (!particles.empty()) evaluate(scoring, at_least_two(particles));
  return score;
}

}  // namespace moved_scoring

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_MOVED_SCORING_H */

/**
 *  \file moved_scoring.h
 *  \brief Scores of what moved, from what restraints remember.
 */

#ifndef IMPEMGMM_MOVED_SCORING_H
#define IMPEMGMM_MOVED_SCORING_H

#include <IMP/ScoringFunction.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

IMPEMGMM_BEGIN_NAMESPACE

// ScoringFunction::evaluate_moved() takes from each restraint what it remembers of the last scores.
// After a rejection it is told which particles were put back, and then goes wrong: where several
// were, where two in a row were, and where a restraint over a container has nothing to do with the
// next move, scores of the rejected pose come back (IMP 2.22). So here a rejected move is scored
// once more when it is undone, and nothing is ever told as put back.
namespace moved_scoring {

// Restraints take one particle as a change of what they scored last; several they score in full.
inline ParticleIndexes at_least_two(ParticleIndexes particles) {
  if (particles.size() == 1) particles.push_back(particles[0]);
  return particles;
}

inline double evaluate(ScoringFunction *scoring, const ParticleIndexes &moved) {
  return scoring->evaluate_moved(false, moved, ParticleIndexes());
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

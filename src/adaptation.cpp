/**
 *  \file adaptation.cpp
 *  \brief How far a mover goes, by the share of its moves that is accepted.
 */

#include <IMP/emgmm/adaptation.h>

#include "sample/movers.h"
#include "sample/tuning.h"

IMPEMGMM_BEGIN_NAMESPACE

double get_adapted_scale(double scale, unsigned int proposed, unsigned int accepted) {
  if (proposed < emcore::kFewestTries) return scale;
  emcore::MoverCount count;
  count.tried = proposed;
  count.accepted = accepted;
  return emcore::tuned_scale(scale, count);
}

IMPEMGMM_END_NAMESPACE

/**
 *  \file IMP/emgmm/adaptation.h
 *  \brief How far a mover goes, by the share of its moves that is accepted.
 */

#ifndef IMPEMGMM_ADAPTATION_H
#define IMPEMGMM_ADAPTATION_H

#include <IMP/emgmm/emgmm_config.h>

IMPEMGMM_BEGIN_NAMESPACE

//! Get the factor on the largest step of a mover after moves that were made with another one
/** Longer where more than three moves in ten were accepted, shorter where fewer
    were, between a hundredth and ten times the step itself.
    \param[in] scale the factor so far
    \param[in] proposed number of moves with it
    \param[in] accepted how many of them were accepted
    \return `scale` where too few moves were proposed to tell
 */
IMPEMGMMEXPORT double get_adapted_scale(double scale, unsigned int proposed, unsigned int accepted);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_ADAPTATION_H */

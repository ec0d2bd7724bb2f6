// What a burn-in adapts, to be frozen afterwards: the ladder of temperatures and the steps of
// movers.
#ifndef EMGMM_SAMPLE_TUNING_H
#define EMGMM_SAMPLE_TUNING_H

#include <cstdint>
#include <vector>

#include "sample/replica.h"

namespace emcore {

// Of a mover or a pair of temperatures: fewer say nothing.
constexpr std::uint64_t kFewestTries = 10;

// Temperatures between the same two ends that make all exchange rates alike: the rejections of
// neighbours, added up along 1/T, are divided evenly (the communication barrier of Syed et al.
// 2022). `exchanges`: between each level and the one above. Pairs that were not tried leave the
// ladder as it is.
std::vector<double> even_ladder(const std::vector<double> &temperatures,
                                const std::vector<MoverCount> &exchanges);

// The factor on a mover's largest step, from what was accepted with the last one (of
// `kFewestTries` at least): towards kWantedAcceptance, between 1/100 and 10.
double tuned_scale(double scale, const MoverCount &count);

}  // namespace emcore

#endif

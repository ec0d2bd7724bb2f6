// Mixtures of fewer components.
#ifndef EMGMM_MIXTURE_COARSE_MIXTURE_H
#define EMGMM_MIXTURE_COARSE_MIXTURE_H

#include <cstddef>
#include <cstdint>

#include "mixture/gaussian.h"

namespace emcore {

// A mixture of at most n components with the same mass, mean and covariance as a whole: nearest
// components merged by k-means and moments.
Mixture coarsened(const Mixture &mixture, std::size_t n, std::uint64_t seed);

// One component for so many of the mixture's, at least one.
Mixture coarser(const Mixture &mixture, double coarseness);

}  // namespace emcore

#endif

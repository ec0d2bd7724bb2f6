#include "sample/tuning.h"

#include <algorithm>
#include <cmath>

namespace emcore {

namespace {

constexpr double kSmallestScale = 0.01, kLargestScale = 10;

}  // namespace

std::vector<double> even_ladder(const std::vector<double> &temperatures,
                                const std::vector<MoverCount> &exchanges) {
  const std::size_t n = temperatures.size();
  std::vector<double> barrier(n, 0);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (exchanges[i].tried < kFewestTries) return temperatures;
    const double tried = static_cast<double>(exchanges[i].tried);
    const double rejected = tried - static_cast<double>(exchanges[i].accepted);
    // Half a rejection more than was seen: no gap may close.
    barrier[i + 1] = barrier[i] + (rejected + 0.5) / (tried + 1);
  }
  std::vector<double> result = temperatures;
  std::size_t upper = 1;
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double at = barrier.back() * static_cast<double>(i) / static_cast<double>(n - 1);
    while (barrier[upper] < at) ++upper;
    const double part = (at - barrier[upper - 1]) / (barrier[upper] - barrier[upper - 1]);
    const double cold = 1 / temperatures[upper - 1], hot = 1 / temperatures[upper];
    result[i] = 1 / (cold + part * (hot - cold));
  }
  return result;
}

double tuned_scale(double scale, const MoverCount &count) {
  const double rate = static_cast<double>(count.accepted) / static_cast<double>(count.tried);
  return std::clamp(scale * std::exp(rate - kWantedAcceptance), kSmallestScale, kLargestScale);
}

}  // namespace emcore

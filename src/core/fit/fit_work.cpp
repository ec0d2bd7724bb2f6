#include "fit/fit_work.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace emcore {

std::size_t grown(std::size_t components, std::size_t size) {
  const auto step = static_cast<std::size_t>((kGrowth - 1) * components);
  return std::min(size, components + std::max<std::size_t>(1, step));
}

FitWork::FitWork(std::vector<std::size_t> voxels, int squares, int level_squares)
    : voxels_(std::move(voxels)), squares_(squares), level_squares_(level_squares) {}

double FitWork::voxels_for(std::size_t components) const {
  for (std::size_t i = voxels_.size(); i-- > 1;)
    if (voxels_[i] >= kVoxelsEach * components) return static_cast<double>(voxels_[i]);
  return static_cast<double>(voxels_[0]);
}

double FitWork::growth(std::size_t components, std::size_t size) const {
  double work = 0;
  while (components < size) {
    work += 2.0 * level_squares_ * voxels_for(components);
    for (const std::size_t level = std::min(size, 2 * components); components < level;) {
      components = grown(components, level);
      work += kGrowthIterations * voxels_for(components);
    }
  }
  return work;
}

double FitWork::polish() const {
  const int squares = squares_ / 3 + kRebalanceRounds * kRebalanceSquares + squares_;
  return (kPolishExpectation + 2.0 * squares) * static_cast<double>(voxels_[0]);
}

void FitWork::advance_to(double done) { done_ = std::max(done_, done); }

double FitWork::share() const { return total_ > 0 ? std::min(1.0, done_ / total_) : -1; }

double components_for(double target_cc, std::size_t components, double cc, std::size_t more,
                      double more_cc) {
  if (!(more_cc > cc) || !(more_cc < 1) || !(cc < 1)) return 0;
  const double power = std::log((1 - more_cc) / (1 - cc)) /
                       std::log(static_cast<double>(more) / static_cast<double>(components));
  return static_cast<double>(more) * std::pow((1 - target_cc) / (1 - more_cc), 1 / power);
}

}  // namespace emcore

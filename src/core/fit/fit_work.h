// How much work a fit of a map is, and how much of it is done: for the remaining time.
#ifndef EMGMM_FIT_FIT_WORK_H
#define EMGMM_FIT_FIT_WORK_H

#include <cstddef>
#include <vector>

namespace emcore {

// Growth between two rounds of EM: errors decide better where to split when few split at once.
constexpr double kGrowth = 1.42;
// Few components need not see every voxel of a fine map: a grid of halved resolution does, as long
// as each has so many voxels.
constexpr std::size_t kVoxelsEach = 200;
// Iterations: of EM after each growth; of the polish, all that it may take.
constexpr int kGrowthIterations = 6;
constexpr int kPolishExpectation = 6;
constexpr int kRebalanceRounds = 2, kRebalanceSquares = 16;

// Components after one step of growth towards `size`.
std::size_t grown(std::size_t components, std::size_t size);

// Work in iterations of EM times voxels, which is what they cost: a voxel is near about as many
// components whatever their number. An iteration of least squares counts twice.
class FitWork {
 public:
  // voxels: of the map, of the map at half its resolution, at a quarter ...; squares: least-squares
  // steps of a polish; level_squares: those before a level is measured, 0 for none.
  FitWork(std::vector<std::size_t> voxels, int squares, int level_squares);

  double growth(std::size_t components, std::size_t size) const;  // levels included
  double polish() const;

  double done() const { return done_; }
  void add(double work) { done_ += work; }
  // Steps that were not needed count as done.
  void advance_to(double done);
  void expect(double remaining) { total_ = done_ + remaining; }

  // Share of the work that is done; -1 where nobody knows.
  double share() const;

 private:
  double voxels_for(std::size_t components) const;

  std::vector<std::size_t> voxels_;
  int squares_, level_squares_;
  double done_ = 0, total_ = 0;
};

// The number of components that a correlation needs, from what two numbers reach: 1 - cc falls as a
// power of the number. 0 where it does not fall.
double components_for(double target_cc, std::size_t components, double cc, std::size_t more,
                      double more_cc);

}  // namespace emcore

#endif

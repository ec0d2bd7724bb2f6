// Overlaps of many isotropic Gaussians (atoms, residues, beads) with a mixture: only pairs that are
// near, in single precision, with a bound on what was left out.
#ifndef IMPEMGMM_INTERNAL_NEAR_OVERLAP_H
#define IMPEMGMM_INTERNAL_NEAR_OVERLAP_H

#include <IMP/emgmm/internal/gaussian.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace emcore {

// Whether no covariance prefers a direction (to 1e-9 of its size).
bool is_isotropic(const Mixture &mixture);

// A component in its own axes, where adding a variance is adding three numbers.
struct NearComponent {
  float x, y, z;                       // Å, from the centre of the mixture
  float axes[3][3];                    // unit vectors
  float variance[3];                   // along them, Å²
  float spread_x, spread_y, spread_z;  // diagonal of the covariance, Å²
  float spread;                        // the largest of `variance`
  double weight;                       // times (2 pi)^(-3/2)
  std::size_t number;                  // in the mixture that was given
};

struct NearAtoms;

// The order that puts atoms near each other side by side is kept from one evaluation to the next
// until they have moved much, so evaluations of one model may differ in the last digits of single
// precision with what came before.
class NearOverlap {
 public:
  explicit NearOverlap(const Mixture &data);

  // Of data component k: its overlap with the model and an upper bound of what was left out, Da²/Å³
  // both; returns dE/d(overlap). Called from several threads, once for each k.
  using Slope = std::function<double(std::size_t k, double overlap, double left_out)>;

  // Pairs that cannot reach `cutoff` (0 to 1) of the largest overlap that they could have at any
  // distance may be left out. by_mean, where given: dE/d(mean) of each model component. The result
  // does not depend on the number of threads. Relative error of an overlap, what was left out
  // aside, below 1e-5.
  void evaluate(const Mixture &model, double cutoff, unsigned threads, const Slope &slope,
                std::vector<Vec3> *by_mean) const;

 private:
  struct Order {
    std::vector<std::uint32_t> numbers;
    double sides = 0;  // of the boxes around the clusters, Å
  };
  NearAtoms in_order(const Mixture &model) const;

  Vec3 center_;
  std::vector<NearComponent> components_;  // neighbours in space are neighbours here
  mutable std::shared_ptr<const Order> order_;
};

}  // namespace emcore

#endif

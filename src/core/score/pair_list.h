// Pairs of data components and atoms that are near each other, kept while no atom moves far.
#ifndef EMGMM_SCORE_PAIR_LIST_H
#define EMGMM_SCORE_PAIR_LIST_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "score/near_atoms.h"

namespace emcore {

constexpr std::size_t kNearBlock = 32;  // data components that share a list of clusters and a turn

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

// The pairs of some blocks of data components, which one thread works on: register by register,
// those of a component one after the other. What is left of a component's last register repeats
// its last pair without weight.
struct NearPart {
  std::size_t first = 0;              // component
  std::vector<std::uint32_t> atoms;   // numbers in the model; the pairs say places in here
  std::vector<std::uint32_t> places;  // twice the place, one a pair: in eight bytes, to address it
  std::vector<float> weights;         // of the atoms, Da, one a pair
  std::vector<std::uint8_t> owners;   // component of its block, one a register
  std::vector<std::uint32_t> ends;    // of the registers of each block
  std::vector<double> left_out;       // bound on what pairs that are not here add to each overlap
};

// Atoms in an order in which neighbours in space are neighbours.
struct NearOrder {
  std::vector<std::uint32_t> numbers;
  double sides = 0;  // of the boxes around the clusters, Å
};

struct PairList {
  std::vector<NearPart> parts;
  NearOrder order;
  NearModel model;  // what it was made of: it serves while all atoms are within `skin` of there
  double cutoff = 0;
  float skin = 0;         // Å
  std::size_t width = 0;  // of the registers it was made for
};

// The pairs that may reach `cutoff` of the largest overlap that they could have at any distance.
// The order of `before`, where given, is kept as long as the clusters have not grown much apart.
// The same on any number of threads.
PairList pair_list(const std::vector<NearComponent> &components, const NearModel &model,
                   double cutoff, unsigned threads, const PairList *before);

// Numbers side by side in a register of this instruction set.
std::size_t near_width();

}  // namespace emcore

#endif

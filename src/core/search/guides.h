// What sequence and cross-links say of the bodies that a search places, which knows no flexible
// beads.
#ifndef EMGMM_SEARCH_GUIDES_H
#define EMGMM_SEARCH_GUIDES_H

#include <vector>

#include "sample/replica.h"

namespace emcore {

// Of the beads' own, in the excluded volume of a search. Beads of ten residues overlap in native
// structures, by 58 kT in 1BD2, and a wrong turn scored better for that; smaller by a fifth they
// cost 13 kT, 1 after minimising.
constexpr double kClashRadius = 0.8;

// Residues a bead in the excluded volume of many bodies while they find their places. With single
// residues a round of tempering RNA polymerase II takes 170 s instead of 100.
constexpr int kSoftBeads = 10;

constexpr int kNoBody = -1;

// A bond between beads that follow each other in a sequence.
struct BeadBond {
  std::size_t first, second;
  double slack;  // Å between surfaces up to which it does not pull
};

// What a chain of flexible beads says of the bodies at its ends.
struct Chain {
  std::size_t first, second;  // beads on placed bodies
  double slack;               // Å
  int bonds;                  // that it is made of: its spring is as many times weaker
};

// n springs of constant k that are slack up to t_i, with beads of radius r between them, pull
// together like one spring of k / n that is slack up to the sum of t_i and 2 r.
// body: placed body of each bead, or kNoBody; radius: Å; bonds in the order of the sequence.
std::vector<Chain> chains_between_bodies(const std::vector<int> &body,
                                         const std::vector<double> &radius,
                                         const std::vector<BeadBond> &bonds);

// The bead of a placed body that stands for each bead: itself, or the nearest in its molecule's
// sequence (`middle`, the residue it is about); kNoBody where the molecule has none.
std::vector<int> anchors(const std::vector<int> &body, const std::vector<int> &molecule,
                         const std::vector<double> &middle);

// The ball that holds the data, with a margin: a body that lost the density would otherwise wander
// off for good.
Confinement confinement_about(const Mixture &data);

}  // namespace emcore

#endif

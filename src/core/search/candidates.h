// Step 1 and 2 of the placement: what each body could do alone, and which choices go together.
#ifndef EMGMM_SEARCH_CANDIDATES_H
#define EMGMM_SEARCH_CANDIDATES_H

#include <cstdint>
#include <functional>
#include <vector>

#include "search/placement.h"

namespace emcore {

// A place and orientation of one body, and its overlap with the filtered data (Da²/Å³).
struct PlacementCandidate {
  Pose pose;
  double overlap;
};

// n rotations evenly spread over all of them (super-Fibonacci spiral, Alexa, CVPR 2022), turned
// as a whole by `start`.
std::vector<Quaternion> even_rotations(std::size_t n, const Quaternion &start);

// Radius of gyration of a mixture about the origin of its frame, own spreads included, Å.
double gyration_radius(const Mixture &body);

// Å that a body of this radius of gyration moves or, at its rim, turns from one pose to the other.
double pose_distance(const Pose &a, const Pose &b, double radius);

// Å: bodies and arrangements that are no farther apart are one.
constexpr double kSamePlace = 5;
inline bool is_same_place(const Pose &a, const Pose &b, double radius) {
  return pose_distance(a, b, radius) <= kSamePlace;
}
// Whether it moves by at most so much (Å), and its rim turns by less than so much.
bool is_same_place(const Pose &a, const Pose &b, double radius, double apart, double turned);

// Candidates of one body against what the bodies in place (`fixed`, may be empty) leave of the
// data, best first, all different; overlap is with the data less that with the fixed ones.
std::vector<PlacementCandidate> placement_candidates(const Mixture &data, const Mixture &fixed,
                                                     const Mixture &body,
                                                     const PlacementOptions &options);

// What other terms than the density say of choices, kT; either may be empty.
struct PlacementGuide {
  std::function<double(std::size_t b, const Pose &at_b)> alone;
  PairScore pair;
};

// The bodies that are not placed anew, at their poses, as one mixture; `placed` ascends.
Mixture bodies_in_place(const std::vector<Mixture> &bodies, const std::vector<Pose> &poses,
                        const std::vector<std::size_t> &placed);

// The guide of the placed bodies (body b of it is placed[b]), from what pairs of all bodies score;
// those in place count for each placed one alone. Empty for an empty pair score.
PlacementGuide guide_of_placed(const std::vector<std::size_t> &placed,
                               const std::vector<Pose> &poses, const PairScore &pair);

// Choices of one candidate a body with the least squared difference of densities, best first:
// combinations[c][b] is an index into candidates[b]. With a guide its energy is added to
// the difference with several weights, and the best of each weight take turns.
std::vector<std::vector<std::size_t>> placement_combinations(
    const std::vector<Mixture> &bodies,
    const std::vector<const std::vector<PlacementCandidate> *> &candidates,
    const PlacementGuide &guide, const PlacementOptions &options);

}  // namespace emcore

#endif

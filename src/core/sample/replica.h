// One Markov chain: poses, the terms that score them, and the chain's own random numbers.
#ifndef EMGMM_SAMPLE_REPLICA_H
#define EMGMM_SAMPLE_REPLICA_H

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "math/random.h"
#include "sample/movers.h"
#include "terms/term.h"

namespace emcore {

struct MoverCount {
  std::uint64_t tried = 0, accepted = 0;
};

// The best score that a temperature has come by, and by whose moves.
struct BestScore {
  double value = HUGE_VAL;           // kT, weighted sum
  std::vector<std::uint64_t> found;  // by mover: accepted moves that led to a new best one
};

// Where the origins of bodies may be: a uniform prior in a ball. Without it a body that lost the
// density has all of space to be lost in. One that starts outside may only come nearer.
struct Confinement {
  Vec3 center;               // Å
  double radius = HUGE_VAL;  // Å
  bool allows(const Vec3 &from, const Vec3 &to) const {
    const double distance = norm(to - center);
    return distance <= radius || distance <= norm(from - center);
  }
};

class Replica {
 public:
  Replica(const std::vector<std::shared_ptr<const Term>> &terms, const std::vector<Pose> &poses,
          Random random);

  // `steps` Metropolis moves at one temperature: each picks one mover. `shares`: running sums of
  // how likely each is, or empty for all alike. counts and scales: one a mover. best: kept up to
  // date where it is given; a better score that the replica comes with is no mover's find.
  void run(std::uint64_t steps, const std::vector<std::shared_ptr<const Mover>> &movers,
           const std::vector<double> &shares, const Confinement &confinement,
           const std::vector<double> &weights, double temperature,
           const std::vector<double> &scales, std::vector<MoverCount> *counts,
           BestScore *best = nullptr);

  // Sum of weight times score over the terms, in order.
  double total(const std::vector<double> &weights) const;
  std::vector<double> scores() const;
  const std::vector<Pose> &poses() const { return poses_; }
  std::vector<double> parameters() const;  // of all terms, one after the other

  // Scores everything from scratch. Returns the largest change of a term's score, relative to
  // its size (at least 1 kT).
  double refresh();
  // State as stored: throws std::domain_error for another number of poses or parameters.
  void restore(const std::vector<Pose> &poses, const std::vector<double> &parameters,
               const Random &random);

  Random random;

 private:
  std::vector<Pose> poses_;
  std::vector<std::unique_ptr<Term>> terms_;
  std::vector<std::vector<double>> parameters_;  // of each term
  Move move_;
};

}  // namespace emcore

#endif

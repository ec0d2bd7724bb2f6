// Coarse to fine: far moves on a rough copy of the score, judged by the score itself.
#ifndef EMGMM_SAMPLE_COARSE_MOVER_H
#define EMGMM_SAMPLE_COARSE_MOVER_H

#include <memory>
#include <string>
#include <vector>

#include "sample/movers.h"
#include "sample/replica.h"

namespace emcore {

struct CoarseOptions {
  int steps = 50;           // of the inner chain
  double heat = 1;          // its temperature, in units of the replica's
  std::size_t term = 0;     // of the run: the one that `coarse` stands in for
  double weight = 1;        // of `coarse`, in units of that one's
  Confinement confinement;  // of the inner chain
};

// A surrogate transition (Liu 2001, Monte Carlo Strategies in Scientific Computing, 9.4.3): some
// Metropolis steps of other movers from where the replica is, in a chain whose score E* has a
// coarse term in place of one of the run's; all other terms, their weights and parameters are the
// replica's. Every inner step keeps exp(-E* / T*), and so does the chain S of them:
// S(there) / S(back) = exp((E*(here) - E*(there)) / T*), and the proposal is accepted with what the
// score itself says of it and this, as in delayed acceptance (Christen & Fox 2005). A CoarseMover
// among the inner movers, with a still coarser term, makes two levels of it.
class CoarseMover : public Mover {
 public:
  // movers: of the inner chain. shares: how often each is tried, relative; empty: all alike.
  // Throws std::domain_error for no movers, one of parameters, or numbers that fit no chain.
  CoarseMover(std::string name, std::vector<std::shared_ptr<const Mover>> movers,
              const std::vector<double> &shares, std::shared_ptr<const Term> coarse,
              const CoarseOptions &options);

  // `scale` is not used: steps tuned to be accepted would become local ones.
  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::vector<std::shared_ptr<const Mover>> movers_;
  std::vector<double> running_shares_;
  std::shared_ptr<const Term> coarse_;
  CoarseOptions options_;
  std::vector<std::size_t> bodies_;  // ascending
};

// What an inner chain tries, and how often each, 1 in sum.
struct CoarseChain {
  std::vector<std::shared_ptr<const Mover>> movers;
  std::vector<double> shares;
};

// Far steps of rigid bodies, and near ones to settle with: of each group, the first of which is
// the body and the others what it carries. Half of all where there are `beads` too, with steps of
// at most `bead_step` Å.
CoarseChain coarse_chain(const std::vector<std::vector<std::size_t>> &groups,
                         const std::vector<std::size_t> &beads, double bead_step);

// Where there is a coarser level below, one step in so many is a chain of it.
constexpr int kCoarserEvery = 50;

}  // namespace emcore

#endif

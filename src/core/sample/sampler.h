// Replica-exchange Monte Carlo over the poses of bodies (doc/method.md, Sampling).
#ifndef EMGMM_SAMPLE_SAMPLER_H
#define EMGMM_SAMPLE_SAMPLER_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "math/worker_pool.h"
#include "sample/movers.h"
#include "sample/replica.h"
#include "sample/schedule.h"
#include "terms/pose_function.h"

namespace emcore {

// Replicas shared out over processes. Every process makes the same exchanges with the same random
// numbers, from sums over all processes to which each adds what it has: zeros for what others have.
struct ProcessGroup {
  std::vector<char> is_mine;  // one a replica; empty: all are
  // Adds up the values of all processes, element by element; every one of them calls it.
  std::function<void(std::vector<double> *)> sum;
};

struct SamplerSetup {
  std::vector<WeightedTerm> terms;
  std::vector<std::shared_ptr<const Mover>> movers;
  std::vector<double> mover_weights;  // how often each is tried, relative; empty: all alike
  Confinement confinement;
  std::vector<double> temperatures;       // ascending, one a replica
  std::vector<std::vector<Pose>> starts;  // one set of poses a replica
  Schedule schedule;
  std::uint64_t seed = 0;
  unsigned threads = 0;    // 0: all cores; the result does not depend on it
  ProcessGroup processes;  // nor on these
};

// The states of the replica at the lowest temperature, recorded at full weight.
struct FrameStore {
  std::vector<std::uint64_t> steps;     // at full weight, of each replica
  std::vector<std::uint64_t> replicas;  // which one held the lowest temperature
  std::vector<double> totals;           // weighted sum, kT
  std::vector<double> scores;           // by frame, then by term, unweighted, kT
  std::vector<Pose> poses;              // by frame, then by body
  std::vector<double> parameters;       // by frame, then by parameter
};

class Sampler {
 public:
  // Throws std::domain_error for a setup that does not fit together.
  explicit Sampler(SamplerSetup setup);

  // At most `steps` steps of every replica, and no new round of them once `seconds` have passed;
  // returns how many were done (0 when the run is finished). How a run is cut into calls does not
  // change it.
  std::uint64_t advance(std::uint64_t steps, double seconds);
  bool finished() const { return done_ >= setup_.schedule.total(); }

  const SamplerSetup &setup() const { return setup_; }
  std::uint64_t done() const { return done_; }  // steps of each replica, low weight included
  std::uint64_t high_done() const { return setup_.schedule.high_done(done_); }
  bool has_replica(std::size_t r) const { return replicas_.at(r) != nullptr; }
  const Replica &replica(std::size_t r) const;  // std::out_of_range where it is another process's
  const std::vector<std::size_t> &replica_at_level() const { return replica_at_level_; }
  // The ladder as it is: what a burn-in made of the one that was given.
  const std::vector<double> &temperatures() const { return temperatures_; }
  // Factors on the movers' largest steps, by level, then by mover; likewise.
  const std::vector<std::vector<double>> &scales() const { return scales_; }
  // By level (place in the ladder), then by mover.
  const std::vector<std::vector<MoverCount>> &counts() const { return counts_; }
  // By mover: accepted moves that led the replica at the lowest temperature to a new best score, at
  // full weight and after the burn-in. A better one that comes by an exchange is no mover's find.
  const std::vector<std::uint64_t> &found() const { return best_.found; }
  // Between a level and the one above.
  const std::vector<MoverCount> &exchanges() const { return exchanges_; }
  // Largest difference between a kept score and one from scratch so far, relative.
  double drift() const { return drift_; }
  std::vector<double> weights(bool low) const;

  // The frames since the last call; in a group of processes each has those of its own replicas.
  FrameStore take_frames();

  // In a group of processes: brings all counts together in the one that has replica 0. Called by
  // every process before counts are looked at or the state is saved.
  void merge_counts();
  // State of one replica, empty where it is another process's.
  std::string save_replica(std::size_t r) const;
  // The whole state from those of all replicas; frames have to be taken first (std::domain_error).
  std::string save(const std::vector<std::string> &replicas) const;
  std::string save() const;  // one process
  // Goes on from a saved state. Throws std::domain_error where it belongs to another setup or is
  // broken; the number of steps and of threads may differ.
  void restore(const std::string &bytes);

 private:
  void check_setup() const;
  void check_restored() const;
  void record_frame();
  void exchange(const std::vector<double> &weights);
  void tune();
  std::vector<double> shared_totals(const std::vector<double> &weights);
  bool has_coldest() const { return replicas_[replica_at_level_[0]] != nullptr; }
  void drop_counts();
  void sum_over_processes(std::vector<double> *values) const;
  void sum_counts();

  SamplerSetup setup_;
  std::vector<double> mover_shares_;                // running sums of mover_weights
  std::vector<std::unique_ptr<Replica>> replicas_;  // null: another process has it
  std::unique_ptr<WorkerPool> pool_;
  Random exchange_random_;
  std::uint64_t done_ = 0, exchange_rounds_ = 0;
  std::vector<double> temperatures_;
  std::vector<std::size_t> replica_at_level_;
  std::vector<std::vector<MoverCount>> counts_;
  std::vector<std::vector<double>> scales_;  // of steps, by level and mover
  std::vector<MoverCount> exchanges_;
  double drift_ = 0;
  BestScore best_;  // of the lowest temperature
  FrameStore frames_;
};

}  // namespace emcore

#endif

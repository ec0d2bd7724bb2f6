// Arrangements of bodies: minimised, compared, and parts of them put together.
#ifndef EMGMM_SEARCH_ARRANGEMENTS_H
#define EMGMM_SEARCH_ARRANGEMENTS_H

#include <functional>
#include <vector>

#include "search/placement.h"
#include "terms/pose_function.h"

namespace emcore {

// Poses of the bodies of a complex, and their score.
struct Arrangement {
  double score;  // kT
  std::vector<Pose> poses;
};

using Arrangements = std::vector<Arrangement>;
using Starts = std::vector<std::vector<Pose>>;

// Thrown where a search is asked to stop; what was found till then is kept by who catches it.
struct SearchStopped {};

constexpr int kShortMinimization = 20, kLongMinimization = 400;  // evaluations

// What judges arrangements.
class ArrangementScore {
 public:
  // radii: of gyration, Å; kinds: bodies of one kind are copies; threads: 0 for all cores, the
  // result is the same for any number. stop: polled now and then, may be empty; a true answer ends
  // the work with SearchStopped.
  ArrangementScore(std::vector<WeightedTerm> terms, std::vector<double> radii,
                   std::vector<int> kinds, unsigned threads, std::function<bool()> stop = nullptr);

  const std::vector<WeightedTerm> &terms() const { return terms_; }
  const std::vector<double> &radii() const { return radii_; }
  unsigned threads() const { return threads_; }
  bool stopped() const { return stop_ && stop_(); }

  // Where forces and torques lead from some poses.
  Arrangement minimized(const std::vector<Pose> &poses, int evaluations = kLongMinimization) const;
  // Each of these, in their order, on several threads.
  Arrangements all_minimized(const Starts &starts, int evaluations = kLongMinimization) const;
  Arrangements all_minimized(const Arrangements &starts, int evaluations = kLongMinimization) const;

  // The best of each that differ, at most so many, best first.
  Arrangements distinct(Arrangements arrangements, std::size_t most) const;

  // No body is elsewhere, or copies have changed places and the score does not mind.
  bool is_same(const Arrangement &a, const Arrangement &b) const;
  // Every body of each is where the other has it, or a copy of it.
  bool are_alike(const Arrangement &a, const Arrangement &b) const;
  // By body: no copy of it in b is where it is in a.
  std::vector<char> elsewhere(const std::vector<Pose> &a, const std::vector<Pose> &b) const;
  // By body: Å that it moves or, at its radius, turns from a to b.
  std::vector<double> apart(const std::vector<Pose> &a, const std::vector<Pose> &b) const;

 private:
  std::vector<WeightedTerm> terms_;
  PoseFunction function_;
  std::vector<double> radii_;
  std::vector<int> kinds_;
  bool has_copies_;
  unsigned threads_;
  std::function<bool()> stop_;
};

struct RecombinationOptions {
  std::size_t parents = 8;    // the best, whose bodies are exchanged
  double near_best = 20;      // kT: those farther off give bodies and take none
  std::size_t children = 24;  // of a generation that are minimised fully
  int generations = 4;        // at most
};

// What was found, and what comes of it when a body is put where another arrangement has it: best
// first, all different, at most `most`. Arrangements of many bodies are alike but for small ones,
// and each has others of them right; where two have to turn together no single move leads from one
// to the next. Children of the best are minimised and join them, until no child is among the best.
Arrangements recombined(const ArrangementScore &score, Arrangements found, std::size_t most,
                        const RecombinationOptions &options = {});

}  // namespace emcore

#endif

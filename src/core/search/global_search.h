// Where the bodies of a complex lie in a map, from nothing: the whole search, of few bodies or
// many.
#ifndef EMGMM_SEARCH_GLOBAL_SEARCH_H
#define EMGMM_SEARCH_GLOBAL_SEARCH_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sample/replica.h"
#include "search/place_anew.h"
#include "search/tempering.h"

namespace emcore {

struct SearchProblem {
  Mixture data;                 // Å, Å², Da
  ScoreOptions options;         // of the score that ranks arrangements
  std::vector<Mixture> bodies;  // local, centred on their masses
  std::vector<int> kinds;       // bodies of one kind are copies
  std::vector<WeightedTerm>
      terms;  // what guides the search: connectivity, cross-links; may be empty
  std::vector<WeightedTerm> clashes;  // excluded volume; may be empty
  std::vector<WeightedTerm>
      soft_clashes;         // the same of coarser spheres, while many bodies are placed
  Confinement confinement;  // where bodies may be
};

// How far a search is.
struct SearchProgress {
  std::string stage;             // what is being done
  int search = 1, searches = 1;  // this one, of at most
  double share = 0;              // of all work that may be
  double best = HUGE_VAL;        // kT, of what is known
};

struct SearchOptions {
  std::uint64_t seed = 0;
  unsigned threads = 0;       // 0: all cores; the answer is the same for any number
  std::size_t solutions = 6;  // at most
  // Searches that have to end in the best answer before it is believed, and searches at most.
  int confirmations = 2, searches = 4;
  // More bodies than these are searched for several times, and what comes of that put together.
  std::size_t many_bodies = 6;
  int searches_of_many = 3;
  int rounds_of_many = 2;           // of tempering, each search
  std::size_t frames_of_many = 40;  // different cold frames of each search that are minimised
  std::size_t frames = 100;         // the same of few bodies
  // How much of the excluded volume counts while many bodies find their places. With all of it most
  // ways between arrangements are closed; with none, arrangements that overlap are where the search
  // ends.
  double soft = 0.1;
  std::size_t looked_at = 2;  // arrangements of many bodies that are improved body by body at last
  std::size_t judged = 20;    // arrangements, by the fine mixtures
  // Da a component. Which body is where takes a time that grows with the square of their number,
  // and as many as find the complexes of the paper are enough.
  double coarse = 1090;
  double place_power = 8;     // of the overlap in shares of suggested places
  double robust_sigma = 0.1;  // sigma_min of the robust noise model
  int patience_own = 8;       // of bodies placed anew by the run's own score
  PlacementOptions scan;  // of each body, and of choices; its seed, threads and stop are not used
  TemperingOptions tempering;
  PlaceAnewOptions anew;
  RecombinationOptions recombination;
  // Polled now and then from any thread; a true answer ends the search with what it has.
  std::function<bool()> stop;
  std::function<void(const SearchProgress &)> progress;  // called from the calling thread
};

struct SearchResult {
  // Best first, all different. `found`: independent searches that ended there, at least 1.
  std::vector<PlacementSolution> solutions;
  bool stopped = false;  // ended by options.stop
  // For each solution and body: no copy of it in the best solution is where this one is.
  std::vector<std::vector<char>> elsewhere;
};

// Few bodies: place_bodies() until the best answer came twice; else replica exchange goes on from
// what was found, and the best arrangements exchange bodies. Many bodies: several searches by
// mixtures of fewer components, each with replica exchange; two are enough where they end alike,
// and where none do some bodies at a time are placed anew, first by a robust noise model.
// Throws std::domain_error for a problem or options that make no sense.
SearchResult global_search(const SearchProblem &problem, const SearchOptions &options);

}  // namespace emcore

#endif

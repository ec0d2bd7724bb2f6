// Global placement, for emgmm.placement.
#include <IMP/emgmm/internal/placement.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bindings.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

nb::list place(std::shared_ptr<MixtureScore> score, const nb::list &bodies,
               const std::vector<int> &kinds, std::uint64_t seed, unsigned threads,
               std::size_t rotations, std::size_t candidates, std::size_t combinations,
               std::size_t solutions, int sweeps, int confirmations, int searches) {
  std::vector<Mixture> mixtures;
  for (nb::handle body : bodies) {
    const nb::tuple arrays = nb::cast<nb::tuple>(body);
    mixtures.push_back(to_mixture(nb::cast<Points>(arrays[0]), nb::cast<Matrices>(arrays[1]),
                                  nb::cast<Values>(arrays[2])));
  }
  PlacementOptions options;
  options.seed = seed;
  options.threads = threads;
  options.rotations = rotations;
  options.candidates = candidates;
  options.combinations = combinations;
  options.solutions = solutions;
  options.sweeps = sweeps;
  options.confirmations = confirmations;
  options.searches = searches;
  // Polled from any thread: takes the lock only to look for Ctrl-C.
  options.stop = [] {
    nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return false;
    throw nb::python_error();
  };
  std::vector<PlacementSolution> found;
  {
    nb::gil_scoped_release release;
    found = place_bodies(score, mixtures, kinds, nullptr, options);
  }
  nb::list result;
  for (const PlacementSolution &solution : found) {
    std::vector<Vec3> translations;
    std::vector<double> quaternions;
    for (const Pose &pose : solution.poses) {
      translations.push_back(pose.translation);
      quaternions.insert(quaternions.end(), {pose.rotation.w, pose.rotation.x, pose.rotation.y,
                                             pose.rotation.z});
    }
    result.append(nb::make_tuple(solution.score, solution.found,
                                 to_numpy(std::move(quaternions), {solution.poses.size(), 4}),
                                 points_to_numpy(translations)));
  }
  return result;
}

}  // namespace

void bind_placement(nb::module_ &m) {
  m.def("place_bodies", &place, "score"_a, "bodies"_a, "kinds"_a, "seed"_a = 0, "threads"_a = 0,
        "rotations"_a = 2000, "candidates"_a = 400, "combinations"_a = 24, "solutions"_a = 6,
        "sweeps"_a = 6, "confirmations"_a = 2, "searches"_a = 4,
        "Best arrangements as (score kT, times found, quaternions (n, 4) wxyz, translations (n, 3) "
        "Å).");
}

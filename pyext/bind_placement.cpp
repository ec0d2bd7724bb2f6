// The global search, for emgmm.search.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "bindings.h"
#include "search/global_search.h"
#include "search/guides.h"
#include "search/candidates.h"
#include "terms/pose_function.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

void check_bodies(const std::vector<WeightedTerm> &terms, std::size_t bodies) {
  for (const WeightedTerm &own : terms)
    if (own.term->bodies() != bodies)
      throw std::domain_error("term " + own.term->name() + " is of " +
                              std::to_string(own.term->bodies()) + " bodies, placed are " +
                              std::to_string(bodies));
}

std::vector<WeightedTerm> unweighted(const std::vector<std::shared_ptr<Term>> &terms) {
  std::vector<WeightedTerm> result;
  for (const std::shared_ptr<Term> &term : terms) result.push_back({term, 1.0});
  return result;
}

// Polled from any thread: takes the lock only to look for Ctrl-C.
bool is_interrupted() {
  nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() == 0) return false;
  throw nb::python_error();
}

nb::tuple search(const MixtureScore &score, std::vector<Mixture> bodies,
                 const std::vector<int> &kinds, SearchOptions options,
                 std::vector<WeightedTerm> terms, const std::vector<std::shared_ptr<Term>> &clashes,
                 const std::vector<std::shared_ptr<Term>> &soft_clashes,
                 const std::vector<double> &confinement, const nb::object &progress) {
  SearchProblem problem;
  problem.data = score.data();
  problem.options = score.options();
  problem.bodies = std::move(bodies);
  problem.kinds = kinds;
  problem.terms = std::move(terms);
  problem.clashes = unweighted(clashes);
  problem.soft_clashes = unweighted(soft_clashes);
  const std::size_t n = problem.bodies.size();
  for (const auto *own : {&problem.terms, &problem.clashes, &problem.soft_clashes})
    check_bodies(*own, n);
  problem.confinement = to_confinement(confinement);
  options.stop = is_interrupted;
  if (!progress.is_none())
    options.progress = [&progress](const SearchProgress &now) {
      nb::gil_scoped_acquire acquire;
      progress(now.stage, now.search, now.searches, now.share,
               std::isfinite(now.best) ? nb::cast(now.best) : nb::none());
    };
  SearchResult result;
  {
    nb::gil_scoped_release release;
    result = global_search(problem, options);
  }
  nb::list found;
  for (std::size_t i = 0; i < result.solutions.size(); ++i) {
    const PlacementSolution &solution = result.solutions[i];
    std::vector<std::size_t> elsewhere;
    for (std::size_t b = 0; b < n; ++b)
      if (result.elsewhere[i][b]) elsewhere.push_back(b);
    found.append(nb::make_tuple(solution.score, solution.found, solution.poses, elsewhere));
  }
  return nb::make_tuple(found, result.stopped);
}

nb::tuple candidates_of_body(const MixtureScore &score, const Mixture &body,
                             const std::optional<Mixture> &fixed, std::uint64_t seed,
                             unsigned threads, std::size_t rotations, std::size_t refined,
                             std::size_t candidates) {
  if (body.empty()) throw std::domain_error("a body without components has no place");
  PlacementOptions options;
  options.seed = seed;
  options.threads = threads;
  options.rotations = rotations;
  options.refined = refined;
  options.candidates = candidates;
  std::vector<PlacementCandidate> found;
  {
    nb::gil_scoped_release release;
    found = placement_candidates(score.data(), fixed.value_or(Mixture()), body, options);
  }
  std::vector<Pose> poses;
  std::vector<double> overlaps;
  for (const PlacementCandidate &candidate : found) {
    poses.push_back(candidate.pose);
    overlaps.push_back(candidate.overlap);
  }
  const std::size_t n = found.size();
  return nb::make_tuple(poses, to_numpy(std::move(overlaps), {n}));
}

nb::tuple chains(const std::vector<int> &body, const std::vector<double> &radius,
                 const std::vector<std::size_t> &first, const std::vector<std::size_t> &second,
                 const std::vector<double> &slack) {
  if (second.size() != first.size() || slack.size() != first.size())
    throw std::domain_error("a bond has two beads and a slack");
  std::vector<BeadBond> bonds;
  for (std::size_t i = 0; i < first.size(); ++i) bonds.push_back({first[i], second[i], slack[i]});
  std::vector<std::size_t> from, to;
  std::vector<double> slacks;
  std::vector<int> counts;
  for (const Chain &chain : chains_between_bodies(body, radius, bonds)) {
    from.push_back(chain.first);
    to.push_back(chain.second);
    slacks.push_back(chain.slack);
    counts.push_back(chain.bonds);
  }
  return nb::make_tuple(from, to, slacks, counts);
}

}  // namespace

void bind_placement(nb::module_ &m) {
  nb::class_<PlacementOptions>(m, "ScanOptions", "How each body is tried everywhere.")
      .def(nb::init<>())
      .def_rw("rotations", &PlacementOptions::rotations, "Turns tried at each place.")
      .def_rw("refined", &PlacementOptions::refined, "Of these, moved uphill.")
      .def_rw("candidates", &PlacementOptions::candidates, "Kept of each body, at most.")
      .def_rw("combinations", &PlacementOptions::combinations, "Of candidates, refined together.")
      .def_rw("sweeps", &PlacementOptions::sweeps, "Over all bodies, with the others in place.");
  nb::class_<TemperingOptions>(m, "TemperingOptions", "Replica exchange between arrangements.")
      .def(nb::init<>())
      .def_rw("levels", &TemperingOptions::levels, "Temperatures.")
      .def_rw("hottest", &TemperingOptions::hottest, "kT.")
      .def_rw("steps_a_body", &TemperingOptions::steps_a_body, "Of each replica, a round.");
  nb::class_<PlaceAnewOptions>(m, "PlaceAnewOptions", "Some bodies taken out and placed anew.")
      .def(nb::init<>())
      .def_rw("patience", &PlaceAnewOptions::patience, "Rounds without anything better.")
      .def_rw("rounds", &PlaceAnewOptions::rounds, "At most.")
      .def_rw("choices", &PlaceAnewOptions::choices, "Of places, a round.");
  nb::class_<SearchOptions>(m, "SearchOptions", "How hard the global search looks.")
      .def(nb::init<>())
      .def_rw("seed", &SearchOptions::seed)
      .def_rw("threads", &SearchOptions::threads, "0: all cores; the answer does not depend on it.")
      .def_rw("solutions", &SearchOptions::solutions, "Arrangements at most.")
      .def_rw("confirmations", &SearchOptions::confirmations,
              "Searches that have to end in the best answer before it is believed.")
      .def_rw("searches", &SearchOptions::searches, "At most.")
      .def_rw("many_bodies", &SearchOptions::many_bodies,
              "More bodies than these get several whole searches.")
      .def_rw("searches_of_many", &SearchOptions::searches_of_many, "At most.")
      .def_rw("rounds_of_many", &SearchOptions::rounds_of_many, "Of tempering, each search.")
      .def_rw("soft", &SearchOptions::soft, "Share of the excluded volume at first.")
      .def_rw("coarse", &SearchOptions::coarse, "Da a component while many bodies are placed.")
      .def_rw("patience_own", &SearchOptions::patience_own,
              "Of bodies placed anew by the run's own score.")
      .def_rw("scan", &SearchOptions::scan)
      .def_rw("tempering", &SearchOptions::tempering)
      .def_rw("anew", &SearchOptions::anew);
  m.def("global_search", &search, "score"_a, "bodies"_a, "kinds"_a, "options"_a,
        "terms"_a = nb::list(), "clashes"_a = std::vector<std::shared_ptr<Term>>(),
        "soft_clashes"_a = std::vector<std::shared_ptr<Term>>(),
        "confinement"_a = std::vector<double>(), "progress"_a = nb::none(),
        "Best arrangements of bodies, local mixtures centred on their masses: a list of (score kT, "
        "searches that ended there, poses (n, 7), bodies elsewhere "
        "than in the best one), and whether it was stopped. terms guide the search, clashes are "
        "excluded volume. progress(stage, search, searches, share of all work, best kT or None).");
  m.def(
      "even_rotations",
      [](std::size_t n) {
        std::vector<Pose> poses;
        for (const Quaternion &rotation : even_rotations(n, {})) poses.push_back({rotation, {}});
        return poses;
      },
      "n"_a, "Poses (n, 7) at the origin, turns spread evenly over all rotations.");
  m.def("placement_candidates", &candidates_of_body, "score"_a, "body"_a, "fixed"_a = std::nullopt,
        "seed"_a = 0, "threads"_a = 0, "rotations"_a = 2000, "refined"_a = 600,
        "candidates"_a = 400,
        "Places of one body in what the fixed components leave of the data, best first: (poses "
        "(n, 7), overlaps (n,) Da²/Å³).");
  m.attr("CLASH_RADIUS") = kClashRadius;
  m.attr("SOFT_BEADS") = kSoftBeads;
  m.def("chains_between_bodies", &chains, "body"_a, "radius"_a, "first"_a, "second"_a, "slack"_a,
        "Chains of beads (body -1) from one placed body to another: beads at their ends, slack Å, "
        "number of bonds. Bonds in the order of the sequence.");
  m.def("anchors", &anchors, "body"_a, "molecule"_a, "middle"_a,
        "The bead of a placed body that stands for each bead: itself, or the nearest in its "
        "molecule's sequence; -1 where the molecule has none.");
}

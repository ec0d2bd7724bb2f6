// The sampler and its setup, for emgmm.sampling.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "bindings.h"
#include "sample/sampler.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

using PoseSets = nb::ndarray<const double, nb::shape<-1, -1, 7>, nb::c_contig, nb::device::cpu>;

void set_starts(SamplerSetup &setup, const PoseSets &starts) {
  const std::size_t n = starts.shape(1);
  setup.starts.clear();
  for (std::size_t r = 0; r < starts.shape(0); ++r)
    setup.starts.push_back(to_poses(starts.data() + r * n * 7, n));
}

// Held by the sampler, called from advance() where the GIL is released.
void set_sum(SamplerSetup &setup, const nb::object &sum) {
  if (sum.is_none()) {
    setup.processes.sum = nullptr;
    return;
  }
  setup.processes.sum = [sum](std::vector<double> *values) {
    const nb::gil_scoped_acquire acquire;
    const nb::object result = sum(to_numpy(*values, {values->size()}));
    const Values total = nb::cast<Values>(result);
    check_rows(total.shape(0), values->size(), "the sum over processes");
    values->assign(total.data(), total.data() + total.shape(0));
  };
}

nb::dict frames_to_python(Sampler *sampler) {
  FrameStore f = sampler->take_frames();
  const std::size_t n = f.steps.size();
  const std::size_t terms = sampler->setup().terms.size();
  const std::size_t bodies = sampler->setup().terms.front().term->bodies();
  const std::size_t parameters = n ? f.parameters.size() / n : 0;
  nb::dict result;
  result["steps"] = to_numpy(std::move(f.steps), {n});
  result["replicas"] = to_numpy(std::move(f.replicas), {n});
  result["totals"] = to_numpy(std::move(f.totals), {n});
  result["scores"] = to_numpy(std::move(f.scores), {n, terms});
  result["poses"] = poses_to_numpy(f.poses, {n, bodies, 7});
  result["parameters"] = to_numpy(std::move(f.parameters), {n, parameters});
  return result;
}

// (tried, accepted) as two arrays.
nb::tuple counts_to_python(const std::vector<std::vector<MoverCount>> &rows, std::size_t columns) {
  std::vector<std::uint64_t> tried, accepted;
  for (const auto &row : rows)
    for (const MoverCount &count : row) {
      tried.push_back(count.tried);
      accepted.push_back(count.accepted);
    }
  return nb::make_tuple(to_numpy(std::move(tried), {rows.size(), columns}),
                        to_numpy(std::move(accepted), {rows.size(), columns}));
}

void bind_setup(nb::module_ &m) {
  nb::class_<Schedule>(m, "Schedule", "When what happens in a run, in steps of each replica.")
      .def(nb::init<>())
      .def_rw("steps", &Schedule::steps, "At full weight.")
      .def_rw("low_steps", &Schedule::low_steps, "Of a cycle, at low weight.")
      .def_rw("high_steps", &Schedule::high_steps, "Of a cycle, at full weight.")
      .def_rw("low_weight", &Schedule::low_weight, "Of annealed terms.")
      .def_rw("frame_interval", &Schedule::frame_interval)
      .def_rw("exchange_interval", &Schedule::exchange_interval)
      .def_rw("refresh_interval", &Schedule::refresh_interval,
              "Between comparisons with a score from scratch.")
      .def_rw("burn_in", &Schedule::burn_in, "Before all others.");
  nb::class_<SamplerSetup>(m, "SamplerSetup", "What a sampler starts from.")
      .def(nb::init<>())
      .def_prop_rw(
          "terms", nullptr,
          [](SamplerSetup &s, std::vector<WeightedTerm> terms) { s.terms = std::move(terms); })
      .def_rw("movers", &SamplerSetup::movers)
      .def_rw("mover_weights", &SamplerSetup::mover_weights,
              "How often each is tried, relative; none: all alike.")
      .def_prop_rw(
          "confinement", nullptr,
          [](SamplerSetup &s, const std::vector<double> &ball) {
            s.confinement = to_confinement(ball);
          },
          "Centre and radius, Å, of the ball in which bodies stay; none: anywhere.")
      .def_rw("temperatures", &SamplerSetup::temperatures, "kT, ascending, one a replica.")
      .def_prop_rw("starts", nullptr, &set_starts, "(replicas, bodies, 7) poses.")
      .def_rw("schedule", &SamplerSetup::schedule)
      .def_rw("seed", &SamplerSetup::seed)
      .def_rw("threads", &SamplerSetup::threads, "0: all cores; the result does not depend on it.")
      .def_prop_rw(
          "is_mine", nullptr,
          [](SamplerSetup &s, const std::vector<bool> &mine) {
            s.processes.is_mine.assign(mine.begin(), mine.end());
          },
          "Of several processes: which replicas are this one's; none: all.")
      .def_prop_rw("sum", nullptr, &set_sum,
                   "Of several processes: adds up an array (n,) over all of them.");
}

}  // namespace

void bind_sampler(nb::module_ &m) {
  bind_setup(m);
  nb::class_<Sampler>(m, "Sampler", "Replica-exchange Monte Carlo over poses.")
      .def(nb::init<SamplerSetup>(), "setup"_a)
      .def("advance", &Sampler::advance, "steps"_a, "seconds"_a,
           nb::call_guard<nb::gil_scoped_release>(),
           "At most `steps` more steps of every replica, until `seconds` have passed; how many.")
      .def_prop_ro("finished", &Sampler::finished)
      .def_prop_ro("done", &Sampler::done)
      .def_prop_ro("high_done", &Sampler::high_done)
      .def_prop_ro("total", [](const Sampler &s) { return s.setup().schedule.total(); })
      .def_prop_ro("temperatures", &Sampler::temperatures)
      .def_prop_ro("scales", &Sampler::scales)
      .def_prop_ro("drift", &Sampler::drift)
      .def_prop_ro("replica_at_level", &Sampler::replica_at_level)
      .def("take_frames", &frames_to_python)
      .def(
          "counts",
          [](const Sampler &s) { return counts_to_python(s.counts(), s.setup().movers.size()); },
          "(tried, accepted), each (levels, movers).")
      .def_prop_ro("found", &Sampler::found,
                   "By mover: accepted moves to a new best score at the lowest temperature.")
      .def(
          "exchanges",
          [](const Sampler &s) { return counts_to_python({s.exchanges()}, s.exchanges().size()); },
          "(tried, accepted), each (1, levels - 1).")
      .def(
          "poses", [](const Sampler &s, std::size_t replica) { return s.replica(replica).poses(); },
          "replica"_a)
      .def(
          "scores", [](const Sampler &s, std::size_t r) { return s.replica(r).scores(); },
          "replica"_a)
      .def(
          "total_score",
          [](const Sampler &s, std::size_t r) { return s.replica(r).total(s.weights(false)); },
          "replica"_a)
      .def("merge_counts", &Sampler::merge_counts, nb::call_guard<nb::gil_scoped_release>(),
           "In a group of processes: counts of all come together in the one with replica 0.")
      .def("has_replica", &Sampler::has_replica, "replica"_a)
      .def(
          "save_replica",
          [](const Sampler &s, std::size_t r) {
            const std::string bytes = s.save_replica(r);
            return nb::bytes(bytes.data(), bytes.size());
          },
          "replica"_a, "State of one replica; empty where another process has it.")
      .def(
          "save",
          [](const Sampler &s, const std::vector<nb::bytes> &replicas) {
            std::vector<std::string> states;
            for (const nb::bytes &b : replicas) states.emplace_back(b.c_str(), b.size());
            const std::string bytes = states.empty() ? s.save() : s.save(states);
            return nb::bytes(bytes.data(), bytes.size());
          },
          "replicas"_a = std::vector<nb::bytes>())
      .def("restore", [](Sampler &s, const nb::bytes &bytes) {
        s.restore(std::string(bytes.c_str(), bytes.size()));
      });
}

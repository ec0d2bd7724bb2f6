// Terms, movers and the sampler, for emgmm.sampling.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "arrays.h"
#include "bindings.h"
#include "sample/global_movers.h"
#include "sample/minimize.h"
#include "sample/movers.h"
#include "sample/sampler.h"
#include "terms/connectivity.h"
#include "terms/crosslinks.h"
#include "terms/density_term.h"
#include "terms/excluded_volume.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

using Rotation = nb::ndarray<const double, nb::shape<4>, nb::c_contig, nb::device::cpu>;
using PoseSets = nb::ndarray<const double, nb::shape<-1, -1, 7>, nb::c_contig, nb::device::cpu>;
std::vector<BodySphere> to_spheres(const Indices &body, const Points &local, const Values &radius) {
  const std::vector<std::size_t> bodies = to_indices(body);
  check_rows(local.shape(0), bodies.size(), "local positions");
  check_rows(radius.shape(0), bodies.size(), "radii");
  std::vector<BodySphere> spheres;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const double *x = local.data() + 3 * i;
    spheres.push_back({bodies[i], {x[0], x[1], x[2]}, radius.data()[i]});
  }
  return spheres;
}

std::shared_ptr<Term> make_density(std::shared_ptr<MixtureScore> score, std::size_t bodies,
                                   const Indices &body, const Points &means,
                                   const Matrices &covariances, const Values &weights,
                                   const std::string &name) {
  const Mixture all = to_mixture(means, covariances, weights);
  const std::vector<std::size_t> owner = to_indices(body);
  check_rows(owner.size(), all.size(), "body");
  std::vector<Mixture> mixtures(bodies);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (owner[i] >= bodies)
      throw std::domain_error("component " + std::to_string(i) + " belongs to body " +
                              std::to_string(owner[i]) + " of " + std::to_string(bodies));
    mixtures[owner[i]].push_back(all[i]);
  }
  return std::make_shared<DensityTerm>(name, MovedScore(std::move(score), std::move(mixtures)));
}

std::shared_ptr<Term> make_connectivity(std::size_t bodies, const Indices &first_body,
                                        const Points &first_local, const Values &first_radius,
                                        const Indices &second_body, const Points &second_local,
                                        const Values &second_radius, const Values &threshold,
                                        double force_constant, const std::string &name) {
  const auto first = to_spheres(first_body, first_local, first_radius);
  const auto second = to_spheres(second_body, second_local, second_radius);
  check_rows(second.size(), first.size(), "second");
  check_rows(threshold.shape(0), first.size(), "threshold");
  std::vector<SphereBond> bonds;
  for (std::size_t i = 0; i < first.size(); ++i)
    bonds.push_back({first[i], second[i], threshold.data()[i], force_constant});
  return std::make_shared<ConnectivityTerm>(name, bodies, std::move(bonds));
}

std::shared_ptr<Term> make_excluded_volume(std::size_t bodies, const Indices &body,
                                           const Points &local, const Values &radius, double kappa,
                                           const std::string &name) {
  return std::make_shared<ExcludedVolumeTerm>(name, bodies, to_spheres(body, local, radius), kappa);
}

using Flags = nb::ndarray<const bool, nb::shape<-1>, nb::c_contig, nb::device::cpu>;

std::shared_ptr<Term> make_crosslinks(std::size_t bodies, const Indices &link,
                                      const Indices &first_body, const Points &first_local,
                                      const Values &first_radius, const Indices &second_body,
                                      const Points &second_local, const Values &second_radius,
                                      const Flags &same_sphere, double length, double slope,
                                      double sigma, double psi, const std::string &name) {
  const auto first = to_spheres(first_body, first_local, first_radius);
  const auto second = to_spheres(second_body, second_local, second_radius);
  const std::vector<std::size_t> owner = to_indices(link);
  check_rows(second.size(), first.size(), "second");
  check_rows(owner.size(), first.size(), "link");
  check_rows(same_sphere.shape(0), first.size(), "same_sphere");
  std::vector<CrossLink> links;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (owner[i] > links.size() || owner[i] + 1 < links.size())
      throw std::domain_error("contributions must be sorted by link, from 0");
    if (owner[i] == links.size()) links.emplace_back();
    links.back().push_back({first[i], second[i], same_sphere.data()[i]});
  }
  return std::make_shared<CrossLinkTerm>(name, bodies, std::move(links),
                                         CrossLinkOptions{length, slope},
                                         std::vector<double>{sigma}, std::vector<double>{psi});
}

std::shared_ptr<Sampler> make_sampler(
    const std::vector<std::shared_ptr<Term>> &terms, const std::vector<double> &weights,
    const std::vector<bool> &annealed, const std::vector<std::shared_ptr<Mover>> &movers,
    const std::vector<double> &temperatures, const PoseSets &starts, std::uint64_t steps,
    std::uint64_t low_steps, std::uint64_t high_steps, double low_weight,
    std::uint64_t frame_interval, std::uint64_t exchange_interval, std::uint64_t refresh_interval,
    std::uint64_t burn_in, std::uint64_t seed, unsigned threads, const std::vector<bool> &is_mine,
    nb::object sum, const std::vector<double> &mover_weights,
    const std::vector<double> &confinement) {
  SamplerSetup setup;
  check_rows(weights.size(), terms.size(), "weights");
  check_rows(annealed.size(), terms.size(), "annealed");
  for (std::size_t t = 0; t < terms.size(); ++t)
    setup.terms.push_back({terms[t], weights[t], annealed[t]});
  setup.movers.assign(movers.begin(), movers.end());
  setup.mover_weights = mover_weights;
  setup.confinement = to_confinement(confinement);
  setup.temperatures = temperatures;
  const std::size_t n = starts.shape(1);
  for (std::size_t r = 0; r < starts.shape(0); ++r)
    setup.starts.push_back(to_poses(starts.data() + r * n * 7, n));
  setup.schedule = {steps,          low_steps,         high_steps,       low_weight,
                    frame_interval, exchange_interval, refresh_interval, burn_in};
  setup.seed = seed;
  setup.threads = threads;
  setup.processes.is_mine.assign(is_mine.begin(), is_mine.end());
  if (!sum.is_none())
    // Held by the sampler, called from advance() where the GIL is released.
    setup.processes.sum = [sum](std::vector<double> *values) {
      const nb::gil_scoped_acquire acquire;
      const nb::object result = sum(to_numpy(*values, {values->size()}));
      const Values total = nb::cast<Values>(result);
      check_rows(total.shape(0), values->size(), "the sum over processes");
      values->assign(total.data(), total.data() + total.shape(0));
    };
  return std::make_shared<Sampler>(std::move(setup));
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

void bind_terms(nb::module_ &m) {
  nb::class_<Term>(m, "Term", "One term of the score over the poses (n, 7) of all bodies.")
      .def_prop_ro("name", &Term::name)
      .def_prop_ro("bodies", &Term::bodies)
      .def_prop_ro("parameters", &Term::parameters)
      .def(
          "evaluate",
          [](const Term &term, const PoseRows &poses) {
            return term.evaluate(to_poses(poses), nullptr);
          },
          "poses"_a, "Score in kT, from scratch.")
      .def(
          "gradient",
          [](const Term &term, const PoseRows &poses) {
            std::vector<PoseGradient> gradients;
            const double value = term.evaluate(to_poses(poses), &gradients);
            std::vector<Vec3> by_translation, by_rotation;
            for (const PoseGradient &g : gradients) {
              by_translation.push_back(g.by_translation);
              by_rotation.push_back(g.by_rotation);
            }
            return nb::make_tuple(value, points_to_numpy(by_translation),
                                  points_to_numpy(by_rotation));
          },
          "poses"_a,
          "(score in kT, derivative by translation (n, 3) kT/Å, by rotation about the body's "
          "origin "
          "(n, 3) kT/rad).")
      .def(
          "minimize",
          [](const Term &term, const PoseRows &poses, const std::vector<double> &radii,
             int max_evaluations) {
            check_rows(radii.size(), term.bodies(), "radii");
            MinimizeOptions options;
            options.max_evaluations = max_evaluations;
            MinimizeResult best;
            {
              nb::gil_scoped_release release;
              best = minimize_poses(
                  [&](const std::vector<Pose> &at, std::vector<PoseGradient> *gradients) {
                    return term.evaluate(at, gradients);
                  },
                  to_poses(poses), radii, options);
            }
            return nb::make_tuple(best.value, poses_to_numpy(best.poses, {best.poses.size(), 7}));
          },
          "poses"_a, "radii"_a, "max_evaluations"_a = 200,
          "(score in kT, poses) of the nearest minimum; radii (n,) Å: of gyration, 0 for a body "
          "that does not turn, negative for one that stays.")
      .def(
          "reset", [](Term &term, const PoseRows &poses) { return term.reset(to_poses(poses)); },
          "poses"_a)
      .def(
          "propose",
          [](Term &term, const Indices &bodies, const PoseRows &poses) {
            const std::vector<std::size_t> which = to_indices(bodies);
            check_rows(poses.shape(0), which.size(), "poses");
            for (std::size_t b : which)
              if (b >= term.bodies())
                throw std::out_of_range("body " + std::to_string(b) + " of " +
                                        std::to_string(term.bodies()));
            return term.propose(which, to_poses(poses));
          },
          "bodies"_a, "poses"_a)
      .def("propose_parameter", &Term::propose_parameter, "index"_a, "value"_a)
      .def("accept", &Term::accept)
      .def("reject", &Term::reject)
      .def_prop_ro("score", &Term::score);
  m.def("density_term", &make_density, "score"_a, "bodies"_a, "body"_a, "means"_a, "covariances"_a,
        "weights"_a, "name"_a = "em");
  m.def("connectivity_term", &make_connectivity, "bodies"_a, "first_body"_a, "first_local"_a,
        "first_radius"_a, "second_body"_a, "second_local"_a, "second_radius"_a, "threshold"_a,
        "force_constant"_a, "name"_a = "connectivity");
  m.def("excluded_volume_term", &make_excluded_volume, "bodies"_a, "body"_a, "local"_a, "radius"_a,
        "kappa"_a, "name"_a = "excluded_volume");
  m.def("crosslink_term", &make_crosslinks, "bodies"_a, "link"_a, "first_body"_a, "first_local"_a,
        "first_radius"_a, "second_body"_a, "second_local"_a, "second_radius"_a, "same_sphere"_a,
        "length"_a, "slope"_a, "sigma"_a, "psi"_a, "name"_a = "crosslinks",
        "Contributions sorted by link; parameters: sigma (Å), psi.");
}

void bind_movers(nb::module_ &m) {
  nb::class_<Mover>(m, "Mover").def_prop_ro("name", &Mover::name);
  m.def(
      "rigid_mover",
      [](const std::string &name, const Indices &bodies, double max_translation,
         double max_rotation, std::int64_t center) -> std::shared_ptr<Mover> {
        return std::make_shared<RigidMover>(
            name, to_indices(bodies), max_translation, max_rotation,
            center < 0 ? RigidMover::mean_of_all : static_cast<std::size_t>(center));
      },
      "name"_a, "bodies"_a, "max_translation"_a, "max_rotation"_a, "center"_a = -1,
      "Bodies moved as one, turning about the body `center` or about the mean of all (-1).");
  m.def(
      "swap_mover",
      [](const std::string &name, const Indices &first,
         const Indices &second) -> std::shared_ptr<Mover> {
        return std::make_shared<SwapMover>(name, to_indices(first), to_indices(second));
      },
      "name"_a, "first"_a, "second"_a,
      "Two bodies change places, each with what it carries (the body comes first).");
  m.def(
      "turn_mover",
      [](const std::string &name, const Indices &group,
         const Points &axes) -> std::shared_ptr<Mover> {
        std::vector<Vec3> own;
        for (std::size_t i = 0; i < axes.shape(0); ++i)
          own.push_back({axes(i, 0), axes(i, 1), axes(i, 2)});
        return std::make_shared<TurnMover>(name, to_indices(group), std::move(own));
      },
      "name"_a, "group"_a, "axes"_a,
      "A body, the first of the group, turns about its own axes (n, 3).");
  m.def(
      "parameter_mover",
      [](const std::string &name, std::size_t term, std::size_t parameter, double low, double high,
         double max_step) -> std::shared_ptr<Mover> {
        return std::make_shared<ParameterMover>(name, term, parameter, low, high, max_step);
      },
      "name"_a, "term"_a, "parameter"_a, "low"_a, "high"_a, "max_step"_a);
}

}  // namespace

void bind_sampler(nb::module_ &m) {
  bind_terms(m);
  bind_movers(m);
  nb::class_<Sampler>(m, "Sampler", "Replica-exchange Monte Carlo over poses.")
      .def(nb::new_(&make_sampler), "terms"_a, "weights"_a, "annealed"_a, "movers"_a,
           "temperatures"_a, "starts"_a, "steps"_a, "low_steps"_a, "high_steps"_a, "low_weight"_a,
           "frame_interval"_a, "exchange_interval"_a, "refresh_interval"_a, "burn_in"_a, "seed"_a,
           "threads"_a, "is_mine"_a = std::vector<bool>(), "sum"_a.none() = nb::none(),
           "mover_weights"_a = std::vector<double>(), "confinement"_a = std::vector<double>(),
           "is_mine and sum: see ProcessGroup. confinement: centre and radius, Å.")
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
          "poses",
          [](const Sampler &s, std::size_t replica) {
            const std::vector<Pose> &poses = s.replica(replica).poses();
            return poses_to_numpy(poses, {poses.size(), 7});
          },
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

// Terms of the score, and minimisation, for emgmm.scoring and emgmm.search.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "bindings.h"
#include "sample/body_images.h"
#include "sample/minimize.h"
#include "terms/connectivity.h"
#include "terms/crosslinks.h"
#include "terms/density_term.h"
#include "terms/excluded_volume.h"
#include "terms/pose_function.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::shared_ptr<Term> make_density(std::shared_ptr<MixtureScore> score, std::vector<Mixture> bodies,
                                   const std::string &name) {
  return std::make_shared<DensityTerm>(name, MovedScore(std::move(score), std::move(bodies)));
}

std::shared_ptr<Term> make_connectivity(std::size_t bodies, const std::vector<BodySphere> &first,
                                        const std::vector<BodySphere> &second,
                                        const Values &threshold, double force_constant,
                                        const std::string &name) {
  check_rows(second.size(), first.size(), "second");
  check_rows(threshold.shape(0), first.size(), "threshold");
  std::vector<SphereBond> bonds;
  for (std::size_t i = 0; i < first.size(); ++i)
    bonds.push_back({first[i], second[i], threshold.data()[i], force_constant});
  return std::make_shared<ConnectivityTerm>(name, bodies, std::move(bonds));
}

std::shared_ptr<Term> make_excluded_volume(std::size_t bodies,
                                           const std::vector<BodySphere> &spheres, double kappa,
                                           const std::string &name) {
  return std::make_shared<ExcludedVolumeTerm>(name, bodies, spheres, kappa);
}

std::shared_ptr<Term> make_crosslinks(std::size_t bodies, std::vector<CrossLink> links,
                                      double length, double slope, double sigma, double psi,
                                      const std::string &name) {
  return std::make_shared<CrossLinkTerm>(name, bodies, std::move(links),
                                         CrossLinkOptions{length, slope},
                                         std::vector<double>{sigma}, std::vector<double>{psi});
}

nb::tuple minimize_terms(const std::vector<WeightedTerm> &terms, const std::vector<Pose> &start,
                         const std::vector<double> &radii, int max_evaluations,
                         const std::vector<BodyImage> &images) {
  if (terms.empty()) throw std::domain_error("there is no term to minimise");
  for (const WeightedTerm &own : terms)
    if (own.term->bodies() != radii.size())
      throw std::domain_error("one radius a body is needed, got " + std::to_string(radii.size()));
  MinimizeOptions options;
  options.max_evaluations = max_evaluations;
  MinimizeResult best;
  check_poses(*terms[0].term, start);
  {
    nb::gil_scoped_release release;
    best = minimize_poses(with_images(pose_function(terms), images), start, radii, options);
    place_images(images, &best.poses);
  }
  return nb::make_tuple(best.value, best.poses, best.evaluations);
}

}  // namespace

void bind_terms(nb::module_ &m) {
  nb::class_<Term>(m, "Term", "One term of the score over the poses (n, 7) of all bodies.")
      .def_prop_ro("name", &Term::name)
      .def_prop_ro("bodies", &Term::bodies)
      .def_prop_ro("parameters", &Term::parameters)
      .def(
          "evaluate",
          [](const Term &term, const std::vector<Pose> &poses) {
            return term.evaluate(poses, nullptr);
          },
          "poses"_a, "Score in kT, from scratch.")
      .def(
          "gradient",
          [](const Term &term, const std::vector<Pose> &poses) {
            std::vector<PoseGradient> gradients;
            const double value = term.evaluate(poses, &gradients);
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
          "origin (n, 3) kT/rad).")
      .def(
          "minimize",
          [](const Term &term, const std::vector<Pose> &poses, const std::vector<double> &radii,
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
                  poses, radii, options);
            }
            return nb::make_tuple(best.value, best.poses);
          },
          "poses"_a, "radii"_a, "max_evaluations"_a = 200,
          "(score in kT, poses) of the nearest minimum; radii (n,) Å: of gyration, 0 for a body "
          "that does not turn, negative for one that stays.")
      .def("reset", &Term::reset, "poses"_a)
      .def(
          "propose",
          [](Term &term, const Indices &bodies, const std::vector<Pose> &poses) {
            const std::vector<std::size_t> which = to_indices(bodies);
            check_rows(poses.size(), which.size(), "poses");
            for (std::size_t b : which)
              if (b >= term.bodies())
                throw std::out_of_range("body " + std::to_string(b) + " of " +
                                        std::to_string(term.bodies()));
            return term.propose(which, poses);
          },
          "bodies"_a, "poses"_a)
      .def("propose_parameter", &Term::propose_parameter, "index"_a, "value"_a)
      .def("accept", &Term::accept)
      .def("reject", &Term::reject)
      .def_prop_ro("score", &Term::score);
  m.def("density_term", &make_density, "score"_a, "bodies"_a, "name"_a = "em",
        "The EM score of mixtures, each in the frame of its body; empty for a body without one.");
  m.def("connectivity_term", &make_connectivity, "bodies"_a, "first"_a, "second"_a, "threshold"_a,
        "force_constant"_a, "name"_a = "connectivity");
  m.def("excluded_volume_term", &make_excluded_volume, "bodies"_a, "spheres"_a, "kappa"_a,
        "name"_a = "excluded_volume");
  m.def("crosslink_term", &make_crosslinks, "bodies"_a, "links"_a, "length"_a, "slope"_a, "sigma"_a,
        "psi"_a, "name"_a = "crosslinks", "Parameters: sigma (Å), psi.");
  m.def("minimize_terms", &minimize_terms, "terms"_a, "poses"_a, "radii"_a, "max_evaluations"_a,
        "images"_a = nb::none(),
        "(weighted score in kT, poses (n, 7), evaluations) of the nearest minimum. radii: Å, 0 for "
        "a body that does not turn, negative for one that stays or is an image.");
}

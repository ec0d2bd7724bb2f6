// Movers, for emgmm.moves.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "sample/global_movers.h"
#include "sample/independence_mover.h"
#include "sample/movers.h"
#include "search/candidate_density.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

PoseDensity make_density(std::vector<Pose> centers, const Values &weights, double translation_sd,
                         double rotation_sd, double broad_weight,
                         const std::vector<double> &broad) {
  if (broad.size() != 4)
    throw std::domain_error("broad must be a point and a standard deviation, got " +
                            std::to_string(broad.size()) + " numbers");
  return PoseDensity(
      std::move(centers), std::vector<double>(weights.data(), weights.data() + weights.shape(0)),
      {translation_sd, rotation_sd, broad_weight, {broad[0], broad[1], broad[2]}, broad[3]});
}

PoseDensity make_pose_density(const Mixture &data, const std::vector<Pose> &poses,
                              const Values &overlaps, double radius, double power) {
  check_rows(overlaps.shape(0), poses.size(), "overlaps");
  std::vector<PlacementCandidate> candidates;
  for (const Pose &pose : poses) candidates.push_back({pose, overlaps.data()[candidates.size()]});
  return density_of_candidates(data, candidates, radius, power);
}

std::shared_ptr<Mover> make_independence(const std::string &name,
                                         const std::vector<Indices> &groups,
                                         const std::vector<PoseDensity> &densities) {
  std::vector<BodyGroup> bodies;
  for (const Indices &group : groups) bodies.push_back(to_indices(group));
  return std::make_shared<IndependenceMover>(name, std::move(bodies), densities);
}

}  // namespace

void bind_moves(nb::module_ &m) {
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
  nb::class_<PoseDensity>(m, "PoseDensity",
                          "Density of poses, per Å³ and normalised Haar measure: Gaussians about "
                          "centers, and a broad component.")
      .def(nb::new_(&make_density), "centers"_a, "weights"_a, "translation_sd"_a, "rotation_sd"_a,
           "broad_weight"_a, "broad"_a,
           "centers (n, 7); broad: mean and standard deviation of the places, Å, any orientation.")
      .def(
          "log_density",
          [](const PoseDensity &density, const std::vector<Pose> &poses) {
            std::vector<double> logs;
            for (const Pose &pose : poses) logs.push_back(density.log_density(pose));
            const std::size_t n = logs.size();
            return to_numpy(std::move(logs), {n});
          },
          "poses"_a);
  m.def(
      "pose_density", &make_pose_density, "data"_a, "poses"_a, "overlaps"_a, "radius"_a,
      "power"_a = kProposalOverlapPower,
      "PoseDensity about candidates (n, 7) of a body of that radius of gyration (Å) in the data.");
  m.def("independence_mover", &make_independence, "name"_a, "groups"_a, "densities"_a,
        "Some of the groups, each a body with what it carries, go to poses drawn from their "
        "densities.");
}

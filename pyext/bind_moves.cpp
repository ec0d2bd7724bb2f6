// Movers that need the data, and minimisation, for emgmm.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bindings.h"
#include "sample/body_images.h"
#include "sample/independence_mover.h"
#include "sample/minimize.h"
#include "search/candidate_density.h"
#include "terms/pose_function.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::vector<BodyImage> images_of_rows(const Indices &source, const Indices &image,
                                      const PoseRows &operation, const PoseRows &frame) {
  const std::vector<std::size_t> sources = to_indices(source), images = to_indices(image);
  const std::vector<Pose> operations = to_poses(operation), frames = to_poses(frame);
  if (images.size() != sources.size() || operations.size() != sources.size() ||
      frames.size() != sources.size())
    throw std::domain_error("source, image, operation and frame must have one row an image");
  std::vector<BodyImage> result;
  for (std::size_t i = 0; i < sources.size(); ++i)
    result.push_back({sources[i], images[i], operations[i], frames[i]});
  return result;
}

nb::tuple minimize_terms(const std::vector<std::shared_ptr<Term>> &terms,
                         const std::vector<double> &weights, const PoseRows &poses,
                         const std::vector<double> &radii, int max_evaluations,
                         const Indices &source, const Indices &image, const PoseRows &operation,
                         const PoseRows &frame) {
  if (terms.empty() || weights.size() != terms.size())
    throw std::domain_error("one weight a term is needed, got " + std::to_string(weights.size()) +
                            " for " + std::to_string(terms.size()));
  std::vector<WeightedTerm> weighted;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (terms[t]->bodies() != radii.size())
      throw std::domain_error("one radius a body is needed, got " + std::to_string(radii.size()));
    weighted.push_back({terms[t], weights[t]});
  }
  const std::vector<BodyImage> images = images_of_rows(source, image, operation, frame);
  MinimizeOptions options;
  options.max_evaluations = max_evaluations;
  MinimizeResult best;
  const std::vector<Pose> start = to_poses(poses);
  check_poses(*terms[0], start);
  {
    nb::gil_scoped_release release;
    best = minimize_poses(with_images(pose_function(weighted), images), start, radii, options);
    place_images(images, &best.poses);
  }
  return nb::make_tuple(best.value, poses_to_numpy(best.poses, {best.poses.size(), 7}),
                        best.evaluations);
}

PoseDensity make_density(const PoseRows &centers, const Values &weights, double translation_sd,
                         double rotation_sd, double broad_weight,
                         const std::vector<double> &broad) {
  if (broad.size() != 4)
    throw std::domain_error("broad must be a point and a standard deviation, got " +
                            std::to_string(broad.size()) + " numbers");
  return PoseDensity(
      to_poses(centers), std::vector<double>(weights.data(), weights.data() + weights.shape(0)),
      {translation_sd, rotation_sd, broad_weight, {broad[0], broad[1], broad[2]}, broad[3]});
}

PoseDensity make_pose_density(const Points &means, const Matrices &covariances,
                              const Values &weights, const PoseRows &poses, const Values &overlaps,
                              double radius, double power) {
  check_rows(overlaps.shape(0), poses.shape(0), "overlaps");
  std::vector<PlacementCandidate> candidates;
  for (const Pose &pose : to_poses(poses))
    candidates.push_back({pose, overlaps.data()[candidates.size()]});
  return density_of_candidates(to_mixture(means, covariances, weights), candidates, radius, power);
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
  nb::class_<PoseDensity>(m, "PoseDensity",
                          "Density of poses, per Å³ and normalised Haar measure: Gaussians about "
                          "centers, and a broad component.")
      .def(nb::new_(&make_density), "centers"_a, "weights"_a, "translation_sd"_a, "rotation_sd"_a,
           "broad_weight"_a, "broad"_a,
           "centers (n, 7); broad: mean and standard deviation of the places, Å, any orientation.")
      .def(
          "log_density",
          [](const PoseDensity &density, const PoseRows &poses) {
            std::vector<double> logs;
            for (const Pose &pose : to_poses(poses)) logs.push_back(density.log_density(pose));
            const std::size_t n = logs.size();
            return to_numpy(std::move(logs), {n});
          },
          "poses"_a);
  m.def("pose_density", &make_pose_density, "means"_a, "covariances"_a, "weights"_a, "poses"_a,
        "overlaps"_a, "radius"_a, "power"_a = kProposalOverlapPower,
        "PoseDensity about candidates (n, 7) of a body of that radius of gyration (Å) in the data: "
        "means, covariances, weights.");
  m.def("independence_mover", &make_independence, "name"_a, "groups"_a, "densities"_a,
        "Some of the groups, each a body with what it carries, go to poses drawn from their "
        "densities.");
  m.def(
      "minimize_terms", &minimize_terms, "terms"_a, "weights"_a, "poses"_a, "radii"_a,
      "max_evaluations"_a, "source"_a, "image"_a, "operation"_a, "frame"_a,
      "(weighted score in kT, poses (n, 7), evaluations) of the nearest minimum. radii: Å, 0 for a "
      "body that does not turn, negative for one that stays or is an image; images as in "
      "symmetric_mover.");
}

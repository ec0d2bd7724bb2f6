// MixtureScore and the instruction set, for emgmm.scoring.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <memory>
#include <stdexcept>

#include "bindings.h"
#include "math/instruction_set.h"
#include "score/mixture_score.h"
#include "values.h"

using namespace nanobind::literals;
using namespace emcore;
using namespace emgmm_python;

namespace {

std::shared_ptr<MixtureScore> make_mixture_score(Mixture data, const std::string &noise,
                                                 double sigma_min,
                                                 const std::vector<double> &component_sigma,
                                                 bool profile_scale, double background,
                                                 double floor, unsigned threads,
                                                 bool single_precision, double cutoff) {
  ScoreOptions options;
  options.noise = {noise_model_from_name(noise), sigma_min, component_sigma, profile_scale,
                   background};
  options.floor = floor;
  options.threads = threads;
  options.single_precision = single_precision;
  options.cutoff = cutoff;
  return std::make_shared<MixtureScore>(std::move(data), options);
}

nb::tuple noise_score(const std::vector<double> &log_ratios, const std::vector<double> &overlaps_dd,
                      const std::string &noise, double sigma_min,
                      const std::vector<double> &component_sigma, bool profile_scale,
                      double background) {
  const NoiseScore score(
      {noise_model_from_name(noise), sigma_min, component_sigma, profile_scale, background},
      overlaps_dd);
  if (log_ratios.size() != overlaps_dd.size())
    throw std::domain_error("log_ratios must have " + std::to_string(overlaps_dd.size()) +
                            " values, got " + std::to_string(log_ratios.size()));
  std::vector<double> slopes;
  const double value = score.evaluate(log_ratios, &slopes);
  const std::size_t n = slopes.size();
  return nb::make_tuple(value, to_numpy(std::move(slopes), {n}));
}

}  // namespace

void bind_score(nb::module_ &m) {
  nb::class_<MixtureScore>(m, "MixtureScore")
      .def(nb::new_(&make_mixture_score), "data"_a, "noise_model"_a = "lognormal",
           "sigma_min"_a = 0.0, "component_sigma"_a = std::vector<double>(),
           "profile_scale"_a = false, "background"_a = 0.0, "floor"_a = 0.0, "threads"_a = 1,
           "single_precision"_a = false, "cutoff"_a = 0.0)
      .def(
          "evaluate",
          [](const MixtureScore &score, const Mixture &model) {
            nb::gil_scoped_release release;
            return score.evaluate(model);
          },
          "model"_a, "Score in kT of a model mixture.")
      .def(
          "gradient",
          [](const MixtureScore &score, const Mixture &model) {
            std::vector<GaussianGradient> gradients;
            double value;
            {
              nb::gil_scoped_release release;
              value = score.evaluate(model, &gradients);
            }
            std::vector<Vec3> by_mean;
            std::vector<Sym3> by_covariance;
            for (const GaussianGradient &g : gradients) {
              by_mean.push_back(g.by_mean);
              by_covariance.push_back(g.by_covariance);
            }
            return nb::make_tuple(value, points_to_numpy(by_mean),
                                  matrices_to_numpy(by_covariance));
          },
          "model"_a, "(score in kT, derivative by means (n, 3), by covariances (n, 3, 3)).")
      .def(
          "seconds_a_gradient",
          [](const MixtureScore &score, const std::vector<Mixture> &frames) {
            std::vector<GaussianGradient> gradients;
            nb::gil_scoped_release release;
            Mixture model;
            std::vector<double> seconds;
            for (const Mixture &frame : frames) {
              model = frame;  // where the last one was, as in a simulation
              const auto began = std::chrono::steady_clock::now();
              score.evaluate(model, &gradients);
              seconds.push_back(
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
            }
            return seconds;
          },
          "frames"_a, "For benchmarks: time of score and derivatives at each of some models.")
      .def(
          "left_out",
          [](const MixtureScore &score, const Mixture &model) {
            double left_out;
            score.evaluate(model, nullptr, &left_out);
            return left_out;
          },
          "model"_a, "By how much the cutoff can change the score at most, to first order, kT.")
      .def(
          "log_ratios",
          [](const MixtureScore &score, const Mixture &model) {
            std::vector<double> l = score.log_ratios(model);
            const std::size_t n = l.size();
            return to_numpy(std::move(l), {n});
          },
          "model"_a, "log(ov_MD,k / ov_DD,k), one a data component.")
      .def(
          "sigma_estimate",
          [](const MixtureScore &score, const std::vector<double> &log_ratios) {
            return score.noise().sigma_estimate(log_ratios);
          },
          "log_ratios"_a, "Most probable sigma of the map, log ratio units.")
      .def(
          "component_sigma_estimates",
          [](const MixtureScore &score, const std::vector<double> &log_ratios) {
            std::vector<double> sigma = score.noise().component_sigma_estimates(log_ratios);
            const std::size_t n = sigma.size();
            return to_numpy(std::move(sigma), {n});
          },
          "log_ratios"_a, "The same for each data component.")
      .def(
          "cross_correlation",
          [](const MixtureScore &score, const Mixture &model) {
            return score.cross_correlation(model);
          },
          "model"_a, "ov_MD / sqrt(ov_MM ov_DD).");

  m.def("noise_score", &noise_score, "log_ratios"_a, "overlaps_dd"_a, "noise_model"_a = "lognormal",
        "sigma_min"_a = 0.0, "component_sigma"_a = std::vector<double>(), "profile_scale"_a = false,
        "background"_a = 0.0,
        "A noise model alone: (score in kT, derivative by log ov_MD,k (N_D,)).");
  m.def(
      "instruction_set", [] { return name(instruction_set()); },
      "Vector instructions that the kernels use.");
  m.def(
      "set_instruction_set",
      [](const std::string &set) { set_instruction_set(instruction_set_from_name(set)); }, "name"_a,
      "For tests and benchmarks: baseline, avx2 or avx512.");
  m.def(
      "available_instruction_sets",
      [] {
        std::vector<std::string> names;
        for (const InstructionSet set : available_instruction_sets()) names.push_back(name(set));
        return names;
      },
      "All that this processor has, slowest first.");
}

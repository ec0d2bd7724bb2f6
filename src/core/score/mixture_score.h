// The Bayesian score of a model mixture against a data mixture, from scratch, with derivatives.
#ifndef EMGMM_SCORE_MIXTURE_SCORE_H
#define EMGMM_SCORE_MIXTURE_SCORE_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "mixture/gaussian.h"
#include "score/near_overlap.h"
#include "score/noise_model.h"
#include "score/overlap.h"

namespace emcore {

struct ScoreOptions {
  NoiseOptions noise;
  // Added to ov_MD and ov_DD, Da²/Å³: only to compare with IMP.bayesianem (1e-10 there). It takes
  // away the pull on a body outside the map.
  double floor = 0;
  unsigned threads = 1;
  // From 0 (all pairs) to below 1, for models of isotropic Gaussians (atoms, residues, beads) when
  // evaluated from scratch: pairs that cannot reach this share of the largest overlap that they
  // could have at any distance are left out, the others summed in single precision. 1e-4 is good
  // for a flexible refinement (benchmark/RESULTS.md). No derivative by covariances then.
  double cutoff = 0;
  // Rows of moved scoring in single precision: 2.2 times faster, the score off by less than 1e-3
  // (benchmark/RESULTS.md). Evaluation from scratch is always in double.
  bool single_precision = false;
};

class MixtureScore {
 public:
  // Throws std::domain_error for an empty or faulty data mixture and for impossible options.
  MixtureScore(Mixture data, const ScoreOptions &options);

  const Mixture &data() const { return data_; }
  const ScoreOptions &options() const { return options_; }
  const ComponentTable<double> &table() const { return table_; }
  const NoiseScore &noise() const { return noise_; }

  // Score (kT) of a model in the frame of the data. Where `gradients` is given it gets one
  // derivative a component. The result does not depend on options.threads. left_out, where given:
  // what options.cutoff left out can change the score by at most this, to first order (kT).
  double evaluate(const Mixture &model, std::vector<GaussianGradient> *gradients = nullptr,
                  double *left_out = nullptr) const;

  // l_k = log(ov_MD,k / ov_DD,k), one a data component.
  std::vector<double> log_ratios(const Mixture &model) const;

  // l_k from overlaps that are known (rows of type T for a model of this total weight) of the data
  // components of these blocks, 16 values a block; `far` gets those that are scored in log space,
  // ascending where the blocks are. Where the plain sum ran out of range, far_logs(which, logs) is
  // asked for log ov_MD,k of those components: far away the sum is formed in log space (eq. 9), so
  // that a body outside the map still feels a pull.
  template <class T, class FarLogs>
  void log_ratios_from(const double *overlaps, const std::uint32_t *blocks, std::size_t n_blocks,
                       double model_weight, const FarLogs &far_logs, double *log_ratios,
                       std::vector<std::size_t> *far) const {
    constexpr std::size_t batch = ComponentTable<T>::batch;
    const double *trusted = row_table<T>().trusted_overlap.data();
    std::vector<std::size_t> far_places;
    far->clear();
    log_of(overlaps, options_.floor, n_blocks * batch, log_ratios);
    for (std::size_t j = 0; j < n_blocks; ++j) {
      const std::size_t first = blocks[j] * batch, n = block_size(blocks[j]);
      const double *row = overlaps + j * batch;
      double *l = log_ratios + j * batch;
      for (std::size_t i = 0; i < n; ++i) {
        if (options_.floor == 0 && !(row[i] > trusted[first + i] * model_weight)) {
          far->push_back(first + i);
          far_places.push_back(j * batch + i);
        }
        l[i] -= log_overlaps_dd_[first + i];
      }
    }
    if (far->empty()) return;
    std::vector<double> logs(far->size());
    far_logs(*far, logs.data());
    for (std::size_t j = 0; j < far->size(); ++j)
      log_ratios[far_places[j]] = logs[j] - log_overlaps_dd_[(*far)[j]];
  }

  // Data components of a block: 16 in all but the last.
  std::size_t block_size(std::size_t block) const {
    const std::size_t first = block * ComponentTable<double>::batch;
    return std::min(ComponentTable<double>::batch, table_.size - first);
  }

  // Adds the derivative by one model component of what data component k contributes through log
  // space: by its share of ov_MD,k = exp(log_ratio) ov_DD,k times the slope d score / d log
  // ov_MD,k.
  void add_far_gradient(const Gaussian &component, std::size_t k, double log_ratio, double slope,
                        GaussianGradient *gradient) const;

  // The score of bodies, each local components at its pose; where `gradients` is given it gets one
  // derivative a body.
  double evaluate_bodies(const std::vector<Mixture> &bodies, const std::vector<Pose> &poses,
                         std::vector<PoseGradient> *gradients) const;

  // The data in double or single precision (the latter only with options.single_precision).
  template <class T>
  const ComponentTable<T> &row_table() const;

  // cc = ov_MD / sqrt(ov_MM ov_DD), totals over all components.
  double cross_correlation(const Mixture &model) const;

 private:
  double evaluate_near(const Mixture &model, const NearModel &atoms,
                       std::vector<GaussianGradient> *gradients, double *left_out) const;
  void log_ratios(const Mixture &model, const std::vector<double> &row, std::vector<double> *result,
                  std::vector<std::size_t> *far) const;

  Mixture data_;
  ScoreOptions options_;
  ComponentTable<double> table_;
  ComponentTable<float> single_table_;
  std::unique_ptr<const NearOverlap> near_;  // with options.cutoff only
  std::vector<double> overlaps_dd_;          // floor included
  std::vector<double> log_overlaps_dd_;      // likewise
  NoiseScore noise_;
};

template <>
inline const ComponentTable<double> &MixtureScore::row_table<double>() const {
  return table_;
}
template <>
inline const ComponentTable<float> &MixtureScore::row_table<float>() const {
  return single_table_;
}

// Sum of the overlaps of all pairs: the same on any number of threads.
double total_overlap(const Mixture &a, const Mixture &b, unsigned threads = 1);

}  // namespace emcore

#endif

// The Bayesian score of a model mixture against a data mixture, from scratch, with derivatives.
#ifndef IMPEMGMM_INTERNAL_MIXTURE_SCORE_H
#define IMPEMGMM_INTERNAL_MIXTURE_SCORE_H

#include <IMP/emgmm/internal/gaussian.h>
#include <IMP/emgmm/internal/noise_model.h>
#include <IMP/emgmm/internal/overlap.h>

#include <vector>

namespace emcore {

struct ScoreOptions {
  NoiseOptions noise;
  // Added to ov_MD and ov_DD, Da²/Å³: only to compare with IMP.bayesianem (1e-10 there). It takes
  // away the pull on a body outside the map.
  double floor = 0;
  unsigned threads = 1;
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
  // derivative a component. The result does not depend on options.threads.
  double evaluate(const Mixture &model, std::vector<GaussianGradient> *gradients = nullptr) const;

  // l_k = log(ov_MD,k / ov_DD,k), one a data component.
  std::vector<double> log_ratios(const Mixture &model) const;

  // l_k from overlaps that are known (padded_size values); `model` is asked for only where the
  // plain sum ran out of the range of a double: far away the sum is formed in log space (eq. 9),
  // so that a body outside the map still feels a pull.
  template <class ModelSource>
  void log_ratios_from(const double *overlaps, const ModelSource &model,
                       std::vector<double> *log_ratios) const {
    log_ratios->resize(table_.size);
    for (std::size_t k = 0; k < table_.size; ++k)
      (*log_ratios)[k] = is_far(overlaps[k]) ? far_log_overlap(model(), k) - log_overlaps_dd_[k]
                                             : std::log(overlaps[k] + options_.floor) -
                                                   log_overlaps_dd_[k];
  }

  // cc = ov_MD / sqrt(ov_MM ov_DD), totals over all components.
  double cross_correlation(const Mixture &model) const;

 private:
  // Below this the terms that the kernel dropped (exp(-700)) could count.
  bool is_far(double overlap) const { return options_.floor == 0 && !(overlap > 1e-280); }
  double far_log_overlap(const Mixture &model, std::size_t k) const;
  std::vector<double> overlaps(const Mixture &model) const;

  Mixture data_;
  ScoreOptions options_;
  ComponentTable<double> table_;
  std::vector<double> overlaps_dd_;      // floor included
  std::vector<double> log_overlaps_dd_;  // likewise
  NoiseScore noise_;
};

// Sum over k of row[k], k in [0, size), in blocks of fixed size: the same on any number of threads.
double total_overlap(const Mixture &a, const Mixture &b, unsigned threads = 1);

}  // namespace emcore

#endif

// Data components that no body comes near: the sum over the bodies in log space (eq. 9), of those
// that count.
#ifndef EMGMM_SCORE_FAR_FIELD_H
#define EMGMM_SCORE_FAR_FIELD_H

#include <cstddef>
#include <utility>
#include <vector>

#include "score/overlap.h"

namespace emcore {

// What is known of a body where it stands: its centre in the frame of the table and its log
// overlaps with some data components, ascending.
struct FarBody {
  Vec3 center;  // Å
  std::vector<std::pair<std::size_t, double>> logs;
};

// For one data component k: the body of the largest bound gives the level, its log overlap; all
// bodies whose bound lies above level - kFarDepth are summed. So the sum is a function of the poses
// alone, and a move of any other body cannot change it.
class FarField {
 public:
  // Both outlive this.
  FarField(const ComponentTable<double> &table, const std::vector<BodyTable> &bodies)
      : table_(table), bodies_(bodies) {}

  Vec3 center(std::size_t body, const Pose &pose) const;

  // Whether a body may count (or does, at this place) where the level of component k is `level`.
  bool counts(std::size_t k, std::size_t body, const Vec3 &center, double level) const {
    return bound(k, body, center) >= level - kFarDepth;
  }

  // logs[j] = log ov_MD,k for k = which[j] of all bodies together, levels[j] its level. What had to
  // be computed is added to what is known of the bodies (`known` and poses: one a body).
  void sum(const std::vector<std::size_t> &which, const std::vector<Pose> &poses,
           const std::vector<FarBody *> &known, double *logs, double *levels) const;

 private:
  static constexpr double kFarDepth = 45;  // nats: 3e-20 of the sum, for each body left out

  // Upper bound of the log overlap of component k with a whole body: as if all its mass were at
  // the nearest point of its ball, as blurred as its most blurred component.
  double bound(std::size_t k, std::size_t body, const Vec3 &center) const;
  void body_logs(std::size_t body, const Pose &pose, const std::vector<std::size_t> &which,
                 FarBody *known, double *logs) const;

  const ComponentTable<double> &table_;
  const std::vector<BodyTable> &bodies_;
};

}  // namespace emcore

#endif

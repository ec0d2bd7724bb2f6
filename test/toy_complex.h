// A few lumpy bodies against the density that they make.
#ifndef EMGMM_TEST_TOY_COMPLEX_H
#define EMGMM_TEST_TOY_COMPLEX_H

#include <memory>
#include <vector>

#include "math/random.h"
#include "search/arrangements.h"
#include "search/densities.h"
#include "terms/excluded_volume.h"

namespace toy {

using namespace emcore;

struct Complex {
  Mixture data;
  std::vector<Mixture> bodies;
  std::vector<double> radii;
  std::vector<int> kinds;
  std::vector<Pose> native;
  std::shared_ptr<const Term> volume;  // spheres at the components

  Densities densities() const { return {data, ScoreOptions(), bodies}; }
  // By the density and so much of the excluded volume.
  ArrangementScore score(const Densities &by, double share = 1, unsigned threads = 0) const {
    return {{{by.term(), 1}, {volume, share}}, radii, kinds, threads};
  }
  ArrangementScore score(double share = 1, unsigned threads = 0) const {
    return score(densities(), share, threads);
  }
};

// Bodies of eight components at these places, each wider than the one before. The data lie half an
// Å off, so that the best score is not -infinity.
inline Complex complex_of(const std::vector<Vec3> &places, std::uint64_t seed) {
  Random random(seed);
  Complex c;
  std::vector<BodySphere> spheres;
  for (std::size_t b = 0; b < places.size(); ++b) {
    Mixture body;
    Vec3 center;
    for (int i = 0; i < 8; ++i) {
      const double width = 6 + b;
      const Vec3 mean{1.4 * width * random.normal(), width * random.normal(),
                      0.8 * width * random.normal()};
      body.push_back({mean, {25, 25, 25, 0, 0, 0}, 1000});
      center += 0.125 * mean;
    }
    for (Gaussian &g : body) {
      g.mean = g.mean - center;
      spheres.push_back({b, g.mean, 4});
    }
    c.native.push_back({random.rotation(), places[b]});
    for (Gaussian g : moved(body, c.native[b])) {
      g.mean += random.in_ball(1);
      c.data.push_back(g);
    }
    c.radii.push_back(gyration_radius(body));
    c.kinds.push_back(static_cast<int>(b));
    c.bodies.push_back(std::move(body));
  }
  c.volume = std::make_shared<ExcludedVolumeTerm>("volume", places.size(), spheres, 1.0);
  return c;
}

inline Complex complex_of_four() {
  return complex_of({{0, 0, 0}, {45, 4, -3}, {15, 44, 6}, {18, 8, 43}}, 4);
}
inline Complex complex_of_five() {
  return complex_of({{0, 0, 0}, {40, 5, -4}, {14, 38, 6}, {-12, 16, 34}, {30, -28, 20}}, 7);
}

// Largest distance of a body from where it is in the other, Å.
inline double farthest(const std::vector<Pose> &a, const std::vector<Pose> &b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, norm(a[i].translation - b[i].translation));
  return most;
}

inline bool equal(const std::vector<Pose> &a, const std::vector<Pose> &b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].translation.x != b[i].translation.x || a[i].rotation.w != b[i].rotation.w)
      return false;
  return a.size() == b.size();
}

inline bool equal(const Arrangements &a, const Arrangements &b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i].score != b[i].score || !equal(a[i].poses, b[i].poses)) return false;
  return a.size() == b.size();
}

}  // namespace toy

#endif

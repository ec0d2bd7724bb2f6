#include "search/candidates.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

#include "math/constants.h"
#include "math/eigen.h"
#include "math/parallel.h"
#include "math/random.h"
#include "mixture/coarse_mixture.h"
#include "search/field.h"

namespace emcore {

namespace {

// Sizes at which the search of one body runs: enough to tell its turns apart.
constexpr std::size_t kPlacementBodyComponents = 24;
constexpr std::size_t kPlacementDataComponents = 256;
// Å, of the blur that the high-pass filter takes away. For Rpb1 in EMD-1883 (20.9 Å) the fitted
// pose leads the best of all others by 2.4 standard deviations of the others with 5 Å, by 1.9 with
// 8, 1.3 with 12, 0.4 with 20, and is second without a filter.
constexpr double kPlacementFilter = 5;
// Å between places where bodies are tried. With 13 Å four of six seeds found Rpb3 of 1WCM between
// Rpb1 and Rpb2, with 11 Å five, with 9 Å all.
constexpr double kPlacementApart = 9;
constexpr std::size_t kPlacementPlaceComponents = 1024;  // of the data that are looked at for them
// Of the pairs of a place and a turn that are moved uphill: for each place, at least in all, at
// most of one place. With 640 in all 129 of 150 native poses (25 subunits of eight complexes of 2
// to 5, six seeds) are among the candidates, with 1280 148, in 1.4 times the time.
constexpr std::size_t kPlacementTurnsAPlace = 4, kPlacementTried = 1280, kPlacementTurnsMost = 24;
// Weight of 1 kT of the guide, as a share of a body's overlap with the data. What the overlap is
// worth in kT is known only after the search, and a guide may be wrong: several are tried.
constexpr double kPlacementGuideShares[] = {0, 0.02, 0.07, 0.2};

double sum_of(const std::vector<double> &values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// A mixture less its own blur, which a high-pass filter would let through. The plain overlap of a
// body with a larger density is greatest where that density is, whatever its shape; the overlap of
// one of them filtered is that of both filtered by the square root, and sees contours.
Mixture placement_filtered(Mixture mixture) {
  const std::size_t n = mixture.size();
  for (std::size_t i = 0; i < n; ++i) {
    Gaussian blur = mixture[i];
    blur.weight = -blur.weight;
    blur.covariance += kPlacementFilter * kPlacementFilter * Sym3{1, 1, 1, 0, 0, 0};
    mixture.push_back(blur);
  }
  return mixture;
}

// Negative overlap of a body with the data, in units of `scale`, and its slope.
double negative_overlap(const ComponentTable<double> &data, const Mixture &body, const Pose &pose,
                        double scale, PoseGradient *gradient) {
  const Mixture model = moved(body, pose);
  std::vector<double> row(data.padded_size);
  overlap_row(data, BodyTable(model), Pose(), row.data());
  if (gradient) {
    const std::vector<double> slope(data.padded_size, -1 / scale);
    std::vector<GaussianGradient> gradients(model.size());
    overlap_gradient(data, model.data(), model.size(), slope.data(), data.every_block.data(),
                     data.every_block.size(), gradients.data());
    *gradient = rigid_gradient(model, gradients, pose.translation);
  }
  return -sum_of(row) / scale;
}

// Means of a density's components and points one standard deviation away on their axes, thinned
// out: those left are `apart` from each other, and those that went no further from one of them.
std::vector<Vec3> spread_places(const Mixture &density, double apart, Random *random) {
  std::vector<Vec3> cloud;
  for (const Gaussian &g : density) {
    cloud.push_back(g.mean);
    const Eigen3 own = eigen(g.covariance);
    for (int a = 0; a < 3; ++a)
      for (const double side : {-1.0, 1.0})
        cloud.push_back(g.mean + side * std::sqrt(std::max(0.0, own.values[a])) * own.vectors[a]);
  }
  std::vector<Vec3> places;
  std::vector<double> nearest(cloud.size(), HUGE_VAL);
  std::size_t next = random->below(cloud.size());
  do {
    places.push_back(cloud[next]);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      const Vec3 d = cloud[i] - places.back();
      nearest[i] = std::min(nearest[i], dot(d, d));
    }
    next = std::max_element(nearest.begin(), nearest.end()) - nearest.begin();
  } while (nearest[next] > apart * apart);
  return places;
}

// Best first, each place once, at most so many.
std::vector<PlacementCandidate> distinct_candidates(std::vector<PlacementCandidate> candidates,
                                                    double radius, std::size_t most) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const PlacementCandidate &a, const PlacementCandidate &b) {
                     return a.overlap > b.overlap;
                   });
  std::vector<PlacementCandidate> kept;
  for (const PlacementCandidate &candidate : candidates) {
    if (kept.size() == most) break;
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const PlacementCandidate &k) {
      return is_same_place(k.pose, candidate.pose, radius, 2, 3);
    });
    if (!known) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace

std::vector<Quaternion> even_rotations(std::size_t n, const Quaternion &start) {
  constexpr double two_pi = 2 * kPi;
  std::vector<Quaternion> rotations;
  for (std::size_t i = 0; i < n; ++i) {
    const double s = i + 0.5, t = s / n;
    const double alpha = two_pi * s / 1.41421356237309504880,
                 beta = two_pi * s / 1.533751168755204288118041;
    const double r = std::sqrt(t), q = std::sqrt(1 - t);
    rotations.push_back(start * Quaternion{q * std::cos(beta), r * std::sin(alpha),
                                           r * std::cos(alpha), q * std::sin(beta)});
  }
  return rotations;
}

double gyration_radius(const Mixture &body) {
  double sum = 0;
  for (const Gaussian &g : body)
    sum += g.weight * (dot(g.mean, g.mean) + g.covariance.xx + g.covariance.yy + g.covariance.zz);
  return std::sqrt(sum / mass(body));
}

namespace {

double turned_at_rim(const Pose &a, const Pose &b, double radius) {
  const Quaternion turn = conjugate(a.rotation) * b.rotation;
  return 2 * std::acos(std::min(1.0, std::fabs(turn.w))) * radius;
}

}  // namespace

double pose_distance(const Pose &a, const Pose &b, double radius) {
  return std::max(norm(a.translation - b.translation), turned_at_rim(a, b, radius));
}

bool is_same_place(const Pose &a, const Pose &b, double radius, double apart, double turned) {
  return norm(a.translation - b.translation) <= apart && turned_at_rim(a, b, radius) < turned;
}

Mixture bodies_in_place(const std::vector<Mixture> &bodies, const std::vector<Pose> &poses,
                        const std::vector<std::size_t> &placed) {
  Mixture fixed;
  for (std::size_t b = 0; b < bodies.size(); ++b)
    if (!std::binary_search(placed.begin(), placed.end(), b))
      for (const Gaussian &g : moved(bodies[b], poses[b])) fixed.push_back(g);
  return fixed;
}

PlacementGuide guide_of_placed(const std::vector<std::size_t> &placed,
                               const std::vector<Pose> &poses, const PairScore &pair) {
  PlacementGuide guide;
  if (!pair) return guide;
  guide.pair = [=](std::size_t i, const Pose &at_i, std::size_t j, const Pose &at_j) {
    return pair(placed[i], at_i, placed[j], at_j);
  };
  guide.alone = [=](std::size_t i, const Pose &at_i) {
    double sum = 0;
    for (std::size_t b = 0; b < poses.size(); ++b)
      if (!std::binary_search(placed.begin(), placed.end(), b))
        sum += pair(placed[i], at_i, b, poses[b]);
    return sum;
  };
  return guide;
}

std::vector<PlacementCandidate> placement_candidates(const Mixture &data, const Mixture &fixed,
                                                     const Mixture &body,
                                                     const PlacementOptions &options) {
  const Mixture coarse_body = coarsened(body, kPlacementBodyComponents, options.seed);
  // What is left of the data: overlaps are linear in the weights, so bodies in place count with
  // negative ones.
  // A small difference of two coarse mixtures would be mostly noise: finer ones then.
  const std::size_t detail = (fixed.empty() ? 1 : 4) * kPlacementDataComponents;
  Mixture rest = coarsened(data, detail, options.seed + 1);
  if (!fixed.empty()) {
    const Mixture coarse_fixed = coarsened(fixed, detail, options.seed + 3);
    for (Gaussian g : coarse_fixed) {
      g.weight = -g.weight;
      rest.push_back(g);
    }
  }
  rest = placement_filtered(std::move(rest));
  const PlacementField field(rest, body, options.threads);
  const ComponentTable<double> exact_table(rest);
  Random random(options.seed, 1);
  const std::vector<Quaternion> rotations = even_rotations(options.rotations, random.rotation());
  const double radius = gyration_radius(body);

  // overlap[r * places + p]
  const std::vector<Vec3> centers = spread_places(
      coarsened(data, kPlacementPlaceComponents, options.seed + 2), kPlacementApart, &random);
  const std::size_t places = centers.size();
  std::vector<float> overlap(rotations.size() * places);
  parallel_for(rotations.size(), options.threads,
               [&](std::size_t r) { field.overlaps(rotations[r], centers, &overlap[r * places]); });
  const double scale =
      std::max(1e-30, std::fabs(double(*std::max_element(overlap.begin(), overlap.end()))) / 100);

  // The best pairs, at most so many of one place.
  const std::size_t cap = std::min(kPlacementTurnsMost, rotations.size());
  std::vector<std::pair<float, std::size_t>> best(places * cap);  // -overlap, its number
  parallel_for(places, options.threads, [&](std::size_t p) {
    std::vector<std::pair<float, std::size_t>> order(rotations.size());
    for (std::size_t r = 0; r < order.size(); ++r)
      order[r] = {-overlap[r * places + p], r * places + p};
    std::partial_sort(order.begin(), order.begin() + cap, order.end());
    std::copy_n(order.begin(), cap, best.begin() + p * cap);
  });
  const std::size_t tried =
      std::min(best.size(), std::max(kPlacementTried, kPlacementTurnsAPlace * places));
  std::partial_sort(best.begin(), best.begin() + tried, best.end());
  const auto minimized = [&](const Pose &start, const auto &negative) {
    MinimizeOptions minimize;
    minimize.max_evaluations = 25;
    minimize.tolerance = 0.01;
    const MinimizeResult best = minimize_poses(
        [&](const std::vector<Pose> &poses, std::vector<PoseGradient> *gradients) {
          if (gradients) gradients->resize(1);
          return negative(poses[0], gradients ? gradients->data() : nullptr);
        },
        {start}, {radius}, minimize);
    return PlacementCandidate{best.poses[0], -best.value * scale};
  };
  // On the grid first, then the best of these by all pairs of components.
  std::vector<PlacementCandidate> refined(tried);
  parallel_for(tried, options.threads, [&](std::size_t i) {
    const std::size_t k = best[i].second;
    refined[i] = minimized(Pose{rotations[k / places], centers[k % places]},
                           [&](const Pose &pose, PoseGradient *gradient) {
                             const double overlap = field.overlap(pose, gradient);
                             if (gradient) {
                               gradient->by_translation = (-1 / scale) * gradient->by_translation;
                               gradient->by_rotation = (-1 / scale) * gradient->by_rotation;
                             }
                             return -overlap / scale;
                           });
  });
  refined = distinct_candidates(std::move(refined), radius, options.refined);
  parallel_for(refined.size(), options.threads, [&](std::size_t i) {
    refined[i] = minimized(refined[i].pose, [&](const Pose &pose, PoseGradient *gradient) {
      return negative_overlap(exact_table, coarse_body, pose, scale, gradient);
    });
  });
  return distinct_candidates(std::move(refined), radius, options.candidates);
}

std::vector<std::vector<std::size_t>> placement_combinations(
    const std::vector<Mixture> &bodies,
    const std::vector<const std::vector<PlacementCandidate> *> &candidates,
    const PlacementGuide &guide, const PlacementOptions &options) {
  const std::size_t n = bodies.size();
  std::vector<Mixture> coarse;
  std::vector<std::size_t> first{0};  // candidate (b, a) has number first[b] + a
  for (std::size_t b = 0; b < n; ++b) {
    coarse.push_back(coarsened(bodies[b], kPlacementBodyComponents, options.seed));
    first.push_back(first.back() + candidates[b]->size());
  }
  // Overlap of every pair of candidates of different bodies, and what the guide says of it.
  const std::size_t all = first[n];
  std::vector<float> pair(all * all, 0.0f), guided(guide.pair ? all * all : 0, 0.0f);
  std::vector<double> alone(all, 0.0);
  parallel_for(all, options.threads, [&](std::size_t i) {
    const std::size_t b = std::upper_bound(first.begin(), first.end(), i) - first.begin() - 1;
    const ComponentTable<float> table(
        placement_filtered(moved(coarse[b], (*candidates[b])[i - first[b]].pose)));
    std::vector<double> row(table.padded_size);
    const Pose &pose = (*candidates[b])[i - first[b]].pose;
    if (guide.alone) alone[i] = guide.alone(b, pose);
    for (std::size_t c = b + 1; c < n; ++c) {
      const BodyTable other(coarse[c]);
      for (std::size_t a = 0; a < candidates[c]->size(); ++a) {
        overlap_row(table, other, (*candidates[c])[a].pose, row.data());
        pair[i * all + first[c] + a] = static_cast<float>(sum_of(row));
        if (guide.pair)
          guided[i * all + first[c] + a] =
              static_cast<float>(guide.pair(b, pose, c, (*candidates[c])[a].pose));
      }
    }
  });
  for (std::size_t i = 0; i < all; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      pair[i * all + j] = pair[j * all + i];
      if (guide.pair) guided[i * all + j] = guided[j * all + i];
    }

  double typical = 0;
  for (std::size_t b = 0; b < n; ++b) typical += std::fabs(candidates[b]->front().overlap) / n;

  struct Combination {
    double energy;
    std::vector<std::size_t> choice;
    bool operator<(const Combination &other) const {
      return energy != other.energy ? energy < other.energy : choice < other.choice;
    }
  };
  const std::vector<double> shares =
      guide.pair
          ? std::vector<double>(std::begin(kPlacementGuideShares), std::end(kPlacementGuideShares))
          : std::vector<double>{0};
  const std::size_t runs = std::max<std::size_t>(64, 2 * options.combinations);
  std::vector<Combination> found(runs);
  parallel_for(runs, options.threads, [&](std::size_t run) {
    Random random(options.seed, 1000 + run);
    const double share = shares[run % shares.size()] * typical;  // overlap a kT
    std::vector<std::size_t> choice(n);
    for (std::size_t b = 0; b < n; ++b) choice[b] = random.below(candidates[b]->size());
    const auto cost = [&](std::size_t b, std::size_t a) {
      double e = share * alone[first[b] + a] - (*candidates[b])[a].overlap;
      const float *row = &pair[(first[b] + a) * all];
      for (std::size_t c = 0; c < n; ++c)
        if (c != b) e += row[first[c] + choice[c]];
      if (share == 0 || guided.empty()) return e;
      const float *guided_row = &guided[(first[b] + a) * all];
      for (std::size_t c = 0; c < n; ++c)
        if (c != b) e += share * guided_row[first[c] + choice[c]];
      return e;
    };
    const std::size_t steps = 20000 * n;
    for (std::size_t step = 0; step < steps; ++step) {
      const double temperature = 0.3 * typical * std::pow(1e-3, double(step) / steps);
      const std::size_t b = random.below(n), a = random.below(candidates[b]->size());
      const double change = cost(b, a) - cost(b, choice[b]);
      if (change <= 0 || random.uniform() < std::exp(-change / temperature)) choice[b] = a;
    }
    for (bool improved = true; improved;) {
      improved = false;
      for (std::size_t b = 0; b < n; ++b)
        for (std::size_t a = 0; a < candidates[b]->size(); ++a)
          if (cost(b, a) < cost(b, choice[b]) - 1e-9 * typical) choice[b] = a, improved = true;
    }
    double energy = 0;
    for (std::size_t b = 0; b < n; ++b) {  // pairs are counted from both sides
      const std::size_t i = first[b] + choice[b];
      energy += 0.5 * (cost(b, choice[b]) + share * alone[i] - (*candidates[b])[choice[b]].overlap);
    }
    found[run] = {energy, choice};
  });
  // Energies of different shares cannot be compared: the best of each in turn.
  std::vector<std::set<Combination>> ranked(shares.size());
  for (std::size_t run = 0; run < runs; ++run) ranked[run % shares.size()].insert(found[run]);
  std::vector<std::vector<std::size_t>> result;
  for (bool any = true; any;) {
    any = false;
    for (std::set<Combination> &best : ranked) {
      if (best.empty() || result.size() == options.combinations) continue;
      any = true;
      const std::vector<std::size_t> choice = best.begin()->choice;
      best.erase(best.begin());
      if (std::find(result.begin(), result.end(), choice) == result.end()) result.push_back(choice);
    }
  }
  return result;
}

}  // namespace emcore

// Connectivity, excluded volume, cross-links: against plain loops, finite differences, and after
// many moves.
#include <functional>
#include <memory>
#include <stdexcept>

#include "math/random.h"
#include "reference.h"
#include "terms/connectivity.h"
#include "terms/crosslinks.h"
#include "terms/density_term.h"
#include "terms/excluded_volume.h"

using namespace emcore;
using reference::check;
using reference::check_close;
using reference::check_refused;

namespace {

Pose random_pose(Random &random, double radius) {
  return {random.rotation(), random.in_ball(radius)};
}

std::vector<Pose> random_poses(Random &random, std::size_t n, double radius) {
  std::vector<Pose> poses;
  for (std::size_t b = 0; b < n; ++b) poses.push_back(random_pose(random, radius));
  return poses;
}

// Bodies of very different sizes, one without any sphere.
std::vector<BodySphere> random_spheres(Random &random, std::size_t bodies) {
  std::vector<BodySphere> spheres;
  for (std::size_t b = 0; b < bodies; ++b) {
    const std::size_t n = b == 1 ? 0 : b % 3 == 0 ? 60 : b % 3 == 1 ? 1 : 7;
    for (std::size_t i = 0; i < n; ++i)
      spheres.push_back({b, random.in_ball(n > 1 ? 25 : 0.1), random.uniform(2, 8)});
  }
  return spheres;
}

double reference_excluded_volume(const std::vector<BodySphere> &spheres,
                                 const std::vector<Pose> &poses, double kappa) {
  double sum = 0;
  for (std::size_t i = 0; i < spheres.size(); ++i)
    for (std::size_t j = i + 1; j < spheres.size(); ++j) {
      const BodySphere &a = spheres[i], &b = spheres[j];
      if (a.body == b.body) continue;
      const double overlap =
          a.radius + b.radius - norm(poses[a.body] * a.local - poses[b.body] * b.local);
      if (overlap > 0) sum += 0.5 * kappa * overlap * overlap;
    }
  return sum;
}

std::vector<SphereBond> random_bonds(Random &random, std::size_t bodies, int n) {
  std::vector<SphereBond> bonds;
  for (int i = 0; i < n; ++i)
    bonds.push_back({{random.below(bodies), random.in_ball(20), random.uniform(1, 4)},
                     {random.below(bodies), random.in_ball(20), random.uniform(1, 4)},
                     random.uniform(0, 8),
                     10});
  return bonds;
}

double reference_connectivity(const std::vector<SphereBond> &bonds,
                              const std::vector<Pose> &poses) {
  double sum = 0;
  for (const SphereBond &b : bonds) {
    const double gap =
        norm(poses[b.first.body] * b.first.local - poses[b.second.body] * b.second.local) -
        b.first.radius - b.second.radius;
    if (gap > b.threshold) sum += 5 * (gap - b.threshold) * (gap - b.threshold);
  }
  return sum;
}

void gradient_matches(const Term &term, std::vector<Pose> poses, const std::string &what) {
  std::vector<PoseGradient> gradients;
  const double value = term.evaluate(poses, &gradients);
  check_close(term.evaluate(poses, nullptr), value, 1e-15, what + " value with gradient");
  const double step = 1e-5;
  double scale = 0;
  for (const PoseGradient &g : gradients)
    scale = std::max({scale, norm(g.by_translation), norm(g.by_rotation)});
  check(scale > 0, what + " has a slope");
  Random random(77);
  for (std::size_t b = 0; b < poses.size(); ++b)
    for (int turn = 0; turn < 2; ++turn) {
      const Vec3 along = random.direction();
      const Pose kept = poses[b];
      const auto at = [&](double s) {
        poses[b] =
            turn ? Pose{normalized(rotation_about(s * along) * kept.rotation), kept.translation}
                 : Pose{kept.rotation, kept.translation + s * along};
        return term.evaluate(poses, nullptr);
      };
      const double slope = (at(step) - at(-step)) / (2 * step);
      poses[b] = kept;
      const double found =
          dot(along, turn ? gradients[b].by_rotation : gradients[b].by_translation);
      check(std::fabs(found - slope) <= 1e-6 * scale, what + " slope of body " + std::to_string(b) +
                                                          ": " + std::to_string(found) + " and " +
                                                          std::to_string(slope));
    }
}

// After many proposals the kept score is, bit for bit, that of the poses.
void moves_keep_the_score(Term &term, std::vector<Pose> poses, int moves,
                          const std::function<double(const std::vector<Pose> &)> &reference) {
  Random random(3);
  term.reset(poses);
  for (int m = 0; m < moves; ++m) {
    std::vector<std::size_t> bodies;
    std::vector<Pose> proposed;
    const std::size_t count = m % 50 == 0 ? 3 : 1;
    for (std::size_t b = random.below(poses.size()); bodies.size() < count;
         b = (b + 1) % poses.size()) {
      bodies.push_back(b);
      const Pose &old = poses[b];
      Vec3 place = old.translation + random.in_ball(3);
      if (norm(place) > 60) place = 0.9 * place;
      proposed.push_back(
          {normalized(rotation_about(0.3 * random.direction()) * old.rotation), place});
    }
    const double value = term.propose(bodies, proposed);
    if (random.uniform() < 0.5) {
      term.accept();
      for (std::size_t j = 0; j < bodies.size(); ++j) poses[bodies[j]] = proposed[j];
      check(term.score() == value, term.name() + " accepts what it proposed");
    } else if (random.uniform() < 0.8) {
      term.reject();
    }  // else left pending: the next proposal rejects it
  }
  term.reject();
  const double kept = term.score();
  if (reference(poses) > 0)
    check_close(kept, reference(poses), 1e-9, term.name() + " after many moves");
  check_close(kept, term.evaluate(poses, nullptr), 1e-9, term.name() + " incremental and full");
  check(term.reset(poses) == kept, term.name() + " is a function of the poses");
  check(term.clone()->reset(poses) == kept, term.name() + " clone");
}

void priors_match(int moves) {
  const std::size_t bodies = 12;
  Random random(5);
  for (double radius : {10.0, 40.0, 90.0}) {
    const std::vector<BodySphere> spheres = random_spheres(random, bodies);
    const std::vector<SphereBond> bonds = random_bonds(random, bodies, 25);
    const std::vector<Pose> poses = random_poses(random, bodies, radius);
    ExcludedVolumeTerm volume("excluded volume", bodies, spheres, 1.5);
    ConnectivityTerm connectivity("connectivity", bodies, bonds);
    const auto volume_reference = [&](const std::vector<Pose> &p) {
      return reference_excluded_volume(spheres, p, 1.5);
    };
    const auto connectivity_reference = [&](const std::vector<Pose> &p) {
      return reference_connectivity(bonds, p);
    };
    check_close(volume.evaluate(poses, nullptr), volume_reference(poses), 1e-12, "volume");
    check_close(volume.reset(poses), volume_reference(poses), 1e-12, "volume reset");
    check_close(connectivity.evaluate(poses, nullptr), connectivity_reference(poses), 1e-12,
                "connectivity");
    gradient_matches(volume, poses, "excluded volume");
    gradient_matches(connectivity, poses, "connectivity");
    moves_keep_the_score(volume, poses, moves, volume_reference);
    moves_keep_the_score(connectivity, poses, moves, connectivity_reference);
  }
}

void density_term_matches(int moves) {
  Random random(8);
  const auto mixture = [&](int n, double radius) {
    Mixture m;
    for (int i = 0; i < n; ++i) {
      const Sym3 axes{random.uniform(20, 60), random.uniform(20, 60), random.uniform(20, 60)};
      m.push_back({random.in_ball(radius), rotated(matrix(random.rotation()), axes), 1});
    }
    return m;
  };
  std::vector<Mixture> bodies;
  for (int b = 0; b < 5; ++b) bodies.push_back(mixture(8, 15));
  const auto score = std::make_shared<MixtureScore>(mixture(30, 40), ScoreOptions());
  DensityTerm term("em", MovedScore(score, bodies));
  const std::vector<Pose> poses = random_poses(random, bodies.size(), 40);
  gradient_matches(term, poses, "density");
  moves_keep_the_score(term, poses, moves, [&](const std::vector<Pose> &p) {
    Mixture model;
    for (std::size_t b = 0; b < p.size(); ++b)
      for (const Gaussian &g : moved(bodies[b], p[b])) model.push_back(g);
    return score->evaluate(model);
  });
}

// Share of a ball of radius r that lies within `reach` of a point at distance d from its centre,
// by thin shells about that point: the caps of the closed form, integrated.
double reference_share(double r, double reach, double d) {
  const int shells = 200000;
  double volume = 0;
  for (int i = 0; i < shells; ++i) {
    const double s = reach * (i + 0.5) / shells;
    // Part of the shell that lies in the ball, from the angle at which it leaves it.
    double part = s <= r - d ? 1 : 0;
    if (s > std::fabs(r - d) && s < r + d) part = 0.5 * (1 - (s * s + d * d - r * r) / (2 * s * d));
    volume += part * 4 * M_PI * s * s * reach / shells;
  }
  return volume / (4.0 / 3 * M_PI * r * r * r);
}

void crosslink_likelihood_matches() {
  const auto term_at = [](double sigma_i, double sigma_j, double psi, double length) {
    CrossLink link = {{{0, {}, 1}, {1, {}, 1}, false, 0, 1, 0}};
    return CrossLinkTerm("links", 2, {link}, {length, 0.02}, {sigma_i, sigma_j}, {psi});
  };
  for (double sigma_i : {2.0, 7.0, 15.0})
    for (double sigma_j : {3.0, 12.0})
      for (double d : {1.0, 9.0, 20.0, 26.0, 33.0, 60.0}) {
        const double length = 21, psi = 0.1;
        const CrossLinkTerm term = term_at(sigma_i, sigma_j, psi, length);
        double fi, fj;
        if (d < sigma_i + sigma_j) {
          fi = std::min(1.0, std::pow(length / 2 / sigma_i, 3));
          fj = std::min(1.0, std::pow(length / 2 / sigma_j, 3));
        } else {
          fi = reference_share(sigma_i, length / 2, std::fabs(d - sigma_j - length / 2));
          fj = reference_share(sigma_j, length / 2, std::fabs(d - sigma_i - length / 2));
        }
        const double p = fi * fj;
        const double expected =
            -std::log((psi * (1 - p) + p * (1 - psi)) * std::exp(-0.02 * d)) + std::log(psi);
        check_close(term.evaluate({{}, {{}, {d, 0, 0}}}, nullptr), expected, 1e-6,
                    "cross-link at " + std::to_string(d));
      }
}

void crosslinks_match(int moves) {
  Random random(15);
  const std::size_t bodies = 7;
  std::vector<CrossLink> links(20);
  for (std::size_t i = 0; i < links.size(); ++i)
    for (std::size_t n = 0; n <= i % 3; ++n)
      links[i].push_back({{random.below(bodies), random.in_ball(20), 3},
                          {random.below(bodies), random.in_ball(20), 3},
                          i == 4,
                          random.below(2),
                          random.below(2),
                          random.below(2)});
  CrossLinkTerm term("crosslinks", bodies, links, {21, 0.02}, {6, 9}, {0.05, 0.2});
  const std::vector<Pose> poses = random_poses(random, bodies, 30);
  gradient_matches(term, poses, "crosslinks");
  moves_keep_the_score(term, poses, moves,
                       [&](const std::vector<Pose> &p) { return term.evaluate(p, nullptr); });
  // Unknowns: proposals of either kind in any order leave a function of poses and unknowns.
  double kept = term.reset(poses);
  for (int m = 0; m < 200; ++m) {
    const std::size_t index = random.below(4);
    const double value = index < 2 ? random.uniform(1, 20) : random.uniform(0.01, 0.49);
    const double proposed = term.propose_parameter(index, value);
    if (m % 2) {
      term.accept();
      kept = proposed;
      check(term.parameters()[index] == value, "parameter accepted");
    } else if (m % 4 == 0) {
      term.reject();
    }  // else the next proposal rejects it
    if (m % 4 == 2) term.propose({1, 2}, {poses[2], poses[1]});
    if (m % 4 == 2) term.reject();
    check(term.score() == kept, "kept score of cross-links");
  }
  CrossLinkTerm again("crosslinks", bodies, links, {21, 0.02}, {1, 1}, {0.5, 0.5});
  again.set_parameters(term.parameters());
  check(again.reset(poses) == kept, "score by parameters");
  check_close(term.evaluate(poses, nullptr), kept, 1e-12, "cross-links from scratch");
}

void bad_input_is_refused() {
  check_refused([] { ExcludedVolumeTerm("v", 1, {{1, {}, 1}}, 1); }, "a body that is not there");
  check_refused([] { ExcludedVolumeTerm("v", 1, {{0, {}, -1}}, 1); }, "a negative radius");
  check_refused([] { ExcludedVolumeTerm("v", 1, {{0, {NAN, 0, 0}, 1}}, 1); }, "NaN");
  check_refused([] { ExcludedVolumeTerm("v", 1, {}, -1); }, "a negative kappa");
  check_refused([] { ConnectivityTerm("c", 1, {{{0, {}, 1}, {2, {}, 1}, 1, 1}}); }, "body 2");
  check_refused([] { ConnectivityTerm("c", 1, {{{0, {}, 1}, {0, {}, 1}, 1, -1}}); }, "k");
  const CrossLink link = {{{0, {}, 1}, {1, {}, 1}}};
  check_refused([&] { CrossLinkTerm("x", 2, {link}, {}, {5}, {0}); }, "psi 0");
  check_refused([&] { CrossLinkTerm("x", 2, {link}, {}, {NAN}, {0.1}); }, "sigma NaN");
  check_refused([&] { CrossLinkTerm("x", 1, {link}, {}, {5}, {0.1}); }, "a link to nowhere");
  check_refused([&] { CrossLinkTerm("x", 2, {CrossLink()}, {}, {5}, {0.1}); }, "an empty link");
  check_refused([] { ConnectivityTerm("c", 2, {}).evaluate({Pose()}, nullptr); }, "one pose");
}

}  // namespace

// With an argument: that many moves (1000000 for the statement in the documentation).
int main(int argc, char **argv) {
  const int moves = argc > 1 ? std::atoi(argv[1]) : 20000;
  priors_match(moves);
  density_term_matches(moves / 4);
  crosslink_likelihood_matches();
  crosslinks_match(moves);
  bad_input_is_refused();
  return 0;
}

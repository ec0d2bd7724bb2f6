// Moves that keep a symmetry, and terms as functions of poses and of pairs.
#include <cmath>
#include <memory>
#include <stdexcept>

#include "math/random.h"
#include "reference.h"
#include "sample/symmetric_mover.h"
#include "terms/connectivity.h"
#include "terms/crosslinks.h"
#include "terms/pose_function.h"

using namespace emcore;
using reference::check;
using reference::check_close;
using reference::check_refused;

namespace {

Pose random_pose(Random &random) { return {random.rotation(), random.in_ball(30)}; }

double distance(const Pose &a, const Pose &b) {
  double sum = 0;
  for (const Vec3 &x : {Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 10}, Vec3{}})
    sum += norm(a * x - b * x);
  return sum;
}

void images_follow() {
  Random random(3);
  std::vector<BodyImage> images;
  for (std::size_t k = 0; k < 3; ++k)
    images.push_back({0, k + 2, random_pose(random), random_pose(random)});
  images.push_back({1, 5, random_pose(random), random_pose(random)});
  std::vector<Pose> poses;
  for (int b = 0; b < 6; ++b) poses.push_back(random_pose(random));
  for (const BodyImage &i : images) poses[i.image] = image_pose(i, poses[i.source]);
  const SymmetricMover mover(
      std::make_shared<RigidMover>("both", std::vector<std::size_t>{0, 1}, 4.0, 0.3), images);
  const SymmetricMover second(
      std::make_shared<RigidMover>("second", std::vector<std::size_t>{1}, 4.0, 0.3), images);
  check(mover.bodies().size() == 6 && second.bodies().size() == 2, "bodies of the movers");
  const std::vector<std::vector<double>> parameters;
  Move move;
  for (int step = 0; step < 2000; ++step) {
    const double ratio = (step % 2 ? mover : second).propose({poses, parameters}, 1, random, &move);
    check(ratio == 0, "as likely as the way back");
    for (std::size_t j = 0; j < move.bodies.size(); ++j) poses[move.bodies[j]] = move.poses[j];
  }
  for (const BodyImage &i : images) {
    check(distance(poses[i.image], image_pose(i, poses[i.source])) < 1e-10, "image in place");
    // A point of the image lies where the operation puts that point of the source.
    const Vec3 x{3, -5, 7};
    check(norm(poses[i.image] * x - i.operation * (poses[i.source] * (i.frame * x))) < 1e-10,
          "image of a point");
  }
}

void bad_images_are_refused() {
  const auto mover = std::make_shared<RigidMover>("m", std::vector<std::size_t>{0, 1}, 1.0, 0.1);
  check_refused([&] { SymmetricMover(mover, {{0, 1, {}, {}}}); }, "an image that moves by itself");
  check_refused([&] { SymmetricMover(mover, {{0, 2, {}, {}}, {1, 2, {}, {}}}); }, "two sources");
}

LinkContribution contribution(Random &random, std::size_t b, std::size_t c) {
  return {{b, random.in_ball(20), 3}, {c, random.in_ball(20), 3}};
}

void pairs_add_up() {
  Random random(8);
  const std::size_t n = 4;
  // Within the pair (0, 2): ambiguous, one reading inside a body. Then two that no pair decides.
  std::vector<CrossLink> links = {{contribution(random, 0, 2), contribution(random, 2, 2)},
                                  {contribution(random, 1, 0)},
                                  {contribution(random, 3, 1), contribution(random, 1, 3)}};
  const auto of_pairs = std::make_shared<CrossLinkTerm>(
      "links", n, links, CrossLinkOptions(), std::vector<double>{5}, std::vector<double>{0.1});
  links.push_back({contribution(random, 0, 1), contribution(random, 0, 2)});
  links.push_back({contribution(random, 3, 3)});
  const auto others = std::make_shared<CrossLinkTerm>(
      "links", n, links, CrossLinkOptions(), std::vector<double>{5}, std::vector<double>{0.1});
  std::vector<SphereBond> bonds;
  for (std::size_t b = 0; b + 1 < n; ++b)
    bonds.push_back({{b, random.in_ball(20), 2}, {b + 1, random.in_ball(20), 2}, 3, 10});
  const auto chain = std::make_shared<ConnectivityTerm>("chain", n, bonds);
  std::vector<Pose> poses;
  for (std::size_t b = 0; b < n; ++b) poses.push_back(random_pose(random));

  const auto sum_of_pairs = [&](const PairScore &pair) {
    double sum = 0;
    for (std::size_t b = 0; b < n; ++b)
      for (std::size_t c = 0; c < b; ++c) {
        sum += pair(b, poses[b], c, poses[c]);
        check_close(pair(b, poses[b], c, poses[c]), pair(c, poses[c], b, poses[b]), 1e-14,
                    "either order");
      }
    return sum;
  };
  const std::vector<WeightedTerm> terms = {{of_pairs, 2}, {chain, 0.5}};
  const double prior = std::log(0.1);
  check_close(sum_of_pairs(pair_function(terms)) + 2 * prior, pose_function(terms)(poses, nullptr),
              1e-12, "pairs add up to the score");
  check_close(sum_of_pairs(pair_function({{others, 1}})),
              sum_of_pairs(pair_function({{of_pairs, 1}})), 1e-14, "links that no pair decides");
  check(!pose_function({}) && !pair_function({}), "nothing of nothing");

  std::vector<PoseGradient> gradients;
  const PoseFunction function = pose_function(terms);
  function(poses, &gradients);
  for (std::size_t b = 0; b < n; ++b) {
    const double step = 1e-5;
    std::vector<Pose> up = poses, down = poses;
    up[b].translation.y += step, down[b].translation.y -= step;
    check_close((function(up, nullptr) - function(down, nullptr)) / (2 * step),
                gradients[b].by_translation.y, 1e-6, "slope of the sum");
  }
}

}  // namespace

int main() {
  images_follow();
  bad_images_are_refused();
  pairs_add_up();
  return 0;
}

// Random numbers that are the same on every platform: xoshiro256++ (Blackman & Vigna 2019),
// seeded by splitmix64; one stream a replica.
#ifndef EMGMM_MATH_RANDOM_H
#define EMGMM_MATH_RANDOM_H

#include <cstdint>

#include "math/algebra.h"

namespace emcore {

class Random {
 public:
  explicit Random(std::uint64_t seed = 0, std::uint64_t stream = 0) {
    std::uint64_t x = seed ^ (0x9e3779b97f4a7c15ull * (stream + 1));
    for (auto &word : state) word = splitmix(x);
  }

  std::uint64_t bits() {
    const std::uint64_t result = rotl(state[0] + state[3], 23) + state[0];
    const std::uint64_t t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotl(state[3], 45);
    return result;
  }

  // [0, 1)
  double uniform() { return (bits() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // {0 ... n - 1}
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits()) * n) >> 64);
  }
  double normal() {
    // Marsaglia's polar method; the second value is thrown away so that the state is all there is.
    for (;;) {
      const double u = uniform(-1, 1), v = uniform(-1, 1), s = u * u + v * v;
      if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
    }
  }
  // Uniform in the ball of the given radius.
  Vec3 in_ball(double radius) {
    for (;;) {
      const Vec3 v{uniform(-1, 1), uniform(-1, 1), uniform(-1, 1)};
      if (dot(v, v) <= 1) return radius * v;
    }
  }
  Vec3 direction() {
    for (;;) {
      const Vec3 v{uniform(-1, 1), uniform(-1, 1), uniform(-1, 1)};
      const double s = dot(v, v);
      if (s <= 1 && s > 1e-6) return (1 / std::sqrt(s)) * v;
    }
  }
  // Uniform over all rotations (Shoemake 1992, by normal deviates).
  Quaternion rotation() { return normalized({normal(), normal(), normal(), normal()}); }

  // A state of zeros gives zeros for ever; no seed makes it.
  bool is_stuck() const { return !(state[0] | state[1] | state[2] | state[3]); }

  std::uint64_t state[4];  // all there is: copy it for a checkpoint

 private:
  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  static std::uint64_t splitmix(std::uint64_t &x) {
    std::uint64_t z = (x += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
};

}  // namespace emcore

#endif

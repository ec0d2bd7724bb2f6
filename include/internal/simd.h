// A few numbers side by side (GCC and Clang vector types) with the functions that the kernels
// need. Everything is inlined into functions compiled for one instruction set, so the same source
// serves all of them; no -ffast-math anywhere.
#ifndef IMPEMGMM_INTERNAL_SIMD_H
#define IMPEMGMM_INTERNAL_SIMD_H

#include <IMP/emgmm/internal/instruction_set.h>

#include <cstdint>
#include <cstring>

namespace emcore {
namespace simd {

template <class T, int N>
struct Types;
template <int N>
struct Types<double, N> {
  typedef double Value __attribute__((vector_size(N * 8)));
  typedef std::int64_t Bits __attribute__((vector_size(N * 8)));
};
template <int N>
struct Types<float, N> {
  typedef float Value __attribute__((vector_size(N * 4)));
  typedef std::int32_t Bits __attribute__((vector_size(N * 4)));
};

template <class T, int N>
using Batch = typename Types<T, N>::Value;

template <class T, int N>
EMGMM_INLINE Batch<T, N> load(const T *p) {
  Batch<T, N> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T, int N>
EMGMM_INLINE void store(T *p, Batch<T, N> v) {
  std::memcpy(p, &v, sizeof v);
}
template <class T, int N>
EMGMM_INLINE Batch<T, N> broadcast(T s) {
  return s - Batch<T, N>{};
}
template <class T, int N>
EMGMM_INLINE T sum(Batch<T, N> v) {
  T s = 0;
  for (int l = 0; l < N; ++l) s += v[l];
  return s;
}

// exp(x) for x <= 0. Double: relative error below 4e-16, 0 below -700. Float: relative error
// below 2e-7, 0 below -60 (products of smaller numbers would turn denormal and cost 7 to 24 times).
// Cody-Waite reduction by ln 2, Taylor polynomial on |r| <= ln 2 / 2.
template <int N>
EMGMM_INLINE Batch<double, N> exp_negative(Batch<double, N> x) {
  using Bits = typename Types<double, N>::Bits;
  const Batch<double, N> shift = broadcast<double, N>(0x1.8p52);
  const Batch<double, N> raised = x * 1.4426950408889634 + shift;
  const Batch<double, N> n = raised - shift;
  const Batch<double, N> r = (x - n * 0x1.62e42fefa3800p-1) - n * 0x1.ef35793c76730p-45;
  Batch<double, N> p = broadcast<double, N>(1.0 / 6227020800.0);
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  Bits exponent, bits;
  std::memcpy(&exponent, &raised, sizeof raised);
  std::memcpy(&bits, &p, sizeof p);
  bits += exponent << 52;
  bits &= (x > -700.0);  // a comparison is all ones or all zeros
  Batch<double, N> result;
  std::memcpy(&result, &bits, sizeof bits);
  return result;
}

template <int N>
EMGMM_INLINE Batch<float, N> exp_negative(Batch<float, N> x) {
  using Bits = typename Types<float, N>::Bits;
  const Batch<float, N> shift = broadcast<float, N>(0x1.8p23f);
  const Batch<float, N> raised = x * 1.44269504f + shift;
  const Batch<float, N> n = raised - shift;
  const Batch<float, N> r = (x - n * 0x1.63p-1f) - n * -2.12194440e-4f;
  Batch<float, N> p = broadcast<float, N>(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  Bits exponent, bits;
  std::memcpy(&exponent, &raised, sizeof raised);
  std::memcpy(&bits, &p, sizeof p);
  bits += exponent << 23;
  bits &= (x > -60.0f);
  Batch<float, N> result;
  std::memcpy(&result, &bits, sizeof bits);
  return result;
}

// 1 / sqrt(x) for normal x > 0: a guess from the bits (relative error 1.8e-3 after its first,
// optimised step), then Newton's iteration to rounding. Relative error below 4e-16 (double),
// 3e-7 (float).
template <int N>
EMGMM_INLINE Batch<double, N> reciprocal_sqrt(Batch<double, N> x) {
  using Bits = typename Types<double, N>::Bits;
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  bits = 0x5fe6eb50c7b537a9 - (bits >> 1);
  Batch<double, N> y;
  std::memcpy(&y, &bits, sizeof bits);
  const Batch<double, N> half = 0.5 * x;
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  y = y + y * (0.5 - half * y * y);
  return y;
}

template <int N>
EMGMM_INLINE Batch<float, N> reciprocal_sqrt(Batch<float, N> x) {
  using Bits = typename Types<float, N>::Bits;
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  bits = 0x5f3759df - (bits >> 1);
  Batch<float, N> y;
  std::memcpy(&y, &bits, sizeof bits);
  const Batch<float, N> half = 0.5f * x;
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  y = y + y * (0.5f - half * y * y);
  return y;
}

}  // namespace simd
}  // namespace emcore

#endif

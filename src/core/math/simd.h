// A few numbers side by side (GCC and Clang vector types) with the functions that the kernels
// need. Everything is inlined into functions compiled for one instruction set, so the same source
// serves all of them; no -ffast-math anywhere.
#ifndef EMGMM_MATH_SIMD_H
#define EMGMM_MATH_SIMD_H

#include <cstdint>
#include <cstring>

#include "math/instruction_set.h"

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
// In halves: element l and l + N / 2 first.
template <class T, int N>
EMGMM_INLINE T sum(Batch<T, N> v) {
  if constexpr (N == 2) {
    return v[0] + v[1];
  } else {
    Batch<T, N / 2> low, high;
    std::memcpy(&low, &v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char *>(&v) + sizeof low, sizeof high);
    return sum<T, N / 2>(low + high);
  }
}

// 2^x for x <= 0. Double: relative error below 2e-14, never below 2^-1000. Float: relative error
// below 3e-7, never below 2^-87 (products of smaller numbers would turn denormal and cost 7 to 24
// times). Near-minimax polynomials (Chebyshev) on |r| <= 1/2.
template <int N>
EMGMM_INLINE Batch<double, N> exp2_negative(Batch<double, N> x) {
  using Bits = typename Types<double, N>::Bits;
  const Batch<double, N> lowest = broadcast<double, N>(-1000.0);
  const Batch<double, N> shift = broadcast<double, N>(0x1.8p52);
  x = x > lowest ? x : lowest;
  const Batch<double, N> raised = x + shift;
  const Batch<double, N> r = x - (raised - shift);
  Batch<double, N> p = broadcast<double, N>(1.0205905308574627699e-7);
  p = p * r + 1.3259645243778837354e-6;
  p = p * r + 1.525267292543562798e-5;
  p = p * r + 1.5403433751256188982e-4;
  p = p * r + 1.3333558200793471152e-3;
  p = p * r + 9.618129193934301672e-3;
  p = p * r + 5.5504108664651680165e-2;
  p = p * r + 2.4022650695640339874e-1;
  p = p * r + 6.931471805599461589e-1;
  p = p * r + 1.0000000000000134868;
  Bits exponent, bits;
  std::memcpy(&exponent, &raised, sizeof raised);
  std::memcpy(&bits, &p, sizeof p);
  bits += exponent << 52;  // the integer part stands in the low bits of `raised`
  Batch<double, N> result;
  std::memcpy(&result, &bits, sizeof bits);
  return result;
}

template <int N>
EMGMM_INLINE Batch<float, N> exp2_negative(Batch<float, N> x) {
  using Bits = typename Types<float, N>::Bits;
  const Batch<float, N> lowest = broadcast<float, N>(-87.0f);
  const Batch<float, N> shift = broadcast<float, N>(0x1.8p23f);
  x = x > lowest ? x : lowest;
  const Batch<float, N> raised = x + shift;
  const Batch<float, N> r = x - (raised - shift);
  Batch<float, N> p = broadcast<float, N>(1.3390863364671234e-3f);
  p = p * r + 9.6760319183220541e-3f;
  p = p * r + 5.5503571142190778e-2f;
  p = p * r + 2.4022107488305338e-1f;
  p = p * r + 6.9314718802622878e-1f;
  p = p * r + 1.0000000754548972f;
  Bits exponent, bits;
  std::memcpy(&exponent, &raised, sizeof raised);
  std::memcpy(&bits, &p, sizeof p);
  bits += exponent << 23;
  Batch<float, N> result;
  std::memcpy(&result, &bits, sizeof bits);
  return result;
}

// Natural logarithm of normal x > 0, relative error below 1e-15 away from 1 (absolute 1e-16 near
// it): x = 2^e m, log m = 2 atanh((m - 1) / (m + 1)) with m in [sqrt(1/2), sqrt(2)).
template <int N>
EMGMM_INLINE Batch<double, N> log_positive(Batch<double, N> x) {
  using Bits = typename Types<double, N>::Bits;
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  const Bits shifted = bits - 0x3fe6a09e667f3bcd;  // exponent 0 at sqrt(1/2)
  const Bits mantissa = bits - (shifted & static_cast<std::int64_t>(0xfff0000000000000ull));
  Batch<double, N> m, e;
  std::memcpy(&m, &mantissa, sizeof m);
  const Bits raised = (((shifted >> 52) + 2048) & 0xfff) | 0x4330000000000000;  // 2^52 + e + 2048
  std::memcpy(&e, &raised, sizeof e);
  e = e - (0x1.0p52 + 2048.0);
  const Batch<double, N> s = (m - 1.0) / (m + 1.0), t = s * s;
  Batch<double, N> p = broadcast<double, N>(1.0 / 23);
  p = p * t + 1.0 / 21;
  p = p * t + 1.0 / 19;
  p = p * t + 1.0 / 17;
  p = p * t + 1.0 / 15;
  p = p * t + 1.0 / 13;
  p = p * t + 1.0 / 11;
  p = p * t + 1.0 / 9;
  p = p * t + 1.0 / 7;
  p = p * t + 1.0 / 5;
  p = p * t + 1.0 / 3;
  return e * 0.69314718055994530942 + (2.0 * s + 2.0 * s * (t * p));
}

// 1 / sqrt(x) for normal x > 0: a guess from the bits, or from the processor's own estimate where
// a batch fills a register, then Newton's iteration to rounding. Relative error below 4e-16
// (double), 3e-7 (float).
template <int N>
EMGMM_INLINE Batch<double, N> reciprocal_sqrt(Batch<double, N> x) {
#if EMGMM_DISPATCH_X86
  if constexpr (N == 8) {
    Batch<double, N> y;
    __asm__("vrsqrt14pd %1, %0" : "=v"(y) : "v"(x));
    // From 14 bits to all at once: 1 / sqrt(1 - e) to the third order.
    const Batch<double, N> e = 1.0 - (x * y) * y;
    return y + y * (e * (0.5 + e * (0.375 + e * 0.3125)));
  }
#endif
  const Batch<double, N> half = 0.5 * x;
  using Bits = typename Types<double, N>::Bits;
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  bits = 0x5fe6eb50c7b537a9 - (bits >> 1);
  Batch<double, N> y;
  std::memcpy(&y, &bits, sizeof bits);
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  return y + y * (0.5 - half * y * y);
}

template <int N>
EMGMM_INLINE Batch<float, N> reciprocal_sqrt(Batch<float, N> x) {
  const Batch<float, N> half = 0.5f * x;
  Batch<float, N> y;
#if EMGMM_DISPATCH_X86
  if constexpr (N == 16) {
    __asm__("vrsqrt14ps %1, %0" : "=v"(y) : "v"(x));
    return y + y * (0.5f - half * y * y);
  } else if constexpr (N == 8) {
    __asm__("vrsqrtps %1, %0" : "=x"(y) : "x"(x));
    return y + y * (0.5f - half * y * y);
  }
#endif
  using Bits = typename Types<float, N>::Bits;
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  bits = 0x5f3759df - (bits >> 1);
  std::memcpy(&y, &bits, sizeof bits);
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  return y + y * (0.5f - half * y * y);
}

}  // namespace simd
}  // namespace emcore

#endif

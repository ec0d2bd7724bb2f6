// Vectors, symmetric matrices and rotations in three dimensions: plain values.
#ifndef EMGMM_MATH_ALGEBRA_H
#define EMGMM_MATH_ALGEBRA_H

#include <cmath>

namespace emcore {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(const Vec3 &a, const Vec3 &b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(const Vec3 &a, const Vec3 &b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(double s, const Vec3 &a) { return {s * a.x, s * a.y, s * a.z}; }
inline Vec3 &operator+=(Vec3 &a, const Vec3 &b) { return a = a + b; }
inline double dot(const Vec3 &a, const Vec3 &b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(const Vec3 &a, const Vec3 &b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline double norm(const Vec3 &a) { return std::sqrt(dot(a, a)); }

// Symmetric 3 x 3 matrix.
struct Sym3 {
  double xx = 0, yy = 0, zz = 0, xy = 0, xz = 0, yz = 0;
};

inline Sym3 operator+(const Sym3 &a, const Sym3 &b) {
  return {a.xx + b.xx, a.yy + b.yy, a.zz + b.zz, a.xy + b.xy, a.xz + b.xz, a.yz + b.yz};
}
inline Sym3 operator*(double s, const Sym3 &a) {
  return {s * a.xx, s * a.yy, s * a.zz, s * a.xy, s * a.xz, s * a.yz};
}
inline Sym3 &operator+=(Sym3 &a, const Sym3 &b) { return a = a + b; }
inline Vec3 operator*(const Sym3 &m, const Vec3 &v) {
  return {m.xx * v.x + m.xy * v.y + m.xz * v.z, m.xy * v.x + m.yy * v.y + m.yz * v.z,
          m.xz * v.x + m.yz * v.y + m.zz * v.z};
}
inline Sym3 outer(const Vec3 &v) {
  return {v.x * v.x, v.y * v.y, v.z * v.z, v.x * v.y, v.x * v.z, v.y * v.z};
}
inline double determinant(const Sym3 &m) {
  return m.xx * (m.yy * m.zz - m.yz * m.yz) - m.xy * (m.xy * m.zz - m.yz * m.xz) +
         m.xz * (m.xy * m.yz - m.yy * m.xz);
}
// The inverse; the caller knows that the determinant is not zero.
inline Sym3 inverse(const Sym3 &m) {
  const double s = 1 / determinant(m);
  return {s * (m.yy * m.zz - m.yz * m.yz), s * (m.xx * m.zz - m.xz * m.xz),
          s * (m.xx * m.yy - m.xy * m.xy), s * (m.xz * m.yz - m.xy * m.zz),
          s * (m.xy * m.yz - m.xz * m.yy), s * (m.xy * m.xz - m.xx * m.yz)};
}
// Sylvester's criterion; written so that NaN fails.
// By the trigonometric solution of the characteristic equation.
inline double largest_eigenvalue(const Sym3 &m) {
  const double mean = (m.xx + m.yy + m.zz) / 3;
  const Sym3 d{m.xx - mean, m.yy - mean, m.zz - mean, m.xy, m.xz, m.yz};
  const double p = std::sqrt(
      (d.xx * d.xx + d.yy * d.yy + d.zz * d.zz + 2 * (d.xy * d.xy + d.xz * d.xz + d.yz * d.yz)) /
      6);
  if (p == 0) return mean;
  const double cosine = determinant((1 / p) * d) / 2;
  return mean + 2 * p * std::cos(std::acos(std::fmax(-1.0, std::fmin(1.0, cosine))) / 3);
}
inline bool is_positive_definite(const Sym3 &m) {
  return m.xx > 0 && m.xx * m.yy - m.xy * m.xy > 0 && determinant(m) > 0;
}

// General 3 x 3 matrix, row by row; rotations map local to global coordinates.
struct Mat3 {
  double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
};

inline Vec3 operator*(const Mat3 &a, const Vec3 &v) {
  return {a.m[0][0] * v.x + a.m[0][1] * v.y + a.m[0][2] * v.z,
          a.m[1][0] * v.x + a.m[1][1] * v.y + a.m[1][2] * v.z,
          a.m[2][0] * v.x + a.m[2][1] * v.y + a.m[2][2] * v.z};
}
inline Vec3 transposed_times(const Mat3 &a, const Vec3 &v) {
  return {a.m[0][0] * v.x + a.m[1][0] * v.y + a.m[2][0] * v.z,
          a.m[0][1] * v.x + a.m[1][1] * v.y + a.m[2][1] * v.z,
          a.m[0][2] * v.x + a.m[1][2] * v.y + a.m[2][2] * v.z};
}
inline Mat3 operator*(const Mat3 &a, const Mat3 &b) {
  Mat3 c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      c.m[i][j] = a.m[i][0] * b.m[0][j] + a.m[i][1] * b.m[1][j] + a.m[i][2] * b.m[2][j];
  return c;
}
// R C R^T
inline Sym3 rotated(const Mat3 &r, const Sym3 &c) {
  const Vec3 rows[3] = {c * Vec3{r.m[0][0], r.m[0][1], r.m[0][2]},
                        c * Vec3{r.m[1][0], r.m[1][1], r.m[1][2]},
                        c * Vec3{r.m[2][0], r.m[2][1], r.m[2][2]}};
  const auto element = [&](int i, int j) {
    return r.m[i][0] * rows[j].x + r.m[i][1] * rows[j].y + r.m[i][2] * rows[j].z;
  };
  return {element(0, 0), element(1, 1), element(2, 2), element(0, 1), element(0, 2), element(1, 2)};
}

// Axial vector t of the antisymmetric matrix -2 (C G - G C): the torque of a rotation of the
// covariance C about its own centre when dE/dC = G (doc/method.md, eq. g).
inline Vec3 covariance_torque(const Sym3 &c, const Sym3 &g) {
  // dE = tr(G ([theta]x C - C [theta]x)) = tr([theta]x (C G - G C)); with A = C G - G C
  // antisymmetric, tr([theta]x A) = 2 theta . (A_12, A_20, A_01).
  const double cg01 = c.xx * g.xy + c.xy * g.yy + c.xz * g.yz;
  const double cg10 = c.xy * g.xx + c.yy * g.xy + c.yz * g.xz;
  const double cg02 = c.xx * g.xz + c.xy * g.yz + c.xz * g.zz;
  const double cg20 = c.xz * g.xx + c.yz * g.xy + c.zz * g.xz;
  const double cg12 = c.xy * g.xz + c.yy * g.yz + c.yz * g.zz;
  const double cg21 = c.xz * g.xy + c.yz * g.yy + c.zz * g.yz;
  return {2 * (cg12 - cg21), 2 * (cg20 - cg02), 2 * (cg01 - cg10)};
}

// Unit quaternion w + xi + yj + zk.
struct Quaternion {
  double w = 1, x = 0, y = 0, z = 0;
};

inline Quaternion operator*(const Quaternion &a, const Quaternion &b) {
  return {
      a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
inline Quaternion conjugate(const Quaternion &q) { return {q.w, -q.x, -q.y, -q.z}; }
inline Quaternion normalized(const Quaternion &q) {
  const double s = 1 / std::sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
  return {s * q.w, s * q.x, s * q.y, s * q.z};
}
// Rotation by |theta| radians about the axis theta (global frame).
inline Quaternion rotation_about(const Vec3 &theta) {
  const double angle = norm(theta);
  const double s = angle > 1e-8 ? std::sin(angle / 2) / angle : 0.5;
  return normalized({std::cos(angle / 2), s * theta.x, s * theta.y, s * theta.z});
}
inline Mat3 matrix(const Quaternion &q) {
  Mat3 r;
  r.m[0][0] = 1 - 2 * (q.y * q.y + q.z * q.z);
  r.m[0][1] = 2 * (q.x * q.y - q.w * q.z);
  r.m[0][2] = 2 * (q.x * q.z + q.w * q.y);
  r.m[1][0] = 2 * (q.x * q.y + q.w * q.z);
  r.m[1][1] = 1 - 2 * (q.x * q.x + q.z * q.z);
  r.m[1][2] = 2 * (q.y * q.z - q.w * q.x);
  r.m[2][0] = 2 * (q.x * q.z - q.w * q.y);
  r.m[2][1] = 2 * (q.y * q.z + q.w * q.x);
  r.m[2][2] = 1 - 2 * (q.x * q.x + q.y * q.y);
  return r;
}
inline Vec3 operator*(const Quaternion &q, const Vec3 &v) {
  const Vec3 u{q.x, q.y, q.z};
  const Vec3 t = 2.0 * cross(u, v);
  return v + q.w * t + cross(u, t);
}

}  // namespace emcore

#endif

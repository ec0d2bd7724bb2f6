// Eigenvalues of a symmetric 3 x 3 matrix and what a mixture fit does with them.
#ifndef EMGMM_MATH_EIGEN_H
#define EMGMM_MATH_EIGEN_H

#include "math/algebra.h"

namespace emcore {

// Eigenvalues in rising order; vectors[i] belongs to values[i], unit length.
struct Eigen3 {
  double values[3];
  Vec3 vectors[3];
};

// Cyclic Jacobi rotations: slower than the closed form, but exact for nearly equal eigenvalues.
Eigen3 eigen(const Sym3 &m);

// The nearest matrix whose eigenvalues are all at least `floor`; a matrix that has them already
// comes back bit for bit. Eigenvalues that are not finite become `floor` too.
Sym3 with_floor(const Sym3 &covariance, double floor);

}  // namespace emcore

#endif

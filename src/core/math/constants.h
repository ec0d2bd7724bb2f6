// Numbers that many formulas need.
#ifndef EMGMM_MATH_CONSTANTS_H
#define EMGMM_MATH_CONSTANTS_H

namespace emcore {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLogTwoPi = 1.8378770664093454836;  // log(2 pi)

}  // namespace emcore

#endif

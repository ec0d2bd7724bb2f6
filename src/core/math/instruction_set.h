// Which vector instructions the kernels use: chosen once at run time, the same source for each.
#ifndef EMGMM_MATH_INSTRUCTION_SET_H
#define EMGMM_MATH_INSTRUCTION_SET_H

#include <string>
#include <vector>

namespace emcore {

enum class InstructionSet { baseline, avx2, avx512 };

// The best one that this processor has, or the one last set by set_instruction_set(). The
// environment variable EMGMM_INSTRUCTION_SET (baseline, avx2, avx512) overrides the choice at
// start; a name that is unknown or that the processor lacks is refused with std::domain_error.
InstructionSet instruction_set();

// For tests and benchmarks. Throws std::domain_error when the processor lacks it.
void set_instruction_set(InstructionSet set);

// All that this processor has, slowest first.
std::vector<InstructionSet> available_instruction_sets();

std::string name(InstructionSet set);
InstructionSet instruction_set_from_name(const std::string &name);

}  // namespace emcore

// EMGMM_DISPATCH_X86 is 1 where one source is compiled for several instruction sets by function
// attributes (a per-file flag would not survive IMP's unity build).
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define EMGMM_DISPATCH_X86 1
#define EMGMM_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define EMGMM_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#else
#define EMGMM_DISPATCH_X86 0
#endif
#define EMGMM_INLINE inline __attribute__((always_inline))

#endif

#include "math/instruction_set.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace emcore {

namespace {

bool processor_has(InstructionSet set) {
  if (set == InstructionSet::baseline) return true;
#if EMGMM_DISPATCH_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == InstructionSet::avx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

InstructionSet checked(InstructionSet set) {
  if (!processor_has(set)) throw std::domain_error("this processor has no " + name(set));
  return set;
}

InstructionSet initial_instruction_set() {
  if (const char *forced = std::getenv("EMGMM_INSTRUCTION_SET"))
    if (*forced) return checked(instruction_set_from_name(forced));
  return available_instruction_sets().back();
}

std::atomic<InstructionSet> &current_instruction_set() {
  static std::atomic<InstructionSet> current{initial_instruction_set()};
  return current;
}

}  // namespace

InstructionSet instruction_set() { return current_instruction_set(); }

void set_instruction_set(InstructionSet set) { current_instruction_set() = checked(set); }

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets;
  for (auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (processor_has(set)) sets.push_back(set);
  return sets;
}

std::string name(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    default:
      return "baseline";
  }
}

InstructionSet instruction_set_from_name(const std::string &wanted) {
  for (auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (name(set) == wanted) return set;
  throw std::domain_error("instruction set must be baseline, avx2 or avx512, got '" + wanted + "'");
}

}  // namespace emcore

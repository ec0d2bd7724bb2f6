// emgmm._core: types and names only; every formula is in src/core.
#include "bindings.h"

#include <nanobind/nanobind.h>

namespace nb = nanobind;

NB_MODULE(_core, m) {
  m.doc() = "Numerical core of emgmm";
  bind_fit(m);
  bind_score(m);
  bind_terms(m);
  bind_placement(m);
  bind_moves(m);
  bind_symmetry(m);
  bind_sampler(m);
}

// One bind_TOPIC function a file bind_TOPIC.cpp, called from bindings.cpp.
#ifndef EMGMM_BINDINGS_H
#define EMGMM_BINDINGS_H

#include <nanobind/nanobind.h>

void bind_fit(nanobind::module_ &m);
void bind_placement(nanobind::module_ &m);
void bind_score(nanobind::module_ &m);
void bind_sampler(nanobind::module_ &m);
void bind_symmetry(nanobind::module_ &m);
void bind_terms(nanobind::module_ &m);
void bind_moves(nanobind::module_ &m);

#endif

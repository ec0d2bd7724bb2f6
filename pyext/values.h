// Values of the core that cross to and from Python as values: a mixture as the package's Mixture,
// poses as rows of seven, spheres, links, terms and images as the objects that hold their columns.
// Every file that binds one of them includes this before anything of them is bound.
#ifndef EMGMM_VALUES_H
#define EMGMM_VALUES_H

#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrays.h"
#include "sample/body_images.h"
#include "terms/connectivity.h"
#include "terms/crosslinks.h"
#include "terms/pose_function.h"

namespace emgmm_python {

// An attribute as a C++ value; false where there is none, or it is of another type.
template <class T>
bool read_attribute(nb::handle object, const char *name, T *value) noexcept {
  const nb::object found = nb::steal(PyObject_GetAttrString(object.ptr(), name));
  if (!found.is_valid()) {
    PyErr_Clear();
    return false;
  }
  return nb::try_cast<T>(found, *value);
}

// A fault in the columns is told by name: throws std::domain_error.
inline bool read_spheres(nb::handle source, std::vector<emcore::BodySphere> *spheres) {
  Indices body;
  Points local;
  Values radius;
  if (!read_attribute(source, "body", &body) || !read_attribute(source, "local", &local) ||
      !read_attribute(source, "radius", &radius))
    return false;
  const std::vector<std::size_t> bodies = to_indices(body);
  check_rows(local.shape(0), bodies.size(), "local positions");
  check_rows(radius.shape(0), bodies.size(), "radii");
  spheres->clear();
  for (std::size_t i = 0; i < bodies.size(); ++i)
    spheres->push_back({bodies[i], {local(i, 0), local(i, 1), local(i, 2)}, radius(i)});
  return true;
}

}  // namespace emgmm_python

namespace nanobind::detail {

template <>
struct type_caster<emcore::Mixture> {
  NB_TYPE_CASTER(emcore::Mixture, const_name("emgmm.mixture.Mixture"))

  bool from_python(handle source, uint32_t, cleanup_list *) noexcept {
    emgmm_python::Points means;
    emgmm_python::Matrices covariances;
    emgmm_python::Values weights;
    if (!emgmm_python::read_attribute(source, "means", &means) ||
        !emgmm_python::read_attribute(source, "covariances", &covariances) ||
        !emgmm_python::read_attribute(source, "weights", &weights))
      return false;
    const std::size_t n = weights.shape(0);
    if (means.shape(0) != n || covariances.shape(0) != n) return false;
    value.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double *m = means.data() + 3 * i, *c = covariances.data() + 9 * i;
      value[i] = {{m[0], m[1], m[2]}, {c[0], c[4], c[8], c[1], c[2], c[5]}, weights.data()[i]};
    }
    return true;
  }

  // What Mixture refuses in Python is refused here too.
  static handle from_cpp(const emcore::Mixture &mixture, rv_policy, cleanup_list *) noexcept {
    try {
      std::vector<emcore::Vec3> means;
      std::vector<emcore::Sym3> covariances;
      std::vector<double> weights;
      for (const emcore::Gaussian &g : mixture) {
        means.push_back(g.mean);
        covariances.push_back(g.covariance);
        weights.push_back(g.weight);
      }
      const std::size_t n = weights.size();
      return module_::import_("emgmm.mixture")
          .attr("Mixture")(emgmm_python::points_to_numpy(means),
                           emgmm_python::matrices_to_numpy(covariances),
                           emgmm_python::to_numpy(std::move(weights), {n}))
          .release();
    } catch (python_error &error) {
      error.restore();
      return {};
    }
  }
};

template <>
struct type_caster<std::vector<emcore::Pose>> {
  using Rows = make_caster<emgmm_python::PoseRows>;
  NB_TYPE_CASTER(std::vector<emcore::Pose>, Rows::Name)

  bool from_python(handle source, uint32_t flags, cleanup_list *cleanup) noexcept {
    Rows rows;
    if (!rows.from_python(source, flags, cleanup)) return false;
    value = emgmm_python::to_poses(rows.value);
    return true;
  }

  static handle from_cpp(const std::vector<emcore::Pose> &poses, rv_policy policy,
                         cleanup_list *cleanup) noexcept {
    const auto rows = emgmm_python::poses_to_numpy(poses, {poses.size(), 7});
    return make_caster<ndarray<numpy, double>>::from_cpp(rows, policy, cleanup);
  }
};

template <>
struct type_caster<std::vector<emcore::BodySphere>> {
  NB_TYPE_CASTER(std::vector<emcore::BodySphere>, const_name("emgmm.representation.system.Spheres"))

  bool from_python(handle source, uint32_t, cleanup_list *) {
    return emgmm_python::read_spheres(source, &value);
  }
};

template <>
struct type_caster<std::vector<emcore::CrossLink>> {
  NB_TYPE_CASTER(std::vector<emcore::CrossLink>,
                 const_name("emgmm.scoring.crosslinks.Contributions"))

  bool from_python(handle source, uint32_t, cleanup_list *) {
    emgmm_python::Indices link;
    emgmm_python::Flags same_sphere;
    std::vector<emcore::BodySphere> first, second;
    if (!emgmm_python::read_attribute(source, "link", &link) ||
        !emgmm_python::read_attribute(source, "same_sphere", &same_sphere) ||
        !emgmm_python::read_spheres(source.attr("first"), &first) ||
        !emgmm_python::read_spheres(source.attr("second"), &second))
      return false;
    const std::vector<std::size_t> owner = emgmm_python::to_indices(link);
    emgmm_python::check_rows(first.size(), owner.size(), "first");
    emgmm_python::check_rows(second.size(), owner.size(), "second");
    emgmm_python::check_rows(same_sphere.shape(0), owner.size(), "same_sphere");
    value.clear();
    for (std::size_t i = 0; i < owner.size(); ++i) {
      if (owner[i] > value.size() || owner[i] + 1 < value.size())
        throw std::domain_error("contributions must be sorted by link, from 0");
      if (owner[i] == value.size()) value.emplace_back();
      value.back().push_back({first[i], second[i], same_sphere(i)});
    }
    return true;
  }
};

template <>
struct type_caster<emcore::WeightedTerm> {
  NB_TYPE_CASTER(emcore::WeightedTerm, const_name("emgmm.scoring.terms.TermSpec"))

  bool from_python(handle source, uint32_t, cleanup_list *) noexcept {
    return emgmm_python::read_attribute(source, "term", &value.term) && value.term &&
           emgmm_python::read_attribute(source, "weight", &value.weight) &&
           emgmm_python::read_attribute(source, "annealed", &value.annealed);
  }
};

// None for no images.
template <>
struct type_caster<std::vector<emcore::BodyImage>> {
  NB_TYPE_CASTER(std::vector<emcore::BodyImage>, const_name("emgmm.symmetry.Symmetry | None"))

  bool from_python(handle source, uint32_t, cleanup_list *) {
    value.clear();
    if (source.is_none()) return true;
    emgmm_python::Indices source_body, image;
    std::vector<emcore::Pose> operation, frame;
    if (!emgmm_python::read_attribute(source, "source", &source_body) ||
        !emgmm_python::read_attribute(source, "image", &image) ||
        !emgmm_python::read_attribute(source, "operation", &operation) ||
        !emgmm_python::read_attribute(source, "frame", &frame))
      return false;
    const std::vector<std::size_t> sources = emgmm_python::to_indices(source_body),
                                   images = emgmm_python::to_indices(image);
    emgmm_python::check_rows(images.size(), sources.size(), "image");
    emgmm_python::check_rows(operation.size(), sources.size(), "operation");
    emgmm_python::check_rows(frame.size(), sources.size(), "frame");
    for (std::size_t i = 0; i < sources.size(); ++i)
      value.push_back({sources[i], images[i], operation[i], frame[i]});
    return true;
  }
};

}  // namespace nanobind::detail

#endif

/**
 *  \file IMP/emgmm/SymmetryConstraint.h
 *  \brief Copies of a symmetric complex follow the first one.
 */

#ifndef IMPEMGMM_SYMMETRY_CONSTRAINT_H
#define IMPEMGMM_SYMMETRY_CONSTRAINT_H

#include <IMP/Constraint.h>
#include <IMP/algebra/Transformation3D.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/particle_index.h>

#include <cereal/access.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/vector.hpp>
#include <string>

IMPEMGMM_BEGIN_NAMESPACE

//! Keep particles where symmetry operations put others
/** An image's frame is operation * (frame of the source) * (frame of the image in
    that of the source): unlike for core::TransformationSymmetry, copies may have
    been read in any orientation. A core::NonRigidMember has its internal
    coordinates set, anything else that is no core::RigidBody its coordinates.

    Derivatives of the images are added to those of the sources, so that an
    optimizer sees the score as a function of the sources alone. Images should
    not be optimized or moved by themselves.
    \see get_symmetry_operations
 */
class IMPEMGMMEXPORT SymmetryConstraint : public Constraint {
 public:
  /**
     \param[in] m the Model
     \param[in] sources core::XYZ particles; one may occur several times
     \param[in] images of these, all different; those that are members of a
                rigid body after that body
     \param[in] operations global to global, for each image
     \param[in] frames local frame of each image to that of its source; of a
                core::NonRigidMember that of the body that carries it
     \param[in] name of the constraint
   */
  SymmetryConstraint(Model *m, const ParticleIndexes &sources, const ParticleIndexes &images,
                     const algebra::Transformation3Ds &operations,
                     const algebra::Transformation3Ds &frames,
                     std::string name = "SymmetryConstraint%1%");

  // For serialization only
  SymmetryConstraint() {}

  //! Particles that others follow, one for each image
  ParticleIndexes get_sources() const { return sources_; }

  //! Particles that follow
  ParticleIndexes get_images() const { return images_; }

  void do_update_attributes() override;
  void do_update_derivatives(DerivativeAccumulator *accum) override;

 protected:
  ModelObjectsTemp do_get_inputs() const override;
  ModelObjectsTemp do_get_outputs() const override;
  IMP_OBJECT_METHODS(SymmetryConstraint);

 private:
  ParticleIndexes sources_, images_;
  algebra::Transformation3Ds operations_, frames_;

  friend class cereal::access;
  template <class Archive>
  void serialize(Archive &ar) {
    ar(cereal::base_class<Constraint>(this), sources_, images_, operations_, frames_);
  }
  IMP_OBJECT_SERIALIZE_DECL(SymmetryConstraint);
};

IMP_OBJECTS(SymmetryConstraint, SymmetryConstraints);

//! Get the operations of a cyclic or dihedral group, the identity first
/** \param[in] group C2, C3, ... or D2, D3, ...
    \param[in] center a point on the axis (A); for Dn where the axes meet
    \param[in] axis of the n-fold rotation
    \param[in] second_axis of a two-fold rotation of Dn; what of it is
               perpendicular to the first counts
 */
IMPEMGMMEXPORT algebra::Transformation3Ds get_symmetry_operations(
    std::string group, const algebra::Vector3D &center, const algebra::Vector3D &axis,
    const algebra::Vector3D &second_axis = algebra::Vector3D(0, 0, 0));

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SYMMETRY_CONSTRAINT_H */

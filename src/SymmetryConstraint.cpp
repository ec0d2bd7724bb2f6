/**
 *  \file SymmetryConstraint.cpp
 *  \brief Copies of a symmetric complex follow the first one.
 */

#include <IMP/check_macros.h>
#include <IMP/emgmm/SymmetryConstraint.h>

#include <set>

#include "particles.h"
#include "sample/body_images.h"

IMPEMGMM_BEGIN_NAMESPACE

SymmetryConstraint::SymmetryConstraint(Model *m, const ParticleIndexes &sources,
                                       const ParticleIndexes &images,
                                       const algebra::Transformation3Ds &operations,
                                       const algebra::Transformation3Ds &frames, std::string name)
    : Constraint(m, name),
      sources_(sources),
      images_(images),
      operations_(operations),
      frames_(frames) {
  const std::size_t n = images.size();
  IMP_ALWAYS_CHECK(sources.size() == n && operations.size() == n && frames.size() == n,
                   "One source, operation and frame is needed for each image", ValueException);
  const std::set<ParticleIndex> different(images.begin(), images.end());
  IMP_ALWAYS_CHECK(different.size() == n, "No particle can be an image twice", ValueException);
  for (std::size_t i = 0; i < n; ++i) {
    const ParticleIndex source = sources[i], image = images[i];
    IMP_ALWAYS_CHECK(!different.count(source),
                     m->get_particle_name(source) << " is a source and an image", ValueException);
    IMP_ALWAYS_CHECK(
        core::XYZ::get_is_setup(m, source) && core::XYZ::get_is_setup(m, image) &&
            core::NonRigidMember::get_is_setup(m, source) ==
                core::NonRigidMember::get_is_setup(m, image) &&
            core::RigidBody::get_is_setup(m, source) == core::RigidBody::get_is_setup(m, image),
        m->get_particle_name(image)
            << " is no particle of the kind of " << m->get_particle_name(source),
        ValueException);
    IMP_ALWAYS_CHECK(!core::RigidMember::get_is_setup(m, image),
                     m->get_particle_name(image) << " already follows a rigid body",
                     ValueException);
  }
}

void SymmetryConstraint::do_update_attributes() {
  Model *m = get_model();
  for (std::size_t i = 0; i < images_.size(); ++i) {
    const ParticleIndex source = sources_[i], image = images_[i];
    const emcore::BodyImage how{0, 0, particles::to_core(operations_[i]),
                                particles::to_core(frames_[i])};
    if (core::NonRigidMember::get_is_setup(m, image)) {
      core::NonRigidMember member(m, image);
      member.set_internal_coordinates(frames_[i].get_inverse().get_transformed(
          core::NonRigidMember(m, source).get_internal_coordinates()));
      const core::RigidBody body = member.get_rigid_body();
      core::XYZ(m, image).set_coordinates(
          body.get_reference_frame().get_global_coordinates(member.get_internal_coordinates()));
    } else if (core::RigidBody::get_is_setup(m, image)) {
      const emcore::Pose pose = image_pose(how, particles::get_pose(m, source));
      core::RigidBody(m, image).set_reference_frame_lazy(
          algebra::ReferenceFrame3D(particles::to_imp(pose)));
    } else {
      const emcore::Vec3 at = particles::to_core(core::XYZ(m, source).get_coordinates());
      core::XYZ(m, image).set_coordinates(particles::to_imp(how.operation * at));
    }
  }
}

void SymmetryConstraint::do_update_derivatives(DerivativeAccumulator *accum) {
  Model *m = get_model();
  // Members before the bodies that carry them: IMP has brought their share to those already.
  for (std::size_t i = images_.size(); i-- > 0;) {
    const ParticleIndex source = sources_[i], image = images_[i];
    const emcore::BodyImage how{0, 0, particles::to_core(operations_[i]),
                                particles::to_core(frames_[i])};
    if (core::NonRigidMember::get_is_setup(m, image)) {
      core::NonRigidMember(m, source).add_to_internal_derivatives(
          frames_[i].get_rotation().get_rotated(
              core::NonRigidMember(m, image).get_internal_derivatives()),
          *accum);
      continue;
    }
    if (core::RigidBody::get_is_setup(m, image)) {
      const emcore::PoseGradient by_source = source_gradient(
          how, particles::get_pose(m, source), particles::get_body_gradient(m, image));
      particles::add_gradient(m, source, by_source.by_translation, by_source.by_rotation, *accum);
    } else {
      core::XYZ(m, source).add_to_derivatives(
          particles::to_imp(conjugate(how.operation.rotation) *
                            particles::to_core(core::XYZ(m, image).get_derivatives())),
          *accum);
    }
  }
}

ModelObjectsTemp SymmetryConstraint::do_get_inputs() const {
  return IMP::get_particles(get_model(), sources_);
}

ModelObjectsTemp SymmetryConstraint::do_get_outputs() const {
  return IMP::get_particles(get_model(), images_);
}

algebra::Transformation3Ds get_symmetry_operations(std::string group,
                                                   const algebra::Vector3D &center,
                                                   const algebra::Vector3D &axis,
                                                   const algebra::Vector3D &second_axis) {
  algebra::Transformation3Ds operations;
  for (const emcore::Pose &pose :
       emcore::symmetry_operations(group, particles::to_core(center), particles::to_core(axis),
                                   particles::to_core(second_axis)))
    operations.push_back(particles::to_imp(pose));
  return operations;
}

IMP_OBJECT_SERIALIZE_IMPL(IMP::emgmm::SymmetryConstraint);

IMPEMGMM_END_NAMESPACE

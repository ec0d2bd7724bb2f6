/**
 *  \file IMP/emgmm/BodySearch.h
 *  \brief Global search for rigid bodies in a map.
 */

#ifndef IMPEMGMM_BODY_SEARCH_H
#define IMPEMGMM_BODY_SEARCH_H

#include <IMP/Object.h>
#include <IMP/Pointer.h>
#include <IMP/algebra/Transformation3D.h>
#include <IMP/emgmm/BodyPlacement.h>
#include <IMP/emgmm/GaussianMixtureRestraint.h>
#include <IMP/emgmm/SearchMonitor.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/object_macros.h>
#include <IMP/particle_index.h>

#include <map>
#include <string>

IMPEMGMM_BEGIN_NAMESPACE

//! The global search: where rigid bodies lie in a map, from nothing
/** Each body everywhere in all turns, choices that go together, replica
    exchange, bodies placed anew: the one search of emgmm, by the score of a
    GaussianMixtureRestraint and by what sequence, cross-links and excluded volume
    say of the bodies, where these were added. Poses of now have no part in it, nor
    have Gaussians that the bodies do not carry.

    IMP.emgmm.starts.place_bodies() sets it up from a system of IMP.pmi.
 */
class IMPEMGMMEXPORT BodySearch : public Object {
 public:
  //! Create the search
  /**
     \param[in] em whose data, and whose score
     \param[in] bodies that carry model Gaussians of it and are members of no others
     \param[in] name of the search
   */
  BodySearch(GaussianMixtureRestraint *em, ParticleIndexesAdaptor bodies,
             std::string name = "BodySearch%1%");

  //! Say which bodies are copies: they share places, and may change them
  /**
     \param[in] kinds a number for each body, the same for copies
     \param[in] frames for each body from its own frame to one that its copies share
   */
  void set_copies(const Ints &kinds, const algebra::Transformation3Ds &frames);

  //! Scale the data to this mass, Da, for the search; 0: as they are
  void set_data_mass(double mass);

  //! Set how hard to look
  /** \param[in] name one of get_option_names()
      \param[in] value whole where the option counts something
      \throw ValueException for another name or value
   */
  void set_option(std::string name, double value);

  //! Get an option
  double get_option(std::string name) const;

  //! Get the residues a bead of soft excluded volume, while many bodies find their places
  int get_soft_bead_size() const;

  //! Get the names of all options
  /** Seed; threads (0: all cores; the answer does not depend on them); solutions,
      searches, searches_of_many, at most; confirmations: searches that have to end
      in the best answer before it is believed; many_bodies: more than these get
      several whole searches; and those of the single steps. */
  Strings get_option_names() const;

  //! Add the beads of a molecule at one resolution, for cross-links to flexible ones
  /** A link to a bead that no body carries counts at the bead next to it in
      sequence that one does.
      \param[in] beads spheres
      \param[in] residues that each bead is about
   */
  void add_molecule(ParticleIndexesAdaptor beads, const Floats &residues);

  //! Add a bond between beads next to each other in sequence, in the order of the sequence
  /** Of flexible beads between two bodies a bond becomes as long as their chain.
      \param[in] first,second beads (core::XYZR)
      \param[in] slack distance of their surfaces up to which it does not pull, A
      \param[in] force_constant kT/A^2
   */
  void add_bond(ParticleIndex first, ParticleIndex second, double slack, double force_constant);

  //! Add a set of cross-links, scored as IMP::isd::CrossLinkMSRestraint scores them
  /**
     \param[in] links for each way to read a link the number of the link, ascending from 0
     \param[in] ends the two beads
     \param[in] sigmas A, of both beads, one after the other
     \param[in] psis share of false links
     \param[in] length of the linker, A
     \param[in] slope 1/A
     \param[in] weight of the set
   */
  void add_cross_links(const Ints &links, const ParticleIndexPairs &ends, const Floats &sigmas,
                       const Floats &psis, double length, double slope, double weight);

  //! Add the excluded volume of the bodies
  /**
     \param[in] spheres core::XYZR; those that the bodies do not carry have no part in it
     \param[in] kappa kT/A^2
     \param[in] is_soft whether only while many bodies find their places: for coarse beads
   */
  void add_excluded_volume(ParticleIndexesAdaptor spheres, double kappa, bool is_soft = false);

  //! What sequence, cross-links, volume and soft volume say of the bodies where they are, kT
  Floats get_guides() const;

  //! Where the bodies lie: best first, all different
  /** \param[in] monitor told how far it is; may be none
      \throw ValueException for no bodies, or options that make no sense
   */
  BodyPlacements get_placements(SearchMonitor *monitor = nullptr) const;

  IMP_OBJECT_METHODS(BodySearch);

 private:
  struct Problem;  // as the core has it
  struct Bond {
    ParticleIndex first, second;
    double slack, force_constant;
  };
  struct Links {
    Ints links;
    ParticleIndexPairs ends;
    Floats sigmas, psis;
    double length, slope, weight;
  };
  struct Volume {
    ParticleIndexes spheres;
    double kappa;
    bool is_soft;
  };
  Problem create_problem() const;

  PointerMember<GaussianMixtureRestraint> em_;
  ParticleIndexes bodies_;
  Ints kinds_;
  algebra::Transformation3Ds frames_;
  double data_mass_ = 0;
  std::map<std::string, double> options_;  // that were set
  ParticleIndexes beads_;
  Ints molecules_;   // of the beads
  Floats residues_;  // likewise
  Vector<Bond> bonds_;
  Vector<Links> links_;
  Vector<Volume> volumes_;
};

IMP_OBJECTS(BodySearch, BodySearches);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_BODY_SEARCH_H */

// Bayesian cross-links with false positives and ambiguous assignments.
#ifndef EMGMM_TERMS_CROSSLINKS_H
#define EMGMM_TERMS_CROSSLINKS_H

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "terms/connectivity.h"
#include "terms/term.h"

namespace emcore {

// One way to read a cross-link: between these two spheres.
struct LinkContribution {
  BodySphere first, second;
  bool same_sphere = false;                                // both residues in one bead
  std::size_t sigma_first = 0, sigma_second = 0, psi = 0;  // which of the unknowns
};

// All contributions of one observed cross-link; any of them may explain it.
using CrossLink = std::vector<LinkContribution>;

struct CrossLinkOptions {
  double length = 21;   // Å, of the linker with its side chains
  double slope = 0.02;  // 1/Å, pull on links that are far from satisfied
};

// -log of the likelihood of IMP.isd's CrossLinkMSRestraint (doc/method.md, eq. l to n), summed
// over the links: a contribution at distance d explains its link with probability
//     (psi (1 - p(d)) + (1 - psi) p(d)) exp(-slope d),
// p(d) the share of pairs of positions in two balls of radius sigma that a linker can bridge (from
// caps of spheres), psi the probability that a link is false. Jeffreys prior on each psi (+ log
// psi).
class CrossLinkTerm : public Term {
 public:
  // sigmas (Å) and psis are starting values. Throws std::domain_error for values out of range, a
  // link without contributions, or an index that is not there.
  CrossLinkTerm(std::string name, std::size_t bodies, std::vector<CrossLink> links,
                const CrossLinkOptions &options, std::vector<double> sigmas,
                std::vector<double> psis);

  std::unique_ptr<Term> clone() const override { return std::make_unique<CrossLinkTerm>(*this); }
  std::size_t bodies() const override { return poses_.size(); }
  double evaluate(const std::vector<Pose> &poses,
                  std::vector<PoseGradient> *gradients) const override;
  // Of links all of whose contributions are between or within the two bodies.
  double pair_score(std::size_t b, const Pose &at_b, std::size_t c,
                    const Pose &at_c) const override;
  double reset(const std::vector<Pose> &poses) override;
  double propose(const std::vector<std::size_t> &bodies, const std::vector<Pose> &poses) override;
  void accept() override;
  void reject() override;
  double score() const override { return score_; }

  // The sigmas, then the psis.
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double> &values) override;
  double propose_parameter(std::size_t index, double value) override;

  // -log likelihood of each link at the committed poses.
  const std::vector<double> &energies() const { return energies_; }

 private:
  struct Tables {
    std::vector<CrossLink> links;
    CrossLinkOptions options;
    std::size_t sigmas = 0;
    // All contributions one after the other; those of link i begin at starts[i], of links + 1.
    std::vector<std::size_t> starts, link_of;
    // Those with one end in a body, ascending: only their distance changes when it moves.
    std::vector<std::vector<std::size_t>> contributions_of_body;
    // Links that two bodies (b < c) decide alone.
    std::map<std::pair<std::size_t, std::size_t>, std::vector<std::size_t>> links_of_pair;
  };
  struct Explained {
    double probability;  // of the link through this contribution
    double slope;        // by the distance, 1/Å
  };

  Explained explained(const LinkContribution &contribution, double distance) const;
  // place(body, local) says where a body has a point of its own frame.
  template <class Place>
  static double distance(const LinkContribution &contribution, const Place &place);
  const LinkContribution &contribution(std::size_t k) const;
  double kept_distance(std::size_t k) const;
  double miss(const LinkContribution &contribution, double distance) const;
  double kept_energy(std::size_t link) const;
  void change_energy(std::size_t link);
  double total() const;
  void check_parameters(const std::vector<double> &values) const;

  std::shared_ptr<const Tables> tables_;
  MovedPoses poses_;
  std::vector<double> parameters_;
  // Of each contribution: Å, and the probability that it does not explain its link.
  std::vector<double> distances_, misses_;
  std::vector<double> energies_;  // of each link
  struct FormerContribution {
    std::size_t index;
    double distance, miss;
  };
  std::vector<FormerContribution> former_contributions_;
  std::vector<std::pair<std::size_t, double>> former_energies_;
  std::size_t changed_parameter_ = none;
  double former_parameter_ = 0;
  double score_ = 0, proposed_score_ = 0;
  bool pending_ = false;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

}  // namespace emcore

#endif

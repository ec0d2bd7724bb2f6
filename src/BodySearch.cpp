/**
 *  \file BodySearch.cpp
 *  \brief Where rigid bodies lie in a map, from nothing.
 *
 *  Translates between particles and the core's global search.
 */

#include <IMP/check_macros.h>
#include <IMP/core/XYZR.h>
#include <IMP/emgmm/BodySearch.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "centered_body.h"
#include "search/global_search.h"
#include "search/guides.h"
#include "terms/crosslinks.h"
#include "terms/excluded_volume.h"

IMPEMGMM_BEGIN_NAMESPACE

namespace {

// An option of the core by its name.
struct SearchOption {
  std::function<double(const emcore::SearchOptions &)> get;
  std::function<void(emcore::SearchOptions *, double)> set;
  bool is_whole;
};

template <class Reach>
SearchOption make_option(Reach reach) {
  using Value = typename std::decay<decltype(reach(std::declval<emcore::SearchOptions &>()))>::type;
  return {[reach](const emcore::SearchOptions &options) {
            return static_cast<double>(reach(const_cast<emcore::SearchOptions &>(options)));
          },
          [reach](emcore::SearchOptions *options, double value) {
            reach(*options) = static_cast<Value>(value);
          },
          std::is_integral<Value>::value};
}

#define IMPEMGMM_OPTION(name, member) \
  {name, make_option([](emcore::SearchOptions &o) -> decltype(o.member) & { return o.member; })}

const std::map<std::string, SearchOption> &get_search_options() {
  static const std::map<std::string, SearchOption> options{
      IMPEMGMM_OPTION("seed", seed),
      IMPEMGMM_OPTION("threads", threads),
      IMPEMGMM_OPTION("solutions", solutions),
      IMPEMGMM_OPTION("confirmations", confirmations),
      IMPEMGMM_OPTION("searches", searches),
      IMPEMGMM_OPTION("many_bodies", many_bodies),
      IMPEMGMM_OPTION("searches_of_many", searches_of_many),
      IMPEMGMM_OPTION("rounds_of_many", rounds_of_many),
      IMPEMGMM_OPTION("soft", soft),
      IMPEMGMM_OPTION("coarse", coarse),
      IMPEMGMM_OPTION("patience_own", patience_own),
      IMPEMGMM_OPTION("scan.rotations", scan.rotations),
      IMPEMGMM_OPTION("scan.refined", scan.refined),
      IMPEMGMM_OPTION("scan.candidates", scan.candidates),
      IMPEMGMM_OPTION("scan.combinations", scan.combinations),
      IMPEMGMM_OPTION("scan.sweeps", scan.sweeps),
      IMPEMGMM_OPTION("tempering.levels", tempering.levels),
      IMPEMGMM_OPTION("tempering.hottest", tempering.hottest),
      IMPEMGMM_OPTION("tempering.steps_a_body", tempering.steps_a_body),
      IMPEMGMM_OPTION("anew.patience", anew.patience),
      IMPEMGMM_OPTION("anew.rounds", anew.rounds),
      IMPEMGMM_OPTION("anew.choices", anew.choices)};
  return options;
}

#undef IMPEMGMM_OPTION

const SearchOption &get_search_option(const std::string &name) {
  const auto &all = get_search_options();
  const auto found = all.find(name);
  if (found == all.end()) {
    std::string names;
    for (const auto &option : all) names += (names.empty() ? "" : ", ") + option.first;
    IMP_THROW("There is no option " << name << " of a search, expected one of " << names,
              ValueException);
  }
  return found->second;
}

// Asks a monitor, in the thread that it is of, and keeps what it throws till the core is through.
class Watch {
 public:
  explicit Watch(SearchMonitor *monitor)
      : monitor_(monitor), thread_(std::this_thread::get_id()), asked_(Clock::now()) {}

  bool get_is_stopped() {
    if (stopped_ || !monitor_ || std::this_thread::get_id() != thread_) return stopped_;
    const Clock::time_point now = Clock::now();
    if (now - asked_ < std::chrono::milliseconds(100)) return false;
    asked_ = now;
    call([this] {
      if (monitor_->get_is_stopped()) stopped_ = true;
    });
    return stopped_;
  }

  void handle_progress(const emcore::SearchProgress &now) {
    if (!monitor_ || failure_) return;
    call([&] {
      monitor_->handle_progress(now.stage, now.search, now.searches, now.share, now.best);
    });
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  template <class Call>
  void call(const Call &call) {
    try {
      call();
    } catch (...) {
      failure_ = std::current_exception();
      stopped_ = true;
    }
  }

  Pointer<SearchMonitor> monitor_;
  std::thread::id thread_;
  Clock::time_point asked_;
  std::atomic<bool> stopped_{false};
  std::exception_ptr failure_;
};

}  // namespace

struct BodySearch::Problem {
  emcore::SearchProblem core;
  std::vector<emcore::Pose> of_centers;  // from the own frame of each body to that of the search
  std::vector<emcore::Pose> poses;       // of the bodies now, as the core has them
  bool has_frame;
  emcore::Pose frame;  // of the data, where it is movable

  std::vector<double> get_scores() const {
    std::vector<double> scores;
    for (const auto *terms : {&core.terms, &core.clashes, &core.soft_clashes})
      for (const emcore::WeightedTerm &t : *terms)
        scores.push_back(t.weight * t.term->evaluate(poses, nullptr));
    return scores;
  }
};

SearchMonitor::~SearchMonitor() {}

BodySearch::BodySearch(GaussianMixtureRestraint *em, ParticleIndexesAdaptor bodies,
                       std::string name)
    : Object(name), em_(em), bodies_(bodies.begin(), bodies.end()), kinds_(bodies_.size()) {
  std::set<ParticleIndex> known;
  const ParticleIndexes carriers = em->get_carriers();
  for (ParticleIndex pi : bodies_) {
    get_carrier_number(em->get_model(), carriers, pi);
    IMP_ALWAYS_CHECK(known.insert(pi).second,
                     em->get_model()->get_particle_name(pi) << " is named twice", ValueException);
  }
  IMP_ALWAYS_CHECK(!bodies_.empty(), "There are no bodies to search for", ValueException);
  std::iota(kinds_.begin(), kinds_.end(), 0);
  frames_.assign(bodies_.size(), algebra::get_identity_transformation_3d());
}

void BodySearch::set_copies(const Ints &kinds, const algebra::Transformation3Ds &frames) {
  IMP_ALWAYS_CHECK(kinds.size() == bodies_.size() && frames.size() == bodies_.size(),
                   "One kind and one frame a body is needed ("
                       << bodies_.size() << "), got " << kinds.size() << " and " << frames.size(),
                   ValueException);
  kinds_ = kinds;
  frames_ = frames;
}

void BodySearch::set_data_mass(double mass) {
  IMP_ALWAYS_CHECK(mass >= 0 && std::isfinite(mass),
                   "The mass of the data must not be negative, got " << mass, ValueException);
  data_mass_ = mass;
}

void BodySearch::set_option(std::string name, double value) {
  const SearchOption &option = get_search_option(name);
  IMP_ALWAYS_CHECK(value >= 0 && value < 1e15 && (!option.is_whole || value == std::floor(value)),
                   name << " must be a " << (option.is_whole ? "whole " : "")
                        << "number that is not negative, got " << value,
                   ValueException);
  options_[name] = value;
}

double BodySearch::get_option(std::string name) const {
  const SearchOption &option = get_search_option(name);
  const auto set = options_.find(name);
  return set != options_.end() ? set->second : option.get(emcore::SearchOptions());
}

Strings BodySearch::get_option_names() const {
  Strings names;
  for (const auto &option : get_search_options()) names.push_back(option.first);
  return names;
}

void BodySearch::add_molecule(ParticleIndexesAdaptor beads, const Floats &residues) {
  const ParticleIndexes own(beads.begin(), beads.end());
  IMP_ALWAYS_CHECK(own.size() == residues.size(),
                   own.size() << " beads and " << residues.size() << " residues", ValueException);
  beads_.insert(beads_.end(), own.begin(), own.end());
  residues_.insert(residues_.end(), residues.begin(), residues.end());
  molecules_.resize(beads_.size(), molecules_.empty() ? 0 : molecules_.back() + 1);
}

void BodySearch::add_bond(ParticleIndex first, ParticleIndex second, double slack,
                          double force_constant) {
  bonds_.push_back({first, second, slack, force_constant});
}

void BodySearch::add_cross_links(const Ints &links, const ParticleIndexPairs &ends,
                                 const Floats &sigmas, const Floats &psis, double length,
                                 double slope, double weight) {
  IMP_ALWAYS_CHECK(ends.size() == links.size() && sigmas.size() == 2 * links.size() &&
                       psis.size() == links.size(),
                   links.size() << " numbers of links need as many pairs of beads and psis and "
                                   "twice as many sigmas, got "
                                << ends.size() << ", " << psis.size() << " and " << sigmas.size(),
                   ValueException);
  links_.push_back({links, ends, sigmas, psis, length, slope, weight});
}

void BodySearch::add_excluded_volume(ParticleIndexesAdaptor spheres, double kappa, bool is_soft) {
  volumes_.push_back({ParticleIndexes(spheres.begin(), spheres.end()), kappa, is_soft});
}

BodySearch::Problem BodySearch::create_problem() const {
  Model *m = em_->get_model();
  const std::lock_guard<std::recursive_mutex> lock(em_->mutex_);
  const GaussianMixtureRestraint::Cache &cache = em_->get_cache();
  Problem problem;
  emcore::SearchProblem &core = problem.core;
  problem.has_frame = cache.has_data_body;
  problem.frame = cache.frame;
  core.data = cache.score->data();
  if (data_mass_ > 0) {
    const double factor = data_mass_ / emcore::mass(core.data);
    for (emcore::Gaussian &g : core.data) g.weight *= factor;
  }
  core.options = cache.score->options();
  core.confinement = emcore::confinement_about(core.data);
  core.kinds.assign(kinds_.begin(), kinds_.end());
  std::map<ParticleIndex, int> number;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    const std::size_t c = get_carrier_number(m, cache.model.carriers, bodies_[b]);
    const CenteredBody body(cache.moved->body(c), particles::to_core(frames_[b]));
    core.bodies.push_back(body.mixture);
    problem.of_centers.push_back(body.of_center);
    problem.poses.push_back(cache.poses[c] *
                            particles::relative_to(body.of_center, emcore::Pose()));
    number[bodies_[b]] = static_cast<int>(b);
  }

  const auto body_of = [&](ParticleIndex pi) {
    const auto found = number.find(particles::get_carrier(m, pi));
    return found == number.end() ? emcore::kNoBody : found->second;
  };
  const auto sphere = [&](ParticleIndex pi, double scale = 1) {
    const int b = body_of(pi);
    const core::XYZR d(m, pi);
    const emcore::Pose pose = particles::get_pose(m, bodies_[b]);
    const emcore::Pose here{emcore::Quaternion(), particles::to_core(d.get_coordinates())};
    return emcore::BodySphere{
        static_cast<std::size_t>(b),
        problem.of_centers[b] * particles::relative_to(pose, here).translation,
        scale * d.get_radius()};
  };

  std::map<ParticleIndex, std::size_t> bead;  // of the bonds
  std::vector<int> body;
  std::vector<double> radius;
  ParticleIndexes bonded;
  const auto bead_number = [&](ParticleIndex pi) {
    const auto place = bead.emplace(pi, body.size());
    if (place.second) {
      bonded.push_back(pi);
      body.push_back(body_of(pi));
      radius.push_back(core::XYZR(m, pi).get_radius());
    }
    return place.first->second;
  };
  std::map<double, std::vector<emcore::BeadBond>> by_constant;
  for (const Bond &bond : bonds_)
    by_constant[bond.force_constant].push_back(
        {bead_number(bond.first), bead_number(bond.second), bond.slack});
  std::vector<emcore::SphereBond> springs;
  for (const auto &own : by_constant)
    for (const emcore::Chain &chain : chains_between_bodies(body, radius, own.second))
      springs.push_back({sphere(bonded[chain.first]), sphere(bonded[chain.second]), chain.slack,
                         own.first / chain.bonds});
  const std::size_t n = bodies_.size();
  if (!springs.empty())
    core.terms.push_back(
        {std::make_shared<emcore::ConnectivityTerm>("connectivity", n, std::move(springs))});

  std::map<ParticleIndex, ParticleIndex> anchor;
  std::vector<int> body_of_bead;
  for (ParticleIndex pi : beads_) body_of_bead.push_back(body_of(pi));
  const std::vector<int> anchors =
      emcore::anchors(body_of_bead, std::vector<int>(molecules_.begin(), molecules_.end()),
                      std::vector<double>(residues_.begin(), residues_.end()));
  for (std::size_t i = 0; i < beads_.size(); ++i)
    if (anchors[i] != emcore::kNoBody) anchor[beads_[i]] = beads_[anchors[i]];
  for (const Links &set : links_) {
    std::map<int, emcore::CrossLink> links;
    std::set<int> uncertain;  // one of whose readings is of no body
    std::map<double, std::size_t> sigmas, psis;
    std::vector<double> sigma_values, psi_values;
    const auto unknown = [](std::map<double, std::size_t> *known, std::vector<double> *values,
                            double value) {
      const auto place = known->emplace(value, values->size());
      if (place.second) values->push_back(value);
      return place.first->second;
    };
    for (std::size_t i = 0; i < set.links.size(); ++i) {
      ParticleIndex ends[2] = {set.ends[i][0], set.ends[i][1]};
      for (ParticleIndex &end : ends) {
        const auto found = anchor.find(end);
        if (found != anchor.end()) end = found->second;
        if (body_of(end) == emcore::kNoBody) uncertain.insert(set.links[i]);
      }
      if (uncertain.count(set.links[i])) continue;
      links[set.links[i]].push_back({sphere(ends[0]), sphere(ends[1]), ends[0] == ends[1],
                                     unknown(&sigmas, &sigma_values, set.sigmas[2 * i]),
                                     unknown(&sigmas, &sigma_values, set.sigmas[2 * i + 1]),
                                     unknown(&psis, &psi_values, set.psis[i])});
    }
    std::vector<emcore::CrossLink> kept;
    for (const auto &link : links)
      if (!uncertain.count(link.first)) kept.push_back(link.second);
    if (kept.empty()) continue;
    core.terms.push_back(
        {std::make_shared<emcore::CrossLinkTerm>("crosslinks", n, std::move(kept),
                                                 emcore::CrossLinkOptions{set.length, set.slope},
                                                 sigma_values, psi_values),
         set.weight});
  }

  for (const Volume &volume : volumes_) {
    std::vector<emcore::BodySphere> spheres;
    for (ParticleIndex pi : volume.spheres)
      if (body_of(pi) != emcore::kNoBody) spheres.push_back(sphere(pi, emcore::kClashRadius));
    if (spheres.empty() || !(volume.kappa > 0)) continue;
    (volume.is_soft ? core.soft_clashes : core.clashes)
        .push_back({std::make_shared<emcore::ExcludedVolumeTerm>("excluded volume", n, spheres,
                                                                 volume.kappa)});
  }
  return problem;
}

Floats BodySearch::get_guides() const {
  const std::vector<double> scores = create_problem().get_scores();
  return Floats(scores.begin(), scores.end());
}

BodyPlacements BodySearch::get_placements(SearchMonitor *monitor) const {
  IMP_OBJECT_LOG;
  const Problem problem = create_problem();
  emcore::SearchOptions options;
  for (const auto &option : options_) get_search_option(option.first).set(&options, option.second);
  Watch watch(monitor);
  options.stop = [&watch] { return watch.get_is_stopped(); };
  options.progress = [&watch](const emcore::SearchProgress &now) { watch.handle_progress(now); };
  const emcore::SearchResult result = emcore::global_search(problem.core, options);
  watch.rethrow();
  BodyPlacements placements;
  for (const emcore::PlacementSolution &found : result.solutions) {
    algebra::Transformation3Ds poses;
    for (std::size_t b = 0; b < bodies_.size(); ++b) {
      emcore::Pose pose = found.poses[b] * problem.of_centers[b];
      if (problem.has_frame) pose = problem.frame * pose;
      poses.push_back(particles::to_imp(pose));
    }
    placements.push_back(BodyPlacement(poses, found.score, found.found));
  }
  return placements;
}

IMPEMGMM_END_NAMESPACE

/**
 *  \file BodySearch.cpp
 *  \brief Global search for rigid bodies in a map.
 *
 *  Translates between particles and the core's global search.
 */

#include <IMP/check_macros.h>
#include <IMP/core/XYZR.h>
#include <IMP/emgmm/BodySearch.h>

#include <algorithm>
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

// The core's problem, its parts added one after the other.
struct BodySearch::Problem {
  emcore::SearchProblem core;
  std::vector<emcore::Pose> of_centers;  // from the own frame of each body to that of the search
  std::vector<emcore::Pose> poses;       // of the bodies now, as the core has them
  bool has_frame = false;
  emcore::Pose frame;  // of the data, where it is movable

  explicit Problem(const BodySearch &search)
      : search_(search), model_(search.em_->get_model()), cache_(search.em_->get_cache()) {
    add_data();
    add_bodies();
    add_sequence();
    add_cross_links();
    add_volumes();
  }

  std::vector<double> get_scores() const {
    std::vector<double> scores;
    for (const auto *terms : {&core.terms, &core.clashes, &core.soft_clashes})
      for (const emcore::WeightedTerm &t : *terms)
        scores.push_back(t.weight * t.term->evaluate(poses, nullptr));
    return scores;
  }

 private:
  void add_data();
  void add_bodies();
  void add_sequence();
  void add_cross_links();
  void add_volumes();

  int get_body(ParticleIndex pi) const {
    const auto found = number_.find(particles::get_carrier(model_, pi));
    return found == number_.end() ? emcore::kNoBody : found->second;
  }
  emcore::BodySphere get_sphere(ParticleIndex pi, double scale = 1) const;
  std::map<ParticleIndex, ParticleIndex> get_anchors() const;
  std::vector<emcore::CrossLink> get_links(const Links &set,
                                           const std::map<ParticleIndex, ParticleIndex> &anchor,
                                           std::vector<double> *sigmas,
                                           std::vector<double> *psis) const;

  const BodySearch &search_;
  Model *model_;
  const GaussianMixtureRestraint::Cache &cache_;
  std::map<ParticleIndex, int> number_;  // of each body
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

int BodySearch::get_soft_bead_size() const { return emcore::kSoftBeads; }

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

void BodySearch::Problem::add_data() {
  has_frame = cache_.has_data_body;
  frame = cache_.frame;
  core.data = cache_.score->data();
  if (search_.data_mass_ > 0) {
    const double factor = search_.data_mass_ / emcore::mass(core.data);
    for (emcore::Gaussian &g : core.data) g.weight *= factor;
  }
  core.options = cache_.score->options();
  core.confinement = emcore::confinement_about(core.data);
}

void BodySearch::Problem::add_bodies() {
  core.kinds.assign(search_.kinds_.begin(), search_.kinds_.end());
  for (std::size_t b = 0; b < search_.bodies_.size(); ++b) {
    const ParticleIndex pi = search_.bodies_[b];
    const std::size_t c = get_carrier_number(model_, cache_.model.carriers, pi);
    const CenteredBody body(cache_.moved->body(c), particles::to_core(search_.frames_[b]));
    core.bodies.push_back(body.mixture);
    of_centers.push_back(body.of_center);
    poses.push_back(cache_.poses[c] * particles::relative_to(body.of_center, emcore::Pose()));
    number_[pi] = static_cast<int>(b);
  }
}

// A sphere that one of the bodies carries, in the frame of the search.
emcore::BodySphere BodySearch::Problem::get_sphere(ParticleIndex pi, double scale) const {
  const int b = get_body(pi);
  const core::XYZR d(model_, pi);
  const emcore::Pose pose = particles::get_pose(model_, search_.bodies_[b]);
  const emcore::Pose here{emcore::Quaternion(), particles::to_core(d.get_coordinates())};
  return {static_cast<std::size_t>(b),
          of_centers[b] * particles::relative_to(pose, here).translation, scale * d.get_radius()};
}

void BodySearch::Problem::add_sequence() {
  std::map<ParticleIndex, std::size_t> known;
  ParticleIndexes beads;
  std::vector<int> body;
  std::vector<double> radius;
  const auto bead_number = [&](ParticleIndex pi) {
    const auto place = known.emplace(pi, beads.size());
    if (place.second) {
      beads.push_back(pi);
      body.push_back(get_body(pi));
      radius.push_back(core::XYZR(model_, pi).get_radius());
    }
    return place.first->second;
  };
  std::map<double, std::vector<emcore::BeadBond>> by_constant;
  for (const Bond &bond : search_.bonds_)
    by_constant[bond.force_constant].push_back(
        {bead_number(bond.first), bead_number(bond.second), bond.slack});
  std::vector<emcore::SphereBond> springs;
  for (const auto &own : by_constant)
    for (const emcore::Chain &chain : chains_between_bodies(body, radius, own.second))
      springs.push_back({get_sphere(beads[chain.first]), get_sphere(beads[chain.second]),
                         chain.slack, own.first / chain.bonds});
  if (springs.empty()) return;
  core.terms.push_back({std::make_shared<emcore::ConnectivityTerm>(
      "connectivity", search_.bodies_.size(), std::move(springs))});
}

// The bead on a body that stands for each bead, where its molecule has one.
std::map<ParticleIndex, ParticleIndex> BodySearch::Problem::get_anchors() const {
  const ParticleIndexes &beads = search_.beads_;
  std::vector<int> body;
  for (ParticleIndex pi : beads) body.push_back(get_body(pi));
  const std::vector<int> anchors =
      emcore::anchors(body, std::vector<int>(search_.molecules_.begin(), search_.molecules_.end()),
                      std::vector<double>(search_.residues_.begin(), search_.residues_.end()));
  std::map<ParticleIndex, ParticleIndex> anchor;
  for (std::size_t i = 0; i < beads.size(); ++i)
    if (anchors[i] != emcore::kNoBody) anchor[beads[i]] = beads[anchors[i]];
  return anchor;
}

// The links all of whose readings are of bodies, and the values that their numbers stand for.
std::vector<emcore::CrossLink> BodySearch::Problem::get_links(
    const Links &set, const std::map<ParticleIndex, ParticleIndex> &anchor,
    std::vector<double> *sigmas, std::vector<double> *psis) const {
  const auto get_number = [](std::vector<double> *values, double value) {
    const auto place = std::find(values->begin(), values->end(), value);
    if (place == values->end()) {
      values->push_back(value);
      return values->size() - 1;
    }
    return static_cast<std::size_t>(place - values->begin());
  };
  std::map<int, emcore::CrossLink> links;
  std::set<int> uncertain;
  for (std::size_t i = 0; i < set.links.size(); ++i) {
    ParticleIndex ends[2] = {set.ends[i][0], set.ends[i][1]};
    for (ParticleIndex &end : ends) {
      const auto found = anchor.find(end);
      if (found != anchor.end()) end = found->second;
      if (get_body(end) == emcore::kNoBody) uncertain.insert(set.links[i]);
    }
    if (uncertain.count(set.links[i])) continue;
    links[set.links[i]].push_back({get_sphere(ends[0]), get_sphere(ends[1]), ends[0] == ends[1],
                                   get_number(sigmas, set.sigmas[2 * i]),
                                   get_number(sigmas, set.sigmas[2 * i + 1]),
                                   get_number(psis, set.psis[i])});
  }
  std::vector<emcore::CrossLink> kept;
  for (const auto &link : links)
    if (!uncertain.count(link.first)) kept.push_back(link.second);
  return kept;
}

void BodySearch::Problem::add_cross_links() {
  const auto anchor = get_anchors();
  for (const Links &set : search_.links_) {
    std::vector<double> sigmas, psis;
    std::vector<emcore::CrossLink> links = get_links(set, anchor, &sigmas, &psis);
    if (links.empty()) continue;
    core.terms.push_back({std::make_shared<emcore::CrossLinkTerm>(
                              "crosslinks", search_.bodies_.size(), std::move(links),
                              emcore::CrossLinkOptions{set.length, set.slope}, sigmas, psis),
                          set.weight});
  }
}

void BodySearch::Problem::add_volumes() {
  for (const Volume &volume : search_.volumes_) {
    std::vector<emcore::BodySphere> spheres;
    for (ParticleIndex pi : volume.spheres)
      if (get_body(pi) != emcore::kNoBody) spheres.push_back(get_sphere(pi, emcore::kClashRadius));
    if (spheres.empty() || !(volume.kappa > 0)) continue;
    (volume.is_soft ? core.soft_clashes : core.clashes)
        .push_back({std::make_shared<emcore::ExcludedVolumeTerm>(
            "excluded volume", search_.bodies_.size(), spheres, volume.kappa)});
  }
}

BodySearch::Problem BodySearch::create_problem() const {
  const std::lock_guard<std::recursive_mutex> lock(em_->mutex_);
  return Problem(*this);
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

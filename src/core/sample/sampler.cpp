#include "sample/sampler.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "sample/checkpoint.h"
#include "sample/tuning.h"

namespace emcore {

namespace {

constexpr char kSamplerState[] = "emgmm sampler state 4";
constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 53;    // more would be centuries
constexpr char kStateWithoutFinds[] = "emgmm sampler state 3";  // ends before them

}  // namespace

Sampler::Sampler(SamplerSetup setup) : setup_(std::move(setup)) {
  check_setup();
  mover_shares_.resize(setup_.mover_weights.size());
  std::partial_sum(setup_.mover_weights.begin(), setup_.mover_weights.end(), mover_shares_.begin());
  const std::size_t n = setup_.temperatures.size();
  std::vector<std::shared_ptr<const Term>> terms;
  for (const WeightedTerm &t : setup_.terms) terms.push_back(t.term);
  // Stream 0 belongs to the exchanges, stream r + 1 to replica r.
  exchange_random_ = Random(setup_.seed, 0);
  replicas_.resize(n);
  for (std::size_t r = 0; r < n; ++r)
    if (setup_.processes.is_mine.empty() || setup_.processes.is_mine[r])
      replicas_[r] = std::make_unique<Replica>(terms, setup_.starts[r], Random(setup_.seed, r + 1));
  temperatures_ = setup_.temperatures;
  replica_at_level_.resize(n);
  std::iota(replica_at_level_.begin(), replica_at_level_.end(), std::size_t{0});
  counts_.assign(n, std::vector<MoverCount>(setup_.movers.size()));
  scales_.assign(n, std::vector<double>(setup_.movers.size(), 1.0));
  exchanges_.resize(n - 1);
  best_.found.assign(setup_.movers.size(), 0);
  const std::size_t workers = std::min<std::size_t>(thread_count(setup_.threads), n);
  pool_ = std::make_unique<WorkerPool>(static_cast<unsigned>(workers));
}

void Sampler::check_setup() const {
  setup_.schedule.check();
  if (setup_.terms.empty()) throw std::domain_error("a sampler needs at least one term");
  if (setup_.movers.empty()) throw std::domain_error("a sampler needs at least one mover");
  if (!setup_.mover_weights.empty() && setup_.mover_weights.size() != setup_.movers.size())
    throw std::domain_error("one weight a mover is needed (" +
                            std::to_string(setup_.movers.size()) + "), got " +
                            std::to_string(setup_.mover_weights.size()));
  for (double weight : setup_.mover_weights)
    if (!(weight > 0 && std::isfinite(weight)))
      throw std::domain_error("weights of movers must be positive, got " + std::to_string(weight));
  if (!(setup_.confinement.radius > 0))
    throw std::domain_error("radius of the confinement must be positive, got " +
                            std::to_string(setup_.confinement.radius));
  if (setup_.temperatures.empty()) throw std::domain_error("a sampler needs a temperature");
  for (std::size_t i = 0; i < setup_.temperatures.size(); ++i) {
    const double t = setup_.temperatures[i];
    if (!(t > 0 && std::isfinite(t)))
      throw std::domain_error("temperatures must be positive, got " + std::to_string(t));
    if (i > 0 && !(t >= setup_.temperatures[i - 1]))
      throw std::domain_error("temperatures must ascend, got " + std::to_string(t) + " after " +
                              std::to_string(setup_.temperatures[i - 1]));
  }
  if (setup_.starts.size() != setup_.temperatures.size())
    throw std::domain_error("one start a replica is needed (" +
                            std::to_string(setup_.temperatures.size()) + "), got " +
                            std::to_string(setup_.starts.size()));
  const std::vector<char> &mine = setup_.processes.is_mine;
  if (!mine.empty() && (mine.size() != setup_.temperatures.size() || !setup_.processes.sum))
    throw std::domain_error("a group of processes needs one flag a replica and a sum");
  const std::size_t bodies = setup_.terms.front().term->bodies();
  for (const WeightedTerm &t : setup_.terms) {
    if (t.term->bodies() != bodies)
      throw std::domain_error("term " + t.term->name() + " has " +
                              std::to_string(t.term->bodies()) + " bodies, the first one has " +
                              std::to_string(bodies));
    if (!(t.weight >= 0))
      throw std::domain_error("weight of term " + t.term->name() + " must be 0 or positive, got " +
                              std::to_string(t.weight));
  }
  for (const auto &poses : setup_.starts) check_poses(*setup_.terms.front().term, poses);
  for (const auto &mover : setup_.movers) {
    for (std::size_t b : mover->bodies())
      if (b >= bodies)
        throw std::domain_error("mover " + mover->name() + " moves body " + std::to_string(b) +
                                " of " + std::to_string(bodies));
    if (const auto *p = dynamic_cast<const ParameterMover *>(mover.get()))
      if (p->term() >= setup_.terms.size() ||
          p->parameter() >= setup_.terms[p->term()].term->parameters().size())
        throw std::domain_error("mover " + mover->name() + " moves a parameter that is not there");
  }
}

std::vector<double> Sampler::weights(bool low) const {
  std::vector<double> weights;
  for (const WeightedTerm &t : setup_.terms)
    weights.push_back(t.weight * (low && t.annealed ? setup_.schedule.low_weight : 1));
  return weights;
}

std::uint64_t Sampler::advance(std::uint64_t steps, double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Schedule &schedule = setup_.schedule;
  const std::uint64_t begin = done_;
  const std::uint64_t last = std::min(schedule.total(), begin + steps);
  while (done_ < last) {
    const std::uint64_t end = std::min(last, schedule.next_event(done_));
    const bool is_low = schedule.is_low(done_);
    const bool counts_finds = !is_low && !schedule.is_burn_in(done_);
    const std::vector<double> weights = this->weights(is_low);
    pool_->run(replicas_.size(), [&](std::size_t level) {
      const auto &replica = replicas_[replica_at_level_[level]];
      if (replica)
        replica->run(end - done_, setup_.movers, mover_shares_, setup_.confinement, weights,
                     temperatures_[level], scales_[level], &counts_[level],
                     level == 0 && counts_finds ? &best_ : nullptr);
    });
    done_ = end;
    if (schedule.is_frame(done_)) record_frame();
    if (schedule.is_exchange(done_)) exchange(weights);
    tune();
    if (schedule.is_refresh(done_)) {
      std::vector<double> drifts(replicas_.size(), 0);
      pool_->run(replicas_.size(), [&](std::size_t r) {
        if (replicas_[r]) drifts[r] = replicas_[r]->refresh();
      });
      sum_over_processes(&drifts);
      drift_ = std::max(drift_, *std::max_element(drifts.begin(), drifts.end()));
    }
    if (std::chrono::duration<double>(Clock::now() - start).count() > seconds) break;
  }
  return done_ - begin;
}

// Neighbours on the ladder swap temperatures, even and odd pairs in turn; states stay where they
// are. Detailed balance: min(1, exp((1/T_a - 1/T_b) (E_a - E_b))).
void Sampler::exchange(const std::vector<double> &weights) {
  if (replicas_.size() < 2) return;
  const std::vector<double> totals = shared_totals(weights);
  for (std::size_t level = exchange_rounds_ % 2; level + 1 < replicas_.size(); level += 2) {
    std::size_t &lower = replica_at_level_[level], &upper = replica_at_level_[level + 1];
    const double exponent =
        (1 / temperatures_[level] - 1 / temperatures_[level + 1]) * (totals[lower] - totals[upper]);
    ++exchanges_[level].tried;
    if (exponent >= 0 || exchange_random_.uniform() < std::exp(exponent)) {
      ++exchanges_[level].accepted;
      std::swap(lower, upper);
    }
  }
  ++exchange_rounds_;
}

// Of all replicas. The best score goes along, since another process may have the lowest temperature
// after the exchange.
std::vector<double> Sampler::shared_totals(const std::vector<double> &weights) {
  std::vector<double> totals(replicas_.size(), 0);
  for (std::size_t r = 0; r < totals.size(); ++r)
    if (replicas_[r]) totals[r] = replicas_[r]->total(weights);
  totals.push_back(has_coldest() ? best_.value : 0);
  sum_over_processes(&totals);
  best_.value = totals.back();
  totals.pop_back();
  return totals;
}

void Sampler::sum_over_processes(std::vector<double> *values) const {
  if (!setup_.processes.is_mine.empty()) setup_.processes.sum(values);
}

void Sampler::sum_counts() {
  std::vector<double> flat;  // whole numbers, exact up to 2^53
  for (const auto &level : counts_)
    for (const MoverCount &count : level) {
      flat.push_back(static_cast<double>(count.tried));
      flat.push_back(static_cast<double>(count.accepted));
    }
  flat.insert(flat.end(), best_.found.begin(), best_.found.end());
  flat.push_back(has_coldest() ? best_.value : 0);
  sum_over_processes(&flat);
  auto next = flat.begin();
  for (auto &level : counts_)
    for (MoverCount &count : level) {
      count.tried = static_cast<std::uint64_t>(*next++);
      count.accepted = static_cast<std::uint64_t>(*next++);
    }
  for (std::uint64_t &count : best_.found) count = static_cast<std::uint64_t>(*next++);
  best_.value = *next;
}

// Counts of all processes are kept in the one that has replica 0.
void Sampler::drop_counts() {
  if (replicas_[0]) return;
  for (auto &level : counts_) level.assign(level.size(), MoverCount());
  best_.found.assign(best_.found.size(), 0);
}

void Sampler::merge_counts() {
  if (setup_.processes.is_mine.empty()) return;
  sum_counts();
  drop_counts();
}

const Replica &Sampler::replica(std::size_t r) const {
  if (!has_replica(r))
    throw std::out_of_range("replica " + std::to_string(r) + " is in another process");
  return *replicas_[r];
}

// A mover tried too seldom to judge by keeps its counts until the next time (in one of several
// processes: what `sum_counts` left in all). Nothing is left of the burn-in's counts when it ends:
// what is reported is of the run itself.
void Sampler::tune() {
  const Schedule &schedule = setup_.schedule;
  const bool ends = done_ == schedule.burn_in, keeps = replicas_[0] && !ends;
  if (schedule.is_step_tuning(done_) || ends) {
    sum_counts();
    for (std::size_t level = 0; level < counts_.size(); ++level)
      for (std::size_t m = 0; m < counts_[level].size(); ++m) {
        MoverCount &count = counts_[level][m];
        const bool judged = count.tried >= kFewestTries;
        if (judged) scales_[level][m] = tuned_scale(scales_[level][m], count);
        if (judged || !keeps) count = MoverCount();
      }
  }
  if (schedule.is_ladder_tuning(done_)) {
    temperatures_ = even_ladder(temperatures_, exchanges_);
    exchanges_.assign(exchanges_.size(), MoverCount());
  }
}

void Sampler::record_frame() {
  const std::size_t r = replica_at_level_[0];
  if (!replicas_[r]) return;
  const Replica &replica = *replicas_[r];
  const std::vector<double> scores = replica.scores(), parameters = replica.parameters();
  frames_.steps.push_back(high_done());
  frames_.replicas.push_back(r);
  frames_.totals.push_back(replica.total(weights(false)));
  frames_.scores.insert(frames_.scores.end(), scores.begin(), scores.end());
  frames_.poses.insert(frames_.poses.end(), replica.poses().begin(), replica.poses().end());
  frames_.parameters.insert(frames_.parameters.end(), parameters.begin(), parameters.end());
}

FrameStore Sampler::take_frames() {
  FrameStore frames;
  std::swap(frames, frames_);
  return frames;
}

std::string Sampler::save_replica(std::size_t r) const {
  if (!has_replica(r)) return {};
  StateWriter out;
  out.write(replicas_[r]->poses());
  out.write(replicas_[r]->parameters());
  out.write(replicas_[r]->random);
  return out.bytes();
}

std::string Sampler::save() const {
  std::vector<std::string> replicas;
  for (std::size_t r = 0; r < replicas_.size(); ++r) replicas.push_back(save_replica(r));
  return save(replicas);
}

std::string Sampler::save(const std::vector<std::string> &replicas) const {
  if (replicas.size() != replicas_.size())
    throw std::domain_error("the state needs " + std::to_string(replicas_.size()) +
                            " replicas, got " + std::to_string(replicas.size()));
  if (!frames_.steps.empty())
    throw std::domain_error("frames have to be taken before the state is saved");
  StateWriter out;
  out.write(std::string(kSamplerState));
  out.write(setup_.temperatures);
  out.write(setup_.seed);
  out.write(setup_.schedule.burn_in);
  out.write<std::uint64_t>(setup_.movers.size());
  out.write<std::uint64_t>(setup_.terms.size());
  for (const WeightedTerm &t : setup_.terms) out.write(t.term->name());
  out.write(done_);
  out.write(exchange_rounds_);
  out.write(exchange_random_);
  out.write(temperatures_);
  out.write(replica_at_level_);
  out.write(counts_);
  out.write(scales_);
  out.write(exchanges_);
  out.write(drift_);
  for (const std::string &replica : replicas) out.write(replica);
  out.write(best_.value);
  out.write(best_.found);
  return out.bytes();
}

// A state that was not written by `save` may hold anything; what indexes or divides is checked.
void Sampler::check_restored() const {
  const std::size_t n = replicas_.size(), movers = setup_.movers.size();
  const auto expect = [](bool right, const char *what) {
    if (!right) throw std::domain_error(std::string("stored state is broken: ") + what);
  };
  const auto has_shape = [n, movers](const auto &table) {
    return table.size() == n && std::all_of(table.begin(), table.end(), [movers](const auto &row) {
             return row.size() == movers;
           });
  };
  const auto is_positive = [](double x) { return x > 0 && std::isfinite(x); };
  expect(done_ <= kMostSteps, "number of steps");
  expect(!exchange_random_.is_stuck(), "random numbers of the exchanges");
  expect(temperatures_.size() == n &&
             std::all_of(temperatures_.begin(), temperatures_.end(), is_positive) &&
             std::is_sorted(temperatures_.begin(), temperatures_.end()),
         "temperatures");
  std::vector<std::size_t> levels = replica_at_level_;
  std::sort(levels.begin(), levels.end());
  bool each_once = levels.size() == n;
  for (std::size_t r = 0; each_once && r < n; ++r) each_once = levels[r] == r;
  expect(each_once, "temperatures of the replicas");
  expect(has_shape(counts_), "counts of the moves");
  expect(has_shape(scales_), "sizes of the moves");
  for (const auto &level : scales_)
    expect(std::all_of(level.begin(), level.end(), is_positive), "sizes of the moves");
  expect(exchanges_.size() == n - 1, "counts of the exchanges");
  expect(drift_ >= 0, "drift");
}

void Sampler::restore(const std::string &bytes) {
  StateReader in(bytes);
  const auto expect = [](bool same, const std::string &what) {
    if (!same) throw std::domain_error("stored state belongs to another run: " + what);
  };
  std::string text;
  in.read(&text);
  const bool has_finds = text == kSamplerState;
  if (!has_finds && text != kStateWithoutFinds)
    throw std::domain_error("not a stored state of this version");
  std::vector<double> temperatures;
  std::uint64_t seed = 0, count = 0;
  in.read(&temperatures);
  expect(temperatures == setup_.temperatures, "other temperatures");
  in.read(&seed);
  expect(seed == setup_.seed, "seed " + std::to_string(seed));
  in.read(&count);
  expect(count == setup_.schedule.burn_in, "a burn-in of " + std::to_string(count) + " steps");
  in.read(&count);
  expect(count == setup_.movers.size(), std::to_string(count) + " movers");
  in.read(&count);
  expect(count == setup_.terms.size(), std::to_string(count) + " terms");
  for (const WeightedTerm &t : setup_.terms) {
    in.read(&text);
    expect(text == t.term->name(), "term " + text);
  }
  in.read(&done_);
  in.read(&exchange_rounds_);
  in.read(&exchange_random_);
  in.read(&temperatures_);
  in.read(&replica_at_level_);
  in.read(&counts_);
  in.read(&scales_);
  in.read(&exchanges_);
  in.read(&drift_);
  check_restored();
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    in.read(&text);
    if (!replicas_[r]) continue;
    StateReader part(text);
    std::vector<Pose> poses;
    std::vector<double> parameters;
    Random random;
    part.read(&poses);
    part.read(&parameters);
    part.read(&random);
    replicas_[r]->restore(poses, parameters, random);
  }
  best_ = {HUGE_VAL, std::vector<std::uint64_t>(setup_.movers.size(), 0)};
  if (has_finds) {
    in.read(&best_.value);
    in.read(&best_.found);
  }
  expect(best_.found.size() == setup_.movers.size(), "finds of other movers");
  drop_counts();
  if (!in.at_end()) throw std::domain_error("stored state is longer than it should be");
  frames_ = FrameStore();
}

}  // namespace emcore

#include <IMP/emgmm/internal/checkpoint.h>
#include <IMP/emgmm/internal/sampler.h>
#include <IMP/emgmm/internal/tuning.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace emcore {

namespace {

constexpr char kSamplerState[] = "emgmm sampler state 2";

}  // namespace

Sampler::Sampler(SamplerSetup setup) : setup_(std::move(setup)) {
  check_setup();
  const std::size_t n = setup_.temperatures.size();
  std::vector<std::shared_ptr<const Term>> terms;
  for (const WeightedTerm &t : setup_.terms) terms.push_back(t.term);
  // Stream 0 belongs to the exchanges, stream r + 1 to replica r.
  exchange_random_ = Random(setup_.seed, 0);
  for (std::size_t r = 0; r < n; ++r)
    replicas_.push_back(
        std::make_unique<Replica>(terms, setup_.starts[r], Random(setup_.seed, r + 1)));
  temperatures_ = setup_.temperatures;
  replica_at_level_.resize(n);
  std::iota(replica_at_level_.begin(), replica_at_level_.end(), std::size_t{0});
  counts_.assign(n, std::vector<MoverCount>(setup_.movers.size()));
  scales_.assign(n, std::vector<double>(setup_.movers.size(), 1.0));
  exchanges_.resize(n - 1);
  const std::size_t workers = std::min<std::size_t>(thread_count(setup_.threads), n);
  pool_ = std::make_unique<WorkerPool>(static_cast<unsigned>(workers));
}

void Sampler::check_setup() const {
  setup_.schedule.check();
  if (setup_.terms.empty()) throw std::domain_error("a sampler needs at least one term");
  if (setup_.movers.empty()) throw std::domain_error("a sampler needs at least one mover");
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
    const std::vector<double> weights = this->weights(schedule.is_low(done_));
    pool_->run(replicas_.size(), [&](std::size_t level) {
      replicas_[replica_at_level_[level]]->run(end - done_, setup_.movers, weights,
                                               temperatures_[level], scales_[level],
                                               &counts_[level]);
    });
    done_ = end;
    if (schedule.is_frame(done_)) record_frame();
    if (schedule.is_exchange(done_)) exchange(weights);
    tune();
    if (schedule.is_refresh(done_)) {
      std::vector<double> drifts(replicas_.size());
      pool_->run(replicas_.size(), [&](std::size_t r) { drifts[r] = replicas_[r]->refresh(); });
      drift_ = std::max(drift_, *std::max_element(drifts.begin(), drifts.end()));
    }
    if (std::chrono::duration<double>(Clock::now() - start).count() > seconds) break;
  }
  return done_ - begin;
}

// Neighbours on the ladder swap temperatures, even and odd pairs in turn; states stay where they
// are. Detailed balance: min(1, exp((1/T_a - 1/T_b) (E_a - E_b))).
void Sampler::exchange(const std::vector<double> &weights) {
  for (std::size_t level = exchange_rounds_ % 2; level + 1 < replicas_.size(); level += 2) {
    std::size_t &lower = replica_at_level_[level], &upper = replica_at_level_[level + 1];
    const double exponent = (1 / temperatures_[level] - 1 / temperatures_[level + 1]) *
                            (replicas_[lower]->total(weights) - replicas_[upper]->total(weights));
    ++exchanges_[level].tried;
    if (exponent >= 0 || exchange_random_.uniform() < std::exp(exponent)) {
      ++exchanges_[level].accepted;
      std::swap(lower, upper);
    }
  }
  ++exchange_rounds_;
}

// Nothing is left of the burn-in's counts when it ends: what is reported is of the run itself.
void Sampler::tune() {
  const Schedule &schedule = setup_.schedule;
  if (schedule.is_step_tuning(done_))
    for (std::size_t level = 0; level < counts_.size(); ++level)
      for (std::size_t m = 0; m < counts_[level].size(); ++m) {
        scales_[level][m] = tuned_scale(scales_[level][m], counts_[level][m]);
        counts_[level][m] = MoverCount();
      }
  if (schedule.is_ladder_tuning(done_)) {
    temperatures_ = even_ladder(temperatures_, exchanges_);
    exchanges_.assign(exchanges_.size(), MoverCount());
  }
}

void Sampler::record_frame() {
  const std::size_t r = replica_at_level_[0];
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

std::string Sampler::save() const {
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
  for (const auto &replica : replicas_) {
    out.write(replica->poses());
    out.write(replica->parameters());
    out.write(replica->random);
  }
  return out.bytes();
}

void Sampler::restore(const std::string &bytes) {
  StateReader in(bytes);
  const auto expect = [](bool same, const std::string &what) {
    if (!same) throw std::domain_error("stored state belongs to another run: " + what);
  };
  std::string text;
  in.read(&text);
  if (text != kSamplerState) throw std::domain_error("not a stored state of this version");
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
  for (const auto &replica : replicas_) {
    std::vector<Pose> poses;
    std::vector<double> parameters;
    Random random;
    in.read(&poses);
    in.read(&parameters);
    in.read(&random);
    replica->restore(poses, parameters, random);
  }
  if (!in.at_end()) throw std::domain_error("stored state is longer than it should be");
  frames_ = FrameStore();
}

}  // namespace emcore

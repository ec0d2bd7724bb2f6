// The sampler: replica exchange and burn-in keep known distributions; the same on any number of
// threads, resumed bit for bit.
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "distributions.h"
#include "sample/sampler.h"
#include "sample/tuning.h"
#include "terms/connectivity.h"
#include "terms/excluded_volume.h"

using namespace emcore;
using namespace distributions;
using reference::check_close;

namespace {

// Two wells of different depth, 16 kT apart at T = 1: only the ladder crosses between them.
double two_wells(double x) {
  const double u = x / 10;
  return 16 * (u * u - 1) * (u * u - 1) + 0.7 * u;
}

void two_wells_by_exchange() {
  const auto term = std::make_shared<FunctionTerm>(1, [](const std::vector<Pose> &p, double) {
    const Vec3 &x = p[0].translation;
    return two_wells(x.x) + 0.5 * (x.y * x.y + x.z * x.z);
  });
  SamplerSetup setup = setup_of(term, {rigid({0}, 2, 0, 0)}, {1, 1.8, 3.2, 5.6, 10}, 2000000);
  for (auto &start : setup.starts) start[0].translation = {10, 0, 0};  // the worse well
  const FrameStore f = frames_of(setup);
  double left = 0, right = 0;
  for (double x = -25; x < 25; x += 0.001) (x < 0 ? left : right) += std::exp(-two_wells(x));
  const double found =
      mean_of(f.steps.size(), [&](std::size_t i) { return f.poses[i].translation.x < 0; });
  check_near(found, left / (left + right), 0.02, "population of the left well");
}

// Connected bodies that repel each other.
SamplerSetup crowded(unsigned threads, std::uint64_t steps) {
  Random random(4);
  std::vector<BodySphere> spheres;
  std::vector<SphereBond> bonds;
  for (std::size_t b = 0; b < 6; ++b) {
    for (int i = 0; i < 12; ++i) spheres.push_back({b, random.in_ball(12), 4});
    if (b > 0) bonds.push_back({{b - 1, random.in_ball(12), 2}, {b, random.in_ball(12), 2}, 5, 10});
  }
  SamplerSetup setup;
  setup.terms = {{std::make_shared<ConnectivityTerm>("connectivity", 6, bonds), 1, true},
                 {std::make_shared<ExcludedVolumeTerm>("volume", 6, spheres, 1), 0.5, false}};
  for (std::size_t b = 0; b < 6; ++b) setup.movers.push_back(rigid({b}, 2, 0.2, b));
  setup.movers.push_back(rigid({0, 1, 2, 3, 4, 5}, 2, 0.2));
  setup.movers.push_back(rigid({2, 3}, 2, 0.2));
  setup.temperatures = {1, 1.3, 1.7, 2.1, 2.5};
  for (std::size_t r = 0; r < 5; ++r) {
    setup.starts.emplace_back();
    for (int b = 0; b < 6; ++b)
      setup.starts.back().push_back({random.rotation(), random.in_ball(30)});
  }
  setup.schedule = {steps, 100, 700, 0.1, 7, 13, 1000, 450};
  setup.seed = 7;
  setup.threads = threads;
  return setup;
}

bool same(const FrameStore &a, const FrameStore &b) {
  if (a.poses.size() != b.poses.size() || a.steps.empty()) return false;
  return a.steps == b.steps && a.replicas == b.replicas && a.totals == b.totals &&
         a.scores == b.scores &&
         std::memcmp(a.poses.data(), b.poses.data(), a.poses.size() * sizeof(Pose)) == 0;
}

std::uint64_t sum_of(const std::vector<std::uint64_t> &counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// Every step is a frame: finds are the steps at which the score falls below all before it, and the
// body that moved says whose they are. At low weight, in a burn-in, and where an exchange brings
// the better score, there are none.
void finds_are_counted() {
  const auto term = std::make_shared<FunctionTerm>(2, [](const std::vector<Pose> &p, double) {
    return well_and_field(p[0], 1, 0) + well_and_field(p[1], 0.1, 0);
  });
  SamplerSetup setup = setup_of(term, {rigid({0}, 2, 0), rigid({1}, 2, 0)}, {1}, 20000);
  setup.starts = {{{{}, {30, 0, 0}}, {{}, {0, 40, 0}}}};
  setup.schedule.frame_interval = 1;
  Sampler sampler(setup);
  while (!sampler.finished()) sampler.advance(1000, 1e9);
  const FrameStore f = sampler.take_frames();
  std::vector<std::uint64_t> expected(2, 0);
  double best = 0.5 * 30 * 30 + 0.05 * 40 * 40;
  Vec3 before = setup.starts[0][0].translation;
  for (std::size_t i = 0; i < f.steps.size(); ++i) {
    const Vec3 now = f.poses[2 * i].translation;
    if (f.totals[i] < best) ++expected[norm(now - before) > 0 ? 0 : 1];
    best = std::min(best, f.totals[i]);
    before = now;
  }
  check(sampler.found() == expected && expected[0] > 5 && expected[1] > 5, "finds of each mover");

  setup.terms[0].annealed = true;
  setup.schedule.low_steps = 30;
  setup.schedule.high_steps = 10;
  setup.schedule.burn_in = 20000;
  Sampler annealed(setup);
  annealed.advance(20030, 1e9);
  check(sum_of(annealed.found()) == 0, "no finds in a burn-in nor at low weight");
  annealed.advance(10000, 1e9);
  check(sum_of(annealed.found()) > 0, "finds at full weight");

  // Where a state of before there were finds ends: they are counted from there.
  std::string former = sampler.save();
  former.resize(former.size() - (2 + expected.size()) * 8);
  former.replace(former.find("state 4"), 7, "state 3");
  setup.terms[0].annealed = false;
  setup.schedule = Schedule();
  setup.schedule.steps = 20000;
  Sampler resumed(setup);
  resumed.restore(former);
  check(resumed.finished() && sum_of(resumed.found()) == 0, "a state without finds");

  // A mover that cannot move: only exchanges lead anywhere.
  SamplerSetup still = setup_of(term, {rigid({0}, 0, 0)}, {1, 1}, 1000);
  still.starts[0][0].translation = {9, 0, 0};
  Sampler exchanged(still);
  while (!exchanged.finished()) exchanged.advance(1000, 1e9);
  const FrameStore g = exchanged.take_frames();
  check(*std::min_element(g.totals.begin(), g.totals.end()) == 0, "the other replica came down");
  check(sum_of(exchanged.found()) == 0, "an exchange is no mover's find");
}

void threads_and_cuts_do_not_matter() {
  const std::uint64_t steps = 5000;
  Sampler whole(crowded(1, steps));
  while (!whole.finished()) whole.advance(steps, 1e9);
  const FrameStore expected = whole.take_frames();
  check(expected.steps.size() == steps / 7, "frames are counted at full weight");
  for (unsigned threads : {2u, 3u, 7u})
    check(same(expected, frames_of(crowded(threads, steps))),
          "the same on " + std::to_string(threads) + " threads");
  // Cut into odd pieces, each in a new sampler that starts from the bytes of the one before.
  FrameStore pieces;
  std::string state;
  for (std::uint64_t piece = 1;; piece = piece * 5 % 997 + 1) {
    Sampler sampler(crowded(2, steps));
    if (!state.empty()) sampler.restore(state);
    sampler.advance(piece, 1e9);
    const FrameStore more = sampler.take_frames();
    const auto append = [](auto *to, const auto &from) {
      to->insert(to->end(), from.begin(), from.end());
    };
    append(&pieces.steps, more.steps);
    append(&pieces.replicas, more.replicas);
    append(&pieces.totals, more.totals);
    append(&pieces.scores, more.scores);
    append(&pieces.poses, more.poses);
    state = sampler.save();
    check(sampler.drift() == 0, "a score is a function of the poses");
    if (!sampler.finished()) continue;
    check(sampler.found() == whole.found(), "the same finds, resumed");
    break;
  }
  check(same(expected, pieces), "resumed bit for bit");

  Sampler other(crowded(1, steps));
  const auto refused = [&](const std::string &bytes) {
    try {
      other.restore(bytes);
    } catch (const std::domain_error &) {
      return true;
    }
    return false;
  };
  check(refused(state.substr(0, state.size() / 2)), "half a state is refused");
  check(refused("nonsense"), "nonsense is refused");
  SamplerSetup seeded = crowded(1, steps);
  seeded.seed = 8;
  check(refused(Sampler(seeded).save()), "the state of another seed is refused");
}

// Processes stood in for by threads: each waits until all have added their part.
class Meeting {
 public:
  explicit Meeting(std::size_t size) : size_(size) {}
  void sum(std::vector<double> *values) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (arrived_ == 0) total_.assign(values->size(), 0);
    check(values->size() == total_.size(), "all processes sum the same thing");
    for (std::size_t i = 0; i < values->size(); ++i) total_[i] += (*values)[i];
    const std::size_t round = round_;
    if (++arrived_ == size_) {
      result_ = total_;
      arrived_ = 0;
      ++round_;
      everyone_.notify_all();
    } else {
      everyone_.wait(lock, [&] { return round_ != round; });
    }
    // Nobody can finish the next round before this copy: it needs this thread too.
    *values = result_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable everyone_;
  std::size_t size_, arrived_ = 0, round_ = 0;
  std::vector<double> total_, result_;
};

void processes_do_not_matter() {
  const std::uint64_t steps = 3000;
  Sampler one(crowded(1, steps));
  one.advance(1u << 30, 1e9);
  const FrameStore expected = one.take_frames();
  for (std::size_t size : {2u, 3u}) {
    Meeting meeting(size);
    std::vector<std::unique_ptr<Sampler>> group;
    for (std::size_t p = 0; p < size; ++p) {
      SamplerSetup setup = crowded(1, steps);
      for (std::size_t r = 0; r < setup.starts.size(); ++r)
        setup.processes.is_mine.push_back(r % size == p);
      setup.processes.sum = [&](std::vector<double> *values) { meeting.sum(values); };
      group.push_back(std::make_unique<Sampler>(setup));
    }
    std::vector<std::thread> threads;
    for (auto &sampler : group)
      threads.emplace_back([&sampler] {
        sampler->advance(1u << 30, 1e9);
        sampler->merge_counts();
      });
    for (std::thread &thread : threads) thread.join();
    std::size_t frames = 0;
    for (auto &sampler : group) {
      const FrameStore f = sampler->take_frames();
      frames += f.steps.size();
      for (std::size_t i = 0; i < f.steps.size(); ++i) {
        const std::size_t at = f.steps[i] / 7 - 1;
        check(f.totals[i] == expected.totals[at] && f.replicas[i] == expected.replicas[at],
              "the same frames from " + std::to_string(size) + " processes");
      }
    }
    check(frames == expected.steps.size(), "each frame once");
    check(group[0]->found() == one.found(), "the same finds");
    check(sum_of(group[1]->found()) == 0, "finds are kept in one process");
    std::vector<std::string> states;
    for (std::size_t r = 0; r < 5; ++r) states.push_back(group[r % size]->save_replica(r));
    check(group[0]->save(states) == one.save(), "the same state, byte for byte");
  }
}

void schedule_counts() {
  Schedule s{30000, 1000, 10000, 0.1, 10, 10, 100000};
  check(s.total() == 33000, "three cycles");
  check(s.is_low(0) && s.is_low(999) && !s.is_low(1000) && s.is_low(11000), "low phases");
  check(s.high_done(500) == 0 && s.high_done(1001) == 1 && s.high_done(11500) == 10000, "high");
  std::uint64_t frames = 0;
  for (std::uint64_t done = 0; done < s.total();) {
    const std::uint64_t next = s.next_event(done);
    check(next > done, "events go on");
    for (std::uint64_t d = done + 1; d < next; ++d) check(!s.is_frame(d), "no frame is left out");
    done = next;
    frames += s.is_frame(done);
  }
  check(frames == 3000, "frames of a run");
  s.burn_in = 1234;
  check(s.total() == 34234 && s.high_done(1234 + 1001) == 1 && !s.is_frame(1230), "burn-in");
  check(s.is_low(0) && !s.is_low(1100) && s.is_low(1234) && !s.is_low(2234), "cycles of a burn-in");
  std::uint64_t ladders = 0, steps = 0;
  for (std::uint64_t done = 0; done < s.total();) {
    done = s.next_event(done);
    ladders += s.is_ladder_tuning(done);
    steps += s.is_step_tuning(done);
  }
  check(ladders == 5 && steps == 51, "tunings of a burn-in");
}

// A burn-in finds steps and a ladder; what follows still samples the distribution.
void burn_in_tunes_and_stops() {
  const double k = 50, a = 40;
  const auto term = std::make_shared<FunctionTerm>(
      1, [=](const std::vector<Pose> &p, double) { return well_and_field(p[0], k, a); });
  SamplerSetup setup = setup_of(term, {rigid({0}, 4, 1.5, 0)}, {1, 1.05, 1.1, 1.2, 6}, 400000);
  setup.schedule.burn_in = 100000;
  Sampler sampler(setup);
  while (!sampler.finished()) sampler.advance(100000, 1e9);
  const FrameStore f = sampler.take_frames();
  check(f.steps.size() == 40000 && f.steps.front() == 10, "frames start after the burn-in");
  double lowest = 1, highest = 0;
  for (const MoverCount &pair : sampler.exchanges()) {
    const double rate = double(pair.accepted) / double(pair.tried);
    lowest = std::min(lowest, rate);
    highest = std::max(highest, rate);
  }
  check(highest - lowest < 0.05, "even exchange rates");
  check(sampler.temperatures().front() == 1 && sampler.temperatures().back() == 6, "ends stay");
  for (const auto &level : sampler.counts())
    check_near(double(level[0].accepted) / double(level[0].tried), 0.3, 0.05, "acceptance");
  const std::size_t n = f.steps.size();
  check_near(mean_of(n,
                     [&](std::size_t i) {
                       return dot(f.poses[i].translation, f.poses[i].translation) / 3;
                     }),
             1 / k, 0.001, "variance after a burn-in");
  check_near(mean_of(n, [&](std::size_t i) { return cosine(f.poses[i]); }), expected_cosine(a, 1),
             0.001, "orientation after a burn-in");
}

// A mover that is tried once or twice between two tunings gets its step all the same.
void rare_movers_are_tuned() {
  const auto term = std::make_shared<FunctionTerm>(2, [](const std::vector<Pose> &p, double) {
    return well_and_field(p[0], 50, 40) + well_and_field(p[1], 50, 40);
  });
  SamplerSetup setup = setup_of(term, {rigid({0}, 4, 1.5, 0), rigid({1}, 4, 1.5, 1)}, {1}, 40000);
  setup.mover_weights = {1, 0.01};
  setup.schedule.burn_in = 10010;
  Sampler sampler(setup);
  while (sampler.done() < setup.schedule.burn_in) sampler.advance(1000, 1e9);
  check(sampler.scales()[0][0] < 0.2 && sampler.scales()[0][1] < 0.5, "steps get shorter");
  check(sampler.counts()[0][0].tried < 2000, "counts of the burn-in are gone");
  while (!sampler.finished()) sampler.advance(10000, 1e9);
  const MoverCount rare = sampler.counts()[0][1];
  check(rare.tried > 200 && rare.accepted > rare.tried / 20, "a rare mover is accepted");
}

void ladders() {
  const std::vector<double> given = {1, 2, 4};
  check(even_ladder(given, {{5, 1}, {100, 50}}) == given, "too few exchanges to judge by");
  const std::vector<double> even = even_ladder(given, {{1000, 1000}, {1000, 0}});
  check(even[0] == 1 && even[2] == 4, "ends stay");
  check(even[1] > 2.6 && even[1] < 2.7, "the gap is divided");  // half way between 1/2 and 1/4
  const std::vector<double> same = even_ladder({1, 1, 1}, {{50, 50}, {50, 50}});
  check(same == std::vector<double>({1, 1, 1}), "one temperature");
}

}  // namespace

int main() {
  ladders();
  burn_in_tunes_and_stops();
  rare_movers_are_tuned();
  schedule_counts();
  two_wells_by_exchange();
  finds_are_counted();
  threads_and_cuts_do_not_matter();
  processes_do_not_matter();
  return 0;
}

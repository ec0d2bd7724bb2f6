// When what happens in a run: weight annealing, frames, exchanges. Arithmetic on step numbers only.
#ifndef EMGMM_SAMPLE_SCHEDULE_H
#define EMGMM_SAMPLE_SCHEDULE_H

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace emcore {

// First a burn-in, without frames, whose steps count for nothing else. Then, from a new start of
// the cycle, the annealed terms have weight `low_weight` for low_steps, then 1 for high_steps,
// again and again, until `steps` steps at weight 1 are done (doc/method.md, Sampling). A step is
// one move.
struct Schedule {
  std::uint64_t steps = 0;
  std::uint64_t low_steps = 0, high_steps = 10000;
  double low_weight = 0.1;
  std::uint64_t frame_interval = 10;        // steps at weight 1
  std::uint64_t exchange_interval = 10;     // steps of any weight
  std::uint64_t refresh_interval = 100000;  // steps between comparisons with a score from scratch
  std::uint64_t burn_in = 0;                // steps of any weight, in cycles of their own

  // `done` counts all steps so far, low ones and the burn-in included.
  bool is_burn_in(std::uint64_t done) const { return done < burn_in; }
  bool is_low(std::uint64_t done) const { return in_cycle(done) < low_steps; }
  std::uint64_t high_done(std::uint64_t done) const {
    if (done < burn_in) return 0;
    const std::uint64_t rest = in_cycle(done);
    return (done - burn_in) / cycle() * high_steps + (rest > low_steps ? rest - low_steps : 0);
  }
  // All steps done when the last of `high` steps at weight 1 has been.
  std::uint64_t done_after(std::uint64_t high) const {
    if (high == 0) return 0;
    return burn_in + (high - 1) / high_steps * cycle() + low_steps + (high - 1) % high_steps + 1;
  }
  std::uint64_t total() const { return done_after(steps); }
  bool is_frame(std::uint64_t done) const {
    return done > burn_in && !is_low(done - 1) && high_done(done) % frame_interval == 0;
  }
  bool is_exchange(std::uint64_t done) const { return done % exchange_interval == 0; }
  bool is_refresh(std::uint64_t done) const { return done % refresh_interval == 0; }
  // Step sizes are adapted fifty times in the burn-in, the ladder whenever its length has doubled:
  // at 1/16, 1/8, 1/4, 1/2 and the whole of it.
  bool is_step_tuning(std::uint64_t done) const {
    return done > 0 && done <= burn_in && done % tuning_interval() == 0;
  }
  bool is_ladder_tuning(std::uint64_t done) const {
    for (std::uint64_t part = 1; part <= 16; part *= 2)
      if (done > 0 && done == burn_in / part) return true;
    return false;
  }
  // The next step number after `done` at which anything but a move happens.
  std::uint64_t next_event(std::uint64_t done) const {
    const std::uint64_t rest = in_cycle(done);
    const std::uint64_t phase_end = done - rest + (rest < low_steps ? low_steps : cycle());
    const std::uint64_t frame = done_after((high_done(done) / frame_interval + 1) * frame_interval);
    const auto multiple = [&](std::uint64_t interval) { return (done / interval + 1) * interval; };
    std::uint64_t next =
        std::min({phase_end, frame, multiple(exchange_interval), multiple(refresh_interval)});
    if (done < burn_in) {
      next = std::min({next, multiple(tuning_interval()), burn_in});
      for (std::uint64_t part = 2; part <= 16; part *= 2)
        if (burn_in / part > done) next = std::min(next, burn_in / part);
    }
    return next;
  }
  void check() const {
    const auto positive = [](std::uint64_t value, const char *what) {
      if (value == 0) throw std::domain_error(std::string(what) + " must be positive, got 0");
    };
    positive(high_steps, "high_steps");
    positive(frame_interval, "frame_interval");
    positive(exchange_interval, "exchange_interval");
    positive(refresh_interval, "refresh_interval");
    if (!(low_weight >= 0))
      throw std::domain_error("low_weight must be 0 or positive, got " +
                              std::to_string(low_weight));
  }

 private:
  std::uint64_t cycle() const { return low_steps + high_steps; }
  std::uint64_t in_cycle(std::uint64_t done) const {
    return (done < burn_in ? done : done - burn_in) % cycle();
  }
  std::uint64_t tuning_interval() const { return std::max<std::uint64_t>(1, burn_in / 50); }
};

}  // namespace emcore

#endif

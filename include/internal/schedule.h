// When what happens in a run: weight annealing, frames, exchanges. Arithmetic on step numbers only.
#ifndef IMPEMGMM_INTERNAL_SCHEDULE_H
#define IMPEMGMM_INTERNAL_SCHEDULE_H

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace emcore {

// The annealed terms have weight `low_weight` for low_steps, then 1 for high_steps, again and
// again, until `steps` steps at weight 1 are done (design, section 4). A step is one move.
struct Schedule {
  std::uint64_t steps = 0;
  std::uint64_t low_steps = 0, high_steps = 10000;
  double low_weight = 0.1;
  std::uint64_t frame_interval = 10;        // steps at weight 1
  std::uint64_t exchange_interval = 10;     // steps of any weight
  std::uint64_t refresh_interval = 100000;  // steps between comparisons with a score from scratch

  // `done` counts all steps so far, low ones included.
  bool is_low(std::uint64_t done) const { return done % cycle() < low_steps; }
  std::uint64_t high_done(std::uint64_t done) const {
    const std::uint64_t rest = done % cycle();
    return done / cycle() * high_steps + (rest > low_steps ? rest - low_steps : 0);
  }
  // All steps done when the last of `high` steps at weight 1 has been.
  std::uint64_t done_after(std::uint64_t high) const {
    return high == 0 ? 0
                     : (high - 1) / high_steps * cycle() + low_steps + (high - 1) % high_steps + 1;
  }
  std::uint64_t total() const { return done_after(steps); }
  bool is_frame(std::uint64_t done) const {
    return done > 0 && !is_low(done - 1) && high_done(done) % frame_interval == 0;
  }
  bool is_exchange(std::uint64_t done) const { return done % exchange_interval == 0; }
  bool is_refresh(std::uint64_t done) const { return done % refresh_interval == 0; }
  // The next step number after `done` at which anything but a move happens.
  std::uint64_t next_event(std::uint64_t done) const {
    const std::uint64_t in_cycle = done % cycle();
    const std::uint64_t phase_end = done - in_cycle + (in_cycle < low_steps ? low_steps : cycle());
    const std::uint64_t frame = done_after((high_done(done) / frame_interval + 1) * frame_interval);
    const auto multiple = [&](std::uint64_t interval) { return (done / interval + 1) * interval; };
    return std::min({phase_end, frame, multiple(exchange_interval), multiple(refresh_interval)});
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
};

}  // namespace emcore

#endif

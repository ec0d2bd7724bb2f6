// Work on threads whose result does not depend on how many there are: tasks are numbered, any
// thread may take any task, and each task writes only its own result.
#ifndef EMGMM_MATH_PARALLEL_H
#define EMGMM_MATH_PARALLEL_H

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace emcore {

// Number of threads to use: `requested`, or all cores for 0.
inline unsigned thread_count(unsigned requested) {
  if (requested > 0) return requested;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 0 ? cores : 1;
}

// Calls task(i) for i in 0 ... n - 1; the first exception thrown is thrown again here.
template <class Task>
void parallel_for(std::size_t n, unsigned threads, const Task &task) {
  const std::size_t workers = std::min<std::size_t>(thread_count(threads), n);
  if (workers <= 1) {
    for (std::size_t i = 0; i < n; ++i) task(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < n;) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        next = n;
      }
    }
  };
  std::vector<std::thread> pool;
  pool.reserve(workers - 1);
  for (std::size_t t = 1; t < workers; ++t) pool.emplace_back(work);
  work();
  for (std::thread &t : pool) t.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace emcore

#endif

// Threads that stay: work in rounds of a fraction of a millisecond cannot afford to start them.
#ifndef EMGMM_MATH_WORKER_POOL_H
#define EMGMM_MATH_WORKER_POOL_H

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "math/parallel.h"

namespace emcore {

// As parallel_for: numbered tasks, any thread may take any task, so that the result does not
// depend on how many threads there are.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned threads) {
    for (unsigned t = 1; t < thread_count(threads); ++t) threads_.emplace_back([this] { work(); });
  }
  ~WorkerPool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread &thread : threads_) thread.join();
  }
  WorkerPool(const WorkerPool &) = delete;
  WorkerPool &operator=(const WorkerPool &) = delete;

  unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }

  // Calls task(i) for i in 0 ... n - 1; the first exception thrown is thrown again here.
  void run(std::size_t n, const std::function<void(std::size_t)> &task) {
    if (threads_.empty() || n < 2) {
      for (std::size_t i = 0; i < n; ++i) task(i);
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = n;
      next_ = 0;
      busy_ = threads_.size();
      failure_ = nullptr;
      ++round_;
    }
    wake_.notify_all();
    take_tasks();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void take_tasks() {
    for (std::size_t i; (i = next_.fetch_add(1)) < count_;) {
      try {
        (*task_)(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_ = count_;
      }
    }
  }
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (unsigned long seen = 0;;) {
      wake_.wait(lock, [&] { return stop_ || round_ != seen; });
      if (stop_) return;
      seen = round_;
      lock.unlock();
      take_tasks();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(std::size_t)> *task_ = nullptr;
  std::atomic<std::size_t> next_{0};
  std::size_t count_ = 0, busy_ = 0;
  unsigned long round_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
};

}  // namespace emcore

#endif

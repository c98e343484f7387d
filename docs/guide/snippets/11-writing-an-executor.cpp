// SPDX-License-Identifier: BSL-1.0
// What docs/guide/11-writing-an-executor.md shows: a wrapper around an executor, and a scheduler on
// top of somebody else's threads.
#include <cohort/cohort.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;
using cohort::detail::Coroutine;
using cohort::detail::Home;
using cohort::detail::TaskCount;

// Counts what is submitted to another executor.
template <cohort::Executor Below>
class Counting : public cohort::detail::PoolFace<Counting<Below>> {
 public:
  explicit Counting(Below& below) : below_(below) {}

  template <class Fn, class... Args>
  auto submit(Fn&& fn, Args&&... args) {
    count_.fetch_add(1, std::memory_order_relaxed);
    return below_.submit(std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  std::size_t concurrency() const { return below_.concurrency(); }
  auto shutdown() { return below_.shutdown(); }

  int count() const { return count_.load(std::memory_order_relaxed); }

 private:
  Below& below_;
  std::atomic<int> count_{0};
};

static_assert(cohort::Executor<Counting<cohort::ThreadPool>>);

// Stands for what you have: it runs functions, somewhere.
class Foreign {
 public:
  ~Foreign() {
    post(nullptr);
    thread_.join();
  }
  void post(std::function<void()> function) {
    const std::lock_guard guard(mutex_);
    functions_.push_back(std::move(function));
    filled_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock guard(mutex_);
      filled_.wait(guard, [this] { return !functions_.empty(); });
      const auto function = std::move(functions_.front());
      functions_.pop_front();
      guard.unlock();
      if (!function) return;
      function();
    }
  }
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> functions_;
  std::thread thread_{[this] { run(); }};
};

// A Scheduler that runs there. Deadlines are kept by another scheduler's threads.
class OnForeign final : public cohort::detail::SchedulerFace<OnForeign>, private Home {
 public:
  template <cohort::Scheduler S>
  OnForeign(Foreign& below, S& clock) : below_(below), clock_(clock.home()) {}
  std::size_t concurrency() const noexcept { return 1; }
  auto shutdown() {
    if (!closed_.exchange(true)) one_less();
    return drained_.wait();
  }
  ~OnForeign() {
    stop_tasks();
    shutdown().block();
  }
  void stop_tasks() noexcept { tasks_.scope().request_stop(); }
  Home& home() noexcept { return *this; }
  using SchedulerFace::post;

 private:
  void post(Coroutine& coroutine) noexcept override {
    below_.post([this, &coroutine] {
      cohort::detail::Context context{this};
      const cohort::detail::ActivationGuard active(context);
      cohort::detail::drive(context, &coroutine);
    });
  }
  void add_timer(cohort::detail::TimerNode& node, cohort::TimePoint when) noexcept override {
    clock_.add_timer(node, when);
  }
  void remove_timer(cohort::detail::TimerNode& node) noexcept override {
    clock_.remove_timer(node);
  }

  TaskCount& task_begins() override {
    live_.fetch_add(1);
    if (closed_) {
      one_less();
      throw cohort::ShutDown("this OnForeign was shut down: it takes no more work");
    }
    return tasks_;
  }
  void task_ends(TaskCount&) noexcept override { one_less(); }
  // Its last step wakes the destructor: nothing may be touched after it.
  void one_less() noexcept {
    if (live_.fetch_sub(1) == 1) drained_.set();
  }

  Foreign& below_;
  Home& clock_;
  TaskCount tasks_;
  std::atomic<std::size_t> live_{1};  // the tasks, and one until it is shut down
  std::atomic<bool> closed_{false};
  cohort::Event drained_;
};

static_assert(cohort::Scheduler<OnForeign>);

int square(int x) { return x * x; }

Task<std::thread::id> nap() {
  co_await cohort::sleep_for(1ms);
  co_return std::this_thread::get_id();
}

int main() {
  cohort::ThreadPool pool{2};
  Counting counting{pool};
  const std::vector<int> numbers{1, 2, 3, 4};
  int sum = 0;
  for (const int x : counting.map(square, numbers, 2).block()) sum += x;
  std::cout << sum << " in " << counting.count() << " pieces\n";

  Foreign foreign;
  OnForeign scheduler{foreign, pool};
  const auto there = scheduler.submit([] { return std::this_thread::get_id(); }).block();
  std::cout << std::boolalpha << (run(scheduler, nap()) == there) << '\n';
}

// Output:
// 30 in 2 pieces
// true

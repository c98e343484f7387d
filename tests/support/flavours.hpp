// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One test body, run by every kind of party: threads that block, functions on a pool that block,
/// coroutines that await on pools and on a loop, and all of them in one line.
///
///     TEST_P(LockContract, …) {
///       Crew crew(GetParam());
///       Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
///         co_await lock.acquire();              // a thread blocks here, a coroutine suspends
///       });
///       EXPECT_EQ(party.end(), Ending::finished);
///     }
///
/// A body says `co_await` for both: `Script` is a Task for those who await, and for those who block
/// a coroutine that never suspends but calls `block()` on whatever it is given. Including this
/// header also makes every test of the executable check that no coroutine frame outlives it.
///
/// The bodies of the contract suites, contract/…_contract.hpp, say `Lock`, `Queue<int>` and so on,
/// and mean cohort's, or those of a namespace whose names were declared in cohort::test before: see
/// ipc/names.hpp.

// The suites' bodies lie in headers. What g++ then says of each coroutine in them is not meant for
// classes that are local to a function.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/in_process.hpp"  // everything under test
#include "support/which_thread.hpp"

#if !COHORT_COUNT_FRAMES
#error "tests are built with COHORT_COUNT_FRAMES=1, or leaked frames go unseen"
#endif

namespace cohort::test {

using namespace std::chrono_literals;

/// Waits for a state: true as soon as the condition holds, false after a minute without.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (int round = 0; !condition(); ++round) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (round < 200) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
  return true;
}

/// Calls `test(limit)` with a limit twice as long each time, until it yields true: where a limit must
/// not be over before something has begun, and nobody knows how slow the machine is. False if even
/// half a minute was too short.
template <class Test>
bool with_enough_time(std::chrono::milliseconds limit, Test test) {
  for (; limit < std::chrono::minutes(1); limit *= 2) {
    if (test(limit)) return true;
  }
  return false;
}

/// Lets the other threads go on for about a millisecond, so that one that does not wait for this
/// thread, as it should, is seen to be ahead of it. A test of what is right needs no such while.
inline void give_way() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

/// Every test ends without a live coroutine frame.
class FrameCheck final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_EQ(live_frames(), 0) << "coroutine frames outlive the test";
  }
};
inline const bool frames_are_checked = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new FrameCheck);
  return true;
}();

/// What happened, in order. Any thread.
template <class T>
class Log {
 public:
  void add(T what) {
    const std::lock_guard guard(mutex_);
    entries_.push_back(std::move(what));
  }
  void clear() {
    const std::lock_guard guard(mutex_);
    entries_.clear();
  }
  std::vector<T> entries() const {
    const std::lock_guard guard(mutex_);
    return entries_;
  }
  std::size_t size() const { return entries().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<T> entries_;
};

/// A Spec that counts when it stands in line, so that a test can wait for that instead of sleeping.
template <class Spec>
struct WatchedSpec {
  using Result = typename Spec::Result;
  using Place = typename Spec::Place;
  Spec spec;
  std::atomic<int>* in_line;

  bool try_now(Place& place) { return spec.try_now(place); }
  void arm(Place& place) noexcept {
    auto* const count = in_line;  // the wait may be over, and this gone, once it is armed
    spec.arm(place);
    count->fetch_add(1);
  }
  auto disarm(Place& place) noexcept { return spec.disarm(place); }
  auto retry(Place& place) noexcept { return spec.retry(place); }
  // Of those that wait at what processes share.
  void sleep(Place& place, TimePoint until) noexcept requires requires { spec.sleep(place, until); }
  { spec.sleep(place, until); }
  void put_back(Place& place) noexcept requires requires { spec.put_back(place); }
  { spec.put_back(place); }
  Result result(Place& place) { return spec.result(place); }
};

/// The same operation; adds one to `in_line` when it has begun to wait. Then apply `within`.
template <class Spec>
Operation<WatchedSpec<Spec>> watched(Operation<Spec> operation, std::atomic<int>& in_line) {
  return Operation(
      WatchedSpec<Spec>{detail::OperationAccess::take(std::move(operation)), &in_line});
}

/// The token of the thread party that runs here, if one does.
inline const StopToken*& party_token() noexcept {
  static thread_local const StopToken* token = nullptr;
  return token;
}

/// A body whose awaits block the thread.
class BlockingScript {
  template <class Awaitable>
  class Blocked {
   public:
    explicit Blocked(Awaitable&& awaitable) : awaitable_(std::forward<Awaitable>(awaitable)) {}
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    decltype(auto) await_resume() {
      if constexpr (requires(const StopToken& t) {
                      std::forward<Awaitable>(awaitable_).block(t);
                    }) {
        if (const StopToken* const token = party_token()) {
          return std::forward<Awaitable>(awaitable_).block(*token);
        }
      }
      return std::forward<Awaitable>(awaitable_).block();
    }

   private:
    Awaitable awaitable_;
  };

 public:
  struct promise_type {
    BlockingScript get_return_object() noexcept {
      return BlockingScript(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
    template <class Awaitable>
    Blocked<Awaitable> await_transform(Awaitable&& awaitable) {
      return Blocked<Awaitable>(std::forward<Awaitable>(awaitable));
    }
    std::exception_ptr error;
  };

  BlockingScript(BlockingScript&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  BlockingScript& operator=(BlockingScript&&) = delete;
  ~BlockingScript() {
    if (handle_) handle_.destroy();
  }
  /// Runs the body to its end, on this thread.
  void block() && {
    handle_.resume();
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
  }

 private:
  explicit BlockingScript(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

struct Blocks {
  using Script = BlockingScript;
};
struct Awaits {
  using Script = Task<>;
};
template <class How>
using Script = typename How::Script;

/// Who waits, and where. `functions_n`: plain functions on a ThreadPool{n}, at most 60 of them.
/// `mixed`: a thread, a coroutine on a pool, one on a loop, a function on a pool, and so on.
enum class Flavour {
  threads,
  functions_1,
  functions_2,
  functions_8,
  pool_1,
  pool_2,
  pool_8,
  loop,
  mixed,
};
inline constexpr Flavour all_flavours[] = {
    Flavour::threads,     Flavour::functions_1, Flavour::functions_2,
    Flavour::functions_8, Flavour::pool_1,      Flavour::pool_2,
    Flavour::pool_8,      Flavour::loop,        Flavour::mixed,
};
inline const char* name_of(Flavour flavour) {
  constexpr const char* names[] = {"threads", "functions_1", "functions_2", "functions_8", "pool_1",
                                   "pool_2",  "pool_8",      "loop",        "mixed"};
  return names[static_cast<int>(flavour)];
}
inline void PrintTo(Flavour flavour, std::ostream* stream) { *stream << name_of(flavour); }
/// For INSTANTIATE_TEST_SUITE_P(Everybody, Suite, testing::ValuesIn(all_flavours), flavour_name).
inline std::string flavour_name(const testing::TestParamInfo<Flavour>& info) {
  return name_of(info.param);
}

enum class Ending { running, finished, cancelled, failed };

/// One that runs a body.
class Party {
 public:
  Party() = default;
  Party(const Party&) = delete;
  Party& operator=(const Party&) = delete;
  ~Party() {
    if (thread_.joinable()) thread_.join();
  }

  /// Asks it to stop. When this returns, a wait it was suspended in has left its line.
  void cancel() {
    if (future_) {
      future_->cancel();
    } else {
      stop_.request_stop();
    }
  }
  bool ended() const { return ending() != Ending::running; }
  /// How it ended. Waits for that; a party that never ends is the end of the test program.
  Ending end() const {
    if (!eventually([this] { return ended(); })) {
      std::fprintf(stderr, "a party has not ended: it hangs\n");
      std::abort();
    }
    return ending();
  }
  /// What it threw, if it failed.
  const std::string& what() const { return what_; }

 private:
  friend class Crew;

  Ending ending() const {
    // Looked at in this order: a task sets its ending before its future is done.
    const bool done = future_ && future_->done();
    const Ending ending = ending_.load();
    return done && ending == Ending::running ? Ending::cancelled : ending;
  }
  void set_failed(const char* what) {
    what_ = what;
    ending_.store(Ending::failed);
  }

  StopSource stop_;
  std::optional<Future<void>> future_;
  std::thread thread_;
  std::string what_;
  std::atomic<Ending> ending_{Ending::running};
};

/// Parties of one flavour and the executors they run on. The destructor waits for all of them and
/// fails the test if one has failed.
class Crew {
 public:
  explicit Crew(Flavour flavour) : flavour_(flavour) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() {
    join();
    closing_.set();
    if (driver_.joinable()) driver_.join();
  }

  /// Starts `body(how)`, which must not refer to anything that ends before the crew.
  template <class Body>
  Party& start(Body body) {
    constexpr Flavour mixture[] = {Flavour::threads, Flavour::pool_2, Flavour::loop,
                                   Flavour::functions_1};
    const Flavour f = flavour_ == Flavour::mixed ? mixture[parties_.size() % 4] : flavour_;
    Party& party = parties_.emplace_back();
    switch (f) {
      case Flavour::threads:
        party.thread_ = std::thread([&party, body = std::move(body)]() mutable {
          const StopToken token = party.stop_.token();
          party_token() = &token;
          run_blocking(std::move(body), &party);
          party_token() = nullptr;
        });
        break;
      case Flavour::functions_1:
        party.future_ = pool(functions_, 1).submit(run_blocking<Body>, std::move(body), &party);
        break;
      case Flavour::functions_2:
        party.future_ = pool(functions_, 2).submit(run_blocking<Body>, std::move(body), &party);
        break;
      case Flavour::functions_8:
        party.future_ = pool(functions_, 8).submit(run_blocking<Body>, std::move(body), &party);
        break;
      case Flavour::pool_1:
        party.future_ = spawn(pool(pool_, 1), run_awaiting(std::move(body), &party));
        break;
      case Flavour::pool_2:
      case Flavour::mixed:
        party.future_ = spawn(pool(pool_, 2), run_awaiting(std::move(body), &party));
        break;
      case Flavour::pool_8:
        party.future_ = spawn(pool(pool_, 8), run_awaiting(std::move(body), &party));
        break;
      case Flavour::loop:
        party.future_ = spawn(loop(), run_awaiting(std::move(body), &party));
        break;
    }
    return party;
  }

  /// Waits until all have ended.
  void join() {
    for (Party& party : parties_) {
      EXPECT_NE(party.end(), Ending::failed) << "a party threw: " << party.what();
    }
  }
  std::deque<Party>& parties() noexcept { return parties_; }

 private:
  // Exceptions are dealt with where they are thrown: TSan does not know how libstdc++ shares them
  // between threads.
  template <class Body>
  static void run_blocking(Body body, Party* party) {
    try {
      body(Blocks{}).block();
      party->ending_.store(Ending::finished);
    } catch (const Cancelled&) {
      party->ending_.store(Ending::cancelled);
    } catch (const std::exception& e) {
      party->set_failed(e.what());
    }
  }
  template <class Body>
  static Task<> run_awaiting(Body body, Party* party) {
    try {
      Task<> task = body(Awaits{});
      co_await std::move(task);
      party->ending_.store(Ending::finished);
    } catch (const Cancelled&) {
      party->ending_.store(Ending::cancelled);
    } catch (const std::exception& e) {
      party->set_failed(e.what());
    }
  }
  static Task<> wait_for(Event* event) { co_await event->wait(); }

  static ThreadPool& pool(std::optional<ThreadPool>& place, int workers) {
    if (!place) place.emplace(workers);
    return *place;
  }
  EventLoop& loop() {
    if (!loop_) {
      loop_.emplace();
      driver_ = std::thread([this] { run(*loop_, wait_for(&closing_)); });
    }
    return *loop_;
  }

  const Flavour flavour_;
  std::deque<Party> parties_;
  Event closing_;
  std::optional<ThreadPool> pool_;
  std::optional<ThreadPool> functions_;
  std::optional<EventLoop> loop_;
  std::thread driver_;
};

}  // namespace cohort::test

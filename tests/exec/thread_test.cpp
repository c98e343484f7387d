// SPDX-License-Identifier: BSL-1.0

// Thread: its life, its names, who is in the list, what becomes of exceptions, and subclasses.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::active_count;
using cohort::Cancelled;
using cohort::current_thread;
using cohort::Event;
using cohort::Joined;
using cohort::main_thread;
using cohort::run;
using cohort::set_excepthook;
using cohort::Task;
using cohort::Thread;
using cohort::ThreadOptions;
using cohort::ThreadPool;
using cohort::ThreadRef;
using cohort::UsageError;
using cohort::test::eventually;
using cohort::test::give_way;
using cohort::test::Log;

static_assert(std::is_move_constructible_v<Thread> && std::is_move_assignable_v<Thread>);
static_assert(!std::is_copy_constructible_v<Thread> && !std::is_copy_assignable_v<Thread>);
static_assert(!std::is_default_constructible_v<Thread>);  // a subclass may be
static_assert(std::is_copy_constructible_v<ThreadRef> &&
              std::is_default_constructible_v<ThreadRef>);

bool is_listed(const ThreadRef& thread) {
  const auto threads = cohort::enumerate();
  return std::find(threads.begin(), threads.end(), thread) != threads.end();
}

/// A thread that lives until it is let go.
struct Waiting {
  explicit Waiting(ThreadOptions options = {}) : thread(std::move(options), wait, &go) {}
  ~Waiting() { go.set(); }
  static void wait(Event* go) { go->wait().block(); }
  Event go;
  Thread thread;
};

// ---- what runs

TEST(Thread, RunsItsTargetOnceItIsStartedOnAThreadOfItsOwn) {
  std::thread::id there;
  Thread thread{[&] { there = std::this_thread::get_id(); }};
  EXPECT_EQ(there, std::thread::id());
  thread.start();
  thread.join().block();
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_EQ(thread.ident(), there);
}

TEST(Thread, StoresCopiesOfTheArgumentsAndPassesThemOnAsRvalues) {
  std::string text = "before";
  std::string got;
  std::string by_reference;
  int moved = 0;
  const auto target = [&](std::string&& a, std::string& b, std::unique_ptr<int> c) {
    got = std::move(a);
    b = "changed";
    moved = *c;
  };
  Thread thread{target, text, std::ref(by_reference), std::make_unique<int>(5)};
  text = "after";
  thread.start();
  thread.join().block();
  EXPECT_EQ(got, "before");
  EXPECT_EQ(by_reference, "changed");
  EXPECT_EQ(moved, 5);
}

TEST(Thread, TakesMemberFunctionsAndDropsResults) {
  struct Kitchen {
    int cook(int n) { return dishes += n; }
    int dishes = 1;
  };
  Kitchen kitchen;
  Thread thread{&Kitchen::cook, &kitchen, 2};
  thread.start();
  thread.join().block();
  EXPECT_EQ(kitchen.dishes, 3);
}

TEST(Thread, ArgumentsAreDestroyedBeforeAJoinReturnsAlsoIfItIsNeverStarted) {
  auto kept = std::make_shared<int>(1);
  const auto target = [](const std::shared_ptr<int>&) {};
  {
    Thread thread{target, kept};
    EXPECT_EQ(kept.use_count(), 2);
    thread.start();
    thread.join().block();
    EXPECT_EQ(kept.use_count(), 1);
    const Thread never{target, kept};
    EXPECT_EQ(kept.use_count(), 2);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

Task<int> wait_a_moment(std::thread::id* before, std::thread::id* after) {
  *before = std::this_thread::get_id();
  co_await cohort::yield_now();
  *after = std::this_thread::get_id();
  co_return 1;
}

TEST(Thread, RunsACoroutineFunctionOnAnEventLoopOfItsOwn) {
  std::thread::id before;
  std::thread::id after;
  Thread thread{wait_a_moment, &before, &after};
  thread.start();
  thread.join().block();
  EXPECT_NE(before, std::this_thread::get_id());
  EXPECT_EQ(before, after);
  EXPECT_EQ(thread.ident(), before);
}

TEST(Thread, ThreadLocalObjectsOfTheThreadAreDestroyedBeforeAJoinReturns) {
  static std::atomic<int> destroyed;
  static std::atomic<bool> joining;
  destroyed = 0;
  joining = false;
  struct Slow {
    ~Slow() {
      EXPECT_TRUE(eventually([] { return joining.load(); }));
      give_way();
      ++destroyed;
    }
    int x = 0;
  };
  Thread thread{[] {
    static thread_local Slow slow;
    ++slow.x;
  }};
  thread.start();
  run([](Thread* t) -> Task<> {
    joining = true;
    co_await t->join();
  }(&thread));
  EXPECT_EQ(destroyed.load(), 1);
}

// ---- misuse

// C255
TEST(Thread, IsStartedOnceAlsoAfterItsEnd) {
  Waiting waiting;
  waiting.thread.start();
  EXPECT_THROW(waiting.thread.start(), UsageError);
  waiting.go.set();
  waiting.thread.join().block();
  EXPECT_THROW(waiting.thread.start(), UsageError);
}

// C255
TEST(Thread, JoinBeforeStartIsRefused) {
  Thread thread{[] {}};
  EXPECT_THROW((void)thread.join(), UsageError);
  EXPECT_THROW(thread.detach(), UsageError);
  EXPECT_FALSE(thread.is_alive());
}

// C255
TEST(Thread, DoesNotWaitForItself) {
  Log<std::string> log;
  const auto target = [&] {
    try {
      current_thread().join().block();
    } catch (const UsageError&) {
      log.add("refused");
    }
  };
  Thread thread{target};
  thread.start();
  thread.join().block();
  EXPECT_EQ(log.entries(), std::vector<std::string>{"refused"});
  EXPECT_THROW((void)main_thread().join(), UsageError);
}

// C255
TEST(Thread, TheDaemonFlagIsSetBeforeStartOnly) {
  Waiting waiting;
  EXPECT_FALSE(waiting.thread.daemon());
  waiting.thread.set_daemon(true);
  EXPECT_TRUE(waiting.thread.daemon());
  waiting.thread.set_daemon(false);
  waiting.thread.start();
  EXPECT_THROW(waiting.thread.set_daemon(true), UsageError);
  waiting.go.set();
  waiting.thread.join().block();
  EXPECT_THROW(waiting.thread.set_daemon(true), UsageError);
}

TEST(Thread, WhatWasMovedFromRefusesEveryVerb) {
  Thread from{[] {}};
  Thread to = std::move(from);
  EXPECT_THROW(from.start(), UsageError);  // NOLINT: what is tested
  EXPECT_THROW((void)from.join(), UsageError);
  EXPECT_THROW((void)from.name(), UsageError);
  EXPECT_THROW((void)ThreadRef().is_alive(), UsageError);
  to.start();
}

// ---- waiting for the end

// C256
TEST(Thread, JoinWithALimitYieldsWhetherItHasEnded) {
  Waiting waiting;
  waiting.thread.start();
  EXPECT_FALSE(waiting.thread.join().within(0s).block());
  EXPECT_FALSE(waiting.thread.join().within(-1s).block());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(waiting.thread.join().within(5ms).block());
  EXPECT_GE(std::chrono::steady_clock::now() - before, 5ms);
  EXPECT_TRUE(waiting.thread.is_alive());
  waiting.go.set();
  EXPECT_TRUE(waiting.thread.join().within(1min).block());
  EXPECT_FALSE(waiting.thread.is_alive());
  EXPECT_TRUE(waiting.thread.join().within(0s).block());
  waiting.thread.join().block();  // again and again
}

TEST(Thread, AnyNumberOfThreadsAndCoroutinesJoin) {
  Waiting waiting;
  waiting.thread.start();
  const ThreadRef thread = waiting.thread;
  {
    std::atomic<int> in_line{0};
    cohort::test::Crew crew(cohort::test::Flavour::mixed);
    const auto body = [&](auto how) -> cohort::test::Script<decltype(how)> {
      co_await cohort::test::watched(thread.join(), in_line);
    };
    for (int i = 0; i < 8; ++i) crew.start(body);
    EXPECT_TRUE(eventually([&] { return in_line.load() == 8; }));
    waiting.go.set();
  }
  EXPECT_FALSE(thread.is_alive());
}

TEST(Thread, AJoinIsCancelledAndTheThreadGoesOn) {
  Waiting waiting;
  waiting.thread.start();
  cohort::StopSource stop;
  std::atomic<bool> cancelled{false};
  Thread joiner{[&] {
    try {
      waiting.thread.join().block(stop.token());
    } catch (const Cancelled&) {
      cancelled = true;
    }
  }};
  joiner.start();
  stop.request_stop();
  joiner.join().block();
  EXPECT_TRUE(cancelled.load());
  EXPECT_TRUE(waiting.thread.is_alive());
}

TEST(Thread, JoinsOfManyShortThreadsAreNeverLost) {
  ThreadPool pool{2};
  for (int i = 0; i < 100; ++i) {
    Thread thread{[] {}};
    thread.start();
    const auto join = [](ThreadRef t) -> Task<> { co_await t.join(); };
    const auto joined = spawn(pool, join, ThreadRef(thread));
    thread.join().block();
    joined.block();
  }
}

// ---- the owner

TEST(Thread, MovesWhileItRunsAndTheDestructorJoins) {
  std::atomic<int> ended{0};
  Event go;
  {
    std::vector<Thread> threads;
    for (int i = 0; i < 5; ++i) {
      Thread thread{[&] {
        go.wait().block();
        ++ended;
      }};
      thread.start();
      threads.push_back(std::move(thread));
    }
    for (const Thread& thread : threads) EXPECT_TRUE(thread.is_alive());
    go.set();
  }
  EXPECT_EQ(ended.load(), 5);
}

TEST(Thread, AnAssignmentJoinsTheOneBefore) {
  std::atomic<bool> ended{false};
  Thread thread{[&] { ended = true; }};
  thread.start();
  thread = Thread{[] {}};
  EXPECT_TRUE(ended.load());
  EXPECT_FALSE(thread.is_alive());
  thread.start();
}

TEST(Thread, DetachedOrADaemonTheDestructorDoesNotJoin) {
  for (const bool daemon : {false, true}) {
    auto go = std::make_shared<Event>();
    ThreadRef ref;
    {
      Thread thread{ThreadOptions{.name = "left", .daemon = daemon}, [go] { go->wait().block(); }};
      thread.start();
      if (!daemon) {
        thread.detach();
        thread.detach();  // again: nothing
        EXPECT_TRUE(thread.is_alive());
      }
      ref = thread;
    }
    EXPECT_TRUE(ref.is_alive());
    EXPECT_TRUE(is_listed(ref));
    go->set();
    ref.join().block();
    EXPECT_FALSE(is_listed(ref));
    EXPECT_EQ(ref.name(), "left");
  }
}

TEST(Thread, TheDestructorMayRunInACoroutineAndOnTheThreadItself) {
  ThreadPool pool{1};
  Event go;
  const auto body = [&]() -> Task<> {
    Thread thread{[&go] { go.wait().block(); }};
    thread.start();
    co_await cohort::yield_now();
  };
  const auto opener = [&]() -> Task<> {  // runs on the pool's spare thread
    go.set();
    co_return;
  };
  const auto first = spawn(pool, body);
  const auto second = spawn(pool, opener);
  first.block();
  second.block();

  struct Box {
    std::optional<Thread> thread;
  };
  auto box = std::make_shared<Box>();
  Event handed_over;
  box->thread.emplace([weak = std::weak_ptr<Box>(box), &handed_over] {
    const auto mine = weak.lock();
    handed_over.wait().block();
  });
  const ThreadRef ref = *box->thread;
  box->thread->start();
  EXPECT_TRUE(eventually([&] { return box.use_count() == 2; }));
  box.reset();
  handed_over.set();  // the thread destroys its own owner
  ref.join().block();
}

// ---- names and lists

// C258
TEST(Thread, HasADefaultNameAndOneThatCanBeSet) {
  struct Cook {
    void operator()() const {}
  };
  Thread function{[] {}};
  Thread functor{Cook{}};
  EXPECT_EQ(function.name().rfind("Thread-", 0), 0u);
  EXPECT_EQ(function.name().find(' '), std::string::npos) << function.name();
  EXPECT_EQ(functor.name().rfind("Thread-", 0), 0u);
  EXPECT_NE(functor.name().find(" (Cook)"), std::string::npos) << functor.name();
  EXPECT_NE(function.name(), functor.name().substr(0, functor.name().find(' ')));
  Thread named{ThreadOptions{.name = "cook"}, [] {}};
  EXPECT_EQ(named.name(), "cook");
  named.set_name("chef");
  EXPECT_EQ(named.name(), "chef");
  named.start();
  named.set_name("after");
  named.join().block();
  EXPECT_EQ(named.name(), "after");
}

// C258
TEST(Thread, KnowsItself) {
  EXPECT_EQ(current_thread(), main_thread());
  EXPECT_EQ(main_thread().name(), "MainThread");
  EXPECT_EQ(main_thread().ident(), std::this_thread::get_id());
  EXPECT_TRUE(main_thread().is_alive());
  EXPECT_FALSE(main_thread().daemon());
  ThreadRef seen;
  std::string task_name;
  Thread thread{ThreadOptions{.name = "cook"}, [&] {
                  seen = current_thread();
                  task_name = cohort::this_task::name();
                }};
  EXPECT_FALSE(thread.ident().has_value());
  thread.start();
  EXPECT_TRUE(thread.ident().has_value());
  thread.join().block();
  EXPECT_EQ(seen, thread);
  EXPECT_NE(seen, main_thread());
  EXPECT_EQ(seen.ident(), thread.ident());
  EXPECT_EQ(task_name, "cook");
}

TEST(Thread, AThreadThatNobodyHasStartedHasAReferenceToo) {
  ThreadRef ref;
  std::thread foreign([&] {
    ref = current_thread();
    EXPECT_EQ(ref, current_thread());
    EXPECT_EQ(ref.name().rfind("Dummy-", 0), 0u);
    EXPECT_TRUE(ref.is_alive());
    EXPECT_FALSE(is_listed(ref));
    EXPECT_NE(ref, main_thread());
  });
  foreign.join();
  EXPECT_FALSE(ref.is_alive());
  ref.join().block();
}

// C257
TEST(Thread, TheListHasTheMainThreadAndThoseStartedAndNotEnded) {
  const std::size_t before = active_count();
  Waiting one;
  Waiting two;
  EXPECT_FALSE(is_listed(one.thread));
  EXPECT_EQ(active_count(), before);
  one.thread.start();
  two.thread.start();
  EXPECT_EQ(active_count(), before + 2);
  EXPECT_EQ(cohort::enumerate().size(), before + 2);
  EXPECT_EQ(cohort::enumerate().front(), main_thread());
  EXPECT_TRUE(is_listed(one.thread) && is_listed(two.thread));
  one.go.set();
  one.thread.join().block();
  EXPECT_FALSE(is_listed(one.thread));
  EXPECT_EQ(active_count(), before + 1);
  two.go.set();
  two.thread.join().block();
  EXPECT_EQ(active_count(), before);
}

TEST(Thread, ChildrenOfADaemonAreDaemonsUnlessTheySayOtherwise) {
  bool inherited = false;
  bool said = true;
  Thread daemon{ThreadOptions{.daemon = true}, [&] {
                  inherited = Thread{[] {}}.daemon();
                  said = Thread{ThreadOptions{.daemon = false}, [] {}}.daemon();
                }};
  daemon.start();
  daemon.join().block();
  EXPECT_TRUE(inherited);
  EXPECT_FALSE(said);
  EXPECT_FALSE(Thread{[] {}}.daemon());
}

// ---- exceptions and stops

/// Puts the hooks back.
struct HookGuard {
  ~HookGuard() { set_excepthook({}); }
};

// C260
TEST(Thread, AnUncaughtExceptionGoesToTheExceptHookAndTheOthersGoOn) {
  const HookGuard guard;
  Log<std::string> log;
  set_excepthook([&log](std::exception_ptr error, ThreadRef thread) {
    EXPECT_EQ(thread, current_thread());
    EXPECT_TRUE(thread.is_alive());
    try {
      std::rethrow_exception(std::move(error));
    } catch (const std::exception& e) {
      log.add(thread.name() + ": " + e.what());
    }
  });
  Waiting other;
  other.thread.start();
  Thread plain{ThreadOptions{.name = "plain"}, [] { throw std::runtime_error("burnt"); }};
  plain.start();
  plain.join().block();
  const auto fail = []() -> Task<> {
    co_await cohort::yield_now();
    throw std::logic_error("raw");
  };
  Thread coroutine{ThreadOptions{.name = "coroutine"}, fail};
  coroutine.start();
  coroutine.join().block();
  EXPECT_EQ(log.entries(), (std::vector<std::string>{"plain: burnt", "coroutine: raw"}));
  EXPECT_TRUE(other.thread.is_alive());
}

// C260
TEST(Thread, TheHookIsReplacedAndYieldedAndTheDefaultWritesALine) {
  const HookGuard guard;
  int calls = 0;
  set_excepthook([&calls](std::exception_ptr, ThreadRef) { ++calls; });
  const auto mine = set_excepthook({});
  ASSERT_TRUE(mine);
  testing::internal::CaptureStderr();
  Thread thread{ThreadOptions{.name = "cook"}, [] { throw std::runtime_error("burnt"); }};
  thread.start();
  thread.join().block();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "cohort: exception in thread cook: burnt\n");
  EXPECT_EQ(calls, 0);
  mine(nullptr, ThreadRef());
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(set_excepthook(mine));
}

std::atomic<int> unobserved{0};

TEST(Thread, WhatTheHookThrowsGoesToTheUnobservedHook) {
  const HookGuard guard;
  unobserved = 0;
  cohort::set_unobserved_hook([](std::exception_ptr) noexcept { ++unobserved; });
  set_excepthook([](std::exception_ptr, ThreadRef) { throw std::runtime_error("the hook's own"); });
  Thread thread{[] { throw std::runtime_error("burnt"); }};
  thread.start();
  thread.join().block();
  cohort::set_unobserved_hook(nullptr);
  EXPECT_EQ(unobserved.load(), 1);
}

// C260
TEST(Thread, ARequestToExitIsSilentAndRunsDestructors) {
  const HookGuard guard;
  std::atomic<int> hooks{0};
  set_excepthook([&hooks](std::exception_ptr, ThreadRef) { ++hooks; });
  bool destroyed = false;
  struct Note {
    ~Note() { *flag = true; }
    bool* flag;
  };
  const auto deep = [&] {
    const Note note{&destroyed};
    cohort::thread_exit();
  };
  Thread thread{[&] {
    deep();
    ADD_FAILURE() << "went on";
  }};
  thread.start();
  thread.join().block();
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(hooks.load(), 0);
}

TEST(Thread, AskedToStopItsWaitsThrowCancelledWhichIsSilent) {
  const HookGuard guard;
  std::atomic<int> hooks{0};
  set_excepthook([&hooks](std::exception_ptr, ThreadRef) { ++hooks; });
  Event never;
  std::atomic<int> waiting{0};
  Thread function{[&] { cohort::test::watched(never.wait(), waiting).block(); }};
  const auto wait = [&]() -> Task<> { co_await cohort::test::watched(never.wait(), waiting); };
  Thread coroutine{wait};
  const auto look = [&] {
    ++waiting;
    while (!cohort::this_task::stop_token().stop_requested()) std::this_thread::yield();
  };
  Thread busy{look};
  for (Thread* const thread : {&function, &coroutine, &busy}) thread->start();
  EXPECT_TRUE(eventually([&] { return waiting.load() == 3; }));
  for (Thread* const thread : {&function, &coroutine, &busy}) {
    EXPECT_TRUE(thread->request_stop());
    EXPECT_FALSE(thread->request_stop());
    thread->join().block();
  }
  EXPECT_EQ(hooks.load(), 0);
}

// ---- subclasses

struct Cook : Thread {
  explicit Cook(std::string d) : dish(std::move(d)) {}
  Cook(ThreadOptions options, std::string d) : Thread(std::move(options)), dish(std::move(d)) {}
  void run() override {
    seen = current_thread();
    served = name() + " serves " + dish;
  }
  std::string dish;
  std::string served;
  ThreadRef seen;
};

TEST(ThreadSubclass, RunsItsRun) {
  Cook cook{"soup"};
  EXPECT_EQ(cook.name().rfind("Thread-", 0), 0u);
  cook.set_name("Anna");
  cook.start();
  EXPECT_THROW(cook.start(), UsageError);
  cook.join().block();
  EXPECT_EQ(cook.served, "Anna serves soup");
  EXPECT_EQ(cook.seen, cook);
  Cook other{ThreadOptions{.name = "Berta", .daemon = true}, "cake"};
  EXPECT_TRUE(other.daemon());
  other.start();
  run([](Cook* c) -> Task<> { co_await c->join(); }(&other));
  EXPECT_EQ(other.served, "Berta serves cake");
}

TEST(ThreadSubclass, MayCallTheTargetItWasGiven) {
  struct Loud : Thread {
    using Thread::Thread;
    void run() override {
      log.push_back("before");
      Thread::run();
      log.push_back("after");
    }
    std::vector<std::string> log;
  };
  Loud* self = nullptr;
  Loud loud{[&self](const char* text) { self->log.push_back(text); }, "target"};
  self = &loud;
  loud.start();
  loud.join().block();
#if defined(__cpp_rtti)
  EXPECT_EQ(loud.log, (std::vector<std::string>{"before", "target", "after"}));
#endif
}

TEST(ThreadSubclass, RunMayBeCalledOnTheCallersThread) {
  int calls = 0;
  Thread thread{[&] { ++calls; }};
  thread.run();
  thread.run();  // the target has gone
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(thread.start(), UsageError);
}

TEST(ThreadSubclass, MovesBeforeItIsStartedAndNotAfter) {
  Cook from{"soup"};
  Cook cook = std::move(from);
  cook.start();
  EXPECT_THROW(Cook(std::move(cook)), UsageError);
  Cook another{"jam"};
  EXPECT_THROW(another = std::move(cook), UsageError);
  EXPECT_THROW(cook.detach(), UsageError);
  cook.join().block();
  EXPECT_NE(cook.served, "");
}

TEST(ThreadSubclass, JoinedIsJoinedWhileAllOfItIsThere) {
  static std::atomic<bool> leaving;
  struct Slow : Thread {
    explicit Slow(std::atomic<int>* n) : count(n) {}
    Slow(ThreadOptions options, std::atomic<int>* n) : Thread(std::move(options)), count(n) {}
    void run() override {
      EXPECT_TRUE(eventually([] { return leaving.load(); }));
      give_way();
      *count += static_cast<int>(text.size());
    }
    std::atomic<int>* count;
    std::string text = "a text that is long enough to be on the heap";
  };
  std::atomic<int> count{0};
  leaving = false;
  {
    Joined<Slow> slow{&count};
    slow.start();
    Joined<Slow> daemon{ThreadOptions{.daemon = true}, &count};
    daemon.start();
    const Joined<Slow> never{&count};
    leaving = true;
  }
  EXPECT_EQ(count.load(), 88);
  leaving = false;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int i = 0; i < 3; ++i) threads.push_back(std::make_unique<Joined<Slow>>(&count));
    for (const auto& thread : threads) thread->start();
    leaving = true;
  }
  EXPECT_EQ(count.load(), 88 + 3 * 44);
}

TEST(ThreadSubclass, DestroyedBeforeItIsJoinedItWaitsAndReportsTheMistake) {
  struct Careless : Thread {
    explicit Careless(Event* a, Event* b) : begun(a), go(b) {}
    void run() override {
      Event* const wait_for = go;
      begun->set();
      wait_for->wait().block();
    }
    Event* begun;
    Event* go;
  };
  static Event* opened = nullptr;
  Event begun;
  Event go;
  opened = &go;
  unobserved = 0;
  cohort::set_unobserved_hook([](std::exception_ptr) noexcept { ++unobserved; });
  std::thread opener;
  {
    Careless careless{&begun, &go};
    careless.start();
    begun.wait().block();
    opener = std::thread([] { opened->set(); });
  }
  opener.join();
  EXPECT_EQ(unobserved.load(), 1);
  {
    Careless joined{&begun, &go};
    joined.start();
    joined.join().block();
    Careless looked_at{&begun, &go};
    looked_at.start();
    EXPECT_TRUE(eventually([&] { return !looked_at.is_alive(); }));
    const Careless never{&begun, &go};
  }
  cohort::set_unobserved_hook(nullptr);
  EXPECT_EQ(unobserved.load(), 1);
}

// ---- the domain

template <class Domain>
void add(typename Domain::template Value<int> sum, typename Domain::template Array<int> each,
         int index) {
  sum.fetch_add(index);
  auto lock = each.get_lock();
  const auto held = lock.hold().block();
  each.at(0) += 1;
  each.at(index) = index;
}

template <class Domain>
void use_domain() {
  typename Domain::template Value<int> sum{100};
  typename Domain::template Array<int> each(5);
  std::vector<typename Domain::Worker> workers;
  for (int i = 1; i < 5; ++i) {
    workers.emplace_back(typename Domain::Options{.name = "adder"}, add<Domain>, sum, each, i);
  }
  for (auto& worker : workers) worker.start();
  for (auto& worker : workers) worker.join().block();
  EXPECT_EQ(sum.load(), 110);
  EXPECT_EQ(each.at(0), 4);
  EXPECT_EQ(each.at(4), 4);
  EXPECT_TRUE(Domain::current().is_alive());
}

TEST(ThreadsDomain, HasWorkersOptionsValuesArraysAndTheCurrentOne) {
  use_domain<cohort::Threads>();
  EXPECT_EQ(cohort::Threads::current(), main_thread());
}

}  // namespace

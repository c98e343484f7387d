// SPDX-License-Identifier: BSL-1.0

// The names and verbs of the public surface, each used once as a program would: what fails here
// breaks programs. What they mean is tested elsewhere.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

#include "api/domain.hpp"        // use_domain
#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using namespace cohort;

Task<int> twice(int x) {
  co_await yield_now();
  co_return 2 * x;
}
int plain_twice(int x) { return 2 * x; }

TEST(Api, OneVerbTwoWaysToWait) {
  Queue<int> queue{4};
  const auto both = [](Queue<int>& q) -> Task<> {
    co_await q.put(1);
    const int a = co_await q.get();
    EXPECT_EQ(a, 1);
    std::optional<int> none = co_await q.get().within(1ms);
    EXPECT_FALSE(none);
    bool put = co_await q.put(2).within(3s);
    EXPECT_TRUE(put);
    std::optional<int> two = co_await q.get().until(now() + 3s);
    EXPECT_EQ(two, 2);
  };
  run(both(queue));
  queue.put(3).block();
  EXPECT_EQ(queue.get().block(), 3);
  EXPECT_EQ(queue.get().within(0s).block(), std::nullopt);
  StopSource source;
  source.request_stop();
  EXPECT_THROW((void)queue.get().block(source.token()), Cancelled);
#if defined(__cpp_lib_jthread)
  std::stop_source standard;
  standard.request_stop();
  EXPECT_THROW((void)queue.get().block(standard.get_token()), Cancelled);
#endif
  EXPECT_TRUE(queue.try_put(5));
  EXPECT_EQ(queue.try_get(), 5);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  EXPECT_THROW((void)queue.get_nowait(), Empty);
  queue.put_nowait(1);
  queue.emplace(2).block();
  int x = 3;
  queue.put_from(x).block();
  queue.put_nowait(4);
  EXPECT_THROW(queue.put_nowait(5), Full);
  EXPECT_EQ(queue.qsize(), 4U);
  EXPECT_TRUE(queue.full());
  EXPECT_FALSE(queue.empty());
  queue.shutdown(true);
  EXPECT_THROW(queue.get().block(), ShutDown);
}

TEST(Api, Timed) {
  auto [tx, rx] = channel<int>(2);
  const auto body = [](Sender<int> s, Receiver<int> r) -> Task<> {
    Timed<int> timed = co_await r.recv().within(1ms);
    EXPECT_FALSE(timed);
    EXPECT_TRUE(timed.timed_out());
    EXPECT_FALSE(timed.closed());
    co_await s.send(7);
    Timed<int> value = co_await r.recv().within(1s);
    EXPECT_TRUE(value);
    EXPECT_EQ(*value, 7);
    s.close();
    auto closed = co_await r.recv().within(1s);
    EXPECT_TRUE(closed.closed());
    const std::optional<int> end = co_await r.recv();
    EXPECT_FALSE(end);
  };
  run(body(std::move(tx), std::move(rx)));
}

TEST(Api, Coroutines) {
  ThreadPool pool{2};
  EventLoop loop;
  StopSource source;
  EXPECT_EQ(run(twice(1)), 2);
  EXPECT_EQ(run(twice(1), source.token()), 2);
  EXPECT_EQ(run(pool, twice(2)), 4);
  EXPECT_EQ(run(loop, twice(2)), 4);
  Future<int> f = spawn(pool, twice, 3);
  EXPECT_EQ(f.block(), 6);
  Future<int> g = spawn(pool, twice(4));
  EXPECT_EQ(g.block(), 8);
  const auto body = [&]() -> Task<> {
    std::tuple<int, int> t = co_await when_all(twice(1), twice(2));
    EXPECT_EQ(t, std::tuple(2, 4));
    std::vector<Task<int>> tasks;
    tasks.push_back(twice(5));
    tasks.push_back(twice(6));
    std::vector<int> v = co_await when_all(std::move(tasks));
    EXPECT_EQ(v.at(1), 12);
    std::variant<int, std::monostate> any = co_await when_any(twice(1), sleep_for(10s));
    EXPECT_EQ(any.index(), 0U);
    std::vector<Task<int>> more;
    more.push_back(twice(5));
    auto [index, value] = co_await when_any(std::move(more));
    EXPECT_EQ(index, 0U);
    EXPECT_EQ(value, 10);
    int sum = 0;
    const auto add = [&sum](int x) { sum += x; };
    const auto children = [&add](TaskGroup& group) -> Task<> {
      group.spawn(add, 1);
      group.spawn(twice, 1);
      co_return;
    };
    co_await task_group(children);
    EXPECT_EQ(sum, 1);
    EXPECT_EQ(co_await timeout(10s, twice(1)), 2);
    bool timed_out = false;
    try {
      co_await timeout(1ms, sleep_for(10s));
    } catch (const TimedOut&) {
      timed_out = true;
    }
    EXPECT_TRUE(timed_out);
    co_await sleep_for(1us);
    co_await sleep_until(now() + 1us);
    co_await yield_now();
    co_await checkpoint();
    co_await shield(sleep_for(1us));
    const StopToken token = this_task::stop_token();
    EXPECT_FALSE(token.stop_requested());
    this_task::set_name("cook");
    EXPECT_EQ(this_task::name(), "cook");
    const auto executor = this_task::executor();
    EXPECT_EQ(co_await executor.submit(plain_twice, 4), 8);
  };
  run(pool, body());
  sleep_for(1us).block();
  const StopCallback callback{source.token(), [] {}};
  source.request_stop();
}

Generator<int> numbers(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}
AsyncGenerator<int> later(int n) {
  for (int i = 0; i < n; ++i) {
    co_await yield_now();
    co_yield i;
  }
}

TEST(Api, Generators) {
  int sum = 0;
  for (auto& x : numbers(4)) sum += x;
  EXPECT_EQ(sum, 6);
  const auto body = []() -> Task<int> {
    int all = 0;
    auto gen = later(4);
    while (auto x = co_await gen.next()) all += *x;
    co_return all;
  };
  EXPECT_EQ(run(body()), 6);
  auto gen = later(4);
  sum = 0;
  for (auto& x : gen.blocking()) sum += x;
  EXPECT_EQ(sum, 6);
}

TEST(Api, Futures) {
  ThreadPool pool{2};
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.cancelled());
  EXPECT_FALSE(future.within(1ms).block());
  int called = 0;
  future.add_done_callback([&](const Future<int>& f) { called = f.block(); });
  promise.set_value(3);
  EXPECT_EQ(called, 3);
  const int& lvalue = future.block();
  EXPECT_EQ(lvalue, 3);
  EXPECT_FALSE(future.exception());
  EXPECT_FALSE(future.cancel());
  Promise<void> failing;
  failing.set_exception(std::make_exception_ptr(std::runtime_error("x")));
  EXPECT_TRUE(failing.future().exception());
  std::vector<Future<int>> futures{pool.submit(plain_twice, 1), pool.submit(twice, 2)};
  const auto [done, pending] = wait(futures, ReturnWhen::all_completed).block();
  EXPECT_EQ(done.size(), 2U);
  EXPECT_TRUE(pending.empty());
  (void)wait(futures, ReturnWhen::first_completed).block();
  (void)wait(futures, ReturnWhen::first_exception).block();
  (void)wait(futures).block();
  int sum = 0;
  for (auto& f : as_completed(futures).blocking()) sum += f.block();
  EXPECT_EQ(sum, 6);
  const auto body = [&]() -> Task<int> {
    int all = 0;
    auto stream = as_completed(futures);
    while (auto f = co_await stream.next()) all += co_await *f;
    co_return all;
  };
  EXPECT_EQ(run(body()), 6);
}

TEST(Api, TaskLocals) {
  static TaskLocal<int> local{5};
  const auto body = []() -> Task<int> {
    *local = 6;
    co_return *local;
  };
  EXPECT_EQ(run(body()), 6);
}

template <class Pool>
void use_pool(Pool& pool) {
  EXPECT_EQ(pool.submit(plain_twice, 2).block(), 4);
  EXPECT_EQ(pool.submit(twice, 2).block(), 4);
  EXPECT_GE(pool.concurrency(), 1U);
  EXPECT_EQ(pool.apply(plain_twice, 2).block(), 4);
  std::atomic<int> got{0};
  auto async = pool.apply_async(
      plain_twice, std::tuple(4), [&](int x) { got = x; }, [](std::exception_ptr) {});
  EXPECT_EQ(async.block(), 8);
  EXPECT_TRUE(test::eventually([&] { return got == 8; }));
  std::vector<int> in{1, 2, 3, 4};
  const std::vector<int> out{2, 4, 6, 8};
  EXPECT_EQ(pool.map(plain_twice, in).block(), out);
  EXPECT_EQ(pool.map(plain_twice, in, 2).block(), out);
  EXPECT_EQ(pool.map(twice, in).block(), out);
  EXPECT_EQ(pool.map_async(plain_twice, in).block(), out);
  const std::vector<std::tuple<int, int>> pairs{{1, 2}, {3, 4}};
  const auto add = [](int a, int b) { return a + b; };
  EXPECT_EQ(pool.starmap(add, pairs).block(), (std::vector<int>{3, 7}));
  std::vector<int> streamed;
  for (auto& x : pool.imap(plain_twice, in).blocking()) streamed.push_back(x);
  EXPECT_EQ(streamed, out);
  std::multiset<int> unordered;
  for (auto& x : pool.imap_unordered(plain_twice, in).blocking()) unordered.insert(x);
  EXPECT_EQ(unordered.size(), 4U);
  EXPECT_EQ(pool.map(plain_twice, in, progress()).block(), out);
}

TEST(Api, Executors) {
  static_assert(Scheduler<ThreadPool> && Scheduler<EventLoop> && Scheduler<Strand> &&
                Executor<InlineExecutor> && Scheduler<PolicyExecutor<Fcfs>>);
  {
    ThreadPool pool{2};
    ThreadPool standard;
    use_pool(pool);
    Strand strand{pool};
    use_pool(strand);
    pool.close();
    pool.join().block();
  }
  InlineExecutor here;
  EXPECT_EQ(here.submit(plain_twice, 2).block(), 4);
  EventLoop loop;
  use_pool(loop);
  loop.run();
  {
    PolicyExecutor<Fcfs> fcfs{2};
    PolicyExecutor<ShortestJobFirst> sjf{1};
    PolicyExecutor<RoundRobin> rr{1, RoundRobin{1ms}};
    PolicyExecutor<MultilevelFeedback> mlf{1, MultilevelFeedback{3, 1ms}};
    PolicyExecutor<Priority> urgent{1};
    use_pool(fcfs);
    EXPECT_EQ(urgent.submit(With{.priority = 3}, plain_twice, 2).block(), 4);
    EXPECT_EQ(sjf.submit(With{.estimate = 1ms}, plain_twice, 2).block(), 4);
    EXPECT_EQ(rr.submit(plain_twice, 2).block(), 4);
    EXPECT_EQ(mlf.submit(plain_twice, 2).block(), 4);
    fcfs.terminate();
    fcfs.shutdown().block();
  }
  const auto hop = [](ThreadPool& p) -> Task<> { co_await p.schedule(); };
  ThreadPool pool{1};
  run(hop(pool));
  { const auto region = blocking_region(); }
  EXPECT_THROW(ThreadPool(0), std::invalid_argument);
  EXPECT_THROW(ThreadPool(-1), std::invalid_argument);
}

struct Cook : Thread {
  void run() override { cooked = true; }
  std::atomic<bool> cooked{false};
};

TEST(Api, Threads) {
  Thread thread{plain_twice, 2};
  Thread named{ThreadOptions{.name = "cook", .daemon = false}, plain_twice, 2};
  EXPECT_EQ(named.name(), "cook");
  EXPECT_FALSE(named.daemon());
  named.set_name("waiter");
  named.set_daemon(false);
  thread.start();
  named.start();
  EXPECT_TRUE(named.join().within(10s).block());
  const auto body = [](Thread& t) -> Task<> { co_await t.join(); };
  run(body(thread));
  EXPECT_FALSE(thread.is_alive());
  Cook cook;
  cook.start();
  cook.join().block();
  EXPECT_TRUE(cook.cooked);
  Thread detached{[] {}};
  detached.start();
  detached.detach();
  EXPECT_TRUE(test::eventually([] { return live_frames() == 0; }));
  ThreadRef current = current_thread();
  EXPECT_EQ(current.name(), main_thread().name());
  EXPECT_GE(enumerate().size(), 1U);
  EXPECT_GE(active_count(), 1U);
  std::atomic<int> fired{0};
  Timer timer{1ms, [&] { ++fired; }};
  timer.start();
  timer.join().block();
  EXPECT_EQ(fired, 1);
  Timer never{10s, [] {}};
  never.start();
  never.cancel();
  never.join().block();
  ThreadLocal<int> local{3};
  EXPECT_EQ(*local, 3);
  set_excepthook(nullptr);
}

TEST(Api, Synchronisation) {
  Lock lock;
  RLock rlock;
  run(test::use_lock(lock));
  run(test::use_lock(rlock));
  { const std::scoped_lock both(lock, rlock); }
  Semaphore semaphore{3};
  BoundedSemaphore bounded{1};
  run(test::use_lock(semaphore));
  run(test::use_lock(bounded));
  semaphore.release(2);
  EXPECT_EQ(semaphore.value(), 5);
  EXPECT_THROW(bounded.release(), OverRelease);
  EXPECT_THROW(Semaphore(-1), std::invalid_argument);
  Event event;
  event.set();
  event.wait().block();
  event.clear();
  EXPECT_FALSE(event.is_set());
  EXPECT_FALSE(event.wait().within(1ms).block());
  Condition own;
  Condition on_lock{lock};
  Condition on_rlock{rlock};
  for (Condition* c : {&own, &on_lock, &on_rlock}) {
    const auto held = c->hold().block();
    EXPECT_FALSE(c->wait().within(1ms).block());
    c->wait_for([] { return true; }).block();
    c->notify();
    c->notify(2);
    c->notify_all();
  }
  Barrier barrier{1};
  EXPECT_EQ(barrier.wait().block(), 0);
  Barrier with_action{1, [] {}};
  with_action.wait().block();
  Barrier with_timeout{2, [] {}, 1ms};
  EXPECT_THROW(with_timeout.wait().block(), BrokenBarrier);
  EXPECT_TRUE(with_timeout.broken());
  with_timeout.reset();
  with_timeout.abort();
  EXPECT_EQ(with_timeout.n_waiting(), 0);
  Latch latch{2};
  latch.count_down();
  latch.count_down();
  latch.wait().block();
  RWLock rw;
  {
    auto a = rw.hold_read().block();
    auto b = rw.hold_read().block();
  }
  { auto w = rw.hold_write().block(); }
}

TEST(Api, QueuesPipesChannels) {
  LifoQueue<int> lifo;
  PriorityQueue<int> priority;
  SimpleQueue<int> simple;
  JoinableQueue<int> joinable{2};
  lifo.put(1).block();
  priority.put(1).block();
  simple.put(1).block();
  joinable.put(1).block();
  EXPECT_EQ(lifo.get().block() + priority.get().block() + simple.get().block(), 3);
  (void)joinable.get().block();
  joinable.task_done();
  joinable.join().block();
  EXPECT_THROW(joinable.task_done(), OverRelease);

  auto [tx, rx] = channel<std::string>(2);
  EXPECT_TRUE(tx.try_send("a"));
  tx.emplace(1U, 'b').block();
  EXPECT_EQ(rx.try_recv(), "a");
  std::string lvalue = "c";
  tx.send_from(lvalue).block();
  EXPECT_EQ(rx.recv_many(2).block().size(), 2U);
  std::vector<std::string> some{"d", "e"};
  tx.send_many(some).block();
  auto other = rx;
  rx.close();
  other.close();
  EXPECT_THROW(tx.send("x").block(), Closed);
  auto c = channel<int>(0);
  c.tx.cancel();

  auto [a_tx, a] = channel<int>(1);
  auto [b_tx, b] = channel<std::string>(1);
  a_tx.send(1).block();
  const auto body = [](Receiver<int> x, Receiver<std::string> y) -> Task<> {
    auto first = co_await select(x.recv(), y.recv(), sleep_for(1s));
    EXPECT_EQ(first.index(), 0U);
  };
  run(body(a, b));

  auto [left, right] = Pipe<int>(true);
  left.send(1).block();
  EXPECT_EQ(right.recv().block(), 1);
  right.send(2).block();
  EXPECT_TRUE(left.poll().within(1s).block());
  EXPECT_EQ(left.recv().block(), 2);
  EXPECT_TRUE(left.readable() && left.writable() && !left.closed());
  right.close();
  EXPECT_THROW(left.recv().block(), EndOfStream);
  auto [reader, writer] = Pipe<std::vector<std::byte>>(false);
  const std::array<std::byte, 3> bytes{};
  writer.send_bytes(bytes).block();
  EXPECT_EQ(reader.recv_bytes().block().size(), 3U);
  writer.send_bytes(bytes).block();
  std::array<std::byte, 3> into{};
  EXPECT_EQ(reader.recv_bytes_into(into).block(), 3U);
  EXPECT_FALSE(reader.writable());

  auto [b_out, b_in] = broadcast<int>(2);
  auto [w_out, w_in] = watch<int>(1);
  auto [o_out, o_in] = oneshot<int>();
}

TEST(Api, Domains) { test::use_domain<Threads>(); }

TEST(Api, Errors) {
  static_assert(std::is_base_of_v<std::runtime_error, Error>);
  static_assert(std::is_base_of_v<Error, UsageError> && std::is_base_of_v<UsageError, NotOwner> &&
                std::is_base_of_v<UsageError, OverRelease> &&
                std::is_base_of_v<UsageError, InvalidState>);
  static_assert(std::is_base_of_v<Error, Empty> && std::is_base_of_v<Error, Full> &&
                std::is_base_of_v<Error, ShutDown> && std::is_base_of_v<Error, Closed> &&
                std::is_base_of_v<Error, EndOfStream> && std::is_base_of_v<Error, BrokenPipe> &&
                std::is_base_of_v<Error, BadMessage> && std::is_base_of_v<Error, BufferTooShort> &&
                std::is_base_of_v<Error, AuthFailed> && std::is_base_of_v<Error, TimedOut> &&
                std::is_base_of_v<Error, BrokenBarrier> && std::is_base_of_v<Error, OwnerDied> &&
                std::is_base_of_v<Error, WorkerDied> && std::is_base_of_v<Error, BrokenPool> &&
                std::is_base_of_v<Error, RemoteError> && std::is_base_of_v<Error, CodecError>);
  static_assert(!std::is_base_of_v<std::exception, Cancelled>);
}

}  // namespace

// SPDX-License-Identifier: BSL-1.0

// The names and verbs of the process half of the public surface, each used once as a program would:
// what fails here breaks programs. What they mean is tested elsewhere.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/cohort.hpp>

#include "api/domain.hpp"        // use_domain
#include "support/flavours.hpp"  // no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using namespace cohort;

TEST(IpcApi, Domains) { test::use_domain<Processes>(); }

void count(ipc::Lock lock, ipc::Value<int> value, ipc::Queue<std::string> queue, int n) {
  for (int i = 0; i < n; ++i) {
    const std::scoped_lock held(lock);
    value.store(value.load() + 1);
  }
  queue.put("done").block();
}

struct Cook : Process {
  void run() override { std::exit(7); }
};

TEST(IpcApi, AProcess) {
  const ipc::Lock lock;
  const ipc::Value<int> value{0};
  const ipc::Queue<std::string> queue;
  Process p{count, lock, value, queue, 3};
  Process named{ProcessOptions{.name = "cook", .daemon = true}, count, lock, value, queue, 2};
  EXPECT_EQ(named.name(), "cook");
  EXPECT_TRUE(named.daemon());
  named.set_daemon(false);
  named.set_name("waiter");
  EXPECT_FALSE(p.exitcode());
  p.start();
  named.start();
  EXPECT_GT(p.pid(), 0);
  EXPECT_TRUE(p.join().within(1min).block());
  const auto body = [](Process& other) -> Task<> { co_await other.join(); };
  run(body(named));
  EXPECT_FALSE(p.is_alive());
  EXPECT_EQ(p.exitcode(), 0);
  EXPECT_TRUE(p.exit_status_known());
  EXPECT_EQ(value.load(), 5);
  EXPECT_EQ(queue.qsize(), 2U);
  EXPECT_EQ(queue.get().block(), "done");
  EXPECT_FALSE(p.authkey().empty());
  (void)p.start_method();
  p.close();

  Cook cook;
  cook.start();
  cook.join().block();
  EXPECT_EQ(cook.exitcode(), 7);

  const auto wait_for_ever = [] { Event().wait().block(); };
  Process victim{wait_for_ever};
  victim.start();
  EXPECT_EQ(active_children().size(), 1U);
  EXPECT_TRUE(victim.is_alive());
  victim.terminate();
  victim.join().block();
  EXPECT_EQ(victim.exitcode(), -15);
  Process another{ProcessOptions{.die_with_parent = true, .start_method = StartMethod::fork},
                  wait_for_ever};
  another.start();
  another.kill();
  const auto ready = ipc::wait(another).block();
  EXPECT_EQ(ready.size(), 1U);
  another.join().block();
  EXPECT_EQ(another.exitcode(), -9);

  ProcessRef current = current_process();
  EXPECT_FALSE(current.name().empty());
  EXPECT_FALSE(parent_process());
  EXPECT_GE(cpu_count(), 1U);
  (void)get_start_method();
}

TEST(IpcApi, Synchronisation) {
  const ipc::Lock lock;
  const ipc::RLock rlock;
  const ipc::Lock carefree{OnOwnerDied::recover};
  run(test::use_lock(lock));
  run(test::use_lock(rlock));
  run(test::use_lock(carefree));
  { auto repaired = lock.recover().block(); }
  const ipc::Semaphore semaphore{3};
  const ipc::BoundedSemaphore bounded{1};
  run(test::use_lock(semaphore));
  run(test::use_lock(bounded));
  semaphore.release(2);
  EXPECT_EQ(semaphore.value(), 5);
  EXPECT_THROW(bounded.release(), OverRelease);
  const ipc::Event event;
  event.set();
  event.wait().block();
  event.clear();
  EXPECT_FALSE(event.is_set());
  const ipc::Condition own;
  const ipc::Condition on_lock{lock};
  const ipc::Condition on_rlock{rlock};
  for (const ipc::Condition& c : {own, on_lock, on_rlock}) {
    const auto held = c.hold().block();
    EXPECT_FALSE(c.wait().within(1ms).block());
    c.wait_for([] { return true; }).block();
    c.notify();
    c.notify(2);
    c.notify_all();
  }
  const ipc::Barrier barrier{1};
  EXPECT_EQ(barrier.wait().block(), 0);
  barrier.reset();
  EXPECT_EQ(barrier.n_waiting(), 0);
  barrier.abort();
  EXPECT_TRUE(barrier.broken());
}

struct Order {
  int table = 0;
  std::vector<std::string> dishes;
  std::optional<double> tip;
};

TEST(IpcApi, QueuesPipesChannels) {
  const ipc::Queue<Order> orders{4};
  orders.put({3, {"soup", "rice"}, 1.5}).block();
  EXPECT_EQ(orders.get().block().dishes.at(1), "rice");
  const ipc::Queue<int> again{4, OnConsumerDeath::redeliver};
  EXPECT_TRUE(again.try_put(1));
  again.put_nowait(2);
  int x = 3;
  again.put_from(x).block();
  again.emplace(4).block();
  EXPECT_THROW(again.put_nowait(5), Full);
  EXPECT_FALSE(again.put(5).within(1ms).block());
  EXPECT_EQ(again.qsize(), 4U);
  EXPECT_TRUE(again.full());
  EXPECT_EQ(again.try_get(), 1);
  EXPECT_EQ(again.get_nowait(), 2);
  EXPECT_EQ(again.get().within(1s).block(), 3);
  again.shutdown(true);
  EXPECT_THROW(again.get().block(), ShutDown);
  again.close();
  again.cancel_join_thread();
  again.join_thread();

  const ipc::JoinableQueue<int> joinable;
  joinable.put(1).block();
  (void)joinable.get().block();
  joinable.task_done();
  joinable.join().block();
  EXPECT_THROW(joinable.task_done(), OverRelease);
  const ipc::SimpleQueue<int> simple;
  simple.put(1).block();
  EXPECT_FALSE(simple.empty());
  EXPECT_EQ(simple.get().block(), 1);

  auto [tx, rx] = ipc::channel<std::string>(4);
  tx.send("a").block();
  EXPECT_TRUE(tx.try_send("b"));
  tx.emplace(1U, 'c').block();
  std::string d = "d";
  tx.send_from(d).block();
  EXPECT_EQ(rx.recv().block(), "a");
  EXPECT_EQ(rx.try_recv(), "b");
  EXPECT_EQ(rx.recv_many(2).block().size(), 2U);
  std::vector<std::string> some{"e", "f"};
  tx.send_many(some).block();
  const auto either = [](ipc::Receiver<std::string> r) -> Task<> {
    auto first = co_await select(r.recv(), sleep_for(5s));
    EXPECT_EQ(first.index(), 0U);
  };
  run(either(rx));
  EXPECT_EQ(rx.recv().within(1s).block(), "f");
  EXPECT_TRUE(rx.recv().within(1ms).block().timed_out());
  tx.close();
  EXPECT_TRUE(rx.recv().within(1s).block().closed());
  auto rendezvous = ipc::channel<int>(0);
  EXPECT_FALSE(rendezvous.tx.try_send(1));

  auto [left, right] = ipc::Pipe<int>(true);
  left.send(1).block();
  EXPECT_TRUE(right.poll().within(1s).block());
  EXPECT_EQ(right.recv().block(), 1);
  right.send(2).block();
  EXPECT_EQ(left.recv().block(), 2);
  EXPECT_TRUE(left.readable() && left.writable() && !left.closed());
  right.close();
  EXPECT_THROW(left.recv().block(), EndOfStream);
  auto [reader, writer] = ipc::Pipe<int>(false);
  const std::array<std::byte, 3> bytes{};
  writer.send_bytes(bytes).block();
  EXPECT_EQ(reader.recv_bytes().block().size(), 3U);
  writer.send_bytes(bytes).block();
  std::array<std::byte, 3> into{};
  EXPECT_EQ(reader.recv_bytes_into(into).block(), 3U);
  writer.send(4).block();
  EXPECT_EQ(ipc::wait(reader).block().size(), 1U);
  std::vector<ipc::Connection<int>> connections{reader};
  EXPECT_EQ(ipc::wait(connections).block().size(), 1U);
  EXPECT_TRUE(ipc::wait(connections).within(1s).block());
}

TEST(IpcApi, Sharing) {
  const ipc::Value<double> value{0.5};
  EXPECT_EQ(value.fetch_add(1), 0.5);
  const ipc::Array<int> array(4);
  array.at(2) = 3;
  EXPECT_EQ(array.span()[2], 3);
  EXPECT_THROW(array.at(4), std::out_of_range);
  { auto held = array.get_lock().hold().block(); }
  const ipc::Buffer<float> buffer(100);
  buffer[3] = 1.5F;
  EXPECT_EQ(buffer.size(), 100U);
}

int twice(int x) { return 2 * x; }
Task<int> twice_later(int x) {
  co_await yield_now();
  co_return 2 * x;
}
int add(int a, int b) { return a + b; }

TEST(IpcApi, APoolOfProcesses) {
  static_assert(Executor<ProcessPool>);
  {
    ProcessPool pool{2};
    EXPECT_EQ(pool.concurrency(), 2U);
    Future<int> f = pool.submit(twice, 2);
    EXPECT_EQ(f.block(), 4);
    EXPECT_EQ(pool.submit(twice_later, 2).block(), 4);
    EXPECT_EQ(pool.submit([](std::string s) { return s.size(); }, std::string("four")).block(), 4U);
    EXPECT_EQ(pool.apply(twice, 3).block(), 6);
    std::atomic<int> got{0};
    auto async = pool.apply_async(
        twice, std::tuple(4), [&](int x) { got = x; }, [](std::exception_ptr) {});
    EXPECT_EQ(async.block(), 8);
    const std::vector<int> in{1, 2, 3, 4};
    const std::vector<int> out{2, 4, 6, 8};
    EXPECT_EQ(pool.map(twice, in).block(), out);
    EXPECT_EQ(pool.map(twice, in, 2).block(), out);
    EXPECT_EQ(pool.map(twice_later, in).block(), out);
    EXPECT_EQ(pool.map_async(twice, in).block(), out);
    const std::vector<std::tuple<int, int>> pairs{{1, 2}, {3, 4}};
    EXPECT_EQ(pool.starmap(add, pairs).block(), (std::vector<int>{3, 7}));
    std::vector<int> streamed;
    for (auto& x : pool.imap(twice, in).blocking()) streamed.push_back(x);
    EXPECT_EQ(streamed, out);
    std::size_t n = 0;
    for (auto& x : pool.imap_unordered(twice, in).blocking()) n += x > 0 ? 1U : 0U;
    EXPECT_EQ(n, 4U);
    EXPECT_THROW(pool.submit([](int) -> int { throw std::invalid_argument("no"); }, 1).block(),
                 std::invalid_argument);
    pool.close();
    pool.join().block();
    EXPECT_TRUE(test::eventually([&] { return got == 8; }));
  }
  ProcessPool all{ProcessPoolOptions{.workers = 1,
                                     .initializer = [] {},
                                     .max_tasks_per_child = 2,
                                     .on_worker_death = OnWorkerDeath::retry}};
  EXPECT_EQ(all.submit(twice, 1).block(), 2);
  all.terminate();
  all.shutdown().block();
  EXPECT_THROW(ProcessPool(0), std::invalid_argument);
}

}  // namespace

#endif

// SPDX-License-Identifier: BSL-1.0

// The shared queue, in the model checker, among processes that die.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cohort/ipc/detail/queue_object.hpp"  // what is tested
#include "faults.hpp"                          // Fault, Policy
#include "model.hpp"                           // explore
#include "world.hpp"                           // World, Family, people

// Faults:
namespace {
// who takes the lock over does not look what was being taken out,
struct Forgetful : cohort::model::World {};
// or whether what was being put is there;
struct Unsure : cohort::model::World {};
// what a sender puts next is forgotten before the message is in the queue;
struct Unlinked : cohort::model::World {};
// who follows one who let a sender in has done so before he begins.
struct Hasty : cohort::model::World {};

template <class W>
using QueueOf = cohort::ipc::detail::BasicQueueObject<cohort::ipc::detail::BasicSharedGate<W>>;
}  // namespace

namespace cohort::ipc::detail {
template <>
void QueueOf<Forgetful>::recover(Line&) noexcept {
  std::uint64_t count = 0;
  Offset last = 0;
  for (Offset message = first_.load(std::memory_order_relaxed); message; ++count) {
    last = message;
    message = head_of(message).next.load(std::memory_order_relaxed);
  }
  last_.store(last, std::memory_order_relaxed);
  size_.store(count, std::memory_order_seq_cst);
}
template <>
void QueueOf<Unsure>::recover(Line&) noexcept {
  unfinished.settle_add(true);
  appending_.store(0, std::memory_order_release);
}
template <>
void QueueOf<Unlinked>::begin_to_append(Offset message) noexcept {
  appended_owner_.store(Heap::block_of(message).owner.load(std::memory_order_relaxed),
                        std::memory_order_relaxed);
  appending_.store(message, std::memory_order_release);
  head_of(message).link = 0;
  Heap::share(message);
}
template <>
void QueueOf<Hasty>::Senders::recover(Line& line) noexcept {
  queue().receivers.gate_.with(queue().receivers, [](Line&) {});
  if (!queue().accepting_.exchange(false, std::memory_order_acq_rel) || line.empty()) return;
  auto& first = static_cast<Waiter&>(line.front());
  if (!first.still_has_message() && !first.follow()) line.finish_front();
}
}  // namespace cohort::ipc::detail

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::ipc::detail::BasicMessageHead;
using cohort::ipc::detail::BasicQueueObject;
using cohort::ipc::detail::BasicSharedGate;
using cohort::ipc::detail::Kind;
using cohort::ipc::detail::Member;
using cohort::ipc::detail::Offset;

// A queue; a channel if somebody lets go of an end. p puts the next message, m the next two at once, g gets one, d all until the end; x and y let go of the end for
// sending and of that for receiving.
template <class W>
struct Channel {
  using Queue = BasicQueueObject<BasicSharedGate<W>>;
  using Result = typename Queue::Result;
  using Head = BasicMessageHead<W>;
  using Waiter = typename Queue::Waiter;
  static constexpr std::size_t most = 3;  // that each puts

  struct Process {
    Process(Queue& queue, ThreadId self)
        : sends(queue.senders, self), receives(queue.receivers, self) {}
    SharedWaits<typename Queue::Senders> sends;
    SharedWaits<typename Queue::Receivers> receives;
    std::size_t made = 0;
  };
  struct Fate {
    bool accepted = false;
    int got = 0;
  };

  Channel(Family& family, const Programs& programs, std::uint64_t capacity, bool redelivers)
      : queue(capacity, redelivers) {
    bool has_ends = false;
    for (const auto program : programs) {
      has_ends |= program.find_first_of("xXyY") != program.npos;
    }
    for (std::size_t i = 0; i < programs.size(); ++i) {
      const auto self = static_cast<ThreadId>(i + 1);
      auto& process = processes.emplace_back(std::make_unique<Process>(queue, self));
      family.add_waiter(process->sends.waiter());
      family.add_waiter<Waiter>(process->receives.waiter(), [this](Waiter& w) { queue.revoke(w); });
      if (!has_ends) continue;
      const auto member = model::member(self);
      if (programs[i].find_first_of("pPmM") != programs[i].npos) queue.ends[0].add(member);
      if (programs[i].find_first_of("gGdD") != programs[i].npos) queue.ends[1].add(member);
    }
    for (std::size_t i = 0; i < programs.size() * most; ++i) {
      auto& head = messages.emplace_back(std::make_unique<Head>());
      head->queue = W::offset_of(&queue);
      family.add_message(W::offset_of(head.get()));
    }
    family.add_object([this](Member dead) { queue.bury(dead); });
  }

  void act(char c, ThreadId self) {
    c = static_cast<char>(c | 0x20);
    if (c == 'p') put(self, 1);
    if (c == 'm') put(self, 2);
    if (c == 'g') get(self);
    while (c == 'd' && get(self)) continue;
    if (c == 'x' || c == 'y') queue.drop_end(c == 'y', model::member(self));
  }
  // As SendShared and SendSeveral.
  void put(ThreadId self, std::size_t count) {
    Process& me = *processes[self - 1U];
    std::vector<Offset> mine;
    for (; count > 0; --count) {
      mine.push_back(W::offset_of(messages[(self - 1U) * most + me.made++].get()));
      Family::get().allocate(mine.back(), Kind::message);
    }
    std::size_t sent = 0;
    auto result = Result::done;
    while (sent != mine.size() && (result = queue.try_push(mine[sent])) == Result::done) ++sent;
    if (result == Result::blocked) {
      for (std::size_t i = sent; i + 1 < mine.size(); ++i) {
        W::template at<Head>(mine[i]).link = mine[i + 1];
      }
      me.sends.waiter().role = Waiter::sends;
      me.sends.waiter().offer(mine[sent]);
      me.sends.wait(false, [&](Waiter& waiter) {
        while (sent != mine.size() && (!waiter.ended || mine[sent] != waiter.message)) ++sent;
      });
    }
    require(sent == mine.size() || queue.closed(), "it waits for ever");
    for (std::size_t i = 0; i < sent; ++i) fates[mine[i]].accepted = true;
    for (std::size_t i = sent; i < mine.size(); ++i) W::Heap::free(mine[i]);
  }
  // As ReceiveShared.
  bool get(ThreadId self) {
    Process& me = *processes[self - 1U];
    Offset message = 0;
    const auto result = queue.try_pop(message);
    if (result == Result::blocked) {
      me.receives.waiter().role = Waiter::receives;
      me.receives.waiter().message = 0;
      me.receives.wait(false, [&](Waiter& waiter) { message = std::exchange(waiter.message, 0); });
    }
    if (message == 0) {
      require(queue.closed(), "it has waited for something");
      return false;
    }
    ++fates[message].got;
    W::Heap::free(message);
    return true;
  }

  void check(const Programs& programs) {
    // What a dead one had taken may come back when the others have seen the end.
    for (Offset message = 0; queue.try_pop(message) == Result::done;) {
      ++fates[message].got;
      W::Heap::free(message);
    }
    std::size_t dead = 0;  // those who may have taken something with them
    for (std::size_t i = 0; i < programs.size(); ++i) {
      const bool gets = programs[i].find_first_of("gGdD") != programs[i].npos;
      dead += gets && model::was_killed(static_cast<ThreadId>(i + 1));
    }
    std::size_t lost = 0;
    std::size_t twice = 0;
    for (const auto& [message, fate] : fates) {
      lost += fate.accepted && fate.got == 0;
      twice += fate.got > 1;
    }
    require(lost <= (queue.redelivers() ? 0 : dead), "what was put is got by somebody");
    require(twice <= (queue.redelivers() ? dead : 0), "nothing is got twice");
    require(queue.size() == 0, "nothing is left");
  }

  Queue queue;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::unique_ptr<Head>> messages;
  std::map<Offset, Fate> fates;
};

// `capacity`, and `before`: so many are in it already, which the first process has put.
struct Setting {
  std::uint64_t capacity = 100;
  std::uint64_t before = 0;
  bool redelivers = false;
};

template <class W = World>
Outcome pass_on(const Setting& setting, const Programs& programs, const Options& options) {
  return model::explore(options, [&](Execution& ex) {
    auto& family = ex.make<Family>();
    auto& channel = ex.make<Channel<W>>(family, programs, setting.capacity, setting.redelivers);
    for (auto n = setting.before; n > 0; --n) channel.put(1, 1);
    people(ex, channel, family, programs);
    ex.finally([&] {
      channel.check(programs);
      family.check();
    });
  });
}

const Options one_death{
    .preemptions = 1, .surprises = 0, .deaths = 1, .random = 300, .steps = 4'000};

const Options two_deaths{
    .preemptions = 0, .surprises = 0, .deaths = 2, .random = 300, .steps = 4'000};
const Options at_random{.deaths = 2, .executions = 0, .random = 700, .depth = 4, .steps = 4'000};

TEST(DeathInTheModel, OfAReceiverOfAQueueThatHasRoom) {
  expect_exhausted(pass_on({}, {"p", "G", "*"}, one_death));
  expect_exhausted(pass_on({.before = 2}, {"G", "%", "*"}, two_deaths));
}

TEST(DeathInTheModel, OfAReceiverOfAQueueThatDeliversAgain) {
  expect_exhausted(pass_on({.redelivers = true}, {"p", "G", "*"}, one_death));
}

TEST(DeathInTheModel, OfASenderToAFullQueue) {
  expect_exhausted(pass_on({.capacity = 1, .before = 1}, {"P", "g", "*"}, one_death));
  expect_exhausted(pass_on({.capacity = 1}, {"PX", "*d"}, one_death));
}

TEST(DeathInTheModel, OfWhoLetsABatchIntoAQueue) {
  expect_exhausted(pass_on({.capacity = 1, .before = 1}, {"m", "G", "*gg"}, one_death));
}

TEST(DeathInTheModel, OfTwoAtAQueueOrAChannel) {
  for (const bool redelivers : {false, true}) {
    for (const auto memory : {Memory::tso, Memory::weak}) {
      for (const std::uint64_t capacity : {0U, 1U, 100U}) {
        Options options = at_random;
        options.memory = memory;
        const Setting setting{.capacity = capacity, .redelivers = redelivers};
        expect_passed(pass_on(setting, {"mx", "d", "G", "*"}, options));
        expect_passed(pass_on(setting, {"ppx", "G", "d", "%", "*"}, options));
        expect_passed(pass_on(setting, {"PPX", "MX", "d", "%", "*"}, options));
      }
    }
  }
}

TEST(DeathInTheModel, IsSeenToBreakAFaultyQueue) {
  EXPECT_TRUE(pass_on<Forgetful>({}, {"p", "G", "*"}, one_death).failed);
  EXPECT_TRUE(pass_on<Unsure>({}, {"PPX", "*d"}, one_death).failed);
  EXPECT_TRUE(pass_on<Unlinked>({.capacity = 1, .before = 1}, {"m", "G", "*gg"}, one_death).failed);
  Options far = at_random;
  far.random = 20'000;
  EXPECT_TRUE(pass_on<Hasty>({.capacity = 0}, {"ppx", "G", "d", "%", "*"}, far).failed);
}

}  // namespace
